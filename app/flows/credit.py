"""Credit: an order on account goes on within its customer's limit, and no order of a blocked customer goes on.

A limit is held against the balance in the ERP's books, what was accepted and is not invoiced, and the order itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.domains.customers import queries as known
from app.domains.customers.policy import Exposure
from app.domains.customers.queries import Debtor
from app.domains.orders import service as orders
from app.domains.orders.service import Captured
from app.infra.uow import UnitOfWork
from app.kernel.errors import NeedsAttention
from app.kernel.money import Money

HELD = "orders.held_credit"


def check(uow: UnitOfWork, wanted: Sequence[tuple[Captured, str]]) -> dict[str, NeedsAttention]:
    """By order id, why orders may not go on yet. One look for all of them, and no more where nobody has terms.

    Orders are taken in the order given: each that goes on takes its room. Whoever has terms is locked until the end.
    """
    places = [one.order.company.location_id if one.order.company else "" for one, _ in wanted]
    buyers = [(account, one.standing.channel, place) for (one, account), place in zip(wanted, places, strict=True)]
    owing = known.debtors(uow, buyers)
    if not any(owing):
        return {}
    credit = known.lock_credit(uow, {debtor for debtor in owing if debtor})
    waived = orders.credit_waived(uow, [one.standing.order_id for one, _ in wanted])
    taken = _open(uow, credit)
    refused: dict[str, NeedsAttention] = {}
    for (one, _), debtor in zip(wanted, owing, strict=True):
        if not debtor:
            continue
        owed = orders.owed_for(one.order)
        room = taken.get(debtor, [])
        error = _refused(one, credit[debtor], room)
        if error is not None and one.standing.order_id not in waived:
            refused[one.standing.order_id] = error
        elif owed is not None:
            room.append(orders.in_currency(owed, credit[debtor].currency))
    return refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a customer owes and is about to owe, and what is left of the limit; None of it where it cannot be told.

    `strange` counts open orders in another currency, which leave nothing to compare.
    """

    balance: Money | None
    open_orders: Money
    open_count: int
    strange: int
    left: Money | None


def room_of(uow: UnitOfWork, account_id: str) -> Room | None:
    """How much more a customer may order on account; None where it has no terms of its own."""
    debtor = known.credit_of(uow, [account_id]).get(account_id)
    if debtor is None:
        return None
    owed = _open(uow, {account_id: replace(debtor, limit=debtor.limit or Money.zero(debtor.currency))})[account_id]
    zero = Money.zero(debtor.currency)
    told = sum((money for money in owed if money is not None), zero)
    strange = owed.count(None)
    left = None if debtor.limit is None or strange else debtor.limit - (debtor.balance or zero) - told
    return Room(balance=debtor.balance, open_orders=told, open_count=len(owed), strange=strange, left=left)


def _open(uow: UnitOfWork, credit: Mapping[str, Debtor]) -> dict[str, list[Money | None]]:
    """What each of those with a limit owes for open orders; None for one in another currency."""
    limited = {account for account, one in credit.items() if one.limit is not None}
    if not limited:
        return {}
    households = known.households(uow, limited)
    of = {member: debtor for debtor, members in households.items() for member in members}
    found: dict[str, list[Money | None]] = {debtor: [] for debtor in limited}
    for one in orders.open_on_account(uow, of):
        debtor = of[one.account_id]
        found[debtor].append(one.still_owed(credit[debtor].currency))
    return found


def _refused(one: Captured, debtor: Debtor, room: Sequence[Money | None]) -> NeedsAttention | None:
    name, owed = one.standing.name, orders.owed_for(one.order)
    if debtor.blocked:
        return _hold(one, debtor, f"{name}: {debtor.source} has blocked its customer", {})
    if debtor.limit is None or owed is None:
        return None
    this = orders.in_currency(owed, debtor.currency)
    if this is None or None in room:
        strange = "it" if this is None else "an open order of its customer"
        said = f"{name}: the limit is in {debtor.currency} and {strange} is not, so the hub cannot compare them"
        return _hold(one, debtor, said, {"limit": str(debtor.limit), "this_order": str(owed.presentment)})
    zero = Money.zero(debtor.currency)
    exposure = Exposure(
        limit=debtor.limit, balance=debtor.balance or zero, this_order=this,
        open_orders=sum((money for money in room if money is not None), zero),
    )  # fmt: skip
    if not exposure.beyond:
        return None
    said = (
        f"{name} would take its customer {exposure.beyond} beyond the limit of {exposure.limit}: balance "
        f"{exposure.balance} + open orders {exposure.open_orders} + this order {exposure.this_order} = {exposure.total}"
    )
    read = f"{debtor.balance_at:%Y-%m-%d %H:%M} UTC" if debtor.balance_at else "never"
    return _hold(one, debtor, said, {**exposure.facts(), "balance_read": read, "open_order_count": str(len(room))})


def _hold(one: Captured, debtor: Debtor, said: str, facts: Mapping[str, str]) -> NeedsAttention:
    return NeedsAttention(
        HELD, said, about=f"order {one.standing.name}", order_id=one.standing.order_id, account_id=debtor.account_id,
        said_by=debtor.source, **facts,
    )  # fmt: skip
