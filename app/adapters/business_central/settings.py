"""What a connection to Business Central is set up with: one environment and one company."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marshmallow import ValidationError, fields, validates_schema
from marshmallow.validate import Length, OneOf, Range, Regexp

from app.infra.remote.spec import ConnectionSettings, SettingsSchema

API = "https://api.businesscentral.dynamics.com"
LOGIN = "https://login.microsoftonline.com"
SECRET = {"secret": True}
ANY = "*"

_GUID = Regexp(r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", error="give the id as 8-4-4-4-12 hex digits")
_CURRENCY = Regexp(r"^[A-Z]{3}$", error="give an ISO 4217 code such as USD")
_ACCOUNT = Length(min=1, max=20, error="an account number has 1 to 20 characters")


def _web_address(value: str) -> None:
    if value and not value.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise ValidationError("give an address that begins with https://")


def _zone(value: str) -> None:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as wrong:
        raise ValidationError("give a zone of the IANA list such as America/New_York") from wrong


def _account(**given: Any) -> fields.String:
    return fields.String(load_default="", validate=Length(max=20, error=_ACCOUNT.error), **given)


class AccountsSchema(SettingsSchema):
    """Numbers of G/L accounts that allow direct posting; an empty one is a case as soon as an order needs it."""

    shipping = _account()
    tip = _account()
    gift_card_liability = _account()
    duty = _account()
    fee = _account()
    custom = _account(metadata={"help": "lines without an item, such as engraving"})
    cash_rounding = _account()
    rounding = _account()
    marketplace_tax = _account()
    refund_difference = _account()
    tax_payable = fields.Dict(keys=fields.String(), values=fields.String(validate=_ACCOUNT), load_default=dict)


class BusinessCentralSettings(ConnectionSettings):
    """Settings of one connection; after `load` every field has its value."""

    base_url = fields.String(load_default=API, validate=_web_address)
    token_url = fields.String(load_default="", validate=_web_address)
    tenant = fields.String(required=True, validate=Length(min=1))
    environment = fields.String(required=True, validate=Length(min=1))
    company_id = fields.String(required=True, validate=_GUID)
    client_id = fields.String(required=True, validate=Length(min=1))
    client_secret = fields.String(required=True, validate=Length(min=1), metadata=SECRET)
    client_state = fields.String(load_default="", validate=Length(max=2048), metadata=SECRET)
    client_state_previous = fields.String(load_default="", validate=Length(max=2048), metadata=SECRET)

    prefix = fields.String(
        load_default="WEB", validate=Regexp(r"^[A-Za-z0-9]{1,10}$", error="give 1 to 10 letters or digits")
    )
    document_currency = fields.String(load_default="presentment", validate=OneOf(("presentment", "shop")))
    local_currency = fields.String(required=True, validate=_CURRENCY)
    tax_mode = fields.String(required=True, validate=OneOf(("gross", "net", "tax_lines", "erp_tax")))
    prices_include_tax_writable = fields.Boolean(load_default=True)
    zero_tax_code = fields.String(load_default="", validate=Length(max=20))
    shipping_tax_code = fields.String(load_default="", validate=Length(max=20))
    duty_tax_code = fields.String(load_default="", validate=Length(max=20))
    fee_tax_code = fields.String(load_default="", validate=Length(max=20))
    accounts = fields.Nested(AccountsSchema, load_default=lambda: AccountsSchema().load({}))

    order_customer = fields.String(load_default="own", validate=OneOf(("own", "per_tax_area", "one")))
    collecting_customers = fields.Dict(
        keys=fields.String(), values=fields.String(validate=Length(min=1, max=20)), load_default=dict
    )
    customer_prefix = fields.String(load_default="WEB-", validate=Length(max=6))
    customer_numbers = fields.String(load_default="computed", validate=OneOf(("computed", "series")))
    tax_areas = fields.Dict(keys=fields.String(), values=fields.String(validate=_GUID), load_default=dict)

    location = fields.String(load_default="", validate=Length(max=10))
    stock_location = fields.String(
        load_default="", validate=Length(max=50),
        metadata={"help": "the hub's name of the place that its stock figures are of; empty: its stock is not read"},
    )  # fmt: skip
    channel_dimension = fields.String(load_default="", validate=Length(max=20))
    comment_lines = fields.Integer(load_default=1, strict=True, validate=Range(min=0, max=5))
    zone = fields.String(load_default="UTC", validate=_zone)
    cut_off_hour = fields.Integer(load_default=24, strict=True, validate=Range(min=1, max=24))
    cancel_policy = fields.String(load_default="delete", validate=OneOf(("delete", "zero_quantities")))
    post_when = fields.String(
        load_default="always", validate=OneOf(("always", "authorised", "paid")),
        metadata={"help": "how far an order's payment must be before the order is posted"},
    )  # fmt: skip
    accept_within_hours = fields.Integer(
        load_default=0, strict=True, validate=Range(min=0, max=8760),
        metadata={"help": "hours in which somebody accepts a posted order; after them it is a case; 0: not watched"},
    )  # fmt: skip
    ship_within_days = fields.Integer(
        load_default=0, strict=True, validate=Range(min=0, max=365),
        metadata={"help": "days in which a posted order leaves whole, to the end of the zone's day; 0: not watched"},
    )  # fmt: skip
    posting_policy = fields.String(load_default="draft", validate=OneOf(("draft",)))

    variant_separator = fields.String(
        load_default="-", validate=Regexp(r"^[^A-Za-z0-9\s]{0,3}$", error="give up to three signs, such as a dash"),
        metadata={"help": "between item number and variant code where an item with variants is imported: 1000-RED"},
    )  # fmt: skip

    payment_booking = fields.String(load_default="none", validate=OneOf(("payment_journal", "journal", "none")))
    payment_accounts = fields.Dict(keys=fields.String(), values=fields.String(validate=_ACCOUNT), load_default=dict)

    entity_fields = fields.Dict(
        keys=fields.String(), values=fields.List(fields.String()), load_default=dict,
        metadata={"help": "what $metadata names, kept from the last connection test; empty sends every field"},
    )  # fmt: skip

    @validates_schema
    def _fits_together(self, given: Mapping[str, Any], **_: Any) -> None:
        wrong: dict[str, list[str]] = {}
        if given.get("order_customer") == "one" and ANY not in given.get("collecting_customers", {}):
            wrong["collecting_customers"] = ['name the one customer under "*", for example {"*": "WEB"}']
        if given.get("order_customer") == "per_tax_area" and not given.get("collecting_customers"):
            wrong["collecting_customers"] = ['name a customer for each country, and "*" for all others']
        if given.get("payment_booking", "none") != "none" and not given.get("payment_accounts"):
            wrong["payment_accounts"] = ['name a clearing account for each gateway, and "*" for all others']
        if wrong:
            raise ValidationError(wrong)


def token_url(settings: Mapping[str, Any]) -> str:
    return str(settings["token_url"]) or f"{LOGIN}/{settings['tenant']}/oauth2/v2.0/token"


def service_path(settings: Mapping[str, Any]) -> str:
    """The path of API v2.0 below `base_url`; `subscriptions` and `$batch` lie here, outside any company."""
    return f"/v2.0/{settings['tenant']}/{settings['environment']}/api/v2.0"


def company_path(settings: Mapping[str, Any]) -> str:
    return f"companies({settings['company_id']})"
