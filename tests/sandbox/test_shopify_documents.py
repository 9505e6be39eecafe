"""The shop refuses whole requests as Shopify does: who asks, what for, in which version, at what cost."""

from __future__ import annotations

import pytest
import urllib3

from tests.sandbox.shop_client import READ, Merchant, order_of, refusal

pytestmark = pytest.mark.capability("TRY-1")


def test_a_wrong_token_an_unknown_version_and_a_broken_body_are_told_apart(merchant: Merchant) -> None:
    body = {"query": "{ shop { id } }"}
    assert merchant.post(body, **{"X-Shopify-Access-Token": "wrong"}).status == 401
    assert merchant.post(body, "2019-01").status == 404
    assert merchant.post(body, "2025-10").headers["X-Shopify-API-Version"] == "2025-10"
    assert merchant.post({"variables": {}}).status == 400
    url = f"{merchant.served.url}/shopify/admin/api/2026-10/graphql.json"
    token = {"X-Shopify-Access-Token": merchant.served.sandbox.settings.shop_token}
    assert merchant.http.request("POST", url, body=b"{", headers=token).status == 400


@pytest.mark.parametrize(
    ("document", "version", "message", "code"),
    [
        ("{ shop { nope } }", "2026-10", "Field 'nope' doesn't exist on type 'Shop'", "undefinedField"),
        ("{ shop(id: 1) { id } }", "2026-10", "Field 'shop' doesn't accept argument 'id'", "argumentNotAccepted"),
        ("{ order { id } }", "2026-10", "Field 'order' is missing required arguments: id", "missingRequiredArguments"),
        (
            "query Q($a: Int) { shop { id } }",
            "2026-10",
            "Variable $a is declared by Q but not used",
            "variableNotUsed",
        ),
        (
            'mutation { refundCreate(input: {orderId: "a"}) @idempotent(key: "k") { userErrors { message } } }',
            "2025-10",
            "Directive @idempotent is not defined",
            "undefinedDirective",
        ),
        (
            'mutation { orderCancel(orderId: "a", reason: OTHER, restock: true) { jobResult { id } } }',
            "2026-04",
            "Field 'jobResult' doesn't exist on type 'OrderCancelPayload'",
            "undefinedField",
        ),
        ("{ shop { id }", "2026-10", "Syntax Error: Expected Name, found <EOF>.", "parseError"),
    ],
)  # fmt: skip
def test_a_document_is_refused_in_the_words_of_the_shop(
    merchant: Merchant, document: str, version: str, message: str, code: str
) -> None:
    found = merchant.ask(document, version)
    assert "data" not in found
    assert found["errors"][0]["message"] == message
    assert found["errors"][0]["extensions"]["code"] == code


@pytest.mark.parametrize(
    ("version", "field"),
    [("2025-10", "changeFromQuantity"), ("2026-04", "compareQuantity"), ("2026-10", "compareQuantity")],
)
def test_an_input_field_of_another_version_is_refused(merchant: Merchant, version: str, field: str) -> None:
    given = {"inventoryItemId": "a", "locationId": "b", "quantity": 1, field: 1}
    document = (
        "mutation($i: InventorySetQuantitiesInput!) { inventorySetQuantities(input: $i) { userErrors { message } } }"
    )
    found = merchant.ask(document, version, i={"name": "available", "reason": "correction", "quantities": [given]})
    assert found["errors"][0]["extensions"]["code"] == "INVALID_VARIABLE"
    assert field in found["errors"][0]["message"]


