"""Accounts as people and programs see them: lists, one whole, pairs that may be one, what a merge would do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domains.customers.policy import email_of, phone_of, tax_id_of
from app.infra.uow import UnitOfWork
from app.kernel.errors import NotFound

FIRST = "ffffffff-ffff-ffff-ffff-ffffffffffff"
COLUMNS = """
a.id::text, a.kind, a.name, a.company, a.email, a.phone, a.country, a.guest, a.withheld, a.tax_ids, a.groups,
coalesce(a.merged_into::text, ''), a.erased_at, a.created_at, a.changed_at
"""
LISTED = f"""
SELECT {COLUMNS} FROM customers.account a
 WHERE a.id < coalesce(nullif(%(before)s, ''), '{FIRST}')::uuid AND a.merged_into IS NULL
   AND (%(kind)s = '' OR a.kind = %(kind)s) AND (%(group)s = '' OR a.groups ? %(group)s)
 ORDER BY a.id DESC LIMIT %(most)s
"""
# Every way in which somebody names a customer, each by an index.
FOUND = f"""
WITH hit(id) AS (
    SELECT id FROM customers.account WHERE email <> '' AND email = %(email)s
     UNION SELECT id FROM customers.account WHERE phone <> '' AND phone = ANY(%(phones)s::text[])
     UNION SELECT account_id FROM customers.contact_point WHERE value = ANY(%(points)s::text[])
     UNION SELECT account_id FROM customers.tax_id WHERE number = %(tax_id)s
     UNION SELECT id FROM customers.account WHERE id::text = %(text)s
     UNION SELECT b.key::uuid FROM hub.binding b WHERE (b.number = %(text)s OR b.external_id = %(text)s)
       AND b.kind IN ('channel_customer', 'customer') AND b.key ~ '^[0-9a-f]{{8}}-[0-9a-f-]{{27}}$')
SELECT {COLUMNS} FROM customers.account a
 WHERE a.id IN (SELECT coalesce(h.merged_into, h.id) FROM hit JOIN customers.account h USING (id))
 ORDER BY a.id DESC LIMIT %(most)s
