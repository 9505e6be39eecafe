"""Accounts of a person: found, told whole, and stripped of the person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from app.domains.customers.policy import email_of
from app.infra.bindings import by_external
from app.infra.erasing.terms import Terms
from app.infra.uow import UnitOfWork

KIND = "channel_customer"
FOUND = """
WITH RECURSIVE hit AS (
    SELECT id FROM customers.account WHERE id = ANY(%(ids)s::uuid[])
     UNION SELECT id FROM customers.account WHERE email = %(email)s AND email <> ''
     UNION SELECT account_id FROM customers.contact_point
     WHERE %(email)s <> '' AND kind = 'email' AND value = %(email)s AND verified),
one AS (SELECT coalesce(h.merged_into, h.id) AS id FROM hit JOIN customers.account h USING (id)
     UNION SELECT a.id FROM customers.account a JOIN one ON a.merged_into = one.id)
SELECT a.id::text, a.merged_into IS NOT NULL FROM customers.account a JOIN one USING (id)
 WHERE a.erased_at IS NULL ORDER BY a.id
"""
CONNECTIONS = """
SELECT DISTINCT key, connection FROM hub.binding WHERE key = ANY(%(ids)s::text[]) AND kind = %(kind)s
"""
OF_CHANNEL = """
SELECT key FROM hub.binding WHERE connection = %(connection)s AND kind = %(kind)s ORDER BY key LIMIT %(most)s
"""
TOLD = """
SELECT a.id::text, jsonb_build_object(
         'kind', a.kind, 'name', a.name, 'company', a.company, 'email', a.email, 'phone', a.phone,
         'country', a.country, 'tax_ids', a.tax_ids, 'groups', a.groups, 'guest', a.guest,
         'created_at', a.created_at, 'changed_at', a.changed_at,
         'addresses', (SELECT coalesce(jsonb_agg(to_jsonb(x) - 'account_id' - 'fingerprint'), '[]')
                         FROM customers.address x WHERE x.account_id = a.id),
         'contact_points', (SELECT coalesce(jsonb_agg(to_jsonb(x) - 'account_id'), '[]')
                              FROM customers.contact_point x WHERE x.account_id = a.id),
         'consents', (SELECT coalesce(jsonb_agg(to_jsonb(x) - 'account_id' - 'id'), '[]')
                        FROM customers.consent x WHERE x.account_id = a.id),
         'checked_tax_ids', (SELECT coalesce(jsonb_agg(to_jsonb(x) - 'account_id'), '[]')
                               FROM customers.tax_id x WHERE x.account_id = a.id),
         'credit_terms', (SELECT coalesce(jsonb_agg(to_jsonb(x) - 'account_id'), '[]')
                            FROM customers.credit_terms x WHERE x.account_id = a.id),
         'locations', (SELECT coalesce(jsonb_agg(to_jsonb(x) - 'account_id' - 'id'), '[]')
                         FROM customers.location x WHERE x.account_id = a.id),
         'acts_for', (SELECT coalesce(jsonb_agg(jsonb_build_object('company', c.company, 'role', m.role)), '[]')
                        FROM customers.member m JOIN customers.account c ON c.id = m.account_id
                       WHERE m.person_id = a.id),
         'known_as', (SELECT coalesce(jsonb_agg(jsonb_build_object('connection', b.connection, 'kind', b.kind,
                              'external_id', b.external_id, 'number', b.number)), '[]')
                        FROM hub.binding b WHERE b.key = a.id::text))
  FROM customers.account a WHERE a.id = ANY(%(ids)s::uuid[]) ORDER BY a.id
"""
# A company keeps its name and tax ids: it is no person. Its contact does not.
ERASE = """
UPDATE customers.account
   SET identity = 'erased|' || id, name = '', email = '', phone = '', groups = '[]', guest = false, withheld = true,
       tax_ids = CASE kind WHEN 'company' THEN tax_ids ELSE '[]' END, changed_at = now(), erased_at = now()
 WHERE id IN (SELECT id FROM customers.account WHERE id = ANY(%(ids)s::uuid[]) AND erased_at IS NULL
               ORDER BY id FOR UPDATE)
