"""Intake: a kept notice becomes canonical values, and each value does what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from app.domains.inventory import service as inventory
from app.domains.inventory.queries import reservations
from app.domains.orders import service as orders
from app.domains.orders.canonical import Bell, Deleted, DocumentChanged, FulfilmentReported, Order, Uninstalled
from app.domains.orders.events import RefreshRequested
from app.domains.orders.ports import ErpAcceptance, ErpInvoice, ErpShipment, OrderSource
from app.domains.orders.service import FETCHED, Arrival, Became
from app.flows import acceptance, shipments
from app.flows.hearing import Heard, Received, heard_of, translate
from app.flows.runtime import Connected, Ended, Later, Outcome, Told, step
from app.infra.bindings import by_external
from app.infra.cases import open_case
from app.infra.connecting import pause_connection
from app.infra.notices import NoticeReceived, read_notices
from app.infra.uow import UnitOfWork
from app.kernel.errors import NeedsAttention
from app.kernel.identity import Ref

PARENT_SECONDS = 5.0  # a message that came before its parent is looked at again this often at first …
MOST_PARENT_SECONDS = 300.0  # … and this often at last
LOST_SECONDS = 86_400.0  # a parent that is unknown after a day does not come by itself


def take_in(uow: UnitOfWork, tolds: Sequence[Received]) -> Mapping[int, Outcome]:
    """Translate a batch of notices and act on them: orders together, everything else one by one."""
    kept = read_notices(uow, [told.fact.notice_id for told in tolds])
    arrivals: list[tuple[int, Arrival]] = []
    others: list[tuple[Heard, object]] = []
    outcomes: dict[int, Outcome] = {}
    for told in tolds:
        heard = heard_of(uow, told, kept)
        values = translate(heard)
        if values is None:
            outcomes[told.delivery_id] = Ended(code="intake.unknown_topic")
            continue
        for value in values:
            if isinstance(value, Order):
                arrivals.append((told.delivery_id, _arrival(heard, value)))
            else:
                others.append((heard, value))
    _lock(uow, [arrival.order for _, arrival in arrivals], others)
    outcomes.update(_capture(uow, arrivals))
    for heard, value in others:
        if (outcome := _act(uow, heard, value)) is not None:
            outcomes[heard.told.delivery_id] = outcome
    return outcomes


step("intake.take_in", on=NoticeReceived, queue="orders", ordered=False, do_many=take_in)


def _lock(uow: UnitOfWork, told: Sequence[Order], others: Sequence[tuple[Heard, object]]) -> None:
    """Lock what the batch will touch before its first effect, orders first, then SKUs, each in one order for everybody.

    Without it batches that change orders with goods in common wait for one another in a circle.
    """
    numbered = {
        (heard.connection.name, value.order_number)
        for heard, value in others
        if isinstance(value, ErpShipment | ErpInvoice | ErpAcceptance)
    }
    named = {(order.ref.connection, order.ref.external_id) for order in told}
    for heard, value in others:
        if isinstance(value, FulfilmentReported | Deleted):
            external_id = value.external_id if isinstance(value, Deleted) else value.order_external_id
            named.add((heard.connection.name, external_id))
    known = orders.lock_batch(uow, named, numbered)
    skus = {line.sku for order in told for line in order.lines if line.sku}
    if known:
        skus.update(row.sku for row in reservations(uow, known))
    inventory.lock_rows(uow, [f"{sku}|" for sku in sorted(skus)])


def _arrival(heard: Heard, order: Order) -> Arrival:
    return Arrival(
        order=order, source=heard.notice.topic, trail=heard.told.trail, notice_id=heard.notice.notice_id,
        triggered_at=heard.triggered_at, received_at=heard.notice.received_at, company=heard.connection.company,
    )  # fmt: skip


def _capture(uow: UnitOfWork, arrivals: Sequence[tuple[int, Arrival]]) -> dict[int, Outcome]:
    """Capture in rounds of different orders: each message of one order sees what the one before it did."""
    outcomes: dict[int, Outcome] = {}
    for together in _rounds(arrivals):
        captured = orders.capture_many(uow, [arrival for _, arrival in together])
        acceptance.hold(uow, acceptance.carry_on(uow, captured))
        orders.find_duplicates(uow, [one.standing.order_id for one in captured if one.became is Became.NEW])
        for (delivery_id, _), one in zip(together, captured, strict=True):
            if one.became is Became.OLDER:
                outcomes[delivery_id] = Ended(code="orders.older_version")
            elif one.became is Became.REPEATED:
                outcomes[delivery_id] = Ended(code="orders.same_version")
    return outcomes


def _rounds(arrivals: Sequence[tuple[int, Arrival]]) -> Iterable[list[tuple[int, Arrival]]]:
    rounds: list[list[tuple[int, Arrival]]] = []
    seen: dict[str, int] = {}
    for delivery_id, arrival in arrivals:
        n = seen.get(str(arrival.order.ref), 0)
        seen[str(arrival.order.ref)] = n + 1
        if n == len(rounds):
            rounds.append([])
        rounds[n].append((delivery_id, arrival))
    return rounds


def _act(uow: UnitOfWork, heard: Heard, value: object) -> Outcome | None:
    act = ACTS.get(type(value))
    if act is None:
        raise TypeError(f"nobody acts on {type(value).__name__}, which topic {heard.notice.topic} makes")
    return act(uow, heard, value)


def _ring(uow: UnitOfWork, heard: Heard, bell: Bell) -> Outcome | None:
    if bell.kind != "order":
        return Ended(code="intake.unknown_kind")
    ref = Ref(connection=heard.connection.name, external_id=bell.external_id)
    orders.request_refresh(uow, ref, bell.reason, heard.told.trail, heard.notice.notice_id)
    return None


def _changed(uow: UnitOfWork, heard: Heard, changed: DocumentChanged) -> Outcome | None:
    ours = shipments.request_progress(uow, heard.connection.name, changed, heard.told.trail)
    return None if ours else Ended(code="orders.not_ours")


def _accepted(uow: UnitOfWork, heard: Heard, value: ErpAcceptance) -> Outcome | None:
    known = orders.record_release(uow, heard.connection.name, value, heard.told.trail)
    return None if known else _wait(heard, value.order_number)


def _shipped(uow: UnitOfWork, heard: Heard, value: ErpShipment) -> Outcome | None:
    notice_id = heard.notice.notice_id
    known = shipments.record_shipment(uow, heard.connection.name, value, heard.told.trail, notice_id)
    return None if known else _wait(heard, value.order_number)


def _invoiced(uow: UnitOfWork, heard: Heard, value: ErpInvoice) -> Outcome | None:
    notice_id = heard.notice.notice_id
    known = shipments.record_invoice(uow, heard.connection.name, value, heard.told.trail, notice_id)
    return None if known else _wait(heard, value.order_number)


def _wait(heard: Heard, number: str) -> Outcome:
    """The posting that makes the number known may still be on its way; after a day it is not."""
    age = (heard.at - heard.notice.received_at).total_seconds()
    if age > LOST_SECONDS:
        raise NeedsAttention(
            "orders.unknown_erp_number",
            f"{heard.connection.name} speaks of order {number}, which the hub never posted there",
            about=f"order {number}",
        )
    return Later(code="orders.unknown_erp_number", seconds=min(MOST_PARENT_SECONDS, PARENT_SECONDS + age / 4))


def _fulfilled(uow: UnitOfWork, heard: Heard, value: FulfilmentReported) -> Outcome | None:
    """Our own fulfilment comes back as an echo; another is the merchant's own."""
    channel = heard.connection.name
    if by_external(uow, channel, "fulfilment", value.external_id) is not None:
        return Ended(code="orders.fulfilment_echo")
    standing = orders.lock_by_external_id(uow, channel, value.order_external_id)
    if standing is None:
        return Ended(code="orders.unknown_order")
    said = f"{channel} shows a fulfilment ({value.status}) that the hub did not make"
    tracking = [one.number for one in value.tracking]
    orders.find(uow, standing.order_id, "orders.fulfilled_at_channel", said, about=value.external_id, tracking=tracking)
    return None


