"""The slice of Shopify's Admin schema that the sandbox serves, one schema per API version.

Written in `sdl/`, names and types as in Shopify's published schema; `@since` and `@until` there say which
versions know a definition, so that a document is refused where the real shop of that version refuses it.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    ObjectTypeDefinitionNode,
    StringValueNode,
    build_ast_schema,
    parse,
)

from app.sandbox import moment

VERSIONS = ("2025-10", "2026-04", "2026-10")
IDEMPOTENT_SINCE = "2026-04"  # from 2026-01 on it is known; among the versions served it is 2026-04, where it is due
_IDEMPOTENT = "directive @idempotent(key: String!) on FIELD"
_MARKS = frozenset({"since", "until"})
_SDL = Path(__file__).parent / "sdl"

_Marked = (
    ObjectTypeDefinitionNode
    | InputObjectTypeDefinitionNode
    | EnumTypeDefinitionNode
    | FieldDefinitionNode
    | InputValueDefinitionNode
    | EnumValueDefinitionNode
)


@cache
def schema_of(version: str) -> GraphQLSchema:
    """Return the schema of one of VERSIONS."""
    definitions: list[Any] = []
    for path in sorted(_SDL.glob("*.graphql")):
        definitions.extend(parse(path.read_text("utf-8"), no_location=True).definitions)
    kept = [
        _of_version(definition, version)
        for definition in definitions
        if not isinstance(definition, DirectiveDefinitionNode) and _serves(definition, version)
    ]
    if version >= IDEMPOTENT_SINCE:
        kept.extend(parse(_IDEMPOTENT, no_location=True).definitions)
    schema = build_ast_schema(DocumentNode(definitions=tuple(kept)), assume_valid=True)
    for name, read in _SCALARS.items():
        scalar = schema.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)
        scalar.parse_value = read  # type: ignore[method-assign]
    return schema


def _serves(node: Any, version: str) -> bool:
    for directive in getattr(node, "directives", None) or ():
        if directive.name.value in _MARKS:
            bound = directive.arguments[0].value
            assert isinstance(bound, StringValueNode)
            if version < bound.value if directive.name.value == "since" else version > bound.value:
                return False
    return True


def _of_version(node: Any, version: str) -> Any:
    """Return a definition without the parts that a version does not know, and without the marks."""
    if not isinstance(node, _Marked):
        return node
    changed: dict[str, Any] = {
        "directives": tuple(each for each in node.directives or () if each.name.value not in _MARKS)
    }
    for part in ("fields", "values"):
        inner = getattr(node, part, None)
        if inner is not None:
            changed[part] = tuple(_of_version(each, version) for each in inner if _serves(each, version))
    return replace(node, **changed)


def _decimal(value: object) -> str:
    """Read an amount; the shop takes text and numbers alike."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise GraphQLError(f"invalid decimal value {value!r}")
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise GraphQLError(f"invalid decimal value {value!r}") from error
    if not amount.is_finite():
        raise GraphQLError(f"invalid decimal value {value!r}")
    return str(amount)


def _instant(value: object) -> str:
    try:
        return moment.text(moment.parse(str(value)))
    except ValueError as error:
        raise GraphQLError(f"invalid date and time {value!r}") from error


def _address(value: object) -> str:
    if not isinstance(value, str) or "://" not in value:
        raise GraphQLError(f"invalid url {value!r}")
    return value


_SCALARS = {"Decimal": _decimal, "Money": _decimal, "DateTime": _instant, "URL": _address}
