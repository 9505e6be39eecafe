"""Builders of canonical values with realistic defaults: a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.domains.orders.canonical import (
    Address,
    Allocation,
    Amount,
    Application,
    Liable,
    Line,
    LineKind,
    Order,
    Party,
    Shipping,
    Tax,
    Totals,
)
from app.kernel.identity import Ref
from app.kernel.money import Money

PLACED = datetime(2026, 11, 20, 15, 4, 5, tzinfo=UTC)


def money(text: str, currency: str = "USD") -> Amount:
    """The same amount on both sides, as in a shop with one currency."""
    whole = Money.parse(text, currency)
    return Amount(shop=whole, presentment=whole)


def usd(text: str) -> Amount:
    return money(text, "USD")


def eur(text: str) -> Amount:
    return money(text, "EUR")


def a_tax(
    amount: str, *, title: str = "State tax", rate: str | None = "0.08", currency: str = "USD",
    liable: Liable = Liable.MERCHANT,
) -> Tax:  # fmt: skip
    return Tax(title=title, amount=money(amount, currency), rate=Decimal(rate) if rate else None, liable=liable)


def an_allocation(amount: str, *, label: str = "WELCOME10", currency: str = "USD") -> Allocation:
    return Allocation(
        amount=money(amount, currency),
        application=Application(kind="discount_code", label=label, target="line_item", method="across"),
    )


def a_line(
    line_id: str = "501", *, sku: str = "TENT-2P-GRN", price: str = "25.00", quantity: int = 1, currency: str = "USD",
    **overrides: Any,
) -> Line:  # fmt: skip
    given: dict[str, Any] = {
        "line_id": line_id,
        "kind": LineKind.PRODUCT,
        "title": "Trail tent for two",
        "sku": sku,
        "qty_ordered": quantity,
        "qty_current": quantity,
        "unit_price": money(price, currency),
        "gid": f"gid://shopify/LineItem/{line_id}",
    }
    return Line(**(given | overrides))


def a_shipping(line_id: str = "701", *, price: str = "4.90", currency: str = "USD", **overrides: Any) -> Shipping:
    given: dict[str, Any] = {"line_id": line_id, "price": money(price, currency), "title": "Standard", "code": "STD"}
    return Shipping(**(given | overrides))


def an_address(**overrides: Any) -> Address:
    given: dict[str, Any] = {
        "name": "June Harper", "first_name": "June", "last_name": "Harper", "line1": "12 Alder Street",
        "city": "Portland", "province": "Oregon", "province_code": "OR", "postal_code": "97201",
        "country": "United States", "country_code": "US", "phone": "+1 503 555 0142",
    }  # fmt: skip
    return Address(**(given | overrides))


def a_customer(**overrides: Any) -> Party:
    given: dict[str, Any] = {
        "external_id": "207119551", "email": "june.harper@example.com", "first_name": "June", "last_name": "Harper",
    }  # fmt: skip
    return Party(**(given | overrides))


def an_order(**overrides: Any) -> Order:
    """One tent at 25.00 USD without tax or shipping, unless told otherwise.

    `total` is the sum by E1 of domain equations when it is not given, `currency` is short for both currencies.
    """
    currency = overrides.pop("currency", "USD")
    total = overrides.pop("total", None)
    external_id = overrides.pop("external_id", "450789469")
    given: dict[str, Any] = {
        "ref": Ref(connection="shop", external_id=external_id),
        "gid": f"gid://shopify/Order/{external_id}",
        "name": "#1001",
        "number": 1001,
        "source_version": PLACED,
        "placed_at": PLACED,
        "created_at": PLACED,
        "currency_shop": currency,
        "currency_presentment": currency,
        "lines": (a_line(currency=currency),),
        "customer": a_customer(),
        "email": "june.harper@example.com",
        "bill_to": an_address(),
        "ship_to": an_address(),
        "financial_status": "paid",
    }
    given |= overrides
    if "totals" not in given:
        summed = money(total, currency) if total is not None else stated_total(given)
        given["totals"] = Totals(total=summed, current_total=summed)
    return Order(**given)


def stated_total(given: dict[str, Any]) -> Amount:
    """What the source would state for these parts as the order's total (its ordered quantities)."""
    plus: list[Amount] = []
    minus: list[Amount] = []
    taxes: list[Tax] = []
    for line in given["lines"]:
        plus += [line.unit_price] * line.qty_ordered
        minus += [allocation.amount for allocation in line.allocations]
        taxes += line.taxes
        for duty in line.duties:
            plus += [] if given.get("duties_included") else [duty.price]
            taxes += duty.taxes
    for row in given.get("shipping", ()):
        if not row.is_removed:
            plus.append(row.price)
            minus += [allocation.amount for allocation in row.allocations]
            taxes += row.taxes
    for fee in given.get("fees", ()):
        plus.append(fee.price)
        taxes += fee.taxes
    if tip := given.get("tip_outside_lines"):
        plus.append(tip)
    if not given.get("taxes_included"):
        plus += [tax.amount for tax in taxes]
    return _difference(plus, minus, given["currency_shop"], given["currency_presentment"])


def _difference(plus: list[Amount], minus: list[Amount], shop: str, presentment: str) -> Amount:
    return Amount(
        shop=Money(sum(a.shop.minor for a in plus) - sum(a.shop.minor for a in minus), shop),
        presentment=Money(
            sum(a.presentment.minor for a in plus) - sum(a.presentment.minor for a in minus), presentment
        ),
    )