def _deleted(uow: UnitOfWork, heard: Heard, value: Deleted) -> Outcome | None:
    standing = orders.lock_by_external_id(uow, heard.connection.name, value.external_id)
    if standing is None:
        return Ended(code="orders.unknown_order")
    open_case(
        uow, code="orders.deleted_at_channel", connection=heard.connection.name, about=f"order {standing.name}",
        title=f"{standing.name} was deleted at {heard.connection.name}; decide whether its ERP order stays",
        key=f"orders:{standing.order_id}", facts={"order_id": standing.order_id, "state": standing.state.value},
    )  # fmt: skip
    return None


def _uninstalled(uow: UnitOfWork, heard: Heard, value: Uninstalled) -> Outcome | None:
    name = heard.connection.name
    if heard.connection.state != "paused":
        pause_connection(uow, name, "hub", f"{value.shop} removed the hub's app")
    open_case(
        uow, code="connections.uninstalled", connection=name, about=name,
        title=f"{value.shop} removed the hub's app: install it again, then resume {name}",
    )  # fmt: skip
    return None


ACTS: dict[type, Callable[[UnitOfWork, Heard, Any], Outcome | None]] = {
    Bell: _ring,
    DocumentChanged: _changed,
    ErpAcceptance: _accepted,
    ErpShipment: _shipped,
    ErpInvoice: _invoiced,
    FulfilmentReported: _fulfilled,
    Deleted: _deleted,
    Uninstalled: _uninstalled,
}


# A bell, or two contents of one version: the channel is asked for the order itself, and what it says counts.


def plan_fetch(uow: UnitOfWork, told: Told[RefreshRequested]) -> str:
    return told.fact.external_id


def call_fetch(connection: Connected, external_id: str) -> Order | None:
    return connection.port(OrderSource).fetch(external_id)


def record_fetch(uow: UnitOfWork, told: Told[RefreshRequested], external_id: str, order: Order | None) -> None:
    """What came is captured; where the channel does not know the order, its messages alone count."""
    if order is None:
        standing = orders.lock_by_external_id(uow, told.connection, external_id)
        if standing is not None:
            said = f"{told.connection} does not know the order; what its messages said counts"
            orders.find(uow, standing.order_id, "orders.unknown_at_channel", said)
            acceptance.catch_up(uow, standing, told.trail)
        return
    company = uow.hub.connections.get(uow.session, told.connection).company
    arrival = Arrival(order=order, source=FETCHED, trail=told.trail, notice_id=told.fact.notice_id, company=company)
    captured = orders.capture(uow, arrival)
    if captured.became in (Became.OLDER, Became.REPEATED):
        acceptance.catch_up(uow, captured.standing, told.trail)
    else:
        acceptance.hold(uow, acceptance.carry_on(uow, [captured], asked=True))


step(
    "intake.fetch_order",
    on=RefreshRequested, queue="orders", at_fact="channel", latest_only=True, port=OrderSource,
    plan=plan_fetch, call=call_fetch, record=record_fetch,
)  # fmt: skip
