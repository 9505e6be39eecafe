"""Overdue: what people at the ERP and in the warehouse are to do in a company's time, and who decides when they do not.

An ERP's settings say how long: `accept_within_hours` from the posting until somebody there accepts the order,
`ship_within_days` until it has left whole, to the end of that day in the company's zone. Nothing is watched at 0.
What is missed asks a person, who gives it more time or has the ERP looked at again; what comes late after all ends
the question by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from app.domains.orders import service as orders
from app.domains.orders.canonical import DocumentChanged
from app.domains.orders.events import (
    OrderCancelled,
    OrderInvoiced,
    OrderReleased,
    OrderShipped,
    ReleaseMissed,
    ShipmentMissed,
    ShipmentRecorded,
    WaitExtended,
)
from app.domains.orders.lifecycle import State
from app.domains.orders.service import Standing
from app.flows import shipments
from app.flows.runtime import Ended, Row, Told, step
from app.infra.deadlines import expect, expectation
from app.infra.decisions import Choice, ask
from app.infra.uow import Trail, UnitOfWork
from app.kernel.clock import business_date, end_of_day

LOOK_HOURS = 1  # what an ERP says when it is looked at again is here within minutes; an hour leaves it time to be away
DAY_HOURS = 24
NOT_NEEDED = Ended(code="overdue.not_needed")

RELEASE = expectation(
    "overdue", "release", otherwise=ReleaseMissed, case="orders.release_missed", apart="erp",
    unless=(OrderReleased, ShipmentRecorded, OrderInvoiced, OrderCancelled),
)  # fmt: skip
SHIPMENT = expectation(
    "overdue", "shipment", otherwise=ShipmentMissed, case="orders.shipment_missed",
    unless=(OrderShipped, OrderCancelled),
)  # fmt: skip


def watch(uow: UnitOfWork, standing: Standing, erp: str, number: str, trail: Trail) -> None:
    """An ERP holds the order: from now on its people have the company's time."""
    if standing.state is not State.POSTED:
        return
    settings, now = uow.hub.connections.get(uow.session, erp).settings, uow.hub.clock.now()
    if hours := int(settings.get("accept_within_hours", 0)):
        _expect_release(uow, standing, erp, number, now, hours=hours, turn=1, trail=trail)
    if days := int(settings.get("ship_within_days", 0)):
        zone = settings.get("zone", "UTC")
        today = business_date(now, zone, settings.get("cut_off_hour", 24))
        by = end_of_day(today + timedelta(days=days), zone)
        _expect_shipment(uow, standing, erp, number, by, turn=1, trail=trail)


def _expect_release(
    uow: UnitOfWork, standing: Standing, erp: str, number: str, now: datetime, *, hours: int, turn: int, trail: Trail
) -> None:
    by = now + timedelta(hours=hours)
    missed = ReleaseMissed(
        order_id=standing.order_id, channel=standing.channel, erp=erp, erp_number=number, due_at=by, hours=hours,
        company=standing.company, turn=turn,
    )  # fmt: skip
    expect(uow, RELEASE, missed, by, turn=turn, trail=standing.trail(trail))


def _expect_shipment(
    uow: UnitOfWork, standing: Standing, erp: str, number: str, by: datetime, *, turn: int, trail: Trail
) -> None:
    missed = ShipmentMissed(
        order_id=standing.order_id, channel=standing.channel, erp=erp, erp_number=number, due_at=by,
        company=standing.company, turn=turn,
    )  # fmt: skip
    expect(uow, SHIPMENT, missed, by, turn=turn, trail=standing.trail(trail))


