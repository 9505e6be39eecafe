"""What an ERP or a warehouse calls back with: canonical values, or the field, the rule and the fix."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, pre_load, validate, validates_schema

from app.domains.orders.ports import ErpAcceptance, ErpInvoice, ErpShipment, InvoicedLine, Package, ShippedLine
from app.kernel.errors import HubError
from app.kernel.money import Money

NUMBER = validate.Length(min=1, max=80)
MOST_LINES = 10_000  # of one shipment or invoice: more is a mistake, and a way to hold a worker
FILLED = validate.Length(min=1, max=MOST_LINES)


class Strict(Schema):
    """A body whose every field is known: a stranger's typo is told, not ignored."""

    class Meta:
        unknown = RAISE

    @pre_load
    def _no_nul(self, given: Any, **_: Any) -> Any:
        """U+0000 is valid in JSON and stored by no database."""
        texts = given.items() if isinstance(given, dict) else ()
        wrong = [name for name, text in texts if isinstance(text, str) and "\0" in text]
        if wrong:
            raise ValidationError(dict.fromkeys(wrong, ["U+0000 is no character of a text"]))
        return given


class MoneySchema(Strict):
    """An exact amount as text with its currency."""

    amount = fields.String(required=True, validate=validate.Length(max=40), metadata={"example": "12.30"})
    currency = fields.String(
        required=True, validate=validate.Regexp(r"^[A-Z]{3}$", error="give an ISO 4217 code such as USD")
    )

    @post_load
    def build(self, given: dict[str, Any], **_: Any) -> Money:
        try:
            return Money.parse(given["amount"], given["currency"])
        except HubError as wrong:
            raise ValidationError(wrong.message, "amount") from wrong


class ErpOrderSchema(Strict):
    """The ERP accepted an order."""

    order_number = fields.String(required=True, validate=NUMBER, metadata={"description": "the ERP's number"})
    external_number = fields.String(load_default="", validate=validate.Length(max=80))
    accepted_at = fields.AwareDateTime(required=True)

    @post_load
    def build(self, given: dict[str, Any], **_: Any) -> ErpAcceptance:
        return ErpAcceptance(**given)


class ShippedLineSchema(Strict):
    """So many of one line: by the ERP's own line number, or by SKU. A negative quantity takes goods back."""

    sequence = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(min=0))
    sku = fields.String(load_default="", validate=validate.Length(max=80))
    quantity = fields.Decimal(required=True, places=5, as_string=True, allow_nan=False)

    @validates_schema
    def _names_a_line(self, given: dict[str, Any], **_: Any) -> None:
        if given.get("sequence") is None and not given.get("sku"):
            raise ValidationError("name the line by sequence or by sku", "sequence")
        if given.get("quantity") == 0:
            raise ValidationError("give a quantity that is not zero", "quantity")

    @post_load
    def build(self, given: dict[str, Any], **_: Any) -> ShippedLine:
        return ShippedLine(**given)


class PackageSchema(Strict):
    """A parcel and where to follow it."""

    tracking_number = fields.String(required=True, validate=NUMBER)
    carrier = fields.String(load_default="", validate=validate.Length(max=80))
    tracking_url = fields.URL(load_default=None, allow_none=True, schemes={"http", "https"}, require_tld=False)

    @post_load
    def build(self, given: dict[str, Any], **_: Any) -> Package:
        return Package(**{**given, "tracking_url": given["tracking_url"] or ""})


class ErpShipmentSchema(Strict):
    """Goods left. The same shipment number again may add tracking."""

    shipment_number = fields.String(required=True, validate=NUMBER)
    order_number = fields.String(required=True, validate=NUMBER, metadata={"description": "the ERP's number"})
    shipped_at = fields.AwareDateTime(required=True)
    location = fields.String(load_default="", validate=validate.Length(max=80))
    lines = fields.List(fields.Nested(ShippedLineSchema), required=True, validate=FILLED)
    packages = fields.List(fields.Nested(PackageSchema), load_default=list, validate=validate.Length(max=MOST_LINES))

    @post_load
    def build(self, given: dict[str, Any], **_: Any) -> ErpShipment:
        return ErpShipment(
            number=given["shipment_number"], order_number=given["order_number"], shipped_at=given["shipped_at"],
            location=given["location"], lines=tuple(given["lines"]), packages=tuple(given["packages"]),
        )  # fmt: skip


class InvoicedLineSchema(Strict):
    """A line of an invoice; `amount` in the invoice's currency."""

    sequence = fields.Integer(required=True, strict=True, validate=validate.Range(min=0))
    quantity = fields.Decimal(required=True, places=5, as_string=True, allow_nan=False)
    amount = fields.String(required=True, validate=validate.Length(max=40))


class ErpInvoiceSchema(Strict):
    """The ERP invoiced an order, or a part of it."""

    invoice_number = fields.String(required=True, validate=NUMBER)
    order_number = fields.String(required=True, validate=NUMBER, metadata={"description": "the ERP's number"})
    invoiced_at = fields.AwareDateTime(required=True)
    total = fields.Nested(MoneySchema, required=True)
    lines = fields.List(fields.Nested(InvoicedLineSchema), load_default=list, validate=validate.Length(max=MOST_LINES))

    @post_load
    def build(self, given: dict[str, Any], **_: Any) -> ErpInvoice:
        currency = given["total"].currency
        return ErpInvoice(
            number=given["invoice_number"], order_number=given["order_number"],
            invoiced_on=given["invoiced_at"].date(), total=given["total"],
            lines=tuple(_invoiced(n, line, currency) for n, line in enumerate(given["lines"])),
        )  # fmt: skip


def _invoiced(n: int, line: dict[str, Any], currency: str) -> InvoicedLine:
    try:
        amount = Money.parse(line["amount"], currency)
    except HubError as wrong:
        raise ValidationError({"lines": {n: {"amount": [wrong.message]}}}) from wrong
    return InvoicedLine(sequence=line["sequence"], quantity=line["quantity"], amount=amount)


# What the ERP may tell, by the topic that its notices have.
CALLBACKS: dict[str, type[Strict]] = {
    "erp/orders": ErpOrderSchema,
    "erp/shipments": ErpShipmentSchema,
    "erp/invoices": ErpInvoiceSchema,
}
