"""The roots of queries, and the shop's own objects: the shop, the app, jobs and webhook subscriptions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify import stock
from app.sandbox.shopify.catalogue_fields import item_view, level_view
from app.sandbox.shopify.fulfillment_fields import order_of
from app.sandbox.shopify.product_keys import metafield_definition, product_by_identifier
from app.sandbox.shopify.records import ZONE, gid, number_of
from app.sandbox.shopify.schema import VERSIONS
from app.sandbox.shopify.searching import matching
from app.sandbox.shopify.views import Arguments, Fields, Query, Resolver, View, always, identity, legacy

_COLLECTIONS = {
    "Order": "orders",
    "Product": "products",
    "ProductVariant": "variants",
    "Location": "locations",
    "Fulfillment": "fulfillments",
    "FulfillmentOrder": "fulfillmentOrders",
    "Refund": "refunds",
    "OrderTransaction": "transactions",
    "WebhookSubscription": "webhookSubscriptions",
}
_OF_AN_ORDER = frozenset({"Fulfillment", "FulfillmentOrder", "Refund", "OrderTransaction"})
Key = Callable[[Document], Any]

_ORDERS: Mapping[str, Key] = {
    "CREATED_AT": lambda each: (each["created_at"], each["id"]),
    "PROCESSED_AT": lambda each: (each["processed_at"], each["id"]),
    "UPDATED_AT": lambda each: (each["updated_at"], each["id"]),
    "ORDER_NUMBER": lambda each: each["order_number"],
    "TOTAL_PRICE": lambda each: (each["total_price_set"]["shop_money"]["amount"].rjust(20), each["id"]),
}
_OTHERS: Mapping[str, Key] = {
    "TITLE": lambda each: each["title"],
    "NAME": lambda each: each["name"],
    "SKU": lambda each: each["sku"],
    "CREATED_AT": lambda each: (each["created_at"], each["id"]),
    "UPDATED_AT": lambda each: (each["updated_at"], each["id"]),
    "POSITION": lambda each: (each["position"], each["id"]),
}


def node(query: Query, kind: str, identity_: str | None) -> View | None:
    """Return the object of a kind by its global id, None where the shop has none."""
    number = number_of(identity_ or "", kind)
    if number is None:
        return None
    if kind == "InventoryItem":
        return item_view(query, number)
    document = query.store.records.read(_COLLECTIONS[kind], number)
    if document is None:
        return None
    view = View(kind, document)
    return View(kind, document, order_of(view, query).document) if kind in _OF_AN_ORDER else view


def _by_id(kind: str) -> Resolver:
    return lambda _, arguments, query: node(query, kind, arguments.get("id"))


def _list(kind: str, keys: Mapping[str, Key]) -> Resolver:
    def read(_: Any, arguments: Arguments, query: Query) -> list[View]:
        found = matching(query.store.records.all(_COLLECTIONS[kind]), arguments.get("query"))
        found.sort(key=keys.get(arguments.get("sortKey") or "ID", lambda each: each["id"]))
        return [View(kind, document) for document in found]

    return read


def _any(identity_: str, query: Query) -> View | None:
    kind = identity_.removeprefix("gid://shopify/").partition("/")[0]
    if kind == "OrderCancelJobResult":
        return _cancel_result(identity_, query)
    if kind == "InventoryLevel":
        return _level(None, {"id": identity_}, query)
    return node(query, kind, identity_) if kind in _COLLECTIONS or kind == "InventoryItem" else None


def _level(_: Any, arguments: Arguments, query: Query) -> View | None:
    place, _, item = arguments["id"].partition("?inventory_item_id=")
    number = number_of(place, "Location") or number_of(place, "InventoryLevel")
    found = stock.level(query.store, int(item), number) if number and item.isdigit() else None
    return level_view(found) if found else None


def _location(_: Any, arguments: Arguments, query: Query) -> View | None:
    if arguments.get("id") is not None:
        return node(query, "Location", arguments["id"])
    found = query.store.records.all("locations")
    return View("Location", found[0]) if found else None


def _items(_: Any, arguments: Arguments, query: Query) -> list[View]:
    found = matching(query.store.records.all("variants"), arguments.get("query"))
    views = (item_view(query, variant["inventory_item_id"]) for variant in found)
    return [view for view in views if view is not None]


def _customer(_: Any, arguments: Arguments, query: Query) -> View | None:
    number = number_of(arguments["id"], "Customer")
    for order in query.store.records.all("orders"):
        if order["customer"] and order["customer"]["id"] == number:
            return View("Customer", order["customer"], order)
    return None


def _fulfillment_orders(_: Any, arguments: Arguments, query: Query) -> list[View]:
    found = matching(query.store.records.all("fulfillmentOrders"), arguments.get("query"))
    if not arguments.get("includeClosed"):
        found = [each for each in found if each["status"] not in {"closed", "cancelled"}]
    return [View("FulfillmentOrder", each, query.store.order(each["order_id"])) for each in found]


def _subscriptions(_: Any, arguments: Arguments, query: Query) -> list[View]:
    topics: Sequence[str] | None = arguments.get("topics")
    address = arguments.get("uri") or arguments.get("callbackUrl")
    return [
        View("WebhookSubscription", each)
        for each in query.store.records.all("webhookSubscriptions")
        if (not topics or topic_name(each["topic"]) in topics) and address in {None, each["address"]}
    ]


def topic_name(topic: str) -> str:
    """Return a webhook topic's name in the schema: orders/create is ORDERS_CREATE."""
    return topic.replace("/", "_").upper()


