"""A basket, and its quote."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from app.domains.pricing.canonical.basket import MOST_LINES, Asked, Basket, Destination
from app.domains.pricing.canonical.prices import price_text
from app.domains.pricing.canonical.quote import Quote, QuotedLine, QuotedShipping, Reason, Stage
from app.domains.pricing.canonical.tax import LineTax
from app.kernel.money import Money
from app.kernel.quantity import Quantity

SHORT, CURRENCY = validate.Length(max=200), validate.Regexp(r"^[A-Z]{3}$", error="Write it as ISO 4217 does: EUR.")
PLAIN = {"description": "Exact, as text."}


class Strict(Schema):
    """A body with a name that nobody knows is refused."""

    class Meta:
        unknown = RAISE


class BasketLineSchema(Strict):
    """A line of the basket. `unit` is empty for the SKU's own unit."""

    line_id = fields.String(required=True, validate=validate.Length(min=1, max=200))
    sku = fields.String(required=True, validate=validate.Length(min=1, max=200))
    quantity = fields.Decimal(required=True, metadata={**PLAIN, "example": "2"})
    unit = fields.String(load_default="", validate=SHORT)
    tax_code = fields.String(load_default="", validate=SHORT, metadata={"description": "Instead of the item's own."})


class BasketDestinationSchema(Strict):
    """Where it goes, for tax."""

    country = fields.String(required=True, validate=validate.Regexp(r"^[A-Z]{2}$", error="Write it as ISO 3166 does."))
    region = fields.String(load_default="", validate=SHORT)
    postal_code = fields.String(load_default="", validate=SHORT)


class BasketSchema(Strict):
    """Who wants what, and where. Without `at` it is priced as of now."""

    currency = fields.String(required=True, validate=CURRENCY)
    company = fields.String(load_default="", validate=SHORT)
    channel = fields.String(load_default="", validate=SHORT)
    customer = fields.String(load_default="", validate=SHORT)
    customer_group = fields.String(load_default="", validate=SHORT)
    destination = fields.Nested(BasketDestinationSchema, required=True)
    shipping = fields.Decimal(load_default=None, metadata={"description": "Net or gross as the prices are."})
    at = fields.AwareDateTime(load_default=None)
    lines = fields.List(fields.Nested(BasketLineSchema), required=True, validate=validate.Length(min=1, max=MOST_LINES))


class PriceReasonSchema(Schema):
    """An amount and the rule that gave it."""

    stage = fields.Enum(Stage, by_value=True, required=True)
    rule = fields.String(required=True)
    said = fields.String(required=True)
    amount = fields.String(required=True, metadata=PLAIN)


class PricedTaxSchema(Schema):
    """One tax of a line."""

    jurisdiction = fields.String(required=True)
    name = fields.String(required=True)
    percent = fields.String(required=True)
    amount = fields.String(required=True)
    certificate = fields.String(required=True)


class PricedChargeSchema(Schema):
    """What a line or the shipping comes to: net plus tax is gross."""

    amount = fields.String(required=True, metadata={"description": "After discounts, net or gross as the prices are."})
    net = fields.String(required=True)
    tax = fields.String(required=True)
    gross = fields.String(required=True)
    taxes = fields.List(fields.Nested(PricedTaxSchema), required=True)
    reasons = fields.List(fields.Nested(PriceReasonSchema), required=True)


class PricedLineSchema(PricedChargeSchema):
    """A line with its price."""

    line_id = fields.String(required=True)
    sku = fields.String(required=True)
    unit = fields.String(required=True)
    quantity = fields.String(required=True)
    unit_price = fields.String(required=True)
    list_amount = fields.String(required=True)
    discount = fields.String(required=True)


class PriceQuoteSchema(Schema):
    """A basket's price. Lines and shipping add up to the totals, to the minor unit."""

    currency = fields.String(required=True)
    at = fields.String(required=True)
    prices_include_tax = fields.Boolean(required=True)
    lines = fields.List(fields.Nested(PricedLineSchema), required=True)
    shipping = fields.Nested(PricedChargeSchema, required=True, allow_none=True)
    list_amount = fields.String(required=True)
    discount = fields.String(required=True)
    net = fields.String(required=True)
    tax = fields.String(required=True)
    gross = fields.String(required=True)
    rounding = fields.String(required=True)
    tax_mode = fields.String(required=True)
    tax_source = fields.String(required=True)
    estimated = fields.Boolean(required=True, metadata={"description": "Tax is not the first choice's; see reason."})
    reason = fields.String(required=True)


def basket_of(given: Mapping[str, Any], now: datetime) -> Basket:
    """The basket of a body that kept its schema. Raises Invalid, naming the fields that are wrong."""
    currency = given["currency"]
    return Basket(
        currency=currency, at=given["at"] or now, company=given["company"], channel=given["channel"],
        customer=given["customer"], customer_group=given["customer_group"],
        destination=Destination(**given["destination"]),
        shipping=None if given["shipping"] is None else Money.parse(given["shipping"], currency),
        lines=tuple(Asked(**{**line, "quantity": _quantity(line)}) for line in given["lines"]),
    )  # fmt: skip


def _quantity(line: Mapping[str, Any]) -> Any:
    return Quantity(line["quantity"], line["unit"]).number  # refuses one that is finer than five decimals


def quote_body(quote: Quote) -> dict[str, Any]:
    """A quote as PriceQuoteSchema says, in a tenth of the time that marshmallow takes."""
    totals = {name: getattr(quote, name).text for name in ("list_amount", "discount", "net", "tax", "gross")}
    words = {name: getattr(quote, name) for name in ("rounding", "tax_mode", "tax_source", "estimated", "reason")}
    return {
        "currency": quote.currency,
        "at": quote.at.isoformat(),
        "prices_include_tax": quote.includes_tax,
        "lines": [_line(line) for line in quote.lines],
        "shipping": None if quote.shipping is None else _charged(quote.shipping),
        **totals,
        **words,
    }


def _line(line: QuotedLine) -> dict[str, Any]:
    return {
        "line_id": line.line_id,
        "sku": line.sku,
        "unit": line.unit,
        "quantity": f"{line.quantity:f}",
        "unit_price": price_text(line.unit_price),
        "list_amount": line.list_amount.text,
        "discount": line.discount.text,
        **_charged(line),
    }


def _charged(one: QuotedLine | QuotedShipping) -> dict[str, Any]:
    return {
        "amount": one.amount.text,
        "net": one.net.text,
        "tax": one.tax.text,
        "gross": one.gross.text,
        "taxes": _parts(one.taxes),
        "reasons": [_reason(reason) for reason in one.reasons],
    }


def _parts(taxes: LineTax) -> list[dict[str, str]]:
    return [
        {
            "jurisdiction": part.jurisdiction, "name": part.name, "percent": f"{part.percent:f}",
            "amount": part.amount.text, "certificate": part.certificate,
        }
        for part in taxes.parts
    ]  # fmt: skip


def _reason(reason: Reason) -> dict[str, str]:
    return {
        "stage": reason.stage.value,
        "rule": reason.rule,
        "said": reason.said,
        "amount": reason.amount.text,
    }
