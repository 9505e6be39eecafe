"""Quantities, prices and sequences of lines."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from app.domains.orders.canonical import LineKind, Order
from app.kernel.errors import NeedsAttention
from app.kernel.money import Money, exponent

LINE_STEP = 1000
LINES = 799
PRICE_PLACES = 5  # of unitPrice

Piece = tuple[Decimal, Decimal]  # quantity, unit price


def exactly(amount: Money, quantity: int) -> list[Piece]:
    """`quantity` units that cost `amount` in sum, exactly: at one price of five decimals, else with one odd unit.

    So that also a part of them, shipped and invoiced alone, is worth what its units cost.
    """
    if not quantity:
        return []
    scale = 10 ** (PRICE_PLACES - exponent(amount.currency))
    price, rest = divmod(amount.minor * scale, quantity)
    if not rest:
        return [(Decimal(quantity), _plain(Decimal(price).scaleb(-PRICE_PLACES)))]
    usual = amount.minor // quantity
    odd = amount.minor - usual * (quantity - 1)
    return [
        (Decimal(quantity - 1), Money(usual, amount.currency).amount),
        (Decimal(1), Money(odd, amount.currency).amount),
    ]


def sequences(order: Order, known: Mapping[str, str]) -> dict[str, int]:
    """The sequence of each line that is goods: 1000 · its place; a line added to a known document comes after all.

    `known` are sequences that the document already has, by line id: places may move when an order is edited, the
    sequence of a line never does.
    """
    goods = {
        line.line_id: place * LINE_STEP
        for place, line in enumerate(order.lines, start=1)
        if line.kind in (LineKind.PRODUCT, LineKind.CUSTOM)
    }
    if known:
        held = {line_id: int(known[line_id]) // LINE_STEP * LINE_STEP for line_id in goods if line_id in known}
        last = max(held.values(), default=0) // LINE_STEP
        added = [line_id for line_id in goods if line_id not in known]
        goods = held
        goods |= {line_id: (last + place) * LINE_STEP for place, line_id in enumerate(added, start=1)}
    if any(sequence > LINES * LINE_STEP for sequence in goods.values()):
        raise NeedsAttention(
            "erp.too_many_lines",
            f"the order has more than {LINES} lines, the most that one document takes; split it at the channel",
            about=f"order {order.name}",
        )
    return goods


def _plain(price: Decimal) -> Decimal:
    """Without zeros at the end beyond two decimals: 12.34000 is written 12.34."""
    short = price.normalize()
    return short if -int(short.as_tuple().exponent) >= 2 else price.quantize(Decimal("0.01"))
