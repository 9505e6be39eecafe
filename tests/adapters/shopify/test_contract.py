"""The adapter keeps every promise of its ports, and each promise has something that breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from app.adapters.shopify.client import user_errors
from app.adapters.shopify.fulfilment_plan import Pick
from app.adapters.shopify.fulfilment_state import GID
from app.adapters.shopify.fulfilment_writes import Writes
from app.adapters.shopify.fulfilments import ShopifyShipments
from app.adapters.shopify.orders import ShopifyOrderReferences, ShopifyOrderSource
from app.domains.orders.canonical import Order
from app.domains.orders.ports import (
    Fulfilment,
    FulfilmentReceipt,
    OrderReference,
    OrderReferenceSink,
    OrderSource,
    ShipmentSink,
)
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import HubError, Refused, Transient
from tests.adapters.shopify.shop import Shop, a_shop
from tests.contracts.order_reference_sink import OrderReferenceSinkContract
from tests.contracts.order_source import OrderSourceContract
from tests.contracts.shipment_sink import ShipmentSinkContract, Shown

pytestmark = pytest.mark.capability("SYS-shopify")


@dataclass
class Bench:
    """What the three benches share."""

    shop: Shop

    def throttle(self) -> None:
        self.shop.limit(maximum=5, restore=50)

    def lock_out(self) -> None:
        self.shop.settings["access_token"] = "revoked"


@dataclass
class Orders(Bench):
    @property
    def port(self) -> OrderSource:
        return self.shop.source

    def place(self, lines: int) -> str:
        wanted = [{"sku": "MO-SCK-M", "quantity": 1 + number % 3} for number in range(lines)]
        discounts = [{"title": "TENTH", "value": 10, "percentage": True}]
        return str(self.shop.place(lines=wanted, discounts=discounts)["id"])

    def cancel(self, external_id: str) -> None:
        self.shop.act({"id": external_id}, "cancel")

    def lose_answer(self) -> None:
        self.shop.fault("drop_before", "query order")


@dataclass
class References(Bench):
    order_gid: str = ""

    def __post_init__(self) -> None:
        order = self.shop.place(tags="gift, VIP", note="Ring twice", attributes=[{"name": "colour", "value": "green"}])
        self.order_gid = order["admin_graphql_api_id"]

    @property
    def port(self) -> OrderReferenceSink:
        return self.shop.references

    def shown(self) -> list[str]:
        return [field["value"] for field in self.shop.books("metafields")]

    def merchants(self) -> object:
        (order,) = self.shop.books("orders")
        tags = [tag for tag in order["tags"].split(", ") if not tag.startswith("erp:")]
        return (tags, order["note"], order["note_attributes"])

    def lose_answer(self, *, after_effect: bool) -> None:
        self.shop.fault("drop_after" if after_effect else "drop_before", "mutation metafieldsSet")


@dataclass
class Shipments(Bench):
    order_gid: str = ""
    first: str = ""
    second: str = ""

    def __post_init__(self) -> None:
        self.order = self.shop.place()
        self.order_gid = self.order["admin_graphql_api_id"]
        self.first, self.second = (str(line["id"]) for line in self.order["line_items"])

    @property
    def port(self) -> ShipmentSink:
        return self.shop.shipments

    def shown(self) -> list[Shown]:
        return [
            Shown(
                external_id=str(one["id"]),
                units={str(line["id"]): line["quantity"] for line in one["line_items"]},
                numbers=tuple(one["tracking_numbers"]),
                cancelled=one["status"] == "cancelled",
            )
            for one in sorted(self.shop.books("fulfillments"), key=lambda one: int(one["id"]))
        ]

    def told(self) -> int:
        created = [one["fulfillment"]["notifyCustomer"] for one in self.shop.asked("CreateFulfilment")]
        return sum(created) + sum(bool(one["notify"]) for one in self.shop.asked("UpdateTracking"))

    def now(self) -> datetime:
        return SYSTEM_CLOCK.now()

    def cancel_line(self, line_id: str) -> None:
        self.shop.act(self.order, "edit", lines=[{"id": int(line_id), "quantity": 0}])

    def lose_answer(self, *, after_effect: bool) -> None:
        self.shop.fault("drop_after" if after_effect else "drop_before", "mutation fulfillmentCreate")


class TestOrderSource(OrderSourceContract):
    @pytest.fixture
    def bench(self) -> Iterator[Orders]:
        with a_shop() as shop:
            yield Orders(shop)


class TestOrderReferences(OrderReferenceSinkContract):
    @pytest.fixture(params=["", "erp:"], ids=["field", "field and tag"])
    def bench(self, request: pytest.FixtureRequest) -> Iterator[References]:
        with a_shop(tag_prefix=request.param) as shop:
            yield References(shop)


class TestShipments(ShipmentSinkContract):
    @pytest.fixture
    def bench(self) -> Iterator[Shipments]:
        with a_shop() as shop:
            yield Shipments(shop)


class FirstPageOnly(ShopifyOrderSource):
    """Takes the first page of lines for all of them."""

    def fetch(self, external_id: str) -> Order | None:
        order = super().fetch(external_id)
        return None if order is None else replace(order, lines=order.lines[:12])


class SaysEverythingIsThere(ShopifyOrderSource):
    """Raises where the order is not known."""

    def fetch(self, external_id: str) -> Order | None:
        order = super().fetch(external_id)
        if order is None:
            raise Refused("orders.unknown", external_id)
        return order


class Remembers(ShopifyOrderSource):
    """Answers from what it read before."""

    read: dict[str, Order | None] = {}

    def fetch(self, external_id: str) -> Order | None:
        if external_id not in self.read:
            self.read[external_id] = super().fetch(external_id)
        return self.read[external_id]


class GivesUpAtOnce(ShopifyOrderSource):
    """Sees a wrong order in whatever goes wrong."""

    def fetch(self, external_id: str) -> Order | None:
        try:
            return super().fetch(external_id)
        except HubError as error:
            raise Refused(error.code, error.message) from None


class OverwritesTags(ShopifyOrderReferences):
    """Writes the tags as a whole."""

    def tell(self, reference: OrderReference) -> bool:
        document = """mutation Tags($input: OrderInput!) { orderUpdate(input: $input) { userErrors { message } } }"""
        self.admin.change(document, input={"id": reference.order_gid, "tags": [reference.number]})
        return super().tell(reference)


class TellsNobody(ShopifyOrderReferences):
    """Says that it did."""

    def tell(self, reference: OrderReference) -> bool:
        super().tell(replace(reference, order_gid="gid://shopify/Order/1"))
        return True


class KeepsTheFirstNumber(ShopifyOrderReferences):
    """Remembers what it told and never tells another."""

    told: set[str] = set()

    def tell(self, reference: OrderReference) -> bool:
        if reference.order_gid in self.told:
            return True
        self.told.add(reference.order_gid)
        return super().tell(reference)


class ShipsBlindly(ShopifyShipments):
    """Never looks whether an attempt arrived."""

    def ship(self, fulfilment: Fulfilment) -> FulfilmentReceipt:
        return super().ship(replace(fulfilment, again=False, bound=()))


class FindsAnything(ShopifyShipments):
    """Takes any fulfilment of the order for the one in doubt."""

    def ship(self, fulfilment: Fulfilment) -> FulfilmentReceipt:
        document = "query All($id: ID!) { order(id: $id) { fulfillments(first: 9) { id } } }"
        order = self.admin.ask(document, id=fulfilment.order_gid)["order"]
        if fulfilment.again and order and order["fulfillments"]:
            found = order["fulfillments"][0]["id"].removeprefix(GID)
            return FulfilmentReceipt(external_ids=(found,), repeated=True)
        return super().ship(fulfilment)


class _Blank(Writes):
    def create(self, shipment: Fulfilment, picks: tuple[Pick, ...], *, notify: bool) -> str:
        content = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": picks[0].order}], "notifyCustomer": notify}
        document = """mutation CreateFulfilment($fulfillment: FulfillmentInput!) {
          fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id } userErrors { message } } }"""
        (payload,) = self.admin.change(document, fulfillment=content).values()
        assert not user_errors(payload)
        return str(payload["fulfillment"]["id"]).removeprefix(GID)


class NamesNoLines(ShopifyShipments):
    """Leaves the lines blank, which fulfils all of them, and forgets the tracking."""

    def ship(self, fulfilment: Fulfilment) -> FulfilmentReceipt:
        return ShopifyShipments(self.admin, _Blank(self.admin, {}), self.notify).ship(fulfilment)


class AlwaysWrites(ShopifyShipments):
    """Tells the customer at every change of tracking."""

    def track(self, fulfilment: Fulfilment) -> FulfilmentReceipt:
        for one in fulfilment.bound:
            self.writes.track(one, fulfilment, notify=True)
        return FulfilmentReceipt(external_ids=fulfilment.bound, repeated=False)


class KeepsQuietAboutTheRest(ShopifyShipments):
    """Does not say what it could not fulfil."""

    def ship(self, fulfilment: Fulfilment) -> FulfilmentReceipt:
        return replace(super().ship(fulfilment), unfulfilled=())


class CallsEverythingTransient(ShopifyShipments):
    """Sees no difference between a lost answer, a dead token and a busy shop."""

    def ship(self, fulfilment: Fulfilment) -> FulfilmentReceipt:
        try:
            return super().ship(fulfilment)
        except HubError as error:
            raise Transient(error.code, error.message) from None


SOURCE, NUMBER, SHIP = (
    ("source", OrderSourceContract, Orders),
    ("references", OrderReferenceSinkContract, References),
    ("shipments", ShipmentSinkContract, Shipments),
)
CAUGHT_BY: dict[type, tuple[tuple[str, type, Any], set[str]]] = {
    FirstPageOnly: (SOURCE, {"test_a_long_order_comes_with_every_line_once"}),
    SaysEverythingIsThere: (SOURCE, {"test_an_order_that_the_channel_does_not_know_is_none"}),
    Remembers: (SOURCE, {"test_what_happened_since_is_in_the_next_answer"}),
    GivesUpAtOnce: (
        SOURCE,
        {
            "test_being_throttled_says_when_to_come_back",
            "test_a_lost_answer_changed_nothing_and_may_be_asked_again",
            "test_dead_credentials_pause_the_connection",
        },
    ),
    OverwritesTags: (NUMBER, {"test_what_the_merchant_wrote_stays"}),
    TellsNobody: (
        NUMBER,
        {
            "test_the_number_is_shown_at_the_channel",
            "test_an_order_that_the_channel_does_not_know_is_said_and_is_no_error",
        },
    ),
    KeepsTheFirstNumber: (NUMBER, {"test_a_newer_number_takes_the_place_of_the_older"}),
    ShipsBlindly: (
        SHIP,
        {
            "test_a_shipment_that_is_bound_is_not_shown_again",
            "test_an_unanswered_shipment_is_in_doubt_and_shown_once",
        },
    ),
    FindsAnything: (SHIP, {"test_another_shipment_of_the_same_units_is_not_taken_for_the_one_in_doubt"}),
    NamesNoLines: (
        SHIP,
        {
            "test_lines_that_did_not_ship_stay_open",
            "test_partial_shipments_are_shown_apart_and_add_up",
            "test_a_shipment_is_shown_with_its_units_and_its_tracking_and_the_customer_is_told",
        },
    ),
    AlwaysWrites: (SHIP, {"test_tracking_that_comes_later_is_set_and_the_customer_is_told_once"}),
    KeepsQuietAboutTheRest: (
        SHIP,
        {"test_what_is_no_longer_open_is_named_and_the_rest_is_shown", "test_more_than_was_ordered_is_named"},
    ),
    CallsEverythingTransient: (
        SHIP,
        {
            "test_an_unanswered_shipment_is_in_doubt_and_shown_once",
            "test_a_shipment_that_never_arrived_is_shown_the_next_time",
            "test_being_throttled_says_when_to_come_back",
            "test_dead_credentials_pause_the_connection",
        },
    ),
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "test_an_unanswered_shipment_is_in_doubt_and_shown_once": {"tracking": "1Z999"},
    "test_an_unanswered_write_is_in_doubt_and_may_be_repeated": {"after_effect": True},
}


@pytest.mark.parametrize("twin", CAUGHT_BY, ids=lambda twin: twin.__name__)
def test_the_contract_catches_a_broken_twin(twin: type) -> None:
    (port, contract, bench), expected = CAUGHT_BY[twin]
    assert {name for name in expected if _fails(twin, port, contract, bench, name)} == expected


def _fails(twin: type, port: str, contract: type, bench: Any, name: str) -> bool:
    with a_shop({port: twin}) as shop:
        try:
            getattr(contract(), name)(bench(shop), **ARGUMENTS.get(name, {}))
        except (HubError, AssertionError, pytest.fail.Exception):
            return True
    return False
