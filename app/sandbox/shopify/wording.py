"""Refusals of a whole document, in the words and shapes of Shopify's GraphQL server rather than of graphql-core."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from graphql import GraphQLError

_Match = re.Match[str]
_Worded = tuple[str, dict[str, str]]


def _field(found: _Match) -> _Worded:
    return (
        f"Field '{found[1]}' doesn't exist on type '{found[2]}'",
        {"code": "undefinedField", "typeName": found[2], "fieldName": found[1]},
    )


def _argument(found: _Match) -> _Worded:
    type_, _, field = found[2].rpartition(".")
    return (
        f"Field '{field}' doesn't accept argument '{found[1]}'",
        {"code": "argumentNotAccepted", "name": field, "typeName": type_, "argumentName": found[1]},
    )


def _input_field(found: _Match) -> _Worded:
    return (
        f"InputObject '{found[2]}' doesn't accept argument '{found[1]}'",
        {"code": "argumentNotAccepted", "name": found[2], "typeName": "InputObject", "argumentName": found[1]},
    )


def _directive(found: _Match) -> _Worded:
    return f"Directive @{found[1]} is not defined", {"code": "undefinedDirective", "directiveName": found[1]}


def _required(found: _Match) -> _Worded:
    return (
        f"Field '{found[1].rpartition('.')[2]}' is missing required arguments: {found[2]}",
        {"code": "missingRequiredArguments", "className": "Field", "arguments": found[2]},
    )


def _unused(found: _Match) -> _Worded:
    return f"Variable ${found[1]} is declared by {found[2]} but not used", {"code": "variableNotUsed"}


_WORDS: Sequence[tuple[re.Pattern[str], Callable[[_Match], _Worded]]] = (
    (re.compile(r"Cannot query field '(\w+)' on type '(\w+)'"), _field),
    (re.compile(r"Unknown argument '(\w+)' on field '([\w.]+)'"), _argument),
    (re.compile(r"Field '(\w+)' is not defined by type '(\w+)'"), _input_field),
    (re.compile(r"Expected value of type '(\w+)' not to include unknown field '(\w+)'"), lambda found: _swapped(found)),
    (re.compile(r"Unknown directive '@(\w+)'"), _directive),
    (re.compile(r"Argument '([\w.]+)\((\w+):\)' of type '.*' is required"), _required),
    (re.compile(r"Variable '\$(\w+)' is never used in operation '(\w+)'"), _unused),
)


def _swapped(found: _Match) -> _Worded:
    return (
        f"InputObject '{found[1]}' doesn't accept argument '{found[2]}'",
        {"code": "argumentNotAccepted", "name": found[1], "typeName": "InputObject", "argumentName": found[2]},
    )


def invalid_document(error: GraphQLError) -> dict[str, Any]:
    """Word what makes a document invalid in a version of the API."""
    message, extensions = error.message, {"code": "parseError"}
    for pattern, word in _WORDS:
        found = pattern.search(error.message)
        if found:
            message, extensions = word(found)
            break
    return {
        "message": message,
        "locations": [{"line": place.line, "column": place.column} for place in error.locations or ()],
        "extensions": extensions,
    }


def invalid_variable(error: GraphQLError) -> dict[str, Any]:
    """Word what is wrong with the value of a variable."""
    return {
        "message": re.sub(
            r"^Variable '\$(\w+)' has invalid value", r"Variable $\1 was provided invalid value", error.message
        ),
        "locations": [{"line": place.line, "column": place.column} for place in error.locations or ()],
        "extensions": {"code": "INVALID_VARIABLE"},
    }
