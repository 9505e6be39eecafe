"""An order that is fetched is the order that the webhook told, and more of it where the webhook is silent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from app.adapters.shopify import SPEC
from app.adapters.shopify.documents.orders import ORDER
from app.adapters.shopify.orders import ShopifyOrderSource
from app.adapters.shopify.subscriptions import NEEDED_TOPICS
from app.domains.orders.canonical import Bell, Order, TransactionKind
from app.domains.orders.policy import prove, require_proof
from app.domains.orders.ports import OrderReference
from app.infra.remote.spec import Probe
from app.kernel.errors import NeedsAttention, Transient
from tests.adapters.shopify.deliveries import translated
from tests.adapters.shopify.shop import Shop, a_shop

pytestmark = pytest.mark.capability("CM-1", "ORD-1", "SYS-shopify")


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with a_shop() as shop:
        yield shop


def told_by_both(order: Order) -> Order:
    """The order without what only a webhook says (gross of the items) or only an answer (movements, agreements)."""
    two = order.currency_shop != order.currency_presentment
    totals = replace(order.totals, items_gross=None, outstanding=None if two else order.totals.outstanding)
    refunds = tuple(
        replace(one, shipping=tuple(replace(each, shipping_line_id="") for each in one.shipping))
        for one in order.refunds
    )
    return replace(order, totals=totals, refunds=refunds, transactions=(), edits=(), edited=False)


def both(shop: Shop, order: dict[str, Any]) -> tuple[Any, Order]:
    fetched = shop.source.fetch(str(order["id"]))
    assert fetched is not None
    return translated(shop.webhook(order["id"])), fetched


class TestEqualValues:
    @pytest.mark.parametrize("seed", range(24))
    def test_a_placed_order_is_the_same_by_webhook_and_by_query(self, shop: Shop, seed: int) -> None:
        told, fetched = both(shop, shop.place(seed=seed))
        assert told_by_both(told) == told_by_both(fetched)
        assert (prove(told).decides, prove(fetched).decides) == (True, True)
        assert fetched.edits == ()

    @pytest.mark.parametrize(
        "wishes",
        [
            {"tip": 4.5, "payment": "authorized"},
            {"presentment": "EUR", "rate": "0.92", "country": "DE", "tip": 3},
            {"taxes_included": True, "taxes": [{"title": "MwSt", "rate": "0.19"}], "currency": "EUR", "country": "DE"},
            {"taxes": [{"title": "WA State Tax", "rate": "0.065", "channel_liable": True}], "test": True},
            {"gift_card": 40, "note": "Ring twice", "tags": "b, a", "po_number": "PO-7"},
            {"attributes": [{"name": "VAT number", "value": "DE-55"}], "payment": "pending"},
            {
                "deliveries": [{"price": "12.00", "taxable": True}],
                "discounts": [
                    {"title": "SHIP5", "value": 5, "target": "shipping_line", "method": "each"},
                    {"title": "Season", "value": 10, "percentage": True, "kind": "automatic", "method": "each"},
                ],
            },
            {"lines": [{"kind": "gift_card", "price": "50.00", "title": "Gift card"}, {"sku": "MO-SCK-M"}]},
            {"lines": [{"kind": "custom", "price": "19.99", "title": "Engraving", "quantity": 3}]},
            {"lines": [{"sku": "MO-SCK-M", "properties": [{"name": "Gift", "value": "yes"}]}], "email": None},
        ],
        ids=str,
    )
    def test_whatever_an_order_carries(self, shop: Shop, wishes: dict[str, Any]) -> None:
        told, fetched = both(shop, shop.place(**wishes))
        assert told_by_both(told) == told_by_both(fetched)
        assert require_proof(fetched).findings == ()
        assert fetched.customer == told.customer

    def test_a_partial_refund_and_a_cancellation(self, shop: Shop) -> None:
        refunded = shop.place(deliveries=[{"price": "9.95"}])
        lines = [{"sku": "MO-TENT-2P", "quantity": 1, "restock": "no_restock"}]
        shop.act(refunded, "refund", lines=lines, shipping=True)
        cancelled = shop.place()
        shop.act(cancelled, "cancel", reason="fraud")
        for order in (refunded, cancelled):
            told, fetched = both(shop, order)
            assert told_by_both(told) == told_by_both(fetched)
            assert (len(fetched.refunds), prove(fetched).decides) == (1, True)
        assert fetched.cancel_reason == "fraud"

    def test_an_edited_order_brings_its_agreements_and_is_proved_by_them(self, shop: Shop) -> None:
        order = shop.place()
        shop.act(order, "edit", lines=[{"sku": "MO-TENT-2P", "quantity": 1}])
        told, fetched = both(shop, order)
        assert told_by_both(told) == told_by_both(fetched)
        assert (fetched.edited, [edit.reason for edit in fetched.edits]) == (True, ["order", "order_edit"])
        assert require_proof(fetched).decided_by == "E9"

    def test_a_refund_in_another_currency_is_a_bell_and_the_answer_says_both_sides(self, shop: Shop) -> None:
        order = shop.place(presentment="CAD", rate="1.37", country="CA")
        shop.act(order, "refund", lines=[{"sku": "MO-SCK-M", "quantity": 1}])
        told, fetched = both(shop, order)
        assert isinstance(told, Bell)
        (movement,) = fetched.refunds[0].transactions
        assert (movement.kind, movement.amount.presentment.currency) == (TransactionKind.REFUND, "CAD")
        assert prove(fetched).decides

    def test_money_received_shows_what_is_outstanding(self, shop: Shop) -> None:
        order = shop.source.fetch(str(shop.place(payment="pending")["id"]))
        assert order is not None
        assert order.totals.outstanding == order.totals.total
        paid = shop.source.fetch(str(shop.place(payment="authorized")["id"]))
        assert paid is not None
        assert [one.kind for one in paid.transactions] == [TransactionKind.AUTHORIZATION]
        assert {row.equation for row in prove(paid).rows if row.holds} >= {"E1", "E11"}


class TestOneVersion:
    def test_an_order_that_changes_between_two_pages_is_read_again_from_the_start(self) -> None:
        with a_shop() as shop:
            order = shop.place(lines=[{"sku": "MO-SCK-M", "quantity": 1}] * 40)
            (kept,) = shop.books("orders")
            shop.put("orders", {**kept, "updated_at": "2026-01-05T10:00:00-07:00"})
            shop.listening.before("OrderLines", 1, lambda: shop.act(order, "cancel", reason="customer"))
            with pytest.raises(Transient) as moved:
                shop.source.fetch(str(order["id"]))
            assert (moved.value.code, moved.value.retry_after) == ("shopify.order_moved", 2.0)
            fetched = shop.source.fetch(str(order["id"]))
            assert fetched is not None
            assert (len(fetched.lines), fetched.cancel_reason) == (40, "customer")

    def test_an_ordinary_order_is_one_request(self, shop: Shop) -> None:
        order = shop.place(lines=[{"sku": "MO-SCK-M"}])
        before = len(shop.listening.asked)
        shop.source.fetch(str(order["id"]))
        assert len(shop.listening.asked) - before == 1

    def test_a_list_that_is_longer_than_anything_sold_is_for_a_person(self) -> None:
        with a_shop() as shop:
            discounts = [{"title": f"D{number}", "value": 1, "kind": "manual"} for number in range(30)]
            order = shop.place(discounts=discounts)
            with pytest.raises(NeedsAttention) as refused:
                shop.source.fetch(str(order["id"]))
            assert refused.value.code == "shopify.too_many_rows"


class TestWithheld:
    def test_a_customer_that_may_not_be_shown_is_no_guest(self, shop: Shop) -> None:
        """The sandbox shows everybody: its answer is served again as Shopify answers an app without that access."""
        order = shop.place(lines=[{"sku": "MO-SCK-M"}])
        answer = shop.admin(ORDER, id=order["admin_graphql_api_id"])
        answer["order"] |= {"customer": None, "email": None, "phone": None}
        denied = {"message": "not approved", "path": ["order", "customer"], "extensions": {"code": "ACCESS_DENIED"}}
        with answering({"data": answer, "errors": [denied]}) as address:
            settings = {**shop.settings, "base_url": address}
            fetched = ShopifyOrderSource.build(SPEC.connect(settings), settings).fetch(str(order["id"]))
        assert fetched is not None
        assert fetched.customer is not None
        assert (fetched.customer.withheld, fetched.customer.email) == (True, "")
        assert require_proof(fetched).decides

    def test_a_guest_is_a_guest(self, shop: Shop) -> None:
        order = shop.place(lines=[{"sku": "MO-SCK-M"}])
        answer = shop.admin(ORDER, id=order["admin_graphql_api_id"])
        answer["order"] |= {"customer": None}
        with answering({"data": answer}) as address:
            settings = {**shop.settings, "base_url": address}
            fetched = ShopifyOrderSource.build(SPEC.connect(settings), settings).fetch(str(order["id"]))
        assert fetched is not None
        assert fetched.customer is None


@contextmanager
def answering(answer: object) -> Iterator[str]:
    """An address that answers everything alike."""

    def application(environ: object, start: Callable[..., object]) -> Iterator[bytes]:
        body = json.dumps(answer).encode()
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        yield body

    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class TestReferences:
    def test_the_number_and_its_tag_are_one_request(self) -> None:
        with a_shop(tag_prefix="erp:") as shop:
            order = shop.place(tags="VIP")
            before = len(shop.listening.asked)
            reference = OrderReference(order_gid=order["admin_graphql_api_id"], number="SO-7", connection="erp")
            assert shop.references.tell(reference) is True
            assert len(shop.listening.asked) - before == 1
            assert shop.books("orders")[0]["tags"] == "VIP, erp:SO-7"
            (field,) = shop.books("metafields")
            assert (field["namespace"], field["key"], field["value"]) == ("roundhouse", "erp_number", "SO-7")


class TestAccount:
    def test_a_connection_test_says_what_is_there_and_what_is_missing(self) -> None:
        with a_shop() as shop:
            probe = shop_probe(shop)
            assert {name: one.passed for name, one in probe.items()} == {
                "reachable": True, "shop": True, "scopes": True, "api_version": True, "webhooks": False,
            }  # fmt: skip
            assert probe["webhooks"].said == f"not subscribed: {', '.join(NEEDED_TOPICS)}"
            shop.post("/_shopify/scopes", {"scopes": ["read_orders", "read_customers"]})
            assert shop_probe(shop)["scopes"].said.startswith("grant the app write_orders, write_merchant_managed")

    def test_another_shops_token_and_a_dead_one_are_told_apart(self) -> None:
        with a_shop() as shop:
            shop.settings["shop"] = "other.myshopify.com"
            assert shop_probe(shop)["shop"].said == (
                "the token belongs to demo.myshopify.com, the connection is for other.myshopify.com"
            )
            shop.settings["access_token"] = "revoked"
            shop._remote = None
            assert list(shop_probe(shop)) == ["reachable"]
            assert shop_probe(shop)["reachable"].passed is False


def shop_probe(shop: Shop) -> dict[str, Probe]:

    assert SPEC.probe is not None
    return {one.name: one for one in SPEC.probe(shop.remote, shop.settings)}
