"""Reads of accounts."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import or_, select

from app.domains.customers.canonical import Account, Kind
from app.domains.customers.models import AccountRow, DuplicateRow
from app.infra.uow import UnitOfWork


def account(uow: UnitOfWork, account_id: str) -> Account | None:
    """One account, or None."""
    row = uow.session.get(AccountRow, account_id)
    if row is None:
        return None
    return Account(
        account_id=row.id, kind=Kind(row.kind), name=row.name, company=row.company, email=row.email, phone=row.phone,
        country=row.country, tax_ids=tuple(row.tax_ids), guest=row.guest, withheld=row.withheld,
    )  # fmt: skip


def possible_duplicates(uow: UnitOfWork, account_id: str) -> list[str]:
    """The accounts that may be this one and were not decided on yet."""
    either = or_(DuplicateRow.account_id == account_id, DuplicateRow.other_id == account_id)
    rows = uow.session.scalars(select(DuplicateRow).where(either, DuplicateRow.state == "open"))
    return sorted(row.other_id if row.account_id == account_id else row.account_id for row in rows)


def ids_by_identity(uow: UnitOfWork, identities: Collection[str]) -> dict[str, str]:
    """Identity → account id, of those that exist; of a merged one, the account that it is now."""
    rows = uow.sql(
        "SELECT identity, coalesce(merged_into, id)::text FROM customers.account WHERE identity = ANY(%(identities)s)",
        {"identities": list(identities)},
    )
    return dict(rows.fetchall())


BOUND = """
SELECT b.connection, b.external_id, coalesce(a.merged_into::text, b.key)
  FROM unnest(%(connections)s::text[], %(externals)s::text[]) w(connection, external_id)
  JOIN hub.binding b ON b.connection = w.connection AND b.kind = %(kind)s AND b.external_id = w.external_id
  LEFT JOIN customers.account a ON a.id = b.key::uuid
"""
BY_TAX_ID = """
SELECT w.number, min(coalesce(a.merged_into, a.id)::text)
  FROM unnest(%(numbers)s::text[]) w(number) JOIN customers.tax_id t ON t.number = w.number AND t.verdict = 'checked'
  JOIN customers.account a ON a.id = t.account_id AND a.kind = 'company' AND a.erased_at IS NULL
 GROUP BY w.number HAVING count(DISTINCT coalesce(a.merged_into, a.id)) = 1
"""


def bound_customers(uow: UnitOfWork, kind: str, named: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(connection, the channel's customer id) → account id, through merges, of those that are bound."""
    given = {"kind": kind, "connections": [name for name, _ in named], "externals": [key for _, key in named]}
    return {(connection, key): found for connection, key, found in uow.sql(BOUND, given)}


def companies_by_tax_id(uow: UnitOfWork, numbers: Collection[str]) -> dict[str, str]:
    """Tax id → account id, where its digits were checked and exactly one company has it."""
    return dict(uow.sql(BY_TAX_ID, {"numbers": list(numbers)}).fetchall()) if numbers else {}
