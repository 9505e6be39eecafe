"""Customers of a source taken in: matched, bound by their number there, and changed where the source owns the part.

Two accounts are never merged, and what a source does not tell stays. Credit is taken at every reading, since a balance
moves without its customer; who somebody is only where the source changed it since it was last taken. Of an account
with several numbers there, the credit of the one counts that its orders are posted to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.domains.customers import queries
from app.domains.customers.canonical import Buyer, CustomerDraft, Kind, Purpose
from app.domains.customers.events import AccountChanged
from app.domains.customers.policy import email_of, phone_of, words_of
from app.domains.customers.service.matching import match_many
from app.domains.customers.service.records import ENTITY, Part
from app.infra.bindings import keys_of
from app.infra.foreign import Foreign, note_foreign
from app.infra.ownership import foreign_groups
from app.infra.uow import UnitOfWork

KIND = "customer"  # the kind of binding: account id ↔ the ERP's customer, as posting an order binds it
SIGHT = """
INSERT INTO customers.sighting AS s (connection, external_id, seen_at)
SELECT DISTINCT %(connection)s, external_id, %(now)s FROM unnest(%(ids)s::text[]) g(external_id) ORDER BY 2
ON CONFLICT (connection, external_id) DO UPDATE SET seen_at = excluded.seen_at WHERE s.seen_at < excluded.seen_at
"""
# A customer that was deleted there and made anew under its number is the same one where its name or e-mail is.
FOLLOW_NUMBERS = """
UPDATE hub.binding b SET external_id = g.external_id, source_version = NULL
  FROM unnest(%(ids)s::text[], %(numbers)s::text[], %(names)s::text[], %(emails)s::text[])
       g(external_id, number, name, email), customers.account a
 WHERE b.connection = %(connection)s AND b.kind = %(kind)s AND b.number = g.number AND b.external_id <> g.external_id
   AND a.id = b.key::uuid AND a.erased_at IS NULL
   AND (lower(g.name) IN (lower(a.name), lower(a.company)) OR g.email <> '' AND g.email = a.email)
   AND NOT EXISTS (SELECT FROM hub.binding o WHERE (o.connection, o.kind, o.external_id)
                                                 = (b.connection, b.kind, g.external_id))
"""
GIVEN = """
WITH given AS (
    SELECT * FROM unnest(%(accounts)s::uuid[], %(externals)s::text[], %(numbers)s::text[], %(versions)s::timestamptz[],
                         %(names)s::text[], %(companies)s::text[], %(emails)s::text[], %(phones)s::text[],
                         %(countries)s::text[])
           g(id, external_id, number, version, name, company, email, phone, country)),
newer AS (
    SELECT g.* FROM given g JOIN hub.binding b ON b.connection = %(connection)s AND b.kind = %(kind)s
       AND b.external_id = g.external_id AND (b.source_version IS NULL OR b.source_version < g.version)),
told AS (
    SELECT a.id FROM customers.account a JOIN newer g USING (id)
     WHERE a.erased_at IS NULL AND (a.name, a.company, a.email, a.phone, a.country) IS DISTINCT FROM (
           coalesce(nullif(g.name, ''), a.name), coalesce(nullif(g.company, ''), a.company),
           coalesce(nullif(g.email, ''), a.email), coalesce(nullif(g.phone, ''), a.phone),
           coalesce(nullif(g.country, ''), a.country)))
"""
DIFFERING = f"{GIVEN} SELECT id::text FROM told ORDER BY id"
CHANGE = f"""{GIVEN},
ours AS (SELECT id FROM customers.account WHERE id IN (SELECT id FROM told) ORDER BY id FOR NO KEY UPDATE)
UPDATE customers.account a
   SET name = coalesce(nullif(g.name, ''), a.name), company = coalesce(nullif(g.company, ''), a.company),
       email = coalesce(nullif(g.email, ''), a.email), phone = coalesce(nullif(g.phone, ''), a.phone),
       country = coalesce(nullif(g.country, ''), a.country), changed_at = now()
  FROM newer g WHERE a.id = g.id AND a.id IN (SELECT id FROM ours) RETURNING a.id::text
"""
SEEN = f"""{GIVEN}
UPDATE hub.binding b SET source_version = g.version, number = g.number
  FROM newer g WHERE b.connection = %(connection)s AND b.kind = %(kind)s AND b.external_id = g.external_id
"""
# Nothing is kept of a customer of whom nothing is said; what was said and is not any more is kept as that.
KEEP_CREDIT = """
WITH given AS (
    SELECT DISTINCT ON (id) * FROM unnest(
        %(accounts)s::uuid[], %(currencies)s::text[], %(limits)s::bigint[], %(balances)s::bigint[], %(days)s::int[],
        %(terms)s::text[], %(blocked)s::boolean[]) g(id, currency, limit_minor, balance, days, terms, blocked)
     ORDER BY id),
wanted AS (
    SELECT g.* FROM given g JOIN customers.account a ON a.id = g.id AND a.erased_at IS NULL
      LEFT JOIN customers.credit_terms t ON t.account_id = g.id
     WHERE t.account_id IS NOT NULL OR g.limit_minor IS NOT NULL OR g.blocked OR g.days > 0 OR g.terms <> ''),
