"""A shipment finds its way past whatever a shop puts in it, or a person hears exactly what stands there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from app.domains.orders.ports import FulfilledLine, Package
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Ambiguous, NeedsAttention
from tests.adapters.shopify.shop import LINES, Shop, a_shipment, a_shop

pytestmark = pytest.mark.capability("ORD-6", "SYS-shopify")

HOLD = """mutation Hold($id: ID!, $hold: FulfillmentOrderHoldInput!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) { userErrors { message } } }"""
MOVE = """mutation Move($id: ID!, $to: ID!, $lines: [FulfillmentOrderLineItemInput!]) {
  fulfillmentOrderMove(id: $id, newLocationId: $to, fulfillmentOrderLineItems: $lines) { userErrors { message } } }"""
CREATE = """mutation Create($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id } userErrors { message } } }"""


@pytest.fixture
def shop() -> Iterator[Shop]:
    with a_shop() as shop:
        yield shop


def units(shop: Shop) -> list[dict[str, int]]:
    """The units of each fulfilment that stands, by SKU."""
    listed = sorted(shop.books("fulfillments"), key=lambda one: int(one["id"]))
    return [
        {line["sku"]: line["quantity"] for line in one["line_items"]} for one in listed if one["status"] != "cancelled"
    ]


def gid(fulfilment_order: dict[str, Any]) -> str:
    return f"gid://shopify/FulfillmentOrder/{fulfilment_order['id']}"


def location(shop: Shop, name: str) -> str:
    (found,) = (one for one in shop.books("locations") if name in one["name"])
    return str(found["id"])


def moved(shop: Shop, order: dict[str, Any], name: str, *quantities: int) -> None:
    """The merchant moves units of the order's only fulfilment order to another location."""
    (one,) = shop.fulfilment_orders(order)
    lines = [
        {"id": f"gid://shopify/FulfillmentOrderLineItem/{line['id']}", "quantity": count}
        for line, count in zip(one["line_items"], quantities, strict=True)
        if count
    ]
    answer = shop.admin(MOVE, id=gid(one), to=f"gid://shopify/Location/{location(shop, name)}", lines=lines)
    assert answer["fulfillmentOrderMove"]["userErrors"] == []


class TestPlaces:
    def test_units_at_two_places_are_two_fulfilments_and_the_customer_hears_once(self, shop: Shop) -> None:
        order = shop.place()
        moved(shop, order, "West", 1, 1)
        receipt = shop.shipments.ship(a_shipment(order))
        assert (len(receipt.external_ids), receipt.unfulfilled) == (2, ())
        assert units(shop) == [{"MO-TENT-2P": 2}, {"MO-TENT-2P": 1, "MO-SCK-M": 1}]
        told = [one["fulfillment"]["notifyCustomer"] for one in shop.asked("CreateFulfilment")]
        assert told == [True, False]

    def test_units_are_taken_where_they_shipped_from_first(self, shop: Shop) -> None:
        order = shop.place()
        moved(shop, order, "West", 1, 0)
        receipt = shop.shipments.ship(a_shipment(order, 1, location=location(shop, "West")))
        (fulfilment,) = shop.books("fulfillments")
        assert (str(fulfilment["id"]),) == receipt.external_ids
        assert str(fulfilment["location_id"]) == location(shop, "West")
        assert shop.asked("MoveLines") == []

    def test_units_that_the_shop_meant_to_ship_elsewhere_are_moved_for_exactly_these(self, shop: Shop) -> None:
        order = shop.place()
        place = f"gid://shopify/Location/{location(shop, 'West')}"
        receipt = shop.shipments.ship(a_shipment(order, 2, location=place))
        assert receipt.unfulfilled == ()
        (fulfilment,) = shop.books("fulfillments")
        assert str(fulfilment["location_id"]) == location(shop, "West")
        (move,) = shop.asked("MoveLines")
        assert [line["quantity"] for line in move["lines"]] == [2]
        assert units(shop) == [{"MO-TENT-2P": 2}]

    def test_where_the_shop_will_not_move_them_they_are_fulfilled_from_where_they_are(self, shop: Shop) -> None:
        order = shop.place()
        receipt = shop.shipments.ship(a_shipment(order, 1, location="80000009999"))
        assert (len(receipt.external_ids), receipt.unfulfilled) == (1, ())
        assert units(shop) == [{"MO-TENT-2P": 1}]

    def test_a_lost_answer_at_the_second_place_repeats_nothing_at_the_first(self, shop: Shop) -> None:
        order = shop.place()
        moved(shop, order, "West", 1, 1)
        began = SYSTEM_CLOCK.now()
        shop.listening.before("CreateFulfilment", 2, lambda: shop.fault("drop_after", "mutation fulfillmentCreate"))
        with pytest.raises(Ambiguous):
            shop.shipments.ship(a_shipment(order))
        shop.shipments.ship(a_shipment(order, again=True, attempted_at=began))
        assert units(shop) == [{"MO-TENT-2P": 2}, {"MO-TENT-2P": 1, "MO-SCK-M": 1}]

    def test_what_the_merchant_changes_between_reading_and_writing_is_read_once_more(self, shop: Shop) -> None:
        order = shop.place()
        cut = {"lines": [{"sku": "MO-TENT-2P", "quantity": 1}]}
        shop.listening.before("CreateFulfilment", 1, lambda: shop.act(order, "edit", **cut))
        receipt = shop.shipments.ship(a_shipment(order))
        assert units(shop) == [{"MO-TENT-2P": 1, "MO-SCK-M": 1}]
        assert [line.quantity for line in receipt.unfulfilled] == [2]


