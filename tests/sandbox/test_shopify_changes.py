"""An order is written on, cancelled and edited as Shopify has it."""

from __future__ import annotations

import pytest

from app.sandbox.shopify.jobs import Jobs
from tests.sandbox.shop_client import FULFILL, READ, Merchant, await_true, order_of, picks, refusal, waiting

pytestmark = pytest.mark.capability("TRY-1")


def test_the_shop_does_not_know_an_order_that_was_never_placed(merchant: Merchant) -> None:
    nowhere = "gid://shopify/Order/1"
    assert merchant.data(READ, id=nowhere) is None
    metafield = {
        "ownerId": nowhere,
        "namespace": "hub",
        "key": "number",
        "type": "single_line_text_field",
        "value": "SO-1",
    }
    document = """mutation($m: [MetafieldsSetInput!]!) {
        metafieldsSet(metafields: $m) { metafields { id } userErrors { field message code } }
    }"""
    payload = merchant.data(document, m=[metafield])
    assert payload["metafields"] is None
    assert payload["userErrors"] == [
        {"field": ["metafields", "0", "ownerId"], "message": "Owner does not exist.", "code": "INVALID"}
    ]
    tags = 'mutation($id: ID!) { tagsAdd(id: $id, tags: ["a"]) { userErrors { field message } } }'
    assert refusal(merchant.data(tags, id=nowhere)) == "Order does not exist"


def test_a_metafield_is_set_once_however_often_it_is_sent(merchant: Merchant) -> None:
    order = order_of(merchant)
    document = """mutation($m: [MetafieldsSetInput!]!) {
        metafieldsSet(metafields: $m) { metafields { id value updatedAt } userErrors { message code } }
    }"""
    given = {"ownerId": order, "namespace": "hub", "key": "number", "type": "number_integer", "value": "7"}
    first, second = (merchant.data(document, m=[given]) for _ in range(2))
    assert first == second
    assert merchant.data(document, m=[{**given, "value": "x"}])["userErrors"][0]["code"] == "INVALID_VALUE"
    assert merchant.data(document, m=[{**given, "key": "other", "type": None}])["userErrors"][0]["code"] == "BLANK"
    held = merchant.data(
        'query($id: ID!) { order(id: $id) { metafield(namespace: "hub", key: "number") { value } } }', id=order
    )
    assert held["metafield"] == {"value": "7"}
    assert [each["value"] for each in merchant.books("metafields")] == ["7"]


def test_tags_are_added_as_a_set_but_an_order_update_overwrites_them(merchant: Merchant) -> None:
    order = order_of(merchant, tags="vip")
    add = (
        "mutation($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { node { id } userErrors { message } } }"
    )
    for _ in range(2):
        merchant.data(add, id=order, tags=["posted", "VIP"])
    assert merchant.data(READ, id=order)["tags"] == ["vip", "posted"]
    remove = 'mutation($id: ID!) { tagsRemove(id: $id, tags: ["posted"]) { userErrors { message } } }'
    merchant.data(remove, id=order)
    assert merchant.data(READ, id=order)["tags"] == ["vip"]
    update = "mutation($i: OrderInput!) { orderUpdate(input: $i) { order { tags note } userErrors { message } } }"
    assert merchant.data(update, i={"id": order, "tags": ["hub"], "note": "mine"})["order"] == {
        "tags": ["hub"],
        "note": "mine",
    }
    assert merchant.books("tags")[-1]["tags"] == ["hub"]


CANCEL = """
    mutation($id: ID!) { orderCancel(
        orderId: $id, reason: CUSTOMER, restock: true, refundMethod: {originalPaymentMethodsRefund: true}
    ) {
        job { id done } jobResult { id status } orderCancelUserErrors { code message } userErrors { message }
    } }
"""


def test_cancelling_answers_a_job_and_happens_later(merchant: Merchant) -> None:
    order = order_of(merchant)
    payload = merchant.data(CANCEL, id=order)
    assert (payload["job"]["done"], payload["orderCancelUserErrors"]) == (False, [])
    assert payload["jobResult"]["status"] == "STARTED"
    job = payload["job"]["id"]
    await_true(lambda: merchant.data("query($id: ID!) { job(id: $id) { done } }", id=job)["done"])
    after = merchant.data(READ, id=order)
    assert after["displayFinancialStatus"] == "REFUNDED"
    assert after["cancelledAt"] is not None
    assert float(after["currentTotalPriceSet"]["shopMoney"]["amount"]) == 0
    assert [each["status"] for each in after["fulfillmentOrders"]["nodes"]] == ["CLOSED"]
    again = merchant.data(CANCEL, id=order)
    assert [each["code"] for each in again["orderCancelUserErrors"]] == ["INVALID"]
    assert again["job"] is None


