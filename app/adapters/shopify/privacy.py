"""The three privacy topics, which every app must answer; they are set in the app itself, never subscribed to.

Source: shopify.dev, "Privacy law compliance": customers/data_request names `orders_requested`, customers/redact
`orders_to_redact` (it is sent ten days after the request, or once the last order is six months old), shop/redact the
shop alone, 48 hours after the app was removed. Each must be done within 30 days.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from app.adapters.shopify.mapping.parsing import parsed
from app.adapters.shopify.mapping.reading import Row, loose_text, required_identity, row, rows, unfit
from app.domains.customers.canonical import Ask, PrivacyAsked
from app.infra.remote.spec import Message, Translate

SUBJECT = ("privacy", "")  # whom it is about stays in the body, which is erased in the end


def _of_person(ask: Ask, field: str, given: Row) -> PrivacyAsked:
    person = row(given.get("customer"), "customer")
    return PrivacyAsked(
        ask=ask,
        external_id=required_identity(person, "id"),
        email=loose_text(person.get("email")),
        phone=loose_text(person.get("phone")),
        orders=tuple(_number(one, f"{field}[{place}]") for place, one in enumerate(rows(given.get(field), field))),
    )


def _number(raw: object, field: str) -> str:
    if type(raw) not in (int, str) or not str(raw).isdecimal():
        raise unfit(field, "is no order id")
    return str(raw)


def _data_request(message: Message, settings: Mapping[str, Any]) -> PrivacyAsked:
    return _of_person(Ask.EXPORT, "orders_requested", parsed(message.body))


def _customer_redact(message: Message, settings: Mapping[str, Any]) -> PrivacyAsked:
    return _of_person(Ask.ERASE, "orders_to_redact", parsed(message.body))


def _shop_redact(message: Message, settings: Mapping[str, Any]) -> PrivacyAsked:
    parsed(message.body)
    return PrivacyAsked(ask=Ask.ERASE_SHOP)


TOPICS: Mapping[str, Translate] = MappingProxyType(
    {
        "customers/data_request": _data_request,
        "customers/redact": _customer_redact,
        "shop/redact": _shop_redact,
    }
)
