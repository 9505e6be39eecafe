"""Units leave a place as Shopify lets them leave, and are refused where it refuses them."""

from __future__ import annotations

import pytest

from tests.sandbox.shop_client import FULFILL, READ, Merchant, order_of, picks, refusal, waiting

pytestmark = pytest.mark.capability("TRY-1")


def test_units_leave_one_place_at_a_time_and_never_more_than_remain(merchant: Merchant) -> None:
    order = order_of(merchant, location="EAST")
    document = waiting(merchant, order)[0]
    for quantities, message in (
        ([3], "Invalid fulfillment order line item quantity requested."),
        ([0], "Invalid fulfillment order line item quantity requested."),
    ):
        payload = merchant.data(FULFILL, fulfillment={"lineItemsByFulfillmentOrder": [picks(document, *quantities)]})
        assert payload["fulfillment"] is None
        assert refusal(payload) == message
    tracking = {"company": "UPS", "numbers": ["1Z1"]}
    one = {"lineItemsByFulfillmentOrder": [picks(document, 1)], "trackingInfo": tracking}
    made = merchant.data(FULFILL, fulfillment=one)["fulfillment"]
    assert made["trackingInfo"] == [{"company": "UPS", "number": "1Z1"}]
    half = waiting(merchant, order)[0]
    assert (half["status"], half["lineItems"]["nodes"][0]["remainingQuantity"]) == ("IN_PROGRESS", 1)
    assert merchant.data(READ, id=order)["displayFulfillmentStatus"] == "PARTIALLY_FULFILLED"
    merchant.data(FULFILL, fulfillment=one)
    closed = waiting(merchant, order)[0]
    assert (closed["status"], closed["supportedActions"]) == ("CLOSED", [])
    assert merchant.data(READ, id=order)["displayFulfillmentStatus"] == "FULFILLED"
    again = merchant.data(FULFILL, fulfillment=one)
    assert "has an unfulfillable status= closed" in refusal(again)
    assert len(merchant.books("fulfillments")) == 2


def test_a_blank_line_list_fulfils_everything(merchant: Merchant) -> None:
    order = order_of(merchant)
    document = waiting(merchant, order)[0]
    blank = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": document["id"]}]}
    assert merchant.data(FULFILL, fulfillment=blank)["fulfillment"]["totalQuantity"] == 2


def test_fulfilment_orders_of_two_places_or_two_orders_are_not_fulfilled_together(merchant: Merchant) -> None:
    first = waiting(merchant, order_of(merchant, location="EAST"))[0]
    second = waiting(merchant, order_of(merchant, location="EAST"))[0]
    both = {"lineItemsByFulfillmentOrder": [picks(first, 1), picks(second, 1)]}
    assert "same order" in refusal(merchant.data(FULFILL, fulfillment=both))
    order = order_of(merchant, {"sku": "MO-TENT-2P", "quantity": 2}, location="EAST")
    whole = waiting(merchant, order)[0]
    west = merchant.data("{ locations(first: 3) { nodes { id name } } }")["nodes"][2]["id"]
    move = """mutation($id: ID!, $to: ID!, $lines: [FulfillmentOrderLineItemInput!]) {
        fulfillmentOrderMove(id: $id, newLocationId: $to, fulfillmentOrderLineItems: $lines) {
            movedFulfillmentOrder { id assignedLocation { location { id } } } remainingFulfillmentOrder { id }
            userErrors { message }
        }
    }"""
    lines = [{"id": whole["lineItems"]["nodes"][0]["id"], "quantity": 1}]
    moved = merchant.data(move, id=whole["id"], to=west, lines=lines)
    assert moved["movedFulfillmentOrder"]["assignedLocation"]["location"]["id"] == west
    assert moved["remainingFulfillmentOrder"]["id"] == whole["id"]
    apart = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": each["id"]} for each in waiting(merchant, order)]}
    assert "same location" in refusal(merchant.data(FULFILL, fulfillment=apart))


def test_what_is_on_hold_ships_only_after_its_release(merchant: Merchant) -> None:
    order = order_of(merchant)
    document = waiting(merchant, order)[0]
    hold = """mutation($id: ID!, $hold: FulfillmentOrderHoldInput!) {
        fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
            fulfillmentHold { id displayReason } fulfillmentOrder { status } userErrors { code message }
        }
    }"""
    wish = {"reason": "OTHER", "handle": "hub"}
    held = merchant.data(hold, id=document["id"], hold=wish)
    assert held["fulfillmentOrder"]["status"] == "ON_HOLD"
    assert (
        merchant.data(hold, id=document["id"], hold=wish)["userErrors"][0]["code"]
        == "DUPLICATE_FULFILLMENT_HOLD_HANDLE"
    )
    blank = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": document["id"]}]}
    assert "unfulfillable status= on_hold" in refusal(merchant.data(FULFILL, fulfillment=blank))
    release = """mutation($id: ID!, $holds: [ID!]) {
        fulfillmentOrderReleaseHold(id: $id, holdIds: $holds) { fulfillmentOrder { status } userErrors { message } }
    }"""
    released = merchant.data(release, id=document["id"], holds=[held["fulfillmentHold"]["id"]])
    assert released["fulfillmentOrder"]["status"] == "OPEN"
    assert merchant.data(FULFILL, fulfillment=blank)["fulfillment"]["status"] == "SUCCESS"


def test_a_cancelled_fulfilment_frees_its_units_in_a_new_fulfilment_order(merchant: Merchant) -> None:
    order = order_of(merchant)
    document = waiting(merchant, order)[0]
    made = merchant.data(FULFILL, fulfillment={"lineItemsByFulfillmentOrder": [picks(document, 2)]})["fulfillment"]
    track = """mutation($id: ID!, $info: FulfillmentTrackingInput!) {
        fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $info) {
            fulfillment { trackingInfo { number } } userErrors { message }
        }
    }"""
    for _ in range(2):
        tracked = merchant.data(track, id=made["id"], info={"number": "2Z"})
        assert tracked["fulfillment"]["trackingInfo"] == [{"number": "2Z"}]
    cancel = "mutation($id: ID!) { fulfillmentCancel(id: $id) { fulfillment { status } userErrors { message } } }"
    assert merchant.data(cancel, id=made["id"])["fulfillment"]["status"] == "CANCELLED"
    assert "already been cancelled" in refusal(merchant.data(cancel, id=made["id"]))
    assert refusal(merchant.data(track, id=made["id"], info={"number": "3Z"})) == "Fulfillment is cancelled."
    before, after = waiting(merchant, order)
    assert (before["status"], after["status"]) == ("CLOSED", "OPEN")
    assert after["lineItems"]["nodes"][0]["remainingQuantity"] == 2
