"""The shop's schema: every type, field, argument, enum value and directive is Shopify's own, in each version."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_client_schema,
    validate_schema,
)

from app.sandbox.shopify.bulk import Bulk
from app.sandbox.shopify.jobs import Jobs
from app.sandbox.shopify.projection import IDEMPOTENT, SCOPES_OF, fields_of
from app.sandbox.shopify.schema import VERSIONS, schema_of

pytestmark = pytest.mark.capability("TRY-1")
STANDARD = {"include", "skip", "deprecated", "specifiedBy", "oneOf"}


@cache
def vendor_schema(folder: Path, version: str) -> GraphQLSchema:
    written = json.loads(gzip.decompress((folder / "shopify" / f"admin_{version}.json.gz").read_bytes()))
    return build_client_schema(written.get("data", written), assume_valid=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_definition_is_in_the_vendors_schema_of_its_version(contracts: Path, version: str) -> None:
    ours, theirs = schema_of(version), vendor_schema(contracts, version)
    wrong: list[str] = []
    for name, type_ in ours.type_map.items():
        if not name.startswith("__"):
            wrong += differences(name, type_, theirs.type_map.get(name))
    for directive in ours.directives:
        if directive.name not in STANDARD:
            known = theirs.get_directive(directive.name)
            same = known is not None and known.locations == directive.locations
            wrong += [] if same else [f"@{directive.name}"]
    assert wrong == []


def test_a_definition_that_the_vendor_does_not_have_is_found(contracts: Path) -> None:
    theirs = vendor_schema(contracts, "2025-10")
    newer = schema_of("2026-10")
    found = differences(
        "InventoryQuantityInput",
        newer.type_map["InventoryQuantityInput"],
        theirs.type_map.get("InventoryQuantityInput"),
    )
    assert found == ["InventoryQuantityInput.changeFromQuantity is not there"]
    assert differences("X", newer.type_map["Order"], None) == ["X is not there"]


def differences(name: str, ours: Any, theirs: Any) -> list[str]:
    if theirs is None or type(ours) is not type(theirs):
        return [f"{name} is not there"]
    if isinstance(ours, GraphQLScalarType):
        return []
    if isinstance(ours, GraphQLEnumType):
        return [f"{name}.{value} is not there" for value in ours.values if value not in theirs.values]
    if isinstance(ours, GraphQLUnionType):
        known = {each.name for each in theirs.types}
        return [f"{name} | {each.name} is not there" for each in ours.types if each.name not in known]
    assert isinstance(ours, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType)
    wrong = []
    if not isinstance(ours, GraphQLInputObjectType):
        known = {each.name for each in theirs.interfaces}
        wrong += [f"{name} & {each.name} is not there" for each in ours.interfaces if each.name not in known]
    for field_name, field in ours.fields.items():
        wrong += field_differences(f"{name}.{field_name}", field, theirs.fields.get(field_name))
    return wrong


def field_differences(name: str, ours: Any, theirs: Any) -> list[str]:
    if theirs is None:
        return [f"{name} is not there"]
    wrong = [] if str(ours.type) == str(theirs.type) else [f"{name} is {theirs.type}, not {ours.type}"]
    if bool(ours.deprecation_reason) != bool(theirs.deprecation_reason):
        wrong.append(f"{name} is deprecated on one side only")
    for argument, declared in getattr(ours, "args", {}).items():
        known = theirs.args.get(argument)
        if known is None or str(known.type) != str(declared.type):
            wrong.append(f"{name}({argument}:) is {known and known.type}, not {declared.type}")
    required = [a for a, declared in getattr(theirs, "args", {}).items() if str(declared.type).endswith("!")]
    return wrong + [f"{name}({argument}:) is left out" for argument in required if argument not in ours.args]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schema_is_valid_by_itself(version: str) -> None:
    assert validate_schema(schema_of(version)) == []


def test_only_the_versions_before_it_lack_what_came_later() -> None:
    old, middle, new = (schema_of(version) for version in VERSIONS)
    assert old.get_directive("idempotent") is None
    assert middle.get_directive("idempotent") is not None
    assert new.get_directive("idempotent") is not None

    def inputs(schema: GraphQLSchema, name: str) -> set[str]:
        type_ = schema.type_map[name]
        assert isinstance(type_, GraphQLInputObjectType)
        return set(type_.fields)

    assert {"compareQuantity"} == inputs(old, "InventoryQuantityInput") - inputs(new, "InventoryQuantityInput")
    assert {"changeFromQuantity"} == inputs(new, "InventoryQuantityInput") - inputs(old, "InventoryQuantityInput")
    assert "ignoreCompareQuantity" in inputs(old, "InventorySetQuantitiesInput") - inputs(
        middle, "InventorySetQuantitiesInput"
    )
    assert "OrderCancelJobResult" in new.type_map
    assert "OrderCancelJobResult" not in middle.type_map


def test_the_mutations_that_need_a_key_are_those_whose_documentation_says_so(contracts: Path) -> None:
    mutations = vendor_schema(contracts, "2026-10").mutation_type
    served = schema_of("2026-10").mutation_type
    assert mutations is not None
    assert served is not None
    asked = {
        name for name, field in mutations.fields.items() if "idempotency key is required" in (field.description or "")
    }
    assert asked & set(served.fields) == IDEMPOTENT


def test_every_root_field_is_answered_and_no_resolver_is_left_without_a_field() -> None:
    schema = schema_of("2026-10")
    fields = fields_of(Jobs.__new__(Jobs), Bulk.__new__(Bulk))
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    for root in (schema.query_type, schema.mutation_type):
        assert {name for type_, name in fields if type_ == root.name} == set(root.fields)
    known = {(type_.name, name) for type_ in schema.type_map.values() for name in getattr(type_, "fields", ())}
    assert sorted(set(fields) - known) == []
    roots = {*schema.query_type.fields, *schema.mutation_type.fields}
    assert set(SCOPES_OF) <= roots
