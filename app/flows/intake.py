"""Intake: a kept notice becomes canonical values, and each value does what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from app.domains.customers.canonical import PrivacyAsked
from app.domains.inventory import service as inventory
from app.domains.inventory.ports import LevelReported
from app.domains.inventory.queries import reservations
from app.domains.orders import service as orders
from app.domains.orders.canonical import Bell, Deleted, DocumentChanged, FulfilmentReported, Order, Uninstalled
from app.domains.orders.events import RefreshRequested
from app.domains.orders.ports import ErpAcceptance, ErpInvoice, ErpShipment, OrderSource
from app.domains.orders.service import FETCHED, Arrival, Became, HistoryRule
from app.domains.pricing.ports import PricesReported
from app.flows import acceptance, availability, customers_in, forgetting, history, price_fan_out, privacy, shipments
from app.flows.hearing import Heard, Received, heard_of, translate
from app.flows.runtime import Connected, Ended, Later, Outcome, Told, step
from app.flows.sku_names import names_in
from app.infra.bindings import by_external
from app.infra.cases import end_cases, open_case
from app.infra.connecting import pause_connection
from app.infra.draining import WAITS as DRAINING
from app.infra.erasing.messages import ERASED
from app.infra.imported import NoticeImported
from app.infra.notices import NoticeReceived, read_notices
from app.infra.uow import UnitOfWork
from app.kernel.errors import NeedsAttention
from app.kernel.identity import Ref

DRAIN_SECONDS = 30.0  # whoever resumes a drained connection wakes what waits; this is for what slipped through
PARENT_SECONDS = 1.0  # a message that came before its parent is looked at again this soon at first …
MOST_PARENT_SECONDS = 300.0  # … and this often at last
STRANGE_SECONDS = 3600.0  # what a channel tells of an order that stays unknown so long was told of none of ours
FIRST_LOOK = """
SELECT d.code IS NULL, extract(epoch FROM now() - e.at) FROM hub.delivery d JOIN hub.event e ON e.id = d.event_id
 WHERE d.event_id = %(event)s AND d.id = %(delivery)s
