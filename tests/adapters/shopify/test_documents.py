"""What is sent to Shopify is what Shopify's own schema of that version takes."""

from __future__ import annotations

import gzip
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_client_schema,
    get_named_type,
    parse,
    validate,
)

from app.adapters.shopify.documents import EVERY
from app.adapters.shopify.settings import API_VERSIONS

pytestmark = pytest.mark.capability("SYS-shopify")

MOST_POINTS = 1000  # shopify.dev, "Rate limits": what one query may ask for


@cache
def schema(contracts: Path, version: str) -> GraphQLSchema:
    answer = json.loads(gzip.decompress((contracts / f"shopify/admin_{version}.json.gz").read_bytes()))
    return build_client_schema(answer.get("data", answer), assume_valid=True)


@pytest.mark.parametrize("version", API_VERSIONS)
def test_every_document_validates_against_shopifys_schema(contracts: Path, version: str) -> None:
    faults = {
        name: [error.message for error in validate(schema(contracts, version), parse(text))]
        for name, text in EVERY.items()
    }
    assert {name: found for name, found in faults.items() if found} == {}


def test_a_document_with_a_field_that_does_not_exist_is_noticed(contracts: Path) -> None:
    broken = parse(EVERY["ORDER"].replace("poNumber", "purchaseOrderNumber"))
    messages = [error.message for error in validate(schema(contracts, "2026-10"), broken)]
    assert messages == ["Cannot query field 'purchaseOrderNumber' on type 'Order'."]


def test_nothing_deprecated_is_asked_for(contracts: Path) -> None:
    used = [
        f"{name}: {field}" for name, text in EVERY.items() for field in deprecated(schema(contracts, "2026-10"), text)
    ]
    assert used == []


@pytest.mark.parametrize("name", EVERY)
def test_no_query_asks_for_more_points_than_one_may(contracts: Path, name: str) -> None:
    assert cost(schema(contracts, "2026-10"), EVERY[name]) <= MOST_POINTS


def deprecated(schema: GraphQLSchema, text: str) -> list[str]:
    return [path for path, definition, _ in walk(schema, text) if definition.deprecation_reason is not None]


def cost(schema: GraphQLSchema, text: str) -> int:
    """Points by shopify.dev's rule for sized connections: an object is one, a page its size times what a node costs."""
    total = 0.0
    for _, definition, times in walk(schema, text):
        if isinstance(get_named_type(definition.type), GraphQLObjectType):
            total += times
    return math.ceil(total)


def walk(schema: GraphQLSchema, text: str) -> list[tuple[str, Any, float]]:
    """Every field with its definition and how often the sizes of the pages around it repeat it."""
    document = parse(text)
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    found: list[tuple[str, Any, float]] = []

    def visit(kind: Any, selected: SelectionSetNode, path: str, times: float) -> None:
        for node in selected.selections:
            if isinstance(node, FragmentSpreadNode):
                fragment = fragments[node.name.value]
                visit(schema.type_map[fragment.type_condition.name.value], fragment.selection_set, path, times)
            elif isinstance(node, InlineFragmentNode):
                assert node.type_condition is not None
                visit(schema.type_map[node.type_condition.name.value], node.selection_set, path, times)
            elif isinstance(node, FieldNode) and not node.name.value.startswith("__"):
                definition = kind.fields[node.name.value]
                inner = times * size(node)
                here = f"{path}.{node.name.value}"
                found.append((here, definition, inner if node.name.value in ("nodes",) or size(node) == 1 else times))
                if node.selection_set is not None:
                    visit(get_named_type(definition.type), node.selection_set, here, inner)

    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            root = schema.get_root_type(operation.operation)
            visit(root, operation.selection_set, operation.operation.value, 1)
    return found


def size(node: FieldNode) -> int:
    for argument in node.arguments or ():
        if argument.name.value == "first" and isinstance(argument.value, IntValueNode):
            return int(argument.value.value)
    return 1
