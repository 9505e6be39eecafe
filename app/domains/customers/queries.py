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
    """Identity → account id, of those that exist."""
    rows = uow.sql(
        "SELECT identity, id::text FROM customers.account WHERE identity = ANY(%(identities)s)",
        {"identities": list(identities)},
    )
    return dict(rows.fetchall())