"""
ECHO_SECONDS = 2.0  # until the call that may have made what was heard of has been recorded
LOST_SECONDS = 86_400.0  # a parent that is unknown after a day does not come by itself
AGE = "SELECT extract(epoch FROM now() - at) FROM hub.event WHERE id = %(event)s"  # by the clock that it was told by


def take_in(uow: UnitOfWork, tolds: Sequence[Received]) -> Mapping[int, Outcome]:
    """Translate a batch of notices and act on them: orders together, everything else one by one."""
    kept = read_notices(uow, [told.fact.notice_id for told in tolds])
    arrivals: list[tuple[int, Arrival, HistoryRule]] = []
    others: list[tuple[Heard, object]] = []
    outcomes: dict[int, Outcome] = {}
    for told in tolds:
        heard = heard_of(uow, told, kept)
        if told.delivery_id > heard.connection.last_delivery:
            outcomes[told.delivery_id] = Later(code=DRAINING, seconds=DRAIN_SECONDS)
            continue
        if heard.notice.body == ERASED:
            outcomes[told.delivery_id] = Ended(code="intake.erased")
            continue
        values = translate(heard)
        if values is None:
            outcomes[told.delivery_id] = Ended(code="intake.unknown_topic")
            continue
        for value in values:
            if isinstance(value, Order):
                arrivals.append((told.delivery_id, _arrival(heard, value), history.rule_of(heard)))
            else:
                others.append((heard, value))
    _lock(uow, [arrival.order for _, arrival, _ in arrivals], others)
    outcomes.update(_capture(uow, forgetting.without_erased(uow, arrivals)))
    for heard, value in forgetting.blanked(uow, others):
        if (outcome := _act(uow, heard, value)) is not None:
            outcomes[heard.told.delivery_id] = outcome
    return outcomes


step("intake.take_in", on=NoticeReceived, queue="orders", ordered=False, do_many=take_in)
step("intake.take_in_stock", on=NoticeReceived, queue="inventory", ordered=False, do_many=take_in)
step("intake.take_in_imported", on=NoticeImported, queue="bulk", ordered=False, do_many=take_in)


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
    skus.update(ours for names in names_in(uow, told) for ours in names.values())
    if known:
        skus.update(row.sku for row in reservations(uow, known))
    inventory.lock_rows(uow, [f"{sku}|" for sku in sorted(skus)])


def _arrival(heard: Heard, order: Order) -> Arrival:
    source = FETCHED if heard.imported else heard.notice.topic
    return Arrival(
        order=order, source=source, trail=heard.told.trail, notice_id=heard.notice.notice_id,
        triggered_at=heard.triggered_at, received_at=heard.notice.received_at, company=heard.connection.company,
    )  # fmt: skip


Arrived = tuple[int, Arrival, HistoryRule]


def _capture(uow: UnitOfWork, arrivals: Sequence[Arrived]) -> dict[int, Outcome]:
    """Capture in rounds of different orders: each message of one order sees what the one before it did."""
    outcomes: dict[int, Outcome] = {}
    for together in _rounds(arrivals):
        captured = orders.capture_many(uow, [arrival for _, arrival, _ in together])
        captured = orders.file_history(uow, captured, [rule for _, _, rule in together])
        acceptance.hold(uow, acceptance.carry_on(uow, captured))
        fresh = [one.standing for one in captured if one.became is Became.NEW]
        orders.find_duplicates(uow, [one.order_id for one in fresh if one.state not in orders.AT_REST])
        for (delivery_id, _, _), one in zip(together, captured, strict=True):
            if one.became is Became.OLDER:
                outcomes[delivery_id] = Ended(code="orders.older_version")
            elif one.became is Became.REPEATED:
                outcomes[delivery_id] = Ended(code="orders.same_version")
    return outcomes


def _rounds(arrivals: Sequence[Arrived]) -> Iterable[list[Arrived]]:
    rounds: list[list[Arrived]] = []
    seen: dict[str, int] = {}
    for arrived in arrivals:
        arrival = arrived[1]
        n = seen.get(str(arrival.order.ref), 0)
        seen[str(arrival.order.ref)] = n + 1
        if n == len(rounds):
            rounds.append([])
        rounds[n].append(arrived)
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
    if changed.kind == "customer":
        return None if customers_in.hear(uow, heard.connection) else Ended(code="customers.not_imported")
    ours = shipments.request_progress(uow, heard.connection.name, changed, heard.told.trail)
    return None if ours else Ended(code="orders.not_ours")


def _accepted(uow: UnitOfWork, heard: Heard, value: ErpAcceptance) -> Outcome | None:
    known = orders.record_release(uow, heard.connection.name, value, heard.told.trail)
    return None if known else _wait(uow, heard, value.order_number)


def _shipped(uow: UnitOfWork, heard: Heard, value: ErpShipment) -> Outcome | None:
    known = shipments.record_shipment(uow, heard.connection.name, value, heard.told.trail, heard.notice.notice_id)
    return None if known else _wait(uow, heard, value.order_number)


def _invoiced(uow: UnitOfWork, heard: Heard, value: ErpInvoice) -> Outcome | None:
    known = shipments.record_invoice(uow, heard.connection.name, value, heard.told.trail, heard.notice.notice_id)
    return None if known else _wait(uow, heard, value.order_number)


def _wait(uow: UnitOfWork, heard: Heard, number: str) -> Outcome:
    """The posting that makes the number known may still be on its way; after a day it is not."""
    row = uow.sql(AGE, {"event": heard.told.event_id}).fetchone()
    age = float(row[0]) if row else 0.0
    if age > LOST_SECONDS:
        raise NeedsAttention(
            "orders.unknown_erp_number",
            f"{heard.connection.name} speaks of order {number}, which the hub never posted there",
            about=f"order {number}",
        )
    return Later(code="orders.unknown_erp_number", seconds=min(MOST_PARENT_SECONDS, PARENT_SECONDS + age / 8))


def _before_its_order(uow: UnitOfWork, heard: Heard, fetched: str) -> Outcome:
    """An order that nobody told of yet: it is asked for at the first look, and this waits; after an hour it is no order
    of ours. `fetched` is the order's id, empty where its channel does not hold it any more."""
    row = uow.sql(FIRST_LOOK, {"event": heard.told.event_id, "delivery": heard.told.delivery_id}).fetchone()
    first, age = (row[0], float(row[1])) if row else (False, STRANGE_SECONDS)
    if age >= STRANGE_SECONDS:
        return Ended(code="orders.unknown_order")
    if first and fetched and heard.connection.spec.offers(OrderSource):
        ref = Ref(connection=heard.connection.name, external_id=fetched)
        orders.request_refresh(uow, ref, f"{heard.notice.topic} came before it", heard.told.trail)
    return Later(code="orders.unknown_order", seconds=min(MOST_PARENT_SECONDS, PARENT_SECONDS + age / 8))