"""
ONE = f"SELECT {COLUMNS} FROM customers.account a WHERE a.id = %(id)s::uuid"
FAMILY = "SELECT id::text FROM customers.account WHERE id = %(id)s::uuid OR merged_into = %(id)s::uuid ORDER BY id"
PARTS: Mapping[str, str] = {
    "addresses": "SELECT to_jsonb(x) - 'account_id' - 'fingerprint' FROM customers.address x "
    "WHERE account_id = ANY(%(ids)s::uuid[]) ORDER BY last_at DESC LIMIT 50",
    "contact_points": "SELECT to_jsonb(x) - 'account_id' FROM customers.contact_point x "
    "WHERE account_id = ANY(%(ids)s::uuid[]) ORDER BY kind, value LIMIT 50",
    "tax_ids": "SELECT to_jsonb(x) - 'account_id' FROM customers.tax_id x "
    "WHERE account_id = ANY(%(ids)s::uuid[]) ORDER BY number LIMIT 50",
    "consents": "SELECT DISTINCT ON (purpose) to_jsonb(x) - 'account_id' - 'id' FROM customers.consent x "
    "WHERE account_id = ANY(%(ids)s::uuid[]) ORDER BY purpose, given_at DESC, recorded_at DESC",
    "locations": "SELECT to_jsonb(x) - 'account_id' FROM customers.location x "
    "WHERE account_id = ANY(%(ids)s::uuid[]) ORDER BY name LIMIT 200",
    "members": "SELECT jsonb_build_object('account_id', m.person_id, 'name', p.name, 'email', p.email, 'role', m.role, "
    "'location_id', m.location_id) FROM customers.member m JOIN customers.account p ON p.id = m.person_id "
    "WHERE m.account_id = ANY(%(ids)s::uuid[]) ORDER BY m.person_id LIMIT 200",
    "acts_for": "SELECT jsonb_build_object('account_id', m.account_id, 'company', c.company, 'role', m.role) "
    "FROM customers.member m JOIN customers.account c ON c.id = m.account_id "
    "WHERE m.person_id = ANY(%(ids)s::uuid[]) ORDER BY m.account_id LIMIT 50",
    "known_as": "SELECT jsonb_build_object('connection', connection, 'kind', kind, 'external_id', external_id, "
    "'number', number) FROM hub.binding WHERE key = ANY(%(ids)s::text[]) ORDER BY connection, kind LIMIT 100",
    "credit_terms": "SELECT to_jsonb(x) - 'account_id' FROM customers.credit_terms x WHERE account_id = %(id)s::uuid",
    "merges": "SELECT jsonb_build_object('merge_id', id, 'merged_id', merged_id, 'at', at, 'who', who, 'why', why, "
    "'orders', jsonb_array_length(orders), 'undone_at', undone_at) FROM customers.merge "
    "WHERE survivor_id = %(id)s::uuid ORDER BY at DESC LIMIT 50",
}
PAIRS = """
SELECT d.account_id::text, d.other_id::text, d.score, d.signs, d.state, d.found_at, d.decided_by
  FROM customers.duplicate d
 WHERE d.state = %(state)s AND (%(id)s = '' OR %(id)s IN (d.account_id::text, d.other_id::text))
 ORDER BY d.score DESC, d.found_at, d.account_id, d.other_id LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """An account in one row."""

    account_id: str
    kind: str
    name: str
    company: str
    email: str
    phone: str
    country: str
    guest: bool
    withheld: bool
    tax_ids: tuple[str, ...]
    groups: tuple[str, ...]
    merged_into: str
    erased_at: datetime | None
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """An account with everything around it, its own and that of accounts which were merged into it."""

    brief: Brief
    family: tuple[str, ...]
    parts: Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two accounts that may be one, with what speaks for it."""

    one: Brief
    other: Brief
    score: int
    signs: tuple[str, ...]
    state: str
    found_at: datetime
    decided_by: str


def listed(
    uow: UnitOfWork, *, kind: str = "", group: str = "", before: str = "", most: int = 50
) -> list[Brief]:  # fmt: skip
    """Accounts, the newest first; `before` is the id of the last one of the page before."""
    return [_brief(row) for row in uow.sql(LISTED, {"kind": kind, "group": group, "before": before, "most": most})]


def found(uow: UnitOfWork, text: str, most: int = 50) -> list[Brief]:
    """The accounts that somebody names by e-mail, phone, tax id, number in any system, or id."""
    text = text.strip()
    phones = [phone_of(text)] if any(sign.isdigit() for sign in text) else []
    given = {
        "email": email_of(text), "phones": phones, "points": [point for point in (email_of(text), *phones) if point],
        "tax_id": tax_id_of(text).number, "text": text, "most": most,
    }  # fmt: skip
    return [_brief(row) for row in uow.sql(FOUND, given)]


def whole(uow: UnitOfWork, account_id: str) -> Whole:
    """One account with everything around it. Raises NotFound (`customers.unknown`)."""
    row = uow.sql(ONE, {"id": account_id}).fetchone()
    if row is None:
        raise NotFound("customers.unknown", f"there is no account {account_id}", about=account_id)
    family = tuple(one for (one,) in uow.sql(FAMILY, {"id": account_id}))
    given = {"id": account_id, "ids": list(family)}
    parts = {name: [part for (part,) in uow.sql(statement, given)] for name, statement in PARTS.items()}
    return Whole(brief=_brief(row), family=family, parts=parts)


def pairs(uow: UnitOfWork, *, account_id: str = "", state: str = "open", most: int = 50) -> list[Pair]:
    """Pairs that may be one customer, the likeliest first."""
    rows = uow.sql(PAIRS, {"id": account_id, "state": state, "most": most}).fetchall()
    names = briefs(uow, {one for row in rows for one in row[:2]})
    return [
        Pair(
            one=names[row[0]], other=names[row[1]], score=row[2], signs=tuple(row[3]), state=row[4], found_at=row[5],
            decided_by=row[6],
        )
        for row in rows
    ]  # fmt: skip


def briefs(uow: UnitOfWork, account_ids: Collection[str]) -> dict[str, Brief]:
    """These accounts by id."""
    statement = f"SELECT {COLUMNS} FROM customers.account a WHERE a.id = ANY(%(ids)s::uuid[])"
    return {row[0]: _brief(row) for row in uow.sql(statement, {"ids": list(account_ids)})}


def _brief(row: Sequence[Any]) -> Brief:
    names = (
        "account_id", "kind", "name", "company", "email", "phone", "country", "guest", "withheld", "tax_ids", "groups",
        "merged_into", "erased_at", "created_at", "changed_at",
    )  # fmt: skip
    given = dict(zip(names, row, strict=True))
    return Brief(**{**given, "tax_ids": tuple(given["tax_ids"]), "groups": tuple(given["groups"])})
