"""Order to cash: an accepted order reaches its ERP, and the ERP's number its channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domains.inventory import service as inventory
from app.domains.orders import service as orders
from app.domains.orders.canonical import Order
from app.domains.orders.events import OrderAccepted, OrderPosted
from app.domains.orders.ports import OrderReference, OrderReferenceSink, Posting, Receipt, SalesOrderSink
from app.domains.orders.service import Postable, Posted
from app.flows import overdue, payments, validating, words
from app.flows.runtime import Answered, Connected, Told, step
from app.flows.sku_names import BY_SKU, Names, names_of, read_as_ours
from app.infra.bindings import Tie, bind_many, keys_of, known
from app.infra.uow import Trail, UnitOfWork
from app.infra.value_maps import translations
from app.kernel.clock import business_date
from app.kernel.money import Money

LANE = "erp_order"  # post, change and cancel of one order never overtake each other
MAPPED = (*BY_SKU, "location", *words.KINDS)
Known = Mapping[str, Mapping[str, str]]  # kind → our word or key → theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingPlan:
    """What an ERP is asked about one order: at its accepted version."""

    posting: Posting
    version: int


def plan_postings(uow: UnitOfWork, tolds: Sequence[Told[OrderAccepted]]) -> list[PostingPlan | None]:
    """Each order as accepted; None where the ERP has it, or it was cancelled: that step looks for it."""
    erp = tolds[0].connection
    founds = orders.postables(uow, [told.fact.order_id for told in tolds], erp)
    open_ones = [
        (found, told.again)
        for told in tolds
        if (found := founds.get(told.fact.order_id)) and found.held is None and found.standing.state not in orders.ENDED
    ]
    plans = {plan.posting.order_id: plan for plan in plans_of(uow, open_ones, erp)}
    postings = [plan.posting for plan in plans.values()]
    validating.check_postings(uow, erp, postings)
    words.require_words(uow, erp, postings)
    return [plans.get(told.fact.order_id) for told in tolds]


def call_posting(connection: Connected, plan: PostingPlan) -> Receipt:
    return connection.port(SalesOrderSink).post(plan.posting)


def record_postings(uow: UnitOfWork, answered: Sequence[Answered[OrderAccepted, PostingPlan, Receipt]]) -> None:
    erp = answered[0].told.connection
    learn(uow, erp, [(one.plan.posting, one.answer) for one in answered])
    posted = [posted_of(one.told.trail, one.plan, one.answer) for one in answered]
    standings = orders.record_postings(uow, erp, posted)
    inventory.allocate(uow, *(one.order_id for one in posted))
    for standing, one in zip(standings, answered, strict=True):
        payments.receive(uow, standing, one.plan.posting.order, erp, one.told.trail)
        overdue.watch(uow, standing, erp, one.answer.number, one.told.trail)


def posted_of(trail: Trail, plan: PostingPlan, receipt: Receipt) -> Posted:
    """What a receipt says an ERP holds of the order that was asked for."""
    return Posted(order_id=plan.posting.order_id, version=plan.version, receipt=receipt, trail=trail)


def receipt_of(plan: PostingPlan, number: str) -> Receipt:
    """The receipt that a document's number stands for: it is taken to be what was asked for, line by line unknown."""
    posting = plan.posting
    totals = posting.order.totals
    total = totals.current_total.presentment
    return Receipt(
        external_id=posting.known.get("sales_order", {}).get(posting.order_id, number), number=number, repeated=True,
        total=total, tax=totals.tax.presentment if totals.tax else Money.zero(total.currency), lines=(),
    )  # fmt: skip


post_to_erp = step(
    "order_to_cash.post_to_erp",
    on=OrderAccepted, queue="orders", at="erp", lane=LANE, port=SalesOrderSink, flag="erp.posting",
    plan_many=plan_postings, call=call_posting, record_many=record_postings, happened=receipt_of,
)  # fmt: skip


def posting_of(uow: UnitOfWork, found: Postable, erp: str, *, again: bool) -> Posting:
    """What the ERP is asked to hold of one order."""
    return plans_of(uow, [(found, again)], erp)[0].posting