def _cancel_result(identity_: str, query: Query) -> View | None:
    number = number_of(identity_, "OrderCancelJobResult")
    found = [each for each in query.store.records.all("jobs") if each["number"] == number]
    return View("OrderCancelJobResult", found[0]) if found else None


def _job(_: Any, arguments: Arguments, query: Query) -> View | None:
    document = query.store.records.read("jobs", arguments["id"])
    return View("Job", document) if document else None


def _shop(_: Any, arguments: Arguments, query: Query) -> View:
    domain = query.store.settings.shop_domain
    return View("Shop", {"id": 1, "myshopify_domain": domain, "url": f"https://{domain}", "host": domain})


def _installation(_: Any, arguments: Arguments, query: Query) -> View:
    return View("AppInstallation", {"id": 1, "scopes": sorted(query.store.scopes)})


_ROOTS: Mapping[str, Resolver] = {
    "shop": _shop,
    "currentAppInstallation": _installation,
    "order": _by_id("Order"),
    "orders": _list("Order", _ORDERS),
    "ordersCount": lambda _, arguments, query: {
        "count": len(matching(query.store.records.all("orders"), arguments.get("query"))),
        "precision": "EXACT",
    },
    "refund": _by_id("Refund"),
    "fulfillment": _by_id("Fulfillment"),
    "fulfillmentOrder": _by_id("FulfillmentOrder"),
    "fulfillmentOrders": _fulfillment_orders,
    "job": _job,
    "node": lambda _, arguments, query: _any(arguments["id"], query),
    "nodes": lambda _, arguments, query: [_any(each, query) for each in arguments["ids"]],
    "location": _location,
    "locations": _list("Location", _OTHERS),
    "product": _by_id("Product"),
    "products": _list("Product", _OTHERS),
    "productByIdentifier": product_by_identifier,
    "metafieldDefinition": metafield_definition,
    "productVariant": _by_id("ProductVariant"),
    "productVariants": _list("ProductVariant", _OTHERS),
    "inventoryItem": _by_id("InventoryItem"),
    "inventoryItems": _items,
    "inventoryLevel": _level,
    "webhookSubscription": _by_id("WebhookSubscription"),
    "webhookSubscriptions": _subscriptions,
    "publicApiVersions": lambda *_: [{"handle": each, "display_name": each, "supported": True} for each in VERSIONS],
    "customer": _customer,
}
_SHOP: Mapping[str, Resolver] = {
    "id": identity,
    "name": always("Marlow Outdoor"),
    "email": always("shop@example.com"),
    "contactEmail": always("shop@example.com"),
    "primaryDomain": lambda view, *_: View("Domain", view.document),
    "plan": always({"display_name": "Basic", "public_display_name": "Basic", "partner_development": True}),
    "currencyCode": always("USD"),
    "enabledPresentmentCurrencies": always(("USD", "CAD", "EUR")),
    "ianaTimezone": always(ZONE),
    "timezoneAbbreviation": always("MST"),
    "taxesIncluded": always(False),
    "taxShipping": always(False),
    "weightUnit": always("GRAMS"),
    "orderNumberFormatPrefix": always("#"),
    "orderNumberFormatSuffix": always(""),
}
_SUBSCRIPTION: Mapping[str, Resolver] = {
    "id": identity,
    "legacyResourceId": legacy,
    "topic": lambda view, *_: topic_name(view.document["topic"]),
    "uri": lambda view, *_: view.document["address"],
    "callbackUrl": lambda view, *_: view.document["address"],
    "includeFields": lambda view, *_: view.document["fields"],
    "apiVersion": lambda view, *_: {
        "handle": view.document["api_version"],
        "display_name": view.document["api_version"],
        "supported": True,
    },
}
FIELDS: Fields = {
    **{("QueryRoot", name): resolver for name, resolver in _ROOTS.items()},
    **{("Shop", name): resolver for name, resolver in _SHOP.items()},
    **{("WebhookSubscription", name): resolver for name, resolver in _SUBSCRIPTION.items()},
    ("ShopPlan", "shopifyPlus"): always(False),
    ("Domain", "id"): identity,
    ("Domain", "sslEnabled"): always(True),
    ("AppInstallation", "id"): identity,
    ("AppInstallation", "app"): always(View("App", {"id": 1, "title": "Roundhouse", "handle": "roundhouse"})),
    ("AppInstallation", "accessScopes"): lambda view, *_: [
        {"handle": handle, "description": handle.replace("_", " ").capitalize()} for handle in view.document["scopes"]
    ],
    ("App", "id"): identity,
    ("Job", "id"): lambda view, *_: view.document["id"],
    ("Job", "query"): always(View("QueryRoot", {})),
    ("OrderCancelJobResult", "id"): lambda view, *_: gid("OrderCancelJobResult", view.document["number"]),
    ("OrderCancelJobResult", "order"): lambda view, arguments, query: View(
        "Order", query.store.order(view.document["order_id"])
    ),
}