class TestObstacles:
    def test_our_own_hold_is_released(self, shop: Shop) -> None:
        order = shop.place()
        (one,) = shop.fulfilment_orders(order)
        shop.admin(HOLD, id=gid(one), hold={"reason": "OTHER", "handle": "roundhouse"})
        receipt = shop.shipments.ship(a_shipment(order))
        assert (receipt.unfulfilled, units(shop)) == ((), [{"MO-TENT-2P": 3, "MO-SCK-M": 1}])

    def test_a_hold_of_the_merchants_is_for_a_person_and_nothing_is_written(self, shop: Shop) -> None:
        order = shop.place()
        (one,) = shop.fulfilment_orders(order)
        shop.admin(HOLD, id=gid(one), hold={"reason": "HIGH_RISK_OF_FRAUD", "handle": "risk"})
        (held,) = shop.fulfilment_orders(order)
        (hold,) = held["fulfillment_holds"]
        shop.put("fulfillmentOrders", {**held, "fulfillment_holds": [{**hold, "held_by_requesting_app": False}]})
        with pytest.raises(NeedsAttention) as stopped:
            shop.shipments.ship(a_shipment(order))
        assert (stopped.value.code, stopped.value.about) == (
            "shopify.fulfilment_blocked", order["admin_graphql_api_id"],
        )  # fmt: skip
        assert "is on hold" in stopped.value.message
        assert units(shop) == []

    def test_a_request_to_a_fulfilment_service_is_accepted_first(self, shop: Shop) -> None:
        order = shop.place()
        (one,) = shop.fulfilment_orders(order)
        shop.put("fulfillmentOrders", {**one, "request_status": "submitted"})
        assert shop.shipments.ship(a_shipment(order)).unfulfilled == ()
        assert len(shop.asked("AcceptRequest")) == 1

    def test_a_scheduled_order_is_opened(self, shop: Shop) -> None:
        order = shop.place()
        (one,) = shop.fulfilment_orders(order)
        scheduled = {"status": "scheduled", "supported_actions": ["mark_as_open", "move", "hold"]}
        shop.put("fulfillmentOrders", {**one, **scheduled})
        assert shop.shipments.ship(a_shipment(order)).unfulfilled == ()
        assert len(shop.asked("OpenFulfilmentOrder")) == 1

    def test_an_order_that_nothing_opens_is_for_a_person(self, shop: Shop) -> None:
        order = shop.place()
        (one,) = shop.fulfilment_orders(order)
        shop.put("fulfillmentOrders", {**one, "status": "incomplete", "supported_actions": ["hold"]})
        with pytest.raises(NeedsAttention) as stopped:
            shop.shipments.ship(a_shipment(order))
        assert "is INCOMPLETE" in stopped.value.message


