"""The shop's own executor answers what graphql-core's answers, for every field of the schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import urllib3
from graphql import (
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    execute_sync,
    get_named_type,
    is_abstract_type,
    is_non_null_type,
    parse,
)

from app.sandbox.serving import Served
from app.sandbox.settings import Settings
from app.sandbox.shopify.arguments import Variables
from app.sandbox.shopify.execution import Preparation
from app.sandbox.shopify.paging import page
from app.sandbox.shopify.projection import fields_of
from app.sandbox.shopify.schema import VERSIONS, schema_of
from app.sandbox.shopify.views import SCALARS, Query, View, by_name, enum
from app.sandbox.web import encode
from tests.sandbox.shop_client import Merchant

pytestmark = pytest.mark.capability("TRY-1")
DEPTH = 3  # as deep as a sale in an agreement of an order has its own objects


BASKET = {
    "lines": [
        {"sku": "MO-TENT-2P", "quantity": 2},
        {"sku": "MO-MAP-CO"},
        {"kind": "gift_card", "price": "50", "title": "Gift Card"},
    ],
    "discounts": [
        {"title": "TEN", "value": "10", "percentage": True},
        {"title": "Off", "value": "1", "kind": "automatic", "method": "each", "rows": [0]},
    ],
    "tip": "3.00",
    "gift_card": "10",
    "deliveries": [{"price": "5.95"}],
    "state": "CO",
    "attributes": [{"name": "a", "value": "b"}],
}


@pytest.fixture
def merchant(serve: Callable[..., Served], http: urllib3.PoolManager) -> Merchant:
    """A shop with an order that has had everything happen to it."""
    merchant = Merchant(serve(Settings()), http)
    order = merchant.place(**BASKET)
    number = order["id"]
    merchant.control(f"orders/{number}/edit", {"lines": [{"sku": "MO-TENT-2P", "quantity": 3}]})
    wanted = merchant.shop.store.records.of_order("fulfillmentOrders", number)[0]
    merchant.data(
        "mutation($f: FulfillmentInput!) { fulfillmentCreate(fulfillment: $f) { userErrors { message } } }",
        f={
            "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": f"gid://shopify/FulfillmentOrder/{wanted['id']}"}],
            "trackingInfo": {"company": "UPS", "numbers": ["1", "2"]},
        },
    )
    held = merchant.shop.store.records.of_order("fulfillmentOrders", number)[-1]
    merchant.data(
        """mutation($id: ID!) {
            fulfillmentOrderHold(id: $id, fulfillmentHold: {reason: OTHER, handle: "h"}) { userErrors { message } }
        }""",
        id=f"gid://shopify/FulfillmentOrder/{held['id']}",
    )
    merchant.data(
        "mutation($m: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $m) { userErrors { message } } }",
        m=[{"ownerId": order["admin_graphql_api_id"], "namespace": "hub", "key": "number", "type": "id", "value": "1"}],
    )
    refund = {"lines": [{"sku": "MO-MAP-CO", "quantity": 1, "restock": "return"}], "shipping": True, "amount": "7.00"}
    merchant.control(f"orders/{number}/refund", refund)
    return merchant


def everything(type_: GraphQLObjectType | GraphQLAbstractType, schema: Any, depth: int) -> str:
    """Write a selection of every field of a type, objects within objects down to a depth."""
    if is_abstract_type(type_):
        kinds = schema.get_possible_types(type_)
        return (
            "{ __typename " + " ".join(f"... on {each.name} {everything(each, schema, depth)}" for each in kinds) + " }"
        )
    assert isinstance(type_, GraphQLObjectType)
    parts = ["__typename"]
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        needed = [each for each, declared in field.args.items() if is_non_null_type(declared.type)]
        if needed and needed != ["names"]:
            continue
        # An alias by type: fields of one name and two types cannot merge in fragments side by side.
        alias = f"{type_.name}_{name}: {name}"
        if needed:
            alias += '(names: ["available", "on_hand"])'
        elif inner.name.endswith("Connection"):
            alias += "(first: 20)"
        if isinstance(inner, GraphQLScalarType | GraphQLEnumType):
            parts.append(alias)
        elif inner.name.endswith("Edge"):
            parts.append(f"{alias} {{ cursor node {{ __typename }} }}")
        elif depth > 0 and inner.name not in {"Order", "QueryRoot"}:
            lighter = depth if inner.name.endswith("Connection") else depth - 1
            parts.append(f"{alias} {everything(inner, schema, lighter)}")  # type: ignore[arg-type]
    return "{ " + " ".join(parts) + " }"


ROOTS = {
    "Order": "orders",
    "Fulfillment": "fulfillments",
    "FulfillmentOrder": "fulfillmentOrders",
    "Refund": "refunds",
    "Location": "locations",
    "Product": "products",
    "ProductVariant": "variants",
    "InventoryItem": "variants",
}


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_it_answers_every_field_as_graphql_core_does(merchant: Merchant, version: str) -> None:
    schema = schema_of(version)
    store = merchant.shop.store
    fields = fields_of(merchant.shop.jobs, merchant.shop.bulk)
    preparation = Preparation(fields)
    for kind, collection in ROOTS.items():
        held = store.records.all(collection)[-1]
        number = held["inventory_item_id" if kind == "InventoryItem" else "id"]
        root = kind[0].lower() + kind[1:]
        type_ = schema.type_map[kind]
        assert isinstance(type_, GraphQLObjectType)
        selection = everything(type_, schema, DEPTH if kind in {"Order", "Refund"} else 1)
        text = f'{{ {root}(id: "gid://shopify/{kind}/{number}") {selection} }}'
        prepared = preparation.prepare(version, text, None)
        variables: Variables = prepared.variables({})
        query = Query(store=store, version=version)
        ours = {
            step.key: step.complete(step.resolve(None, step.read(variables), query), variables, query)
            for step in prepared.plan(variables).steps
        }
        theirs = by_graphql_core(version, text, fields, query)
        assert ours[root] is not None
        assert json.loads(encode(ours)) == json.loads(encode(theirs))


def by_graphql_core(version: str, text: str, fields: Any, query: Query) -> Any:
    """Execute a document with graphql-core's executor on the same resolvers."""
    schema = schema_of(version)

    def resolve(value: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        resolver = fields.get((info.parent_type.name, info.field_name)) or by_name(info.field_name)
        found = resolver(value, arguments, query)
        named = get_named_type(info.return_type)
        if named.name.endswith("Connection"):
            return page(found, arguments)
        if found is None:
            return None
        if isinstance(named, GraphQLEnumType):
            values = frozenset(named.values)
            return [enum(values, each) for each in found] if isinstance(found, list | tuple) else enum(values, found)
        return SCALARS[named.name](found) if named.name in SCALARS else found

    result = execute_sync(
        schema,
        parse(text),
        field_resolver=resolve,
        type_resolver=lambda value, *_: value.kind if isinstance(value, View) else value["__typename"],
    )
    assert result.errors is None, result.errors[:3]
    return result.data


def test_variables_switch_fields_on_and_off_without_a_second_preparation(merchant: Merchant) -> None:
    document = "query($full: Boolean!) { shop { name email @include(if: $full) url @skip(if: $full) } }"
    assert set(merchant.data(document, full=True)) == {"name", "email"}
    assert set(merchant.data(document, full=False)) == {"name", "url"}


def test_fragments_aliases_and_defaults_are_understood(merchant: Merchant) -> None:
    document = """
        query Two($size: Int = 1) { first: locations(first: $size) { ...Names } all: locations(first: 3) { ...Names } }
        query Other { shop { id } }
        fragment Names on LocationConnection { nodes { id ... on Location { name } } pageInfo { hasNextPage } }
    """
    found = merchant.post({"query": document, "operationName": "Two"}).json()["data"]
    assert [len(found[key]["nodes"]) for key in ("first", "all")] == [1, 3]
    assert [found[key]["pageInfo"]["hasNextPage"] for key in ("first", "all")] == [True, False]


def test_pages_follow_their_cursors_to_the_end(merchant: Merchant) -> None:
    for seed in range(7):
        merchant.shop.place_order(Random(seed))
    document = """query($after: String) {
        orders(first: 3, after: $after, sortKey: ID) { nodes { id } pageInfo { hasNextPage endCursor } }
    }"""
    seen: list[str] = []
    after = None
    for _ in range(3):
        found = merchant.data(document, after=after)
        seen += [each["id"] for each in found["nodes"]]
        after = found["pageInfo"]["endCursor"]
    assert len(seen) == len(set(seen)) == 8
    assert not found["pageInfo"]["hasNextPage"]


def test_introspection_tells_the_schema_of_the_version(merchant: Merchant) -> None:
    found = merchant.ask('{ __type(name: "InventoryQuantityInput") { inputFields { name } } }', "2025-10")
    names = {each["name"] for each in found["data"]["__type"]["inputFields"]}
    assert names == {"inventoryItemId", "locationId", "quantity"}  # the deprecated one is not shown unless asked for
