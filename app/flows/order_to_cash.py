"""Order to cash: an accepted order reaches its ERP, and the ERP's number its channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.domains.inventory import service as inventory
from app.domains.orders import service as orders
from app.domains.orders.canonical import Order
from app.domains.orders.events import OrderAccepted, OrderPosted
from app.domains.orders.ports import OrderReference, OrderReferenceSink, Posting, Receipt, SalesOrderSink
from app.domains.orders.service import Postable
from app.flows import payments
from app.flows.runtime import Connected, Told, step
from app.infra.bindings import Tie, bind_many, keys_of, known
from app.infra.uow import UnitOfWork
from app.infra.value_maps import translations
from app.kernel.clock import business_date

LANE = "erp_order"  # post, change and cancel of one order never overtake each other
BY_SKU = ("item", "variant", "unit")
MAPPED = (*BY_SKU, "location", "shipment_method")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingPlan:
    """What an ERP is asked about one order: at its accepted version."""

    posting: Posting
    version: int


def plan_posting(uow: UnitOfWork, told: Told[OrderAccepted]) -> PostingPlan | None:
    """The order as accepted; None where the ERP has it, or it was cancelled: that step looks for it."""
    found = orders.postable(uow, told.fact.order_id, told.connection)
    if found is None or found.held is not None or found.standing.state in orders.ENDED:
        return None
    posting = posting_of(uow, found, told.connection, again=told.again)
    return PostingPlan(posting=posting, version=found.version)


def call_posting(connection: Connected, plan: PostingPlan) -> Receipt:
    return connection.port(SalesOrderSink).post(plan.posting)


def record_posting(uow: UnitOfWork, told: Told[OrderAccepted], plan: PostingPlan, receipt: Receipt) -> None:
    learn(uow, told.connection, plan.posting, receipt)
    posted = orders.record_posting(uow, told.fact.order_id, told.connection, plan.version, receipt, told.trail)
    inventory.allocate(uow, told.fact.order_id)
    payments.receive(uow, posted, plan.posting.order, told.connection, told.trail)


post_to_erp = step(
    "order_to_cash.post_to_erp",
    on=OrderAccepted, queue="orders", at="erp", lane=LANE, port=SalesOrderSink,
    plan=plan_posting, call=call_posting, record=record_posting,
)  # fmt: skip


def posting_of(uow: UnitOfWork, found: Postable, erp: str, *, again: bool) -> Posting:
    """What the ERP is asked to hold: the order, its customer, and every id of theirs that we know."""
    settings = uow.hub.connections.get(uow.session, erp).settings
    order, standing = found.order, found.standing
    return Posting(
        order_id=standing.order_id,
        key=standing.external_id,
        order=order,
        account_id=standing.account_id,
        business_date=business_date(uow.hub.clock.now(), settings.get("zone", "UTC")),
        known=_known(uow, found, erp),
        again=again,
    )


def _known(uow: UnitOfWork, found: Postable, erp: str) -> Mapping[str, Mapping[str, str]]:
    """What operators mapped, overlaid by what was bound; for a posted order also the sequences of its lines."""
    order, standing = found.order, found.standing
    skus = {line.sku for line in order.lines if line.sku}
    words = skus | _words(order)
    mapped = translations(uow, erp, MAPPED, words) if words else {}
    wanted = {"item": skus, "customer": [standing.account_id], "sales_order": [standing.order_id]}
    bound = known(uow, erp, wanted, whole=("account",))
    merged = {kind: {**mapped.get(kind, {}), **bound.get(kind, {})} for kind in {*mapped, *bound}}
    if found.held is not None:
        merged["sequence"] = orders.line_sequences(uow, standing.order_id, erp)
    return merged


def _words(order: Order) -> set[str]:
    return {word for word in (order.channel.location, *(row.code for row in order.shipping)) if word}


def learn(uow: UnitOfWork, erp: str, posting: Posting, receipt: Receipt) -> None:
    """Bind the document and whatever else the ERP named, unless we know it already.

    Several words of ours may mean one thing there: the first is bound, the others are looked up each time. What an
    operator mapped is not bound, so that he may map it anew.
    """
    document = Tie(
        connection=erp, kind="sales_order", key=posting.order_id, external_id=receipt.external_id,
        number=receipt.number,
    )  # fmt: skip
    ties = {(document.kind, document.key): document}
    for one in receipt.learned:
        tie = Tie(connection=erp, kind=one.kind, key=one.key, external_id=one.external_id, number=one.number)
        ties.setdefault((one.kind, one.key), tie)
    fresh = [tie for (kind, key), tie in ties.items() if posting.known.get(kind, {}).get(key) != tie.external_id]
    words = {
        (tie.kind, tie.external_id): tie
        for tie in reversed(fresh)
        if tie.kind in MAPPED and tie.key not in posting.known.get(tie.kind, {})
    }
    for kind in {kind for kind, _ in words}:
        for _, taken in keys_of(uow, kind, [(erp, tie.external_id) for tie in words.values() if tie.kind == kind]):
            del words[kind, taken]
    bind_many(uow, [*(tie for tie in fresh if tie.kind not in MAPPED), *words.values()])


def plan_telling(uow: UnitOfWork, told: Told[OrderPosted]) -> OrderReference | None:
    fact = told.fact
    return OrderReference(order_gid=fact.gid, number=fact.erp_number, connection=fact.erp) if fact.gid else None


def call_telling(connection: Connected, reference: OrderReference) -> bool:
    return connection.port(OrderReferenceSink).tell(reference)


def record_telling(uow: UnitOfWork, told: Told[OrderPosted], reference: OrderReference, shown: bool) -> None:
    if not shown:
        said = f"{told.connection} does not know {told.fact.name}, so nobody sees {reference.number} there"
        orders.find(uow, told.fact.order_id, "orders.unknown_at_channel", said)


tell_channel = step(
    "order_to_cash.tell_channel",
    on=OrderPosted, queue="orders", at_fact="channel", port=OrderReferenceSink,
    plan=plan_telling, call=call_telling, record=record_telling,
)  # fmt: skip