class TestTheMerchantWasFaster:
    def fulfilled(self, shop: Shop, order: dict[str, Any], *numbers: str) -> str:
        (one,) = shop.fulfilment_orders(order)
        content: dict[str, Any] = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": gid(one)}]}
        if numbers:
            content["trackingInfo"] = {"numbers": list(numbers)}
        return str(shop.admin(CREATE, fulfillment=content)["fulfillmentCreate"]["fulfillment"]["id"]).rpartition("/")[2]

    def test_what_the_merchant_fulfilled_himself_is_bound_and_gets_its_tracking(self, shop: Shop) -> None:
        order = shop.place()
        his = self.fulfilled(shop, order)
        receipt = shop.shipments.ship(a_shipment(order))
        assert (receipt.external_ids, receipt.repeated, receipt.unfulfilled) == ((his,), True, ())
        (fulfilment,) = shop.books("fulfillments")
        assert fulfilment["tracking_numbers"] == ["1Z999"]

    def test_what_he_sent_with_another_parcel_is_not_ours(self, shop: Shop) -> None:
        order = shop.place()
        self.fulfilled(shop, order, "HIS-1")
        receipt = shop.shipments.ship(a_shipment(order))
        assert (receipt.external_ids, receipt.repeated) == ((), False)
        assert [line.quantity for line in receipt.unfulfilled] == [3, 1]

    def test_what_only_partly_fits_is_for_a_person(self, shop: Shop) -> None:
        order = shop.place()
        self.fulfilled(shop, order)
        receipt = shop.shipments.ship(a_shipment(order, 2))
        assert receipt.unfulfilled == (FulfilledLine(line_id=str(order["line_items"][0]["id"]), quantity=2),)


class TestWhatIsSaid:
    def test_several_parcels_are_one_tracking_with_the_carriers_known_name(self) -> None:
        with a_shop(carriers={"ups-ground": "UPS"}) as shop:
            order = shop.place()
            packages = tuple(
                Package(tracking_number=number, carrier="ups-ground", tracking_url=f"https://ups.example/{number}")
                for number in ("1Z1", "1Z2")
            )
            shop.shipments.ship(replace(a_shipment(order), packages=packages))
            (made,) = shop.asked("CreateFulfilment")
            assert made["fulfillment"]["trackingInfo"] == {
                "numbers": ["1Z1", "1Z2"], "company": "UPS", "urls": ["https://ups.example/1Z1", "https://ups.example/1Z2"],
            }  # fmt: skip

    @pytest.mark.parametrize(
        ("policy", "tracking", "wanted", "told"),
        [
            ("with_tracking", "1Z1", True, True),
            ("with_tracking", "", True, False),
            ("with_tracking", "1Z1", False, False),
            ("always", "", True, True),
            ("never", "1Z1", True, False),
        ],
    )
    def test_the_customer_is_told_by_the_connections_policy(
        self, policy: str, tracking: str, wanted: bool, told: bool
    ) -> None:
        with a_shop(notify_customer=policy) as shop:
            shop.shipments.ship(a_shipment(shop.place(), tracking=tracking, notify_customer=wanted))
            (made,) = shop.asked("CreateFulfilment")
            assert made["fulfillment"]["notifyCustomer"] is told

    def test_a_shipment_costs_two_requests(self, shop: Shop) -> None:
        order = shop.place()
        before = len(shop.listening.asked)
        shop.shipments.ship(a_shipment(order))
        assert len(shop.listening.asked) - before == 2

    def test_an_order_with_many_lines_is_read_to_its_end(self, shop: Shop) -> None:
        order = shop.place(lines=[{"sku": "MO-SCK-M", "quantity": 1}] * 70)
        receipt = shop.shipments.ship(a_shipment(order))
        assert (len(receipt.external_ids), receipt.unfulfilled) == (1, ())
        assert len(shop.books("fulfillments")[0]["line_items"]) == 70


class TestUndo:
    def test_a_part_of_a_fulfilment_cannot_be_undone_and_the_difference_is_named(self, shop: Shop) -> None:
        order = shop.place(lines=LINES)
        made = shop.shipments.ship(a_shipment(order))
        with pytest.raises(NeedsAttention) as stopped:
            shop.shipments.undo(a_shipment(order, 1, bound=made.external_ids))
        line = [str(one["id"]) for one in order["line_items"]]
        assert stopped.value.code == "shopify.partial_undo"
        assert stopped.value.facts == {"undone": {line[0]: 1}, "fulfilled": {line[0]: 3, line[1]: 1}}
        assert units(shop) == [{"MO-TENT-2P": 3, "MO-SCK-M": 1}]

    @pytest.mark.parametrize("method", ["track", "undo"])
    def test_a_shipment_without_a_fulfilment_is_named(self, shop: Shop, method: str) -> None:
        with pytest.raises(NeedsAttention) as stopped:
            getattr(shop.shipments, method)(a_shipment(shop.place()))
        assert stopped.value.code == "shopify.not_fulfilled"
