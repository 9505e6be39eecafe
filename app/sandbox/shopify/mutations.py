"""What all mutations share: payloads with `userErrors`, ids and amounts read from their input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from app.kernel.errors import Refused as WrongMoney
from app.kernel.money import Half, Money
from app.sandbox.books import Document
from app.sandbox.shopify.pairs import Pair
from app.sandbox.shopify.records import number_of
from app.sandbox.shopify.store import Rejected, Store
from app.sandbox.shopify.views import Arguments, Query, Resolver

Payload = dict[str, Any]
Act = Callable[[Arguments, Query], Payload]


def error(refusal: Rejected) -> dict[str, Any]:
    """Return a refusal as an entry of `userErrors`."""
    return {"field": list(refusal.field) if refusal.field else None, "message": refusal.message, "code": refusal.code}


def mutation(act: Act, *errors: str) -> Resolver:
    """Return the resolver of a mutation: its payload, or its refusal under `errors` (userErrors by default)."""
    names = errors or ("user_errors",)

    def resolve(_: Any, arguments: Arguments, query: Query) -> Payload:
        try:
            payload = act(arguments, query)
        except Rejected as refusal:
            return {name: [error(refusal)] for name in names}
        return {**dict.fromkeys(names, ()), **payload}

    return resolve


def order_of(store: Store, identity: str, *field: str) -> Document:
    """Return an order by its global id. Raises Rejected when the shop has none."""
    order = store.records.read("orders", number_of(identity, "Order"))
    if order is None:
        raise Rejected("Order does not exist", *field, code="NOT_FOUND")
    return order


def number(identity: str | None, kind: str, message: str, *field: str) -> int:
    """Return the number in a global id. Raises Rejected with `message` when it is not one of this kind."""
    found = number_of(identity or "", kind)
    if found is None:
        raise Rejected(message, *field)
    return found


def shown(amount: str, order: Document, *field: str) -> Money:
    """Read an amount in the currency that the customer was shown. Raises Rejected when it is finer than that."""
    try:
        return Money.parse(amount, order["presentment_currency"])
    except WrongMoney as wrong:
        raise Rejected(f"Amount {amount} is invalid", *field) from wrong


def both_sides(amount: Money, whole: Pair) -> Pair:
    """Return a part of an amount, given on the side the customer was shown, on both sides."""
    if not whole.presentment.minor:
        return Pair(Money(0, whole.shop.currency), amount)
    part = Fraction(whole.shop.amount) * Fraction(amount.minor, whole.presentment.minor)
    return Pair(Money.rounded(part, whole.shop.currency, Half.UP), amount)


Mutations = Mapping[str, Resolver]
