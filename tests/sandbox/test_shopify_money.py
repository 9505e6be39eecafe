"""Money goes back, is captured and is voided within the limits that Shopify sets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.shop_client import READ, Merchant, order_of, refusal

pytestmark = pytest.mark.capability("TRY-1")


REFUND = """
    mutation($input: RefundInput!, $key: String!) { refundCreate(input: $input) @idempotent(key: $key) {
        refund { id totalRefundedSet { presentmentMoney { amount currencyCode } } } order { displayFinancialStatus }
        userErrors { field message }
    } }
"""


def sale(merchant: Merchant, order: str) -> dict[str, Any]:
    found: dict[str, Any] = merchant.data(READ, id=order)["transactions"][0]
    return found


def test_a_refund_goes_back_in_the_customers_currency_and_never_beyond_what_was_paid(merchant: Merchant) -> None:
    order = order_of(merchant, {"title": "A", "price": "10.00"}, presentment="CAD", rate="1.5", state="OR")
    paid = sale(merchant, order)
    assert paid["amountSet"]["presentmentMoney"]["amount"] == "15.0"
    back = {"orderId": order, "parentId": paid["id"], "gateway": paid["gateway"], "kind": "REFUND", "amount": "4.00"}
    asked = {"orderId": order, "transactions": [back]}
    assert "Currency" in refusal(merchant.data(REFUND, input=asked, key="a"))
    assert "Currency" in refusal(merchant.data(REFUND, input={**asked, "currency": "USD"}, key="b"))
    most = merchant.data(
        REFUND, input={**asked, "currency": "CAD", "transactions": [{**back, "amount": "15.01"}]}, key="c"
    )
    assert "maximum refundable" in refusal(most)
    assert "Gateway" in refusal(
        merchant.data(REFUND, input={**asked, "currency": "CAD", "transactions": [{**back, "gateway": "x"}]}, key="d")
    )
    payload = merchant.data(REFUND, input={**asked, "currency": "CAD"}, key="e")
    assert payload["refund"]["totalRefundedSet"]["presentmentMoney"] == {"amount": "4.0", "currencyCode": "CAD"}
    assert payload["order"]["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
    rest = merchant.data(
        REFUND, input={**asked, "currency": "CAD", "transactions": [{**back, "amount": "11.01"}]}, key="f"
    )
    assert "maximum refundable" in refusal(rest)


def test_more_units_than_were_bought_are_not_refunded(merchant: Merchant) -> None:
    order = order_of(merchant)
    line = merchant.data(READ, id=order)["lineItems"]["nodes"][0]["id"]
    three = {"orderId": order, "refundLineItems": [{"lineItemId": line, "quantity": 3}]}
    assert "more items than were purchased" in refusal(merchant.data(REFUND, input=three, key="a"))
    early = {"orderId": order, "refundLineItems": [{"lineItemId": line, "quantity": 1, "restockType": "RETURN"}]}
    assert "Only fulfilled items" in refusal(merchant.data(REFUND, input=early, key="b"))
    assert "at least one" in refusal(merchant.data(REFUND, input={"orderId": order}, key="c"))
    assert (
        refusal(merchant.data(REFUND, input={**three, "orderId": "gid://shopify/Order/1"}, key="d"))
        == "Order does not exist"
    )


def test_a_key_gives_the_first_answer_again_and_refuses_another_input(merchant: Merchant) -> None:
    order = order_of(merchant)
    line = merchant.data(READ, id=order)["lineItems"]["nodes"][0]["id"]
    one = {"orderId": order, "refundLineItems": [{"lineItemId": line, "quantity": 1, "restockType": "CANCEL"}]}
    first = merchant.data(REFUND, input=one, key="same")
    assert merchant.data(REFUND, input=one, key="same") == first
    assert len(merchant.books("refunds")) == 1
    other = {**one, "note": "another"}
    assert "different parameters" in refusal(merchant.data(REFUND, input=other, key="same"))
    assert len(merchant.books("refunds")) == 1


def test_money_is_captured_once_and_voided_only_while_it_is_open(merchant: Merchant) -> None:
    order = order_of(merchant, payment="authorized")
    authorization = sale(merchant, order)
    assert merchant.data(READ, id=order)["displayFinancialStatus"] == "AUTHORIZED"
    capture = """mutation($i: OrderCaptureInput!) {
        orderCapture(input: $i) { transaction { kind amountSet { shopMoney { amount } } } userErrors { message } }
    }"""
    given = {"id": order, "parentTransactionId": authorization["id"], "amount": "100.00"}
    assert merchant.data(capture, i=given)["transaction"]["kind"] == "CAPTURE"
    assert merchant.data(READ, id=order)["displayFinancialStatus"] == "PARTIALLY_PAID"
    assert "authorized amount" in refusal(merchant.data(capture, i={**given, "amount": "9999"}))
    void = """mutation($id: ID!) {
        transactionVoid(parentTransactionId: $id) { transaction { kind } userErrors { code message } }
    }"""
    assert merchant.data(void, id=authorization["id"])["transaction"]["kind"] == "VOID"
    assert merchant.data(void, id=authorization["id"])["userErrors"][0]["code"] == "AUTH_NOT_VOIDABLE"
    assert "cannot be captured" in refusal(merchant.data(capture, i=given))
    assert (
        merchant.data(void, id="gid://shopify/OrderTransaction/1")["userErrors"][0]["code"] == "TRANSACTION_NOT_FOUND"
    )
