"""Amounts of one order: pairs of shop and presentment money, each read once."""

from __future__ import annotations

import re
from typing import Any

from app.adapters.shopify.mapping.reading import Row, unfit, untold
from app.domains.orders.canonical import Amount
from app.kernel.errors import Refused
from app.kernel.money import Money

_CURRENCY = re.compile(r"[A-Z]{3}")
_PLAIN = re.compile(r"-?\d{1,24}(\.\d{1,12})?", re.ASCII)


def currency(parent: Row, field: str) -> str:
    """An ISO 4217 code; nothing is empty text."""
    raw = parent.get(field)
    if raw is None:
        return ""
    if type(raw) is str and _CURRENCY.fullmatch(raw):
        return raw
    raise unfit(field, f"is {str(raw)[:20]!r}, not an ISO 4217 code")


def money(amount: object, code: str, field: str) -> Money:
    """One amount of a currency, exact."""
    given = str(amount) if type(amount) is int else amount
    if type(given) is not str or not _PLAIN.fullmatch(given):
        raise unfit(field, f"is {str(amount)[:40]!r}, not a plain decimal amount")
    try:
        return Money.parse(given, code)
    except Refused as refused:
        raise unfit(field, f"does not fit its currency: {refused.message}") from refused


class Amounts:
    """Reads the amounts of one order; `shop` and `presentment` are its currencies."""

    __slots__ = ("_known", "presentment", "shop")

    def __init__(self, shop: str, presentment: str) -> None:
        self.shop, self.presentment = shop, presentment
        self._known: dict[Any, Amount] = {}

    def of(self, parent: Row, bag: str, alone: str = "") -> Amount:
        """The pair under `bag`; where there is none, the single amount under `alone`, which is both in one currency."""
        read = self.maybe(parent, bag, alone)
        if read is None:
            raise untold(bag)
        return read

    def maybe(self, parent: Row, bag: str, alone: str = "") -> Amount | None:
        """As `of`, but nothing is None."""
        given = parent.get(bag)
        if given is None:
            return self._single(parent, bag, alone)
        try:
            shop, shown = given["shop_money"], given["presentment_money"]
            key = (shop["amount"], shop["currency_code"], shown["amount"], shown["currency_code"])
            known = self._known.get(key)
        except (TypeError, KeyError) as wrong:
            raise unfit(bag, "is not a pair of shop_money and presentment_money") from wrong
        if known is None:
            known = self._known[key] = self._pair(key, bag)
        return known

    def zero(self) -> Amount:
        return Amount(shop=Money.zero(self.shop), presentment=Money.zero(self.presentment))

    def _pair(self, key: tuple[object, object, object, object], bag: str) -> Amount:
        amount, code, shown_amount, shown_code = key
        if code != self.shop or shown_code != self.presentment:
            stated = f"{self.shop} and {self.presentment}"
            raise unfit(bag, f"is in {str(code)[:8]} and {str(shown_code)[:8]} where the order is in {stated}")
        shop = money(amount, self.shop, f"{bag}.shop_money.amount")
        if shown_amount == amount and shown_code == code:
            return Amount(shop=shop, presentment=shop)
        return Amount(shop=shop, presentment=money(shown_amount, self.presentment, f"{bag}.presentment_money.amount"))

    def _single(self, parent: Row, bag: str, alone: str) -> Amount | None:
        raw = parent.get(alone) if alone else None
        if raw is None:
            return None
        if self.shop != self.presentment:
            raise untold(bag)  # one amount cannot say both
        both = money(raw, self.shop, alone)
        return Amount(shop=both, presentment=both)