def _fulfilled(uow: UnitOfWork, heard: Heard, value: FulfilmentReported) -> Outcome | None:
    """Our own fulfilment comes back as an echo; another is the merchant's own."""
    channel = heard.connection.name
    if by_external(uow, channel, "fulfilment", value.external_id) is not None:
        return Ended(code="orders.fulfilment_echo")
    standing = orders.lock_by_external_id(uow, channel, value.order_external_id)
    if standing is None:
        return _before_its_order(uow, heard, value.order_external_id)
    if shipments.is_showing(uow, standing.order_id, channel):
        return Later(code="orders.fulfilment_under_way", seconds=ECHO_SECONDS)
    said = f"{channel} shows a fulfilment ({value.status}) that the hub did not make"
    tracking = [one.number for one in value.tracking]
    orders.find(uow, standing.order_id, "orders.fulfilled_at_channel", said, about=value.external_id, tracking=tracking)
    return None


def _deleted(uow: UnitOfWork, heard: Heard, value: Deleted) -> Outcome | None:
    standing = orders.lock_by_external_id(uow, heard.connection.name, value.external_id)
    if standing is None:
        return _before_its_order(uow, heard, "")
    open_case(
        uow, code="orders.deleted_at_channel", connection=heard.connection.name, about=f"order {standing.name}",
        title=f"{standing.name} was deleted at {heard.connection.name}; decide whether its ERP order stays",
        key=f"orders:{standing.order_id}", facts={"order_id": standing.order_id, "state": standing.state.value},
    )  # fmt: skip
    return None


def _uninstalled(uow: UnitOfWork, heard: Heard, value: Uninstalled) -> Outcome | None:
    name = heard.connection.name
    end_cases(uow, ["connections.refused"], name, name, "hub", "the app was removed, which says why")
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
    LevelReported: availability.hear,
    PricesReported: price_fan_out.hear,
    PrivacyAsked: privacy.take,
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
    channel = uow.hub.connections.get(uow.session, told.connection)
    arrival = Arrival(
        order=order, source=FETCHED, trail=told.trail, notice_id=told.fact.notice_id, company=channel.company
    )  # fmt: skip
    ((_, arrival, rule),) = forgetting.without_erased(uow, [(0, arrival, history.live_rule(channel))])
    (captured,) = orders.file_history(uow, [orders.capture(uow, arrival)], [rule])
    if captured.became in (Became.OLDER, Became.REPEATED):
        acceptance.catch_up(uow, captured.standing, told.trail)
    else:
        acceptance.hold(uow, acceptance.carry_on(uow, [captured], asked=True))


step(
    "intake.fetch_order",
    on=RefreshRequested, queue="orders", at_fact="channel", latest_only=True, reads=True, port=OrderSource,
    plan=plan_fetch, call=call_fetch, record=record_fetch,
)  # fmt: skip
