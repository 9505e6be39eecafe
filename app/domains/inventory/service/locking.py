"""One lock for each SKU: whoever changes its stock holds its availability row, taken in the order of SKUs.

So a transaction that takes all its SKUs at once never waits in a circle, whatever locations it touches.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domains.inventory import queries
from app.domains.inventory.canonical import Reports, Reservation, Wanted
from app.infra.locks import ROW_LOCKS
from app.infra.uow import UnitOfWork
from app.kernel.errors import Transient

LEVELS = "inventory.stock_level"
Place = tuple[str, str]  # SKU and location

OPEN_LEVELS = """
INSERT INTO inventory.stock_level (sku, location, source)
SELECT * FROM unnest(%(skus)s::text[], %(locations)s::text[], %(sources)s::text[]) g(sku, location, source)
 ORDER BY sku, location ON CONFLICT DO NOTHING
"""
READ_LEVELS = """
SELECT s.sku, s.location, s.source, s.reports, s.on_hand, s.as_of, s.sequence, s.contained, s.oversold
  FROM unnest(%(skus)s::text[], %(locations)s::text[]) g(sku, location)
  JOIN inventory.stock_level s ON s.sku = g.sku AND s.location = g.location
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What is known of a SKU at a location before a source speaks."""

    source: str
    reports: Reports
    on_hand: Decimal
    as_of: datetime | None
    sequence: int
    contained: Decimal
    oversold: Decimal


def rows_to_lock(lines: Iterable[Wanted]) -> list[tuple[str, str]]:
    """What a batch locks before its first effect: (table, "<SKU>|<location>"), no location where any may serve."""
    return [(LEVELS, f"{line.sku}|") for line in lines]


def lock_rows(uow: UnitOfWork, keys: Sequence[str]) -> None:
    """Hold the SKUs of these "<SKU>|<location>" keys until the unit of work ends."""
    hold(uow, {key.rpartition("|")[0] for key in keys})


def hold(uow: UnitOfWork, skus: Collection[str]) -> None:
    """Hold these SKUs until the unit of work ends; one that no source reported yet has nothing to hold."""
    uow.sql(
        "SELECT FROM inventory.availability WHERE sku = ANY(%(skus)s) ORDER BY sku FOR NO KEY UPDATE",
        {"skus": list(skus)},
    )


def hold_order(uow: UnitOfWork, order_id: str, skus: Collection[str] = ()) -> list[Reservation]:
    """Hold these SKUs and all that an order has reservations of; gives its reservations, locked.

    Raises Transient `inventory.order_moved` when the order gained another SKU meanwhile: who holds the order never
    sees it.
    """
    held = {*skus, *(row.sku for row in queries.reservations(uow, [order_id]))}
    hold(uow, held)
    rows = queries.reservations_locked(uow, order_id)
    if not {row.sku for row in rows} <= held:
        raise Transient("inventory.order_moved", f"order {order_id} was changed at the same time; try again")
    return rows


def open_levels(uow: UnitOfWork, sources: Mapping[Place, str]) -> dict[Place, Level]:
    """The levels of these places, with their SKUs held; one that is new is made, of the source that is named."""
    given = {
        "skus": [sku for sku, _ in sources], "locations": [location for _, location in sources],
        "sources": list(sources.values()),
    }  # fmt: skip
    uow.sql(
        "INSERT INTO inventory.availability (sku) SELECT DISTINCT sku FROM unnest(%(skus)s::text[]) g(sku) "
        "ORDER BY sku ON CONFLICT DO NOTHING",
        given,
    )
    hold(uow, {sku for sku, _ in sources})
    uow.sql(OPEN_LEVELS, given)
    return {
        (row[0], row[1]): Level(
            source=row[2], reports=Reports(row[3]), on_hand=row[4], as_of=row[5], sequence=row[6], contained=row[7],
            oversold=row[8],
        )
        for row in uow.sql(READ_LEVELS, given)
    }  # fmt: skip


ROW_LOCKS[LEVELS] = lock_rows
