"""An order, the company's terms and what is known → the plan of its document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.adapters.business_central.mapping.bands import Bands
from app.adapters.business_central.mapping.buyers import buyer_of
from app.adapters.business_central.mapping.plan import DocumentPlan, PlannedLine, in_order, rounding_line
from app.adapters.business_central.mapping.remaining import Levy
from app.adapters.business_central.mapping.rounding import groups_of, predicted_total, too_far, within
from app.adapters.business_central.mapping.terms import Mode, Terms, external_number
from app.adapters.business_central.mapping.text import Cuts
from app.domains.orders.canonical import Address, Order, Side
from app.domains.orders.ports import Posting
from app.kernel.errors import NeedsAttention
from app.kernel.money import Money, total


def build_plan(posting: Posting, terms: Terms) -> DocumentPlan:
    """The document that holds this order as it is now.

    Raises NeedsAttention where a setting is missing, a line names no item, or the order's lines do not come to its
    total within what rounding explains: then nothing is posted.
    """
    order = posting.order
    mode = terms.mode_for(order)
    cuts = Cuts()
    bands = Bands(order=order, terms=terms, mode=mode, known=posting.known, cuts=cuts, waits=posting.back_ordered)
    lines = bands.build()
    rows = sum(1 for levy in bands.levies if levy.amount)
    expected = _expected_total(order, terms)
    if mode is not Mode.ERP_TAX:
        lines += _rounding(lines, expected, terms, mode, about=f"order {order.name}", halves=_slack(bands, rows))
    if not lines:
        about = f"order {order.name}"
        raise NeedsAttention("erp.nothing_to_post", f"{about} has no line left; cancel it instead", about=about)
    return DocumentPlan(
        external_number=external_number(terms, posting.key),
        currency=expected.currency,
        prices_include_tax=mode is Mode.GROSS if terms.prices_include_tax_writable else None,
        buyer=buyer_of(posting, terms, cuts),
        head=_head(posting, terms, cuts),
        lines=in_order([*lines, *bands.comments()]),
        total=expected,
        tax=_expected_tax(bands.levies, mode, expected.currency),
        tax_rows=rows,
        total_slack=rows if mode is Mode.ERP_TAX else _slack(bands, rows),
        tax_slack=0 if mode is Mode.TAX_LINES else rows + groups_of(lines) + 2 * bands.shared,
        proves_rates=mode is not Mode.ERP_TAX,
        shipment_method=_method(posting),
        cuts=tuple(cuts.told),
    )


def _method(posting: Posting) -> str:
    code = next((row.code for row in posting.order.shipping if not row.is_removed), "")
    return code if code in posting.known.get("shipment_method", {}) else ""


def _expected_total(order: Order, terms: Terms) -> Money:
    """What the order is worth now, as paid: cash rounding is part of the document, a gift card is not."""
    amount = order.totals.current_total.of(terms.side)
    return amount + order.cash_rounding_payment.of(terms.side) if order.cash_rounding_payment else amount


def _expected_tax(levies: list[Levy], mode: Mode, currency: str) -> Money:
    if mode is Mode.TAX_LINES:
        return Money.zero(currency)
    return total((levy.amount for levy in levies if not levy.by_channel), currency)


def _slack(bands: Bands, rows: int) -> int:
    """How far the lines may be from the total, in halves of a minor unit: half a unit for each tax row, and one.

    A line that was split by quantity adds one unit; the shop's side of an order in another currency one for each row,
    since every row was converted for itself.
    """
    order = bands.order
    converted = bands.terms.side is Side.SHOP and order.currency_shop != order.currency_presentment
    return rows + 2 + 2 * bands.shared + (2 * (bands.rows + rows) if converted else 0)


def _rounding(
    lines: list[PlannedLine], expected: Money, terms: Terms, mode: Mode, *, about: str, halves: int
) -> list[PlannedLine]:
    predicted = predicted_total(lines, expected.currency, includes_tax=mode is Mode.GROSS)
    if predicted is None or predicted == expected:
        return []
    difference = expected - predicted
    if not within(difference, halves):
        raise too_far(predicted, expected, halves, about)
    line = rounding_line(difference, terms.account("rounding"), terms.zero_tax_code)
    return [line] if line else []


def _head(posting: Posting, terms: Terms, cuts: Cuts) -> dict[str, Any]:
    order = posting.order
    head: dict[str, Any] = {
        "orderDate": terms.ordered_on(order).isoformat(),
        "postingDate": posting.business_date.isoformat(),
        **ship_to(order, cuts, posting.known.get("country", {})),
        **cuts.fitted(_address("sellTo", order.bill_to or Address(), posting.known.get("country", {}))),
        **cuts.fitted({"phoneNumber": order.phone or (order.ship_to or Address()).phone, "email": order.email}),
    }
    head["partialShipping"] = True
    if terms.channel_dimension:
        head["shortcutDimension1Code"] = terms.channel_dimension
    return head


def ship_to(order: Order, cuts: Cuts, countries: Mapping[str, str]) -> dict[str, str]:
    """Where the goods go, in the fields of the head."""
    address = order.ship_to or Address()
    named = {"shipToName": address.company or address.name, "shipToContact": address.name if address.company else ""}
    return cuts.fitted(named | _address("shipTo", address, countries))


def _address(role: str, address: Address, countries: Mapping[str, str]) -> dict[str, str]:
    return {
        f"{role}AddressLine1": address.line1,
        f"{role}AddressLine2": address.line2,
        f"{role}City": address.city,
        f"{role}Country": countries.get(address.country_code, address.country_code),
        f"{role}State": address.province_code or address.province,
        f"{role}PostCode": address.postal_code,
    }
