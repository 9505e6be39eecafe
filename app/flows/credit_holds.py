"""Orders that wait for credit go on by themselves once there is room: limit raised, balance paid, block lifted."""

from __future__ import annotations

from collections.abc import Sequence

from app.domains.customers import queries as known
from app.domains.customers.events import AccountChanged
from app.domains.customers.service import Part
from app.domains.orders import service as orders
from app.flows import acceptance, credit
from app.flows.customers_in import WINDOW
from app.flows.runtime import Told, step
from app.infra.replay.again import replay_lane
from app.infra.uow import UnitOfWork
from app.infra.windows import WindowOpened

WHY = "the customer's credit has room"


def look_at_customer(uow: UnitOfWork, told: Told[AccountChanged]) -> None:
    """What a customer is allowed or owes is another sum now."""
    if Part.TERMS in told.fact.changed:
        household = known.households(uow, [told.fact.account_id])[told.fact.account_id]
        _let_go_on(uow, orders.waiting_for_credit(uow, household))


def look_at_all(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    """Other orders were cancelled or paid meanwhile."""
    if told.fact.name == WINDOW:
        _let_go_on(uow, orders.waiting_for_credit(uow))


def _let_go_on(uow: UnitOfWork, order_ids: Sequence[str]) -> None:
    """Those that have room now are looked at again, the one that waits longest first; the others are left alone."""
    waiting = [acceptance.newest(uow, one, uow.trail) for one in orders.lock_many(uow, order_ids)]
    by_id = {one.standing.order_id: one for one in waiting}
    asked = [(by_id[one], by_id[one].standing.account_id) for one in order_ids if one in by_id]
    refused = credit.check(uow, asked) if asked else {}
    for one, _ in asked:
        if one.standing.order_id not in refused:
            replay_lane(uow, f"{acceptance.resume.name}||orders:{one.standing.order_id}", orders.HUB, WHY)


step("credit_holds.look_at_customer", on=AccountChanged, queue="orders", ordered=False, do=look_at_customer)
step("credit_holds.look_at_all", on=WindowOpened, queue="orders", do=look_at_all)
