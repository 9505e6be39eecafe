"""Price lists, their prices, and items, as the API has them. Days and hours are those of the list's zone."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import Schema, fields, validate

from app.domains.pricing.canonical.prices import Price, PriceList, Scope, price_text
from app.domains.pricing.policy.periods import begins, ends, zone_of
from app.domains.pricing.schemas.quotes import CURRENCY, SHORT, Strict
from app.kernel.money import UnitPrice

MOST_PRICES = 5000  # of one request
FROM = {"description": "A day or minute of the list's zone, such as 2026-11-27 or 2026-11-27T09:00."}
UNTIL = {"description": "With a day its end, with a minute its beginning. Empty: until the next begins, or for good."}


class PriceListSchema(Strict):
    """A price list; an empty part of its scope means everybody."""

    title = fields.String(load_default="", validate=SHORT)
    currency = fields.String(required=True, validate=CURRENCY)
    company = fields.String(load_default="", validate=SHORT)
    channel = fields.String(load_default="", validate=SHORT)
    customer_group = fields.String(load_default="", validate=SHORT)
    customer = fields.String(load_default="", validate=SHORT)
    prices_include_tax = fields.Boolean(required=True)
    zone = fields.String(required=True, validate=SHORT, metadata={"example": "Europe/Berlin"})
    open = fields.Boolean(load_default=True)


class KeptPriceListSchema(PriceListSchema):
    """A price list as it is."""

    code = fields.String(required=True)
    changed_at = fields.AwareDateTime(required=True)
    changed_by = fields.String(required=True)


class PriceListPage(Schema):
    """Price lists by their code; `next` goes on, null on the last page."""

    price_lists = fields.List(fields.Nested(KeptPriceListSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class PriceSchema(Strict):
    """A price of one unit from a quantity on."""

    sku = fields.String(required=True, validate=validate.Length(min=1, max=200))
    unit = fields.String(load_default="", validate=SHORT)
    min_quantity = fields.Decimal(load_default=Decimal(1), as_string=True)
    amount = fields.Decimal(required=True, as_string=True, metadata={"description": "Up to six decimals, as text."})
    from_ = fields.String(required=True, data_key="from", validate=SHORT, metadata=FROM)
    until = fields.String(load_default="", validate=SHORT, metadata=UNTIL)


class PricesSchema(Strict):
    """Prices in place of all that the SKUs named had in the list; `without` names SKUs that shall have none."""

    prices = fields.List(fields.Nested(PriceSchema), load_default=list, validate=validate.Length(max=MOST_PRICES))
    without = fields.List(fields.String(validate=SHORT), load_default=list, validate=validate.Length(max=MOST_PRICES))


class PricePage(Schema):
    """Prices by SKU, unit, quantity and beginning; `next` goes on, null on the last page."""

    zone = fields.String(required=True)
    prices = fields.List(fields.Nested(PriceSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class PriceFilter(Strict):
    """Which prices of a list."""

    sku = fields.String(load_default="", validate=SHORT)
    after = fields.String(load_default="", validate=SHORT, metadata={"description": "`next` of the page before."})


class AfterCodeSchema(Strict):
    """Where a page begins."""

    after = fields.String(load_default="", validate=SHORT, metadata={"description": "`next` of the page before."})


class PricesChangedSchema(Schema):
    """How many SKUs a request changed."""

    changed = fields.Integer(required=True)


class ItemCostSchema(Strict):
    """What one unit costs us."""

    currency = fields.String(required=True, validate=CURRENCY)
    amount = fields.Decimal(required=True)
    unit = fields.String(load_default="", validate=SHORT)


class PriceItemSchema(Strict):
    """What promotions, tax and the floor ask of a SKU."""

    sku = fields.String(required=True, validate=validate.Length(min=1, max=200))
    category = fields.String(load_default="", validate=SHORT)
    product_type = fields.String(load_default="", validate=SHORT)
    tax_code = fields.String(load_default="", validate=SHORT)
    margin = fields.Decimal(
        load_default=None, metadata={"description": "Its own margin on the cost; a quarter is 0.25."}
    )
    costs = fields.List(fields.Nested(ItemCostSchema), load_default=list, validate=validate.Length(max=50))


class PriceItemsSchema(Strict):
    """Items, each in place of what was known of it."""

    items = fields.List(fields.Nested(PriceItemSchema), required=True, validate=validate.Length(min=1, max=MOST_PRICES))


def list_of(code: str, given: Mapping[str, Any]) -> PriceList:
    """The price list of a body that kept its schema."""
    scope = Scope(**{name: given[name] for name in ("company", "channel", "customer_group", "customer")})
    return PriceList(
        code=code, title=given["title"], currency=given["currency"], scope=scope,
        includes_tax=given["prices_include_tax"], zone=given["zone"], open=given["open"],
    )  # fmt: skip


def list_body(given: PriceList) -> dict[str, Any]:
    """A price list as KeptPriceListSchema says."""
    scope = given.scope
    return {
        "code": given.code, "title": given.title, "currency": given.currency, "company": scope.company,
        "channel": scope.channel, "customer_group": scope.customer_group, "customer": scope.customer,
        "prices_include_tax": given.includes_tax, "zone": given.zone, "open": given.open,
    }  # fmt: skip


def price_of(given: Mapping[str, Any], currency: str, zone: ZoneInfo) -> Price:
    """A price with its instants. Raises Invalid for a time that the zone's clock never shows, Refused for more than
    six decimals.
    """
    return Price(
        sku=given["sku"], unit=given["unit"], min_quantity=given["min_quantity"],
        amount=UnitPrice(given["amount"], currency), from_at=begins(given["from_"], zone),
        until_at=ends(given["until"], zone) if given["until"] else None,
    )  # fmt: skip


def price_body(price: Price, zone: str) -> dict[str, Any]:
    """A price with the times that its list's clock shows."""
    clock = zone_of(zone)
    until = price.until_at
    return {
        "sku": price.sku, "unit": price.unit, "min_quantity": price.min_quantity, "amount": price_text(price.amount),
        "from_": f"{price.from_at.astimezone(clock):%Y-%m-%dT%H:%M:%S}",
        "until": f"{until.astimezone(clock):%Y-%m-%dT%H:%M:%S}" if until else "",
    }  # fmt: skip