def ask_about_release(uow: UnitOfWork, told: Told[ReleaseMissed]) -> Ended | None:
    """Nobody accepted the order: somebody is asked, unless it went on while the fact was on its way."""
    fact = told.fact
    standing = orders.lock(uow, fact.order_id)
    if standing.state is not State.POSTED or orders.is_released(uow, fact.order_id, fact.erp):
        return NOT_NEEDED
    _ask(
        uow, fact, standing, code=RELEASE.case, what=RELEASE.name, hours=fact.hours,
        title=f"Nobody at {fact.erp} accepted {fact.erp_number} ({standing.name}) in its time",
    )  # fmt: skip
    return None


def ask_about_shipment(uow: UnitOfWork, told: Told[ShipmentMissed]) -> Ended | None:
    """The order has not left whole: somebody is asked, unless it went on while the fact was on its way."""
    standing = orders.lock(uow, told.fact.order_id)
    if standing.state not in (State.POSTED, State.PARTLY_SHIPPED):
        return NOT_NEEDED
    part = " whole" if standing.state is State.PARTLY_SHIPPED else ""
    _ask(
        uow, told.fact, standing, code=SHIPMENT.case, what=SHIPMENT.name, hours=DAY_HOURS,
        title=f"{standing.name} ({told.fact.erp_number}) has not left{part} by the day it was to",
    )  # fmt: skip
    return None


def _ask(
    uow: UnitOfWork, fact: ReleaseMissed | ShipmentMissed, standing: Standing, *, code: str, what: str, hours: int,
    title: str,
) -> None:  # fmt: skip
    def extended(more: int, *, look: bool) -> WaitExtended:
        return WaitExtended(
            order_id=fact.order_id, channel=fact.channel, erp=fact.erp, erp_number=fact.erp_number, what=what,
            hours=more, turn=fact.turn + 1, look=look, company=fact.company,
        )  # fmt: skip

    look = f"What {fact.erp} says of it is read at once; where that brings nothing you are asked again in an hour."
    wait = f"Somebody is on it. You are asked again in {hours} hours, unless it comes before."
    ask(
        uow, code=code, title=title, about=f"order {standing.name}", key=fact.lane_key, connection=fact.erp,
        facts={"order_id": fact.order_id, "erp_number": fact.erp_number, "due_at": fact.due_at.isoformat()},
        choices=(
            Choice(name="look", title="Look at the ERP again", small=look, fact=extended(LOOK_HOURS, look=True)),
            Choice(name="wait", title="Give it more time", small=wait, fact=extended(hours, look=False)),
        ),
    )  # fmt: skip


def wait_on(uow: UnitOfWork, told: Told[WaitExtended]) -> Ended | None:
    """Somebody decided: it is waited for once more, and the ERP is looked at where that was chosen."""
    fact = told.fact
    standing = orders.lock(uow, fact.order_id)
    if standing.state not in (State.POSTED, State.PARTLY_SHIPPED):
        return NOT_NEEDED
    now = uow.hub.clock.now()
    if fact.what == RELEASE.name:
        _expect_release(
            uow, standing, fact.erp, fact.erp_number, now, hours=fact.hours, turn=fact.turn, trail=told.trail
        )
    else:
        by = now + timedelta(hours=fact.hours)
        _expect_shipment(uow, standing, fact.erp, fact.erp_number, by, turn=fact.turn, trail=told.trail)
    if fact.look:
        document = DocumentChanged(kind="sales_order", external_id="", number=fact.erp_number)
        shipments.request_progress(uow, fact.erp, document, standing.trail(told.trail))
    return None


def rows_of(uow: UnitOfWork, tolds: Sequence[Told[Any]]) -> list[Row]:
    """The orders of a batch, locked in one order for everybody before its first effect."""
    orders.lock_many(uow, {told.fact.order_id for told in tolds})
    return []


step("overdue.ask_about_release", on=ReleaseMissed, queue="orders", do=ask_about_release, rows=rows_of)
step("overdue.ask_about_shipment", on=ShipmentMissed, queue="orders", do=ask_about_shipment, rows=rows_of)
step("overdue.wait_on", on=WaitExtended, queue="orders", do=wait_on, rows=rows_of)
