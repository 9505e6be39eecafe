"""A delivery is taken from the shop it is for, signed over its raw bytes, and says what it is about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.shopify import SPEC
from app.adapters.shopify.levels import TOPICS as LEVEL_TOPICS
from app.adapters.shopify.price_reports import TOPICS as PRICE_TOPICS
from app.adapters.shopify.privacy import TOPICS as PRIVACY_TOPICS
from app.adapters.shopify.webhooks import TOPICS, verify
from app.domains.orders.canonical import (
    Bell,
    Deleted,
    FulfilmentReported,
    Order,
    ReportedLine,
    Tracking,
    Uninstalled,
)
from app.infra.remote.signing import BadSignature, WrongTopic
from app.infra.remote.spec import Notice
from tests.adapters.shopify.deliveries import (
    FIXTURES,
    SETTINGS,
    arrival,
    body_of,
    order_of,
    signature,
    topic_of,
    translated,
)

pytestmark = pytest.mark.capability("ORD-1", "SYS-shopify")

BODY = body_of("orders_create__tip")
ROTATED = SETTINGS | {"webhook_secret": "new", "webhook_secret_previous": "hush"}


def about(topic: str, body: bytes) -> tuple[str, str]:
    notice = verify(arrival(body, topic), SETTINGS)
    return notice.kind, notice.object_id


class TestSignature:
    def test_a_delivery_says_its_topic_its_ids_and_its_order(self) -> None:
        assert verify(arrival(BODY), SETTINGS) == Notice(
            topic="orders/create", external_ids=("webhook:w-1", "event:e-1"), kind="order", object_id="5500001003"
        )

    def test_the_vendors_own_vector_is_accepted_and_its_neighbour_is_not(self, contracts: Path) -> None:
        vectors = json.loads((contracts / "webhook-signatures/vectors.json").read_bytes())
        (vector,) = (one for one in vectors if one["system"] == "shopify")
        settings = SETTINGS | {"webhook_secret": vector["secret"]}
        given_ = arrival(vector["body"].encode(), hmac_sha256=vector["value"])
        assert verify(given_, settings).object_id == "820982911946154508"
        with pytest.raises(BadSignature):
            verify(arrival(vector["body"].encode() + b" ", hmac_sha256=vector["value"]), settings)

    @pytest.mark.parametrize("secret", ["new", "hush"])
    def test_both_secrets_are_accepted_while_one_replaces_the_other(self, secret: str) -> None:
        assert verify(arrival(BODY, secret=secret), ROTATED).object_id == "5500001003"

    @pytest.mark.parametrize(
        "wrong", ["", "x", signature(BODY, "other"), signature(BODY, ""), signature(BODY, "hush")[:-1], "\udcff", "é"]
    )
    def test_any_other_signature_is_refused(self, wrong: str) -> None:
        with pytest.raises(BadSignature) as refused:
            verify(arrival(BODY, hmac_sha256=wrong), SETTINGS)
        assert (refused.value.code, refused.value.status) == ("shopify.bad_signature", 401)

    def test_a_connection_without_a_secret_lets_nobody_in(self) -> None:
        for settings in (SETTINGS | {"webhook_secret": ""}, {"shop": SETTINGS["shop"]}):
            with pytest.raises(BadSignature):
                verify(arrival(BODY, secret=""), settings)

    @given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
    def test_one_changed_byte_is_refused(self, place: int, change: int) -> None:
        changed = bytearray(BODY)
        changed[place] ^= change
        with pytest.raises(BadSignature):
            verify(arrival(bytes(changed), hmac_sha256=signature(BODY, "hush")), SETTINGS)

    def test_the_path_and_the_header_name_the_same_topic(self) -> None:
        for topic in ("orders/updated", ""):
            with pytest.raises(WrongTopic) as refused:
                verify(arrival(BODY, topic=topic), SETTINGS)
            assert refused.value.status == 400

    @pytest.mark.parametrize("shop", ["other.myshopify.com", "", "demo.myshopify.com.evil.example"])
    def test_a_delivery_for_another_shop_is_refused(self, shop: str) -> None:
        with pytest.raises(BadSignature) as refused:
            verify(arrival(BODY, shop_domain=shop), SETTINGS)
        assert (refused.value.code, refused.value.status) == ("shopify.another_shop", 401)

    def test_another_version_of_the_api_is_a_remark_and_no_failure(self) -> None:
        notice = verify(arrival(BODY, api_version="2026-07"), SETTINGS)
        assert notice.remark == "sent as API version 2026-07, pinned is 2026-10"
        assert verify(arrival(BODY, api_version="2026-04"), SETTINGS | {"api_version": "2026-04"}).remark == ""

    def test_as_many_ids_are_kept_as_the_shop_sent(self) -> None:
        assert verify(arrival(BODY, event_id=""), SETTINGS).external_ids == ("webhook:w-1",)
        assert verify(arrival(BODY, webhook_id="", event_id=""), SETTINGS).external_ids == ()


class TestSubject:
    @pytest.mark.parametrize("fixture", sorted(path.stem for path in FIXTURES.glob("orders_*__*.json")))
    def test_an_order_is_keyed_by_its_own_id(self, fixture: str) -> None:
        document = json.loads(body_of(fixture))
        expected = document.get("id") or document["order_edit"]["order_id"]
        assert about(topic_of(fixture), body_of(fixture)) == ("order", str(expected))

    @pytest.mark.parametrize(
        ("fixture", "subject"),
        [
            ("refunds_create__partial", ("order", "5500001018")),
            ("order_transactions_create__capture", ("order", "5500001001")),
            ("returns_request__one_line", ("order", "5500001018")),
            ("fulfillments_create__two_parcels", ("order", "5500001001")),
            ("fulfillment_orders_placed_on_hold__fraud", ("fulfillment_order", "44001")),
            ("app_uninstalled__shop", ("shop", "548380009")),
        ],
    )
    def test_what_belongs_to_an_order_is_keyed_by_the_order_where_the_body_names_it(
        self, fixture: str, subject: tuple[str, str]
    ) -> None:
        assert about(topic_of(fixture), body_of(fixture)) == subject

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"id": 7, "line', b'{"id": "x/y"}x', b"[1]", b'{"id": []}'])
    def test_a_body_that_cannot_be_read_is_about_nothing_and_is_kept(self, body: bytes) -> None:
        assert about("orders/create", body) == ("order", "")

    def test_an_id_that_is_not_first_is_found_too(self) -> None:
        assert about("orders/create", b' {"name": "#1", "id": 7}\n') == ("order", "7")
        assert about("orders/create", b'\n{ "id" : 7 , "name": "#1"}\n') == ("order", "7")


class TestTranslation:
    def test_every_topic_that_is_asked_for_is_understood(self) -> None:
        assert SPEC.topics == {**TOPICS, **PRIVACY_TOPICS, **LEVEL_TOPICS, **PRICE_TOPICS}
        assert len(TOPICS) == 26

    def test_a_whole_order_comes_of_every_topic_that_carries_one(self) -> None:
        for topic in ("orders/create", "orders/updated", "orders/paid", "orders/cancelled"):
            assert isinstance(translated(BODY, topic), Order)

    @pytest.mark.parametrize(
        ("fixture", "rings"),
        [
            ("orders_create__trimmed", Bell(kind="order", external_id="5500001019", reason="orders/create")),
            ("orders_edited__line_removed", Bell(kind="order", external_id="5500001011", reason="orders/edited")),
            ("refunds_create__partial", Bell(kind="order", external_id="5500001018", reason="refunds/create")),
            (
                "fulfillment_orders_placed_on_hold__fraud",
                Bell(kind="fulfillment_order", external_id="44001", reason="fulfillment_orders/placed_on_hold"),
            ),
        ],
    )
    def test_what_says_less_than_an_order_is_a_bell(self, fixture: str, rings: Bell) -> None:
        assert translated(body_of(fixture), topic_of(fixture)) == rings

    def test_a_refund_in_the_customers_currency_alone_is_fetched(self) -> None:
        document = json.loads(body_of("orders_create__two_currencies"))
        movement = {"id": 1, "kind": "refund", "status": "success", "gateway": "x", "amount": "5.00", "currency": "EUR"}
        document["refunds"] = [{"id": 2, "created_at": document["created_at"], "transactions": [movement]}]
        assert isinstance(translated(json.dumps(document).encode()), Bell)

    def test_a_fulfilment_says_whose_it_is_and_what_left(self) -> None:
        reported = translated(body_of("fulfillments_create__two_parcels"), "fulfillments/create")
        assert isinstance(reported, FulfilmentReported)
        assert (reported.order_external_id, reported.external_id, reported.status) == (
            "5500001001", "66001", "success",
        )  # fmt: skip
        assert reported.tracking == (
            Tracking(number="JD0140001", company="DHL Express", url="https://example.com/track/JD0140001"),
            Tracking(number="JD0140002", company="DHL Express"),
        )
        assert reported.lines == (ReportedLine(line_id="101", quantity=2), ReportedLine(line_id="102", quantity=1))

    def test_an_order_that_was_deleted_and_a_shop_that_left_are_said(self) -> None:
        assert translated(body_of("orders_delete__gone"), "orders/delete") == Deleted(
            kind="order", external_id="5500001017"
        )
        assert translated(body_of("app_uninstalled__shop"), "app/uninstalled") == Uninstalled(shop="demo.myshopify.com")

    def test_the_order_of_fields_and_the_spacing_make_no_difference(self) -> None:
        document = json.loads(BODY)
        turned = json.dumps(dict(reversed(document.items())), indent=3).encode()
        assert translated(turned) == order_of("orders_create__tip")
