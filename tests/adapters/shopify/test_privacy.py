"""The three topics that every app of Shopify must answer: verified as any delivery, and never subscribed to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.adapters.shopify import SPEC
from app.adapters.shopify.privacy import TOPICS
from app.adapters.shopify.subscriptions import SORTED_TOPICS
from app.adapters.shopify.webhooks import verify
from app.domains.customers.canonical import Ask, PrivacyAsked
from app.infra.remote.signing import BadSignature
from app.infra.remote.spec import Message
from app.kernel.errors import Invalid
from tests.adapters.shopify.deliveries import SETTINGS, arrival

pytestmark = pytest.mark.capability("CUS-2", "SYS-shopify")

SHOP = {"shop_id": 954889, "shop_domain": "demo.myshopify.com"}
PERSON = {"id": 191167, "email": "june.harper@example.com", "phone": "555-625-1199"}
BODIES: dict[str, dict[str, Any]] = {
    "customers/data_request": SHOP | {
        "orders_requested": [299938, 280263], "customer": PERSON, "data_request": {"id": 9999},
    },
    "customers/redact": SHOP | {"customer": PERSON, "orders_to_redact": [299938, 280263]},
    "shop/redact": SHOP,
}  # fmt: skip
ASKED = PrivacyAsked(
    ask=Ask.EXPORT, external_id="191167", email="june.harper@example.com", phone="555-625-1199",
    orders=("299938", "280263"),
)  # fmt: skip


def read(topic: str, body: dict[str, Any]) -> object:
    return TOPICS[topic](Message(connection="shop", topic=topic, headers={}, body=json.dumps(body).encode()), SETTINGS)


def test_each_topic_says_what_is_asked_and_of_whom() -> None:
    assert read("customers/data_request", BODIES["customers/data_request"]) == ASKED
    erased = read("customers/redact", BODIES["customers/redact"])
    assert erased == PrivacyAsked(ask=Ask.ERASE, external_id="191167", email=ASKED.email, phone=ASKED.phone,
                                  orders=ASKED.orders)  # fmt: skip
    assert read("shop/redact", SHOP) == PrivacyAsked(ask=Ask.ERASE_SHOP)


def test_a_person_without_e_mail_phone_and_orders_is_still_asked_for() -> None:
    body = SHOP | {"customer": {"id": 5, "email": None, "phone": None}}
    assert read("customers/redact", body) == PrivacyAsked(ask=Ask.ERASE, external_id="5")


ODD = BODIES["customers/redact"] | {"orders_to_redact": ["x"]}


@pytest.mark.parametrize(("body", "field"), [({}, "customer"), ({"customer": {}}, "id"), (ODD, "orders_to_redact[0]")])
def test_a_body_that_names_nobody_is_refused_by_field(body: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read("customers/redact", body)
    assert refused.value.facts["errors"][0]["field"] == field  # type: ignore[index]


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_a_delivery_is_verified_as_any_other_and_names_nobody_outside_its_body(topic: str) -> None:
    body = json.dumps(BODIES[topic]).encode()
    notice = verify(arrival(body, topic), SETTINGS)
    assert (notice.topic, notice.kind, notice.object_id) == (topic, "privacy", "")
    with pytest.raises(BadSignature):
        verify(arrival(body, topic, secret="somebody else's"), SETTINGS)
    assert topic in SPEC.topics
    assert topic not in SORTED_TOPICS