RETURNING id::text
"""
PARTS = {
    "address": "DELETE FROM customers.address WHERE account_id = ANY(%(ids)s::uuid[])",
    "contact_point": "DELETE FROM customers.contact_point WHERE account_id = ANY(%(ids)s::uuid[])",
    "consent": "DELETE FROM customers.consent WHERE account_id = ANY(%(ids)s::uuid[])",
    "tax_id": "DELETE FROM customers.tax_id t USING customers.account a "
    "WHERE a.id = t.account_id AND a.kind = 'person' AND t.account_id = ANY(%(ids)s::uuid[])",
    "credit_terms": "DELETE FROM customers.credit_terms t USING customers.account a "
    "WHERE a.id = t.account_id AND a.kind = 'person' AND t.account_id = ANY(%(ids)s::uuid[])",
    "member": "DELETE FROM customers.member WHERE person_id = ANY(%(ids)s::uuid[])",
    "duplicate": "DELETE FROM customers.duplicate WHERE account_id = ANY(%(ids)s::uuid[]) "
    "OR other_id = ANY(%(ids)s::uuid[])",
    "merge": "UPDATE customers.merge SET filled = '{}' WHERE survivor_id = ANY(%(ids)s::uuid[]) "
    "OR merged_id = ANY(%(ids)s::uuid[])",
    "binding": "DELETE FROM hub.binding WHERE key = ANY(%(ids)s::text[])",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Accounts of a person, and at which channels each is known by an id of the channel's."""

    account_ids: tuple[str, ...]
    channels: Mapping[str, frozenset[str]]


def known_as(
    uow: UnitOfWork, *, connection: str = "", external_id: str = "", email: str = "", account_ids: Collection[str] = ()
) -> Known:
    """A person's accounts: those that are named, a channel's customer, those with the e-mail, and merged ones."""
    bound = by_external(uow, connection, KIND, external_id) if external_id else None
    ids = [*account_ids, *([bound.key] if bound else [])]
    found = [row[0] for row in uow.sql(FOUND, {"ids": ids, "email": email_of(email)})]
    channels: dict[str, set[str]] = {one: set() for one in found}
    for key, name in uow.sql(CONNECTIONS, {"ids": found, "kind": KIND}):
        channels[key].add(name)
    return Known(account_ids=tuple(found), channels={key: frozenset(names) for key, names in channels.items()})


def only_at(uow: UnitOfWork, connection: str, most: int) -> list[str]:
    """Some of the accounts that a channel's customers are bound to."""
    rows = uow.sql(OF_CHANNEL, {"connection": connection, "kind": KIND, "most": most})
    return [row[0] for row in rows]


def terms_of(uow: UnitOfWork, account_ids: Collection[str]) -> Terms:
    """What the person of these accounts is recognised by."""
    found: dict[str, set[str]] = {kind: set() for kind in ("emails", "phones", "names", "lines")}
    for _, told in told_of(uow, account_ids):
        found["emails"].add(told["email"])
        found["phones"].add(told["phone"])
        found["names"].add(told["name"])
        for address in told["addresses"]:
            found["names"].add(address["name"])
            found["phones"].add(address["phone"])
            found["lines"] |= {address["line1"], address["line2"]}
        for point in told["contact_points"]:
            found[f"{point['kind']}s"].add(point["value"])
    return Terms.of(**found)


def told_of(uow: UnitOfWork, account_ids: Collection[str]) -> list[tuple[str, Mapping[str, Any]]]:
    """All that is held of accounts, as JSON values, each with its id."""
    return [(row[0], row[1]) for row in uow.sql(TOLD, {"ids": list(account_ids)})]


def erase_accounts(uow: UnitOfWork, account_ids: Collection[str]) -> dict[str, int]:
    """Take the person out of accounts; returns how many rows of each kind went. The ids stay, for the orders' sums."""
    erased = [row[0] for row in uow.sql(ERASE, {"ids": list(account_ids)})]
    counts = {name: uow.sql(statement, {"ids": erased}).rowcount for name, statement in PARTS.items()} if erased else {}
    return {"account": len(erased), **counts}


def forget_customers(uow: UnitOfWork, connection: str, account_ids: Collection[str]) -> int:
    """Forget which customers of a channel these accounts are; how many were known. The accounts stay."""
    return uow.sql(
        "DELETE FROM hub.binding WHERE connection = %(c)s AND kind = %(k)s AND key = ANY(%(ids)s::text[])",
        {"c": connection, "k": KIND, "ids": list(account_ids)},
    ).rowcount