def test_a_cancellation_that_was_promised_may_fail_later(merchant: Merchant) -> None:
    """The shop stops before it did the job; when it starts again, goods of the order are on their way."""
    merchant.shop.jobs.stop()
    order = order_of(merchant)
    payload = merchant.data(CANCEL, id=order)
    document = waiting(merchant, order)[0]
    merchant.data(FULFILL, fulfillment={"lineItemsByFulfillmentOrder": [picks(document, 1)]})
    jobs = Jobs(merchant.shop.store)
    jobs.start()
    result = payload["jobResult"]["id"]
    read = "query($id: ID!) { node(id: $id) { ... on OrderCancelJobResult { status errors { message } } } }"
    await_true(lambda: merchant.data(read, id=result)["status"] != "STARTED")
    jobs.stop()
    outcome = merchant.data(read, id=result)
    message = "Cannot cancel an order with outstanding fulfillments"
    assert outcome == {"status": "FAILED", "errors": [{"message": message}]}
    assert merchant.data(READ, id=order)["cancelledAt"] is None
    assert merchant.data(CANCEL, id=order)["orderCancelUserErrors"][0]["code"] == "INVALID"


def test_an_edit_changes_the_order_only_when_it_is_committed(merchant: Merchant) -> None:
    order = order_of(merchant)
    begin = """mutation($id: ID!) { orderEditBegin(id: $id) {
        calculatedOrder { id lineItems(first: 5) { nodes { id quantity } } } userErrors { message }
    } }"""
    calculated = merchant.data(begin, id=order)["calculatedOrder"]
    line = calculated["lineItems"]["nodes"][0]["id"]
    change = """mutation($id: ID!, $line: ID!, $quantity: Int!) {
        orderEditSetQuantity(id: $id, lineItemId: $line, quantity: $quantity, restock: true) {
            calculatedOrder { subtotalLineItemsQuantity totalPriceSet { shopMoney { amount } } } userErrors { message }
        }
    }"""
    staged = merchant.data(change, id=calculated["id"], line=line, quantity=1)["calculatedOrder"]
    assert staged == {"subtotalLineItemsQuantity": 1, "totalPriceSet": {"shopMoney": {"amount": "363.25"}}}
    assert merchant.data(READ, id=order)["lineItems"]["nodes"][0]["currentQuantity"] == 2
    commit = "mutation($id: ID!) { orderEditCommit(id: $id) { order { id edited } userErrors { message } } }"
    assert merchant.data(commit, id=calculated["id"])["order"] == {"id": order, "edited": True}
    after = merchant.data(READ, id=order)
    assert after["lineItems"]["nodes"][0]["quantity"] == 2
    assert after["lineItems"]["nodes"][0]["currentQuantity"] == 1
    assert after["fulfillmentOrders"]["nodes"][0]["lineItems"]["nodes"][0]["remainingQuantity"] == 1
    assert after["currentTotalPriceSet"]["shopMoney"]["amount"] == "363.25"
    assert refusal(merchant.data(commit, id=calculated["id"])) == "The calculated order does not exist"
    merchant.control(f"orders/{order.rpartition('/')[2]}/cancel")
    assert "cancelled" in refusal(merchant.data(begin, id=order))


def test_fewer_than_were_shipped_cannot_be_left_by_an_edit(merchant: Merchant) -> None:
    order = order_of(merchant)
    document = waiting(merchant, order)[0]
    merchant.data(FULFILL, fulfillment={"lineItemsByFulfillmentOrder": [picks(document, 2)]})
    status, sentence = merchant.refused(
        f"orders/{order.rpartition('/')[2]}/edit", {"lines": [{"sku": "MO-TENT-2P", "quantity": 1}]}
    )
    assert (status, "fulfilled quantity" in sentence) == (422, True)


def test_a_tip_is_not_edited(merchant: Merchant) -> None:
    order = merchant.place(lines=[{"sku": "MO-TENT-2P"}], tip="2.00")
    tip = order["line_items"][1]["id"]
    refused = merchant.refused(f"orders/{order['id']}/edit", {"lines": [{"id": tip, "quantity": 2}]})
    assert refused == (422, "A tip cannot be edited")


def test_a_guest_has_no_customer(merchant: Merchant) -> None:
    order = merchant.place(lines=[{"sku": "MO-TENT-2P"}], email=None)
    document = "query($id: ID!) { order(id: $id) { email customer { id } shippingAddress { countryCodeV2 } } }"
    found = merchant.data(document, id=order["admin_graphql_api_id"])
    assert found == {"email": None, "customer": None, "shippingAddress": {"countryCodeV2": "US"}}
