"""Forgetting: what a channel tells again of an erased person is taken in without that person.

An erased order stays without its person whatever is told of it; so does an order that an erased customer placed
before the erasure and that the hub hears of now, as from a backfill. What she orders afterwards is a new sale: it is
taken in whole, since it has to reach her.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from app.domains.customers import service as customers
from app.domains.customers.service import KIND, Named
from app.domains.orders.canonical import FulfilmentReported, Order
from app.domains.orders.service import Arrival
from app.domains.orders.service.erasing import stripped
from app.flows.hearing import Heard
from app.infra.erasing.messages import blank_messages
from app.infra.uow import UnitOfWork
from app.kernel import codec

Rest = TypeVar("Rest")
ORDER = "order"


def without_erased(uow: UnitOfWork, arrivals: Sequence[tuple[int, Arrival, Rest]]) -> list[tuple[int, Arrival, Rest]]:
    """The arrivals, those of erased people stripped of them; the messages that told them are blanked."""
    asked = {name for _, arrival, _ in arrivals for name in _names(arrival.order)}
    erased = customers.erased_at(uow, asked)
    if not erased:
        return list(arrivals)
    made: list[tuple[int, Arrival, Rest]] = []
    told: list[int] = []
    for delivery_id, arrival, rest in arrivals:
        if _is_hers(arrival.order, erased):
            order = codec.load(Order, stripped(codec.dump(arrival.order)))
            made.append((delivery_id, replace(arrival, order=order), rest))
            told.append(arrival.notice_id)
        else:
            made.append((delivery_id, arrival, rest))
    blank_messages(uow, told)
    return made


def blanked(uow: UnitOfWork, told: Sequence[tuple[Heard, object]]) -> Sequence[tuple[Heard, object]]:
    """The same, once the messages are blanked that tell where an erased order went: they name who receives it."""
    parcels = {
        heard.notice.notice_id: (ORDER, heard.connection.name, value.order_external_id)
        for heard, value in told
        if isinstance(value, FulfilmentReported)
    }
    erased = customers.erased_at(uow, set(parcels.values()))
    if erased:
        blank_messages(uow, [notice_id for notice_id, name in parcels.items() if name in erased])
    return told


def _is_hers(order: Order, erased: dict[Named, datetime]) -> bool:
    its_name, *buyer = _names(order)
    return its_name in erased or any(order.placed_at <= erased[one] for one in buyer if one in erased)


def _names(order: Order) -> list[Named]:
    """The order, and its customer where the channel names one."""
    channel, customer = order.ref.connection, order.customer.external_id if order.customer else ""
    names = [(ORDER, channel, order.ref.external_id)]
    return [*names, (KIND, channel, customer)] if customer else names
