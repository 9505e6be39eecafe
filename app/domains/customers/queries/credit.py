"""Reads of credit: on whose account an order is, and how much they may owe and owe."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.infra.uow import UnitOfWork
from app.kernel.money import Money

# The company whose place an order is for, else the account itself, else the one company that the person acts for.
DEBTORS = """
SELECT w.n, c.id::text
  FROM unnest(%(accounts)s::uuid[], %(connections)s::text[], %(places)s::text[]) WITH ORDINALITY
       w(account_id, connection, place, n)
 CROSS JOIN LATERAL (
    SELECT id, rank FROM (
        SELECT l.account_id AS id, 1 AS rank FROM customers.location l
         WHERE w.place <> '' AND l.connection = w.connection AND l.external_id = w.place AND l.external_id <> ''
         UNION ALL SELECT w.account_id, 2
         UNION ALL SELECT min(m.account_id::text)::uuid, 3 FROM customers.member m
                     JOIN customers.credit_terms x ON x.account_id = m.account_id
                    WHERE m.person_id = w.account_id HAVING count(*) = 1) possible
     WHERE id IN (SELECT account_id FROM customers.credit_terms x WHERE x.account_id = id)
     ORDER BY rank LIMIT 1) c
"""
CREDIT = """
SELECT t.account_id::text, coalesce(nullif(a.company, ''), a.name), t.currency, t.limit_minor, t.balance_minor,
       t.balance_at, t.blocked, t.source
  FROM customers.credit_terms t JOIN customers.account a ON a.id = t.account_id
 WHERE t.account_id = ANY(%(ids)s::uuid[]) ORDER BY t.account_id
"""
LOCKED = f"{CREDIT} FOR UPDATE OF t"
HOUSEHOLD = """
SELECT t.id::text, f.id::text FROM unnest(%(ids)s::uuid[]) t(id) CROSS JOIN LATERAL (
    SELECT t.id UNION SELECT a.id FROM customers.account a WHERE a.merged_into = t.id
     UNION SELECT person_id FROM customers.member m WHERE m.account_id = t.id) f
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Debtor:
    """Whoever owes for an order. `limit` and `balance` are None where nobody told any."""

    account_id: str
    name: str
    currency: str
    limit: Money | None
    balance: Money | None
    balance_at: datetime | None
    blocked: bool
    source: str


def debtors(uow: UnitOfWork, buyers: Sequence[tuple[str, str, str]]) -> list[str]:
    """For each (account, connection, the channel's id of a company's place) whose account it is on, '' for nobody's.

    Nobody of whom no terms are known is a debtor: of a shop without them this is one look that finds nothing.
    """
    found = [""] * len(buyers)
    given = {name: [buyer[n] for buyer in buyers] for n, name in enumerate(("accounts", "connections", "places"))}
    for n, account_id in uow.sql(DEBTORS, given):
        found[n - 1] = account_id
    return found


def lock_credit(uow: UnitOfWork, account_ids: Collection[str]) -> dict[str, Debtor]:
    """The credit of these, locked, so that two orders do not take the same room."""
    return credit_of(uow, account_ids, LOCKED)


def credit_of(uow: UnitOfWork, account_ids: Collection[str], statement: str = CREDIT) -> dict[str, Debtor]:
    """The credit of those of these that have terms."""
    return {
        row[0]: Debtor(
            account_id=row[0], name=row[1], currency=row[2], limit=_money(row[3], row[2]),
            balance=_money(row[4], row[2]), balance_at=row[5], blocked=row[6], source=row[7],
        )
        for row in uow.sql(statement, {"ids": sorted(account_ids)})
    }  # fmt: skip


def households(uow: UnitOfWork, account_ids: Collection[str]) -> dict[str, set[str]]:
    """By debtor, the accounts whose orders are on it: its own, merged ones, and those of the people who act for it."""
    found: dict[str, set[str]] = {}
    for debtor, one in uow.sql(HOUSEHOLD, {"ids": list(account_ids)}):
        found.setdefault(debtor, set()).add(one)
    return found


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)
