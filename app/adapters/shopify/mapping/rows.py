"""The money-bearing rows of an order: lines, shipping, fees, and the taxes, discounts and duties on them."""

from __future__ import annotations

from collections.abc import Set

from app.adapters.shopify.mapping.amounts import Amounts
from app.adapters.shopify.mapping.parties import properties
from app.adapters.shopify.mapping.reading import (
    Row,
    each,
    flag,
    identity,
    inner_identity,
    number,
    required_identity,
    row,
    text,
    unfit,
    units,
    untold,
    word,
)
from app.domains.orders.canonical import (
    Allocation,
    Application,
    Duty,
    Fee,
    Liable,
    Line,
    LineKind,
    Shipping,
    Tax,
)

_LIABLE = {True: Liable.CHANNEL, False: Liable.MERCHANT, None: Liable.UNKNOWN}
_APPLICATION_KINDS = {
    "discountcodeapplication": "discount_code",
    "automaticdiscountapplication": "automatic",
    "manualdiscountapplication": "manual",
    "scriptdiscountapplication": "script",
}
_TIP_FIELDS = ("tip_payment_gateway", "tip_payment_method", "tip")  # "only on tips", says Shopify's REST description


def applications(order: Row) -> tuple[Application, ...] | None:
    """Why there are discounts, by the index that allocations point to; None where the document leaves them out."""
    return each(order, "discount_applications", _application) if "discount_applications" in order else None


def _application(given: Row) -> Application:
    kind = word(given, "type")
    value, value_kind = given.get("value"), word(given, "value_type")
    if type(value) is dict:  # GraphQL: an amount or a percentage
        value_kind = "percentage" if "percentage" in value else "fixed_amount"
        read = number(value, "percentage") if "percentage" in value else number(value, "amount")
    else:
        read = number(given, "value")
    return Application(
        kind=_APPLICATION_KINDS.get(kind, kind),
        label=text(given, "code") or text(given, "title"),
        target=word(given, "target_type"),
        method=word(given, "allocation_method"),
        value="" if read is None else format(read.normalize() + 0, "f"),
        value_kind=value_kind,
    )


class Rows:
    """Reads the rows of one order, which share its currencies and its discount applications."""

    def __init__(
        self, amounts: Amounts, applications: tuple[Application, ...] | None, tips: Set[str], *, named: bool
    ) -> None:
        self._amounts, self._applications, self._tips, self._named = amounts, applications, tips, named

    def line(self, given: Row) -> Line:
        """One line; `tips` are ids of lines that are tips, `named` lets a line called Tip without a product be one."""
        line_id = required_identity(given, "id")
        product = identity(given, "product_id") or inner_identity(given, "product")
        variant = identity(given, "variant_id") or inner_identity(given, "variant")
        ordered = units(given, "quantity")
        title = text(given, "title")
        return Line(
            line_id=line_id,
            kind=self._kind(given, line_id, title, product or variant),
            title=title,
            qty_ordered=ordered,
            qty_current=ordered if given.get("current_quantity") is None else units(given, "current_quantity"),
            unit_price=self._amounts.of(given, "price_set", "price"),
            sku=text(given, "sku"),
            gid=text(given, "admin_graphql_api_id") or f"gid://shopify/LineItem/{line_id}",
            product_ref=product,
            variant_ref=variant,
            variant_title=text(given, "variant_title"),
            vendor=text(given, "vendor"),
            properties=properties(given, "properties"),
            bundle_group=identity(given, "sales_line_item_group_id") or inner_identity(given, "group"),
            allocations=self.allocations(given),
            taxes=self.taxes(given),
            duties=self.duties(given),
            taxable=flag(given, "taxable", True),
            requires_shipping=flag(given, "requires_shipping", True),
        )

    def shipping(self, given: Row) -> Shipping:
        return Shipping(
            line_id=identity(given, "id"),
            price=self._amounts.of(given, "price_set", "price"),
            code=text(given, "code"),
            title=text(given, "title"),
            carrier=text(given, "carrier_identifier"),
            allocations=self.allocations(given),
            taxes=self.taxes(given),
            is_removed=flag(given, "is_removed"),
        )

    def fee(self, given: Row) -> Fee:
        return Fee(
            name=text(given, "name"),
            price=self._amounts.of(given, "price_set", "price"),
            fee_id=identity(given, "id"),
            taxes=self.taxes(given),
        )

    def taxes(self, parent: Row) -> tuple[Tax, ...]:
        return each(parent, "tax_lines", self._tax)

    def allocations(self, parent: Row) -> tuple[Allocation, ...]:
        return each(parent, "discount_allocations", self._allocation)

    def duties(self, parent: Row) -> tuple[Duty, ...]:
        return each(parent, "duties", self._duty)

    def _kind(self, given: Row, line_id: str, title: str, product: str) -> LineKind:
        if flag(given, "gift_card"):
            return LineKind.GIFT_CARD
        if line_id in self._tips or any(given.get(name) is not None for name in _TIP_FIELDS):
            return LineKind.TIP
        if product:
            return LineKind.PRODUCT
        return LineKind.TIP if self._named and title == "Tip" else LineKind.CUSTOM

    def _tax(self, given: Row) -> Tax:
        liable = given.get("channel_liable")
        if liable is not None and type(liable) is not bool:
            raise unfit("channel_liable", "is neither true nor false")
        return Tax(
            title=text(given, "title"),
            amount=self._amounts.of(given, "price_set", "price"),
            rate=number(given, "rate"),
            liable=_LIABLE[liable],
            source=text(given, "source"),
        )

    def _allocation(self, given: Row) -> Allocation:
        if self._applications is None:
            raise untold("discount_applications")
        inner = given.get("application")
        index = given.get("discount_application_index") if inner is None else row(inner, "application").get("index")
        if type(index) is not int or not 0 <= index < len(self._applications):
            raise unfit("discount_application_index", f"is {str(index)[:20]!r}, which no discount application has")
        return Allocation(amount=self._amounts.of(given, "amount_set", "amount"), application=self._applications[index])

    def _duty(self, given: Row) -> Duty:
        bag = given if given.get("price_set") is not None else {"price_set": given if "shop_money" in given else None}
        return Duty(
            price=self._amounts.of(bag, "price_set"),
            taxes=self.taxes(given),
            duty_id=identity(given, "id"),
            hs_code=text(given, "harmonized_system_code"),
            origin=text(given, "country_code_of_origin"),
        )


def fees_of(order: Row, rows: Rows, amounts: Amounts) -> tuple[Fee, ...]:
    """The order's fees. A webhook may state their sum alone: then they are one fee, and its taxes are not told."""
    if order.get("additional_fees"):
        return each(order, "additional_fees", rows.fee)
    stated = amounts.maybe(order, "original_total_additional_fees_set")
    if stated is None or not (stated.shop or stated.presentment):
        return ()
    return (Fee(name="Additional fees", price=stated),)