def plans_of(uow: UnitOfWork, founds: Sequence[tuple[Postable, bool]], erp: str) -> list[PostingPlan]:
    """What the ERP is asked to hold: each order, its customer, and every id of theirs that we know."""
    if not founds:
        return []
    settings = uow.hub.connections.get(uow.session, erp).settings
    today = business_date(uow.hub.clock.now(), settings.get("zone", "UTC"))
    knowns = _known(uow, [found for found, _ in founds], erp)
    waits = inventory.back_ordered(uow, [found.standing.order_id for found, _ in founds])
    plans = []
    for (found, again), ids in zip(founds, knowns, strict=True):
        order, standing = found.order, found.standing
        posting = Posting(
            order_id=standing.order_id, key=standing.external_id, order=order, account_id=standing.account_id,
            business_date=today, known=ids, again=again, back_ordered=waits.get(standing.order_id, {}),
        )  # fmt: skip
        plans.append(PostingPlan(posting=posting, version=found.version))
    return plans


def _known(uow: UnitOfWork, founds: Sequence[Postable], erp: str) -> list[Known]:
    """What operators mapped, overlaid by what was bound; for a posted order also the sequences of its lines."""
    own_skus = [{line.sku for line in found.order.lines if line.sku} for found in founds]
    channels = [found.standing.channel for found in founds]
    names = names_of(uow, list(zip(channels, own_skus, strict=True)), erp)
    skus = [own | {*named.values()} for own, named in zip(own_skus, names, strict=True)]
    said = [own | _words(found.order) for own, found in zip(skus, founds, strict=True)]
    mapped = translations(uow, erp, MAPPED, every) if (every := set().union(*said)) else {}
    wanted = {
        "item": set().union(*skus),
        "customer": {found.standing.account_id for found in founds},
        "sales_order": {found.standing.order_id for found in founds},
    }
    bound = known(uow, erp, wanted, whole=("account",))
    return [
        _of_order(uow, found, erp, mapped, bound, own, named)
        for found, own, named in zip(founds, said, names, strict=True)
    ]


def _of_order(
    uow: UnitOfWork, found: Postable, erp: str, mapped: Known, bound: Known, said: set[str], names: Names
) -> Known:
    """The part that one order asks for."""
    standing = found.standing
    own = {*said, standing.account_id, standing.order_id}
    merged: dict[str, Mapping[str, str]] = {
        kind: {
            word: theirs
            for word, theirs in {**mapped.get(kind, {}), **bound.get(kind, {})}.items()
            if word in own or kind == "account"
        }
        for kind in {*mapped, *bound}
    }
    merged = words.with_others(merged, found.order)
    read_as_ours(merged, names)
    if found.held is not None:
        merged["sequence"] = orders.line_sequences(uow, standing.order_id, erp)
    return merged


def _words(order: Order) -> set[str]:
    return {order.channel.location, *words.words_of(order)} - {""}


def learn(uow: UnitOfWork, erp: str, told: Sequence[tuple[Posting, Receipt]]) -> None:
    """Bind the documents and whatever else the ERP named, unless we know it already.

    Several words of ours may mean one thing there: the first is bound, the others are looked up each time. What an
    operator mapped is not bound, so that he may map it anew. Two answers that say different things of one word clash
    as they would one after the other.
    """
    fresh: dict[tuple[str, str], Tie] = {}
    clashing: list[Tie] = []
    words: dict[tuple[str, str], Tie] = {}
    for posting, receipt in told:
        for tie in _ties(erp, posting, receipt):
            if tie.kind in MAPPED:
                if tie.key not in posting.known.get(tie.kind, {}):
                    words.setdefault((tie.kind, tie.external_id), tie)
            elif fresh.setdefault((tie.kind, tie.key), tie).external_id != tie.external_id:
                clashing.append(tie)
    for kind in {kind for kind, _ in words}:
        for _, taken in keys_of(uow, kind, [(erp, tie.external_id) for tie in words.values() if tie.kind == kind]):
            del words[kind, taken]
    bind_many(uow, [*fresh.values(), *words.values()])
    bind_many(uow, clashing)


def _ties(erp: str, posting: Posting, receipt: Receipt) -> list[Tie]:
    """The document and what else the ERP named, where it is news."""
    document = Tie(
        connection=erp, kind="sales_order", key=posting.order_id, external_id=receipt.external_id,
        number=receipt.number,
    )  # fmt: skip
    ties = {(document.kind, document.key): document}
    for one in receipt.learned:
        tie = Tie(connection=erp, kind=one.kind, key=one.key, external_id=one.external_id, number=one.number)
        ties.setdefault((one.kind, one.key), tie)
    return [tie for (kind, key), tie in ties.items() if posting.known.get(kind, {}).get(key) != tie.external_id]


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
    on=OrderPosted, queue="orders", at_fact="channel", port=OrderReferenceSink, flag="channel.references",
    plan=plan_telling, call=call_telling, record=record_telling, happened=lambda reference, number: True,
)  # fmt: skip
