"""One lock for each SKU: whoever changes its stock holds its availability row, taken in the order of SKUs.

So a transaction that takes all its SKUs at once never waits in a circle, whatever locations it touches.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from app.domains.inventory import queries
from app.domains.inventory.canonical import Reservation, Wanted
from app.infra.locks import ROW_LOCKS
from app.infra.uow import UnitOfWork
from app.kernel.errors import Transient

LEVELS = "inventory.stock_level"


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


ROW_LOCKS[LEVELS] = lock_rows