def test_a_missing_scope_is_a_top_level_error(merchant: Merchant) -> None:
    merchant.control("scopes", {"scopes": ["read_products"]})
    found = merchant.ask('{ order(id: "gid://shopify/Order/1") { id } }')
    assert found["data"] == {"order": None}
    assert found["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert found["errors"][0]["path"] == ["order"]
    held = merchant.data("{ currentAppInstallation { accessScopes { handle } } }")
    assert held["accessScopes"] == [{"handle": "read_products"}]


@pytest.mark.parametrize("version", ["2026-04", "2026-10"])
def test_a_mutation_without_its_key_is_refused_as_a_whole(merchant: Merchant, version: str) -> None:
    order = order_of(merchant)
    document = "mutation($i: RefundInput!) { refundCreate(input: $i) { refund { id } userErrors { message } } }"
    found = merchant.ask(document, version, i={"orderId": order})
    assert found["data"] == {"refundCreate": None}
    assert "@idempotent directive is required" in found["errors"][0]["message"]
    assert "errors" not in merchant.ask(document, "2025-10", i={"orderId": order})


def test_queries_are_charged_and_throttled_by_their_cost(merchant: Merchant) -> None:
    merchant.limit(shopify={"maximum": 100, "restore": 1})
    document = "{ locations(first: 100) { nodes { id } } }"
    first = merchant.ask(document)["extensions"]["cost"]
    assert (first["requestedQueryCost"], first["actualQueryCost"]) == (27, 3)
    assert first["throttleStatus"]["maximumAvailable"] == 100.0
    assert 97 <= first["throttleStatus"]["currentlyAvailable"] <= 98
    mutation = 'mutation { tagsAdd(id: "gid://shopify/Order/1", tags: ["a"]) { userErrors { message } } }'
    answers = [merchant.ask(mutation) for _ in range(12)]
    throttled = [each for each in answers if "errors" in each]
    assert 2 <= len(throttled) <= 4
    error, cost = throttled[0]["errors"][0], throttled[0]["extensions"]["cost"]
    assert (error["message"], error["extensions"]["code"]) == ("Throttled", "THROTTLED")
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (10, None)
    assert cost["throttleStatus"]["currentlyAvailable"] < 10
    merchant.limit(shopify=None)
    assert "errors" not in merchant.ask(mutation)


def test_one_query_may_not_cost_more_than_a_thousand_points(merchant: Merchant) -> None:
    document = "{ orders(first: 250) { nodes { lineItems(first: 250) { nodes { id } } } } }"
    found = merchant.ask(document)
    assert found["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert "data" not in found
    deep = merchant.ask("{ orders(first: 251) { nodes { id } } }")
    assert deep["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert deep["data"] is None


def test_faults_strike_by_the_operations_name(merchant: Merchant) -> None:
    order = order_of(merchant)
    merchant.fault(vendor="shopify", match="mutation tagsAdd", kind="status", status=503, times=1)
    merchant.fault(vendor="shopify", match="mutation tagsAdd", kind="throttle", retry_after=2, times=1)
    body = {
        "query": 'mutation($id: ID!) { tagsAdd(id: $id, tags: ["a"]) { userErrors { message } } }',
        "variables": {"id": order},
    }
    assert merchant.post(body).status == 503
    throttled = merchant.post(body)
    assert (throttled.status, throttled.json()["errors"][0]["extensions"]["code"]) == (200, "THROTTLED")
    assert merchant.data(READ, id=order)["tags"] == []
    merchant.fault(vendor="shopify", match="mutation tagsAdd", kind="drop_after", times=1)
    with pytest.raises(urllib3.exceptions.HTTPError):
        merchant.post(body)
    assert merchant.data(READ, id=order)["tags"] == ["a"]
    assert merchant.books("calls")["shopify"]["mutation tagsAdd"] == 3


def test_webhook_subscriptions_are_kept_one_per_topic_and_address(merchant: Merchant) -> None:
    create = """mutation($topic: WebhookSubscriptionTopic!, $s: WebhookSubscriptionInput!) {
        webhookSubscriptionCreate(topic: $topic, webhookSubscription: $s) {
            webhookSubscription { id topic uri includeFields apiVersion { handle } } userErrors { field message }
        }
    }"""
    given = {"uri": "https://hub.example.com/webhooks/shop/orders/create"}
    made = merchant.data(create, topic="ORDERS_CREATE", s=given)["webhookSubscription"]
    assert (made["topic"], made["uri"]) == ("ORDERS_CREATE", given["uri"])
    assert (
        refusal(merchant.data(create, topic="ORDERS_CREATE", s=given))
        == "Address for this topic has already been taken"
    )
    assert "not supported" in refusal(merchant.data(create, topic="ORDERS_CREATE", s={"uri": "http://example.com"}))
    update = """mutation($id: ID!, $s: WebhookSubscriptionInput!) {
        webhookSubscriptionUpdate(id: $id, webhookSubscription: $s) {
            webhookSubscription { uri } userErrors { message }
        }
    }"""
    moved = {"uri": "https://hub.example.com/other"}
    assert merchant.data(update, id=made["id"], s=moved)["webhookSubscription"] == moved
    listed = merchant.data("{ webhookSubscriptions(first: 5, topics: [ORDERS_CREATE]) { nodes { id uri } } }")["nodes"]
    assert listed == [{"id": made["id"], **moved}]
    delete = """mutation($id: ID!) {
        webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { message } }
    }"""
    assert merchant.data(delete, id=made["id"])["deletedWebhookSubscriptionId"] == made["id"]
    assert refusal(merchant.data(delete, id=made["id"])) == "Webhook subscription does not exist"
