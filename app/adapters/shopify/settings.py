"""What a person enters to connect a shop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from app.adapters.shopify.mapping.product import FIELDS as FURTHER_FIELDS
from app.domains.product.canonical import ATTRIBUTE, FIELDS
from app.infra.remote.spec import ConnectionSettings

API_VERSION = "2026-10"
API_VERSIONS = (API_VERSION, "2026-04")
NOTIFY_NEVER, NOTIFY_WITH_TRACKING, NOTIFY_ALWAYS = "never", "with_tracking", "always"
_SECRET = {"secret": True}


def instant_or_nothing(value: str) -> None:
    """An instant with its zone, or nothing."""
    try:
        known = not value or datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        known = False
    if not known:
        raise ValidationError("Give an instant with its zone, such as 2026-11-20T00:00:00Z.")


def listing_field(value: str) -> None:
    """A field that a product may lack: one of the hub's, or one of its attributes."""
    if value not in FIELDS and not (value.startswith(ATTRIBUTE) and value != ATTRIBUTE):
        raise ValidationError(f"Give {', '.join(FIELDS)}, or {ATTRIBUTE} and the name of one.")


class ShopifySettings(ConnectionSettings):
    """A connection to one shop. `webhook_secret_previous` is accepted too while a secret is being rotated."""

    shop = fields.String(
        required=True,
        validate=validate.Regexp(
            r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$", error="Give the shop's own domain, such as example.myshopify.com."
        ),
        metadata={"title": "Shop domain"},
    )
    access_token = fields.String(
        required=True, validate=validate.Length(min=1), metadata={"title": "Admin API access token", **_SECRET}
    )
    webhook_secret = fields.String(
        required=True, validate=validate.Length(min=1), metadata={"title": "App client secret", **_SECRET}
    )
    webhook_secret_previous = fields.String(load_default="", metadata={"title": "Former client secret", **_SECRET})
    base_url = fields.String(load_default="", metadata={"title": "Address, where it is not https://<shop>"})
    api_version = fields.String(
        load_default=API_VERSION, validate=validate.OneOf(API_VERSIONS), metadata={"title": "API version"}
    )
    post_test_orders = fields.Boolean(load_default=False, metadata={"title": "Post test orders to the ERP"})
    live_from = fields.String(
        load_default="",
        validate=instant_or_nothing,
        metadata={"title": "Orders placed before this instant are history: kept and never posted"},
    )
    notify_customer = fields.String(
        load_default=NOTIFY_WITH_TRACKING,
        validate=validate.OneOf((NOTIFY_NEVER, NOTIFY_WITH_TRACKING, NOTIFY_ALWAYS)),
        metadata={"title": "Shopify writes to the customer about a shipment"},
    )
    number_namespace = fields.String(load_default="roundhouse", metadata={"title": "Metafield namespace"})
    number_key = fields.String(load_default="erp_number", metadata={"title": "Metafield key of the ERP's number"})
    tag_prefix = fields.String(load_default="", metadata={"title": "Tag an order with this and the ERP's number"})
    carriers = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        load_default=dict,
        metadata={"title": "Carrier names as Shopify knows them"},
    )
    stock_figure = fields.String(
        load_default="",
        validate=validate.OneOf(("", "available", "on_hand")),
        metadata={"title": "Stock that the hub sets: available, on_hand, or none"},
    )
    stock_location = fields.String(load_default="", metadata={"title": "Location whose stock it sets"})
    stock_by_location = fields.Boolean(
        load_default=False, metadata={"title": "Set stock at each location that the value map `location` names"}
    )
    publish_products = fields.String(
        load_default="",
        validate=validate.OneOf(("", "chosen", "all")),
        metadata={"title": "Products that the hub publishes: all, those that are chosen, or none"},
    )
    listing_requires = fields.List(
        fields.String(validate=listing_field),
        load_default=lambda: ["title", "price"],
        metadata={"title": "Fields without which no product is published"},
    )
    listing_fields = fields.Dict(
        keys=fields.String(validate=validate.OneOf(FURTHER_FIELDS)),
        values=fields.String(validate=validate.Length(min=1)),
        load_default=dict,
        metadata={"title": "Further fields of the shop, and our attribute for each"},
    )
    listing_tax_codes = fields.Boolean(
        load_default=False, metadata={"title": "Send tax codes: the shop's tax service knows them"}
    )
    watch_prices = fields.Boolean(
        load_default=False, metadata={"title": "Hear of prices that are changed at the shop, and set them back"}
    )
    allow_loopback = fields.Boolean(load_default=False, metadata={"title": "May call this machine"})


def secrets_of(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Every secret that may sign a webhook now."""
    return tuple(settings.get(name) or "" for name in ("webhook_secret", "webhook_secret_previous"))


def version_of(settings: Mapping[str, Any]) -> str:
    return str(settings.get("api_version") or API_VERSION)
