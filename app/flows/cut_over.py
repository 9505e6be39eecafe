"""Cut-over: what an old and a new ERP hold of the same orders, read from both and compared field by field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domains.orders import service as orders
from app.domains.orders.events import ComparisonRequested
from app.domains.orders.ports import ErpOrder, OrderBooks, Posting
from app.flows.order_to_cash import post_to_erp, posting_of
from app.flows.runtime import Connected, Told, step
from app.infra.acts import record_act
from app.infra.shadow import has_shadow
from app.infra.uow import UnitOfWork
from app.kernel.errors import Disposition, HubError, Invalid

FOR_A_PERSON = (Disposition.PARK, Disposition.REJECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One order for one ERP; `shadowed`: it was only tried there, so what it would hold counts."""

    posting: Posting
    shadowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How the ERP has the order: held, would, missing, or failed with its words."""

    state: str
    view: ErpOrder | None = None
    said: str = ""


def begin(
    uow: UnitOfWork, old: str, new: str, placed_from: datetime, placed_until: datetime, who: str, *,
    company: str = "", channel: str = "",
) -> tuple[str, int]:  # fmt: skip
    """Begin a report on the orders placed in [from, until); returns its id and how many orders it compares.

    Raises NotFound (`connections.unknown`), NeedsAttention (`adapters.missing_capability`) or Invalid (`cut_over.…`);
    then nothing was begun.
    """
    if old == new:
        raise Invalid("cut_over.same", f"the old and the new ERP are both {old}: name two connections")
    for name in (old, new):
        uow.hub.connections.get(uow.session, name).capability(OrderBooks)
    report, count = orders.begin_cut_over(
        uow, old, new, placed_from, placed_until, who, company=company, channel=channel
    )
    facts = {"old": old, "new": new, "orders": count}
    record_act(uow, who, "began a cut-over report", kind="cut_over", key=report, facts=facts)
    return report, count


def plan_reading(uow: UnitOfWork, told: Told[ComparisonRequested]) -> Asking | None:
    fact = told.fact
    found = orders.postable(uow, fact.order_id, fact.erp)
    if found is None:
        return None
    posting = posting_of(uow, found, fact.erp, again=False)
    tried = has_shadow(uow, post_to_erp.name, f"orders:{fact.order_id}", fact.erp)
    would = tried and found.held is None and found.standing.state not in orders.ENDED
    return Asking(posting=posting, shadowed=would)


def call_reading(connection: Connected, asking: Asking) -> Answered:
    """Ask the ERP. What would wait for a person is an answer here: a report has no dead letters."""
    books = connection.port(OrderBooks)
    try:
        view = books.read(asking.posting)
        if view is not None:
            return Answered(state="held", view=view)
        return (
            Answered(state="would", view=books.would(asking.posting)) if asking.shadowed else Answered(state="missing")
        )
    except HubError as error:
        if error.disposition not in FOR_A_PERSON:
            raise
        return Answered(state="failed", said=f"{connection.name}: {error.message} ({error.code})")


def record_reading(uow: UnitOfWork, told: Told[ComparisonRequested], asking: Asking, answer: Answered) -> None:
    fact = told.fact
    orders.record_view(uow, fact.cut_over_id, fact.order_id, fact.erp, answer.state, answer.view, answer.said)


read_for_cut_over = step(
    "cut_over.read_order",
    on=ComparisonRequested, queue="bulk", at_fact="erp", ordered=False, reads=True, port=OrderBooks,
    plan=plan_reading, call=call_reading, record=record_reading,
)  # fmt: skip
