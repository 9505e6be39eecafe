"""Price lists and their prices as they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domains.pricing.canonical.prices import Price, PriceList, Scope
from app.infra.uow import UnitOfWork
from app.kernel.errors import NotFound
from app.kernel.money import UnitPrice

COLUMNS = (
    "l.code, l.title, l.currency, l.company, l.channel, l.customer_group, l.customer, l.includes_tax, l.zone, l.open"
)
MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptList:
    """A price list with its id and when it last changed."""

    list_id: str
    list: PriceList
    changed_at: datetime
    changed_by: str


def price_list(uow: UnitOfWork, code: str, *, lock: bool = False) -> KeptList:
    """One price list. Raises NotFound(`pricing.unknown_list`)."""
    ending = " FOR UPDATE" if lock else ""
    row = uow.sql(
        f"SELECT {COLUMNS}, l.id::text, l.changed_at, l.changed_by FROM pricing.price_list l "
        f"WHERE l.code = %(code)s{ending}",
        {"code": code},
    ).fetchone()
    if row is None:
        raise NotFound("pricing.unknown_list", f"there is no price list {code!r}", about=f"price list {code}")
    return _kept(row)


def price_lists(uow: UnitOfWork, *, after: str = "", most: int = MOST) -> list[KeptList]:
    """Price lists by their code, those that are closed too."""
    rows = uow.sql(
        f"SELECT {COLUMNS}, l.id::text, l.changed_at, l.changed_by FROM pricing.price_list l "
        "WHERE l.code > %(after)s ORDER BY l.code LIMIT %(most)s",
        {"after": after, "most": most},
    )
    return [_kept(row) for row in rows]


def prices(uow: UnitOfWork, kept: KeptList, *, sku: str = "", after: str = "", most: int = MOST) -> list[Price]:
    """The prices of a list by SKU, unit, break and beginning: of one SKU, or of so many SKUs after one."""
    rows = uow.sql(
        """SELECT p.sku, p.unit, p.min_quantity, p.from_at, p.until_at, p.amount FROM pricing.price p
            WHERE p.list_id = %(list)s::uuid AND p.sku IN (
                  SELECT DISTINCT q.sku FROM pricing.price q
                   WHERE q.list_id = %(list)s::uuid AND q.sku > %(after)s AND (%(sku)s = '' OR q.sku = %(sku)s)
                   ORDER BY q.sku LIMIT %(most)s)
            ORDER BY p.sku, p.unit, p.min_quantity, p.from_at""",
        {"list": kept.list_id, "sku": sku, "after": after, "most": most},
    )
    return [
        Price(
            sku=row[0], unit=row[1], min_quantity=row[2], from_at=row[3], until_at=row[4],
            amount=UnitPrice(row[5], kept.list.currency),
        )
        for row in rows
    ]  # fmt: skip


def _kept(row: Sequence[Any]) -> KeptList:
    code, title, currency, company, channel, group, customer, includes_tax, zone, is_open, list_id, at, by = row
    scope = Scope(company=company, channel=channel, customer_group=group, customer=customer)
    found = PriceList(
        code=code, title=title, currency=currency, scope=scope, includes_tax=includes_tax, zone=zone, open=is_open
    )
    return KeptList(list_id=list_id, list=found, changed_at=at, changed_by=by)