kept AS (
    INSERT INTO customers.credit_terms AS t
           (account_id, currency, limit_minor, balance_minor, balance_at, days, terms_code, blocked, source)
    SELECT id, currency, limit_minor, balance, %(now)s, days, terms, blocked, %(source)s FROM wanted ORDER BY id
    ON CONFLICT (account_id) DO UPDATE
       SET currency = excluded.currency, limit_minor = excluded.limit_minor, balance_minor = excluded.balance_minor,
           balance_at = excluded.balance_at, days = excluded.days, terms_code = excluded.terms_code,
           blocked = excluded.blocked, source = excluded.source, changed_at = now()
     WHERE (t.currency, t.limit_minor, t.balance_minor, t.days, t.terms_code, t.blocked, t.source)
           IS DISTINCT FROM (excluded.currency, excluded.limit_minor, excluded.balance_minor, excluded.days,
                             excluded.terms_code, excluded.blocked, excluded.source)
    RETURNING account_id),
read AS (
    UPDATE customers.credit_terms t SET balance_at = %(now)s FROM wanted g
     WHERE t.account_id = g.id AND t.source = %(source)s AND t.account_id NOT IN (SELECT account_id FROM kept)
       AND t.balance_at < %(now)s - interval '1 minute')
SELECT account_id::text FROM kept ORDER BY 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What became of a page: how many accounts have a number there now, changed, or were refused in part."""

    bound: int
    changed: int
    foreign: int


def take_in(uow: UnitOfWork, source: str, company: str, drafts: Sequence[CustomerDraft]) -> TakenIn:
    """Take a page of a source's customers in; an account that was erased stays without its person."""
    if not drafts:
        return TakenIn(bound=0, changed=0, foreign=0)
    buyers = [buyer_of(source, draft) for draft in drafts]
    sight(uow, source, [draft.external_id for draft in drafts])
    uow.sql(FOLLOW_NUMBERS, {"connection": source, "kind": KIND, "ids": [one.external_id for one in drafts],
                             "numbers": [one.number for one in drafts], "names": [words_of(one.name) for one in drafts],
                             "emails": [email_of(one.email) for one in drafts]})  # fmt: skip
    known = queries.bound_customers(uow, KIND, {(source, draft.external_id) for draft in drafts})
    accounts = match_many(uow, buyers, kind=KIND)
    rows = list(zip(drafts, accounts, strict=True))
    keys = keys_of(uow, KIND, [(source, draft.external_id) for draft in drafts])
    own = [(draft, one) for draft, one in rows if keys.get((source, draft.external_id)) == one]
    foreign = foreign_groups(uow, company, ENTITY, (Part.CONTACT.value, Part.TERMS.value), source)
    given = _columns(source, rows)
    told = {one for (one,) in uow.sql(DIFFERING if Part.CONTACT in foreign else CHANGE, given)}
    changed: dict[str, set[str]] = {one: {Part.CONTACT.value} for one in told if Part.CONTACT not in foreign}
    refused = [Foreign(company=company, entity=ENTITY, group=Part.CONTACT.value, key=one, source=source,
                       owner=foreign[Part.CONTACT.value], told={})
               for one in sorted(told) if Part.CONTACT in foreign]  # fmt: skip
    uow.sql(SEEN, given)
    if Part.TERMS not in foreign:
        for one in keep_credit(uow, source, own):
            changed.setdefault(one, set()).add(Part.TERMS.value)
    note_foreign(uow, refused)
    for one, parts in sorted(changed.items()):
        uow.publish(AccountChanged(account_id=one, source=source, changed=tuple(sorted(parts))))
    made = {one for draft, one in rows if (source, draft.external_id) not in known}
    return TakenIn(bound=len(made), changed=len(changed.keys() - made), foreign=len(refused))


def keep_credit(uow: UnitOfWork, source: str, rows: Sequence[tuple[CustomerDraft, str]]) -> list[str]:
    """Keep what a source says of these accounts' credit; the ids of those of whom it says something else than before.

    When the balance was read is kept even where it is the same.
    """
    told = [draft.credit for draft, _ in rows]
    given = {
        "source": source, "now": uow.hub.clock.now(), "accounts": [one for _, one in rows],
        "currencies": [one.currency for one in told],
        "limits": [one.limit.minor if one.limit is not None else None for one in told],
        "balances": [one.balance.minor if one.balance is not None else None for one in told],
        "days": [one.days for one in told], "terms": [one.terms for one in told],
        "blocked": [one.blocked for one in told],
    }  # fmt: skip
    return [one for (one,) in uow.sql(KEEP_CREDIT, given)]


def sight(uow: UnitOfWork, connection: str, external_ids: Collection[str]) -> None:
    """Mark customers as shown by a source now."""
    if external_ids:
        uow.sql(SIGHT, {"connection": connection, "ids": list(external_ids), "now": uow.hub.clock.now()})


def buyer_of(source: str, draft: CustomerDraft) -> Buyer:
    """A source's customer as the rules of matching see it."""
    company = draft.kind is Kind.COMPANY
    return Buyer(
        connection=source, order_key="", external_id=draft.external_id, number=draft.number, email=draft.email,
        phone=draft.phone, name="" if company else draft.name, company=draft.name if company else "",
        country=draft.country, tax_ids=(draft.tax_id,) if draft.tax_id else (),
        addresses=((Purpose.BILLING, draft.address),) if draft.address else (),
    )  # fmt: skip


def _columns(source: str, rows: Sequence[tuple[CustomerDraft, str]]) -> Mapping[str, object]:
    buyers = [buyer_of(source, draft) for draft, _ in rows]
    return {
        "connection": source, "kind": KIND, "accounts": [one for _, one in rows],
        "externals": [draft.external_id for draft, _ in rows], "numbers": [draft.number for draft, _ in rows],
        "versions": [draft.version for draft, _ in rows], "names": [words_of(one.name) for one in buyers],
        "companies": [words_of(one.company) for one in buyers], "emails": [email_of(one.email) for one in buyers],
        "phones": [phone_of(one.phone, one.country) for one in buyers],
        "countries": [one.country.strip().upper() for one in buyers],
    }  # fmt: skip
