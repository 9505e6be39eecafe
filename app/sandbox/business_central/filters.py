"""OData's $filter: comparisons joined by and, or, not and parentheses, startswith, endswith and contains."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.sandbox import moment
from app.sandbox.business_central.errors import Refusal
from app.sandbox.business_central.properties import Entity, Property

Document = Mapping[str, Any]
Test = Callable[[Document], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')"
    r"|(?P<guid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"
    r"|(?P<moment>\d{4}-\d\d-\d\d(?:T[0-9:.]+(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<sign>[(),]))"
)
_SIMPLE = re.compile(r"^(\w+) eq '((?:[^']|'')*)'$")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip
_FUNCTIONS: Mapping[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith, "endswith": str.endswith, "contains": operator.contains,
}  # fmt: skip
_TEXTS = frozenset({"text", "code", "option"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A filter: `test` decides, `equal` names properties that must have one value, so that an index can help."""

    test: Test
    equal: Mapping[str, Any] = field(default_factory=dict)


def parse_filter(written: str, entity: Entity) -> Filter:
    """Compile a filter for an entity. Raises Refusal on wrong syntax or an unknown property."""
    simple = _SIMPLE.match(written)
    if simple is not None:
        each = _property(entity, simple[1])
        if each.type in _TEXTS:
            return _equal(each.name, simple[2].replace("''", "'"))
    parser = _Parser(written, entity)
    parsed = parser.either()
    parser.expect_end()
    return parsed


def _equal(name: str, value: Any) -> Filter:
    return Filter(test=lambda document: bool(document[name] == value), equal={name: value})


def _property(entity: Entity, name: str) -> Property:
    each = entity.properties.get(name)
    if each is None:
        message = f"Could not find a property named '{name}' on type 'Microsoft.NAV.{entity.name}'."
        raise Refusal("BadRequest", message)
    return each


class _Parser:
    def __init__(self, written: str, entity: Entity) -> None:
        self._written = written
        self._entity = entity
        self._at = 0
        self._kind, self._token = "", ""
        self._advance()

    def either(self) -> Filter:
        parsed = self._both()
        while self._word("or"):
            left, right = parsed.test, self._both().test
            parsed = Filter(test=lambda document, a=left, b=right: a(document) or b(document))  # type: ignore[misc]
        return parsed

    def expect_end(self) -> None:
        if self._token:
            raise self._wrong()

    def _both(self) -> Filter:
        parsed = self._single()
        while self._word("and"):
            other = self._single()
            left, right = parsed.test, other.test
            parsed = Filter(
                test=lambda document, a=left, b=right: a(document) and b(document),  # type: ignore[misc]
                equal={**parsed.equal, **other.equal},
            )
        return parsed

    def _single(self) -> Filter:
        if self._word("not"):
            test = self._single().test
            return Filter(test=lambda document: not test(document))
        if self._token == "(":
            self._advance()
            parsed = self.either()
            self._sign(")")
            return parsed
        if self._kind != "word":
            raise self._wrong()
        name = self._token
        self._advance()
        if name in _FUNCTIONS and self._token == "(":
            return self._function(_FUNCTIONS[name])
        return self._comparison(_property(self._entity, name))

    def _function(self, test: Callable[[str, str], bool]) -> Filter:
        self._advance()
        each = _property(self._entity, self._token)
        self._advance()
        self._sign(",")
        if self._kind != "text" or each.type not in _TEXTS:
            raise self._wrong()
        value = self._token[1:-1].replace("''", "'")
        self._advance()
        self._sign(")")
        return Filter(test=lambda document: test(document[each.name], value))

    def _comparison(self, each: Property) -> Filter:
        compare = _COMPARISONS.get(self._token)
        if compare is None:
            raise self._wrong()
        equal = self._token == "eq"
        self._advance()
        value = self._literal(each)
        self._advance()
        if equal:
            return _equal(each.name, value)
        if each.type == "datetime":
            return Filter(test=lambda document: compare(moment.parse(document[each.name]), moment.parse(value)))
        return Filter(test=lambda document: compare(document[each.name], value))

    def _literal(self, each: Property) -> Any:
        kind, token = self._kind, self._token
        if each.type in _TEXTS and kind == "text":
            return token[1:-1].replace("''", "'")
        if each.type == "guid" and kind == "guid":
            return token.lower()
        if each.type in {"decimal", "int"} and kind == "number":
            return Decimal(token)
        if each.type == "date" and kind == "moment":
            return token[:10]
        if each.type == "datetime" and kind == "moment":
            return moment.text(moment.parse(token))
        if each.type == "bool" and token in {"true", "false"}:
            return token == "true"
        message = f"A binary operator with incompatible types was detected: '{each.name}' and {token or 'nothing'}."
        raise Refusal("BadRequest", message)

    def _word(self, word: str) -> bool:
        if self._kind != "word" or self._token != word:
            return False
        self._advance()
        return True

    def _sign(self, sign: str) -> None:
        if self._token != sign:
            raise self._wrong()
        self._advance()

    def _advance(self) -> None:
        found = _TOKEN.match(self._written, self._at)
        if found is None:
            if self._written[self._at :].strip():
                raise self._wrong()
            self._kind, self._token = "", ""
            return
        self._at = found.end()
        self._kind = found.lastgroup or ""
        self._token = found[self._kind]

    def _wrong(self) -> Refusal:
        message = f"Syntax error at position {self._at} in '{self._written}'."
        return Refusal("BadRequest", message)
