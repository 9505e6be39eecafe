"""Upkeep: what waits for its payment past its time goes back on the shelf."""

from __future__ import annotations

from app.domains.inventory import service as inventory
from app.domains.inventory.events import ReservationLapsed
from app.flows.runtime import Ended, Told, retired, step
from app.infra.uow import UnitOfWork


def give_back(uow: UnitOfWork, told: Told[ReservationLapsed]) -> Ended | None:
    """The time is up: what of the order still waits is released; what was paid or cancelled is not touched."""
    if inventory.expire_order(uow, told.fact.order_id, told.fact.until):
        return None
    return Ended(code="inventory.nothing_waits")


step("upkeep.give_back", on=ReservationLapsed, queue="inventory", do=give_back)
retired("upkeep.expire_reservations", "each reservation has a deadline of its own: upkeep.give_back")
