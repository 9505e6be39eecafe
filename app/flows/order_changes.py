"""Order changes: what a channel edits or cancels after it was accepted, carried to the ERP while that is possible."""

from __future__ import annotations

from decimal import Decimal

from app.domains.inventory import service as inventory
from app.domains.inventory.canonical import Reserved, Short, Wanted
from app.domains.orders import service as orders
from app.domains.orders.canonical import LineKind, Order
from app.domains.orders.events import OrderCancelled, OrderChanged
from app.domains.orders.ports import Receipt, SalesOrderSink
from app.domains.orders.service import Captured, Found, Standing
from app.flows import payments
from app.flows.order_to_cash import LANE, PostingPlan, learn, post_to_erp, posted_of, posting_of, receipt_of
from app.flows.runtime import Connected, Told, step
from app.flows.sku_names import Names, names_in
from app.flows.words import require_words
from app.infra.replay.again import replay_lane
from app.infra.routes import given_to
from app.infra.uow import UnitOfWork
from app.kernel.errors import NeedsAttention

GOODS = (LineKind.PRODUCT, LineKind.CUSTOM)


def goods(order: Order, names: Names) -> tuple[Wanted, ...]:
    """What of an order needs stock: its goods with a SKU, as they are now, under our SKU where `names` has one."""
    return tuple(
        Wanted(line_id=line.line_id, sku=names.get(line.sku, line.sku), quantity=Decimal(line.qty_current))
        for line in order.lines
        if line.kind in GOODS and line.sku and line.qty_current > 0
    )


def shortage(short: Short, standing: Standing) -> NeedsAttention:
    """The case of an order that cannot have its stock: one case for each SKU, however many orders wait for it."""
    gap = short.gaps[0]
    said = ", ".join(f"{one.sku}: {one.wanted:f} wanted, {one.available:f} there" for one in short.gaps)
    return NeedsAttention(
        "inventory.short",
        f"{standing.name} cannot have its stock ({said}): bring it in, or change the order at its channel",
        about=f"sku {gap.sku}",
        order_id=standing.order_id,
        reason=gap.reason,
        gaps=[{"sku": one.sku, "wanted": str(one.wanted), "available": str(one.available)} for one in short.gaps],
    )


def waiting(answer: Reserved | Short) -> list[Found]:
    """What the buyer of an order waits for, a finding for each line and SKU."""
    due: dict[tuple[str, str], Decimal] = {}
    for held in answer.held if isinstance(answer, Reserved) else ():
        if held.back_ordered:
            due[held.line_id, held.sku] = due.get((held.line_id, held.sku), Decimal(0)) + held.back_ordered
    return [
        Found(
            order_id=answer.order_id, code="inventory.back_ordered", about=f"line {line_id}: {sku}",
            said=f"{quantity:f} of {sku} did not lie there when it was ordered: the buyer waits for them",
        )
        for (line_id, sku), quantity in due.items()
    ]  # fmt: skip


def follow(uow: UnitOfWork, one: Captured) -> NeedsAttention | None:
    """Carry a newer version of an accepted order on: stock first, then whoever holds it. Returns what hinders."""
    standing = one.standing
    if standing.accepted_version == standing.version:
        return None
    before = orders.document(uow, standing.order_id, standing.accepted_version)
    changed = orders.changed_groups(before, one.order)
    if "quantities" in changed:
        trail = standing.trail(one.trail)
        (names,) = names_in(uow, [one.order])
        answer = inventory.adjust(
            uow, standing.order_id, goods(one.order, names), company=standing.company, trail=trail,
            channel=standing.channel,
        )  # fmt: skip
        if isinstance(answer, Short):
            return shortage(answer, standing)
        orders.find_many(uow, waiting(answer))
    standing = orders.accept_change(uow, standing, changed, one.trail, asked(uow, standing))
    if changed:
        _unblock(uow, standing, "the channel changed the order")
    for erp in orders.holders(uow, standing.order_id):
        payments.receive(uow, standing, one.order, erp, one.trail)
    return None


def cancel(uow: UnitOfWork, one: Captured) -> Standing:
    """The channel cancelled: what no ERP was asked for ends here; else the ERP is asked to follow."""
    after = orders.cancel(uow, one.standing, one.order, one.trail, asked(uow, one.standing))
    _unblock(uow, after, "the channel cancelled the order")
    return after


def asked(uow: UnitOfWork, standing: Standing) -> tuple[str, ...]:
    """The ERPs that hold the order or were asked to: its changes go there, wherever new orders go by now."""
    if standing.state in orders.UNASKED:
        return ()
    given = given_to(uow, post_to_erp.name, f"orders:{standing.order_id}")
    return tuple(sorted({*orders.holders(uow, standing.order_id), *given}))


def _unblock(uow: UnitOfWork, standing: Standing, why: str) -> None:
    """A posting or change that a person was to decide on is overtaken: it runs again and sees what is newest."""
    for erp in asked(uow, standing):
        replay_lane(uow, f"{LANE}|{erp}|orders:{standing.order_id}", "hub", why)


def plan_change(uow: UnitOfWork, told: Told[OrderChanged]) -> PostingPlan | None:
    """The newest accepted version, unless the ERP has it or nothing to change: several changes become one."""
    found = orders.postable(uow, told.fact.order_id, told.connection)
    if found is None or found.held is None or found.held.cancelled or found.standing.state in orders.ENDED:
        return None
    if found.held.version >= found.version:
        return None
    posting = posting_of(uow, found, told.connection, again=told.again)
    require_words(uow, told.connection, [posting])
    return PostingPlan(posting=posting, version=found.version)


def call_change(connection: Connected, plan: PostingPlan) -> Receipt:
    return connection.port(SalesOrderSink).change(plan.posting)


def record_change(uow: UnitOfWork, told: Told[OrderChanged], plan: PostingPlan, receipt: Receipt) -> None:
    learn(uow, told.connection, [(plan.posting, receipt)])
    orders.record_change(uow, told.connection, posted_of(told.trail, plan, receipt))
    inventory.allocate(uow, told.fact.order_id)


change_in_erp = step(
    "order_changes.change_in_erp",
    on=OrderChanged, queue="orders", at="erp", at_fact="erps", lane=LANE, port=SalesOrderSink,
    plan=plan_change, call=call_change, record=record_change, happened=receipt_of,
)  # fmt: skip


def plan_cancel(uow: UnitOfWork, told: Told[OrderCancelled]) -> PostingPlan | None:
    """What the ERP is to give up: also where no posting was recorded, since one may have arrived all the same."""
    found = orders.postable(uow, told.fact.order_id, told.connection)
    if found is None or found.standing.state not in orders.ENDED:
        return None
    if found.held is not None and found.held.cancelled:
        return None
    posting = posting_of(uow, found, told.connection, again=told.again)
    return PostingPlan(posting=posting, version=found.version)


def call_cancel(connection: Connected, plan: PostingPlan) -> Receipt | None:
    return connection.port(SalesOrderSink).cancel(plan.posting)


def record_cancel(uow: UnitOfWork, told: Told[OrderCancelled], plan: PostingPlan, receipt: Receipt | None) -> None:
    orders.record_cancel(uow, told.fact.order_id, told.connection)
    inventory.release(uow, told.fact.order_id)


cancel_in_erp = step(
    "order_changes.cancel_in_erp",
    on=OrderCancelled, queue="orders", at="erp", at_fact="erps", lane=LANE, port=SalesOrderSink,
    plan=plan_cancel, call=call_cancel, record=record_cancel, happened=lambda plan, number: None,
)  # fmt: skip
