"""Views: how a GraphQL object is seen in a REST document of the books."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from app.sandbox.books import Document
from app.sandbox.shopify.records import gid, graph_instant
from app.sandbox.shopify.store import Store

Arguments = Mapping[str, Any]
_NO_ORDER: Document = MappingProxyType({})


class View(NamedTuple):
    """An object of a GraphQL type: its document, and the order it belongs to where it belongs to one."""

    kind: str
    document: Document
    order: Document = _NO_ORDER


@dataclass(slots=True, kw_only=True)
class Query:
    """One execution: the shop it reads, in which version, and what it has cost so far. In bulk, lists come whole."""

    store: Store
    version: str
    cost: int = 0
    bulk: bool = False


Resolver = Callable[[Any, Arguments, Query], Any]
Fields = Mapping[tuple[str, str], Resolver]


class Refused(Exception):
    """A field is refused as a whole: a top-level error with the shop's code, for example ACCESS_DENIED."""

    def __init__(self, message: str, code: str, **details: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.details = details


@lru_cache(maxsize=4096)
def snake(name: str) -> str:
    """Return the REST name of a GraphQL field: currentTotalPriceSet is current_total_price_set."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def by_name(name: str) -> Resolver:
    """Return the resolver of a field that REST has under its own name."""
    key = snake(name)

    def read(value: Any, arguments: Arguments, query: Query) -> Any:
        return (value.document if value.__class__ is View else value).get(key)

    return read


def named(key: str) -> Resolver:
    """Return the resolver of a field that REST has under another name."""

    def read(value: Any, arguments: Arguments, query: Query) -> Any:
        return (value.document if value.__class__ is View else value).get(key)

    return read


def always(value: Any) -> Resolver:
    """Return the resolver of a field that is the same for every object of this shop."""

    def read(_: Any, arguments: Arguments, query: Query) -> Any:
        return value

    return read


def identity(value: Any, arguments: Arguments, query: Query) -> str:
    """Return an object's global id."""
    return gid(value.kind, value.document["id"])


def legacy(value: Any, arguments: Arguments, query: Query) -> Any:
    """Return an object's number."""
    return value.document["id"]


@lru_cache(maxsize=65536)
def decimal_text(amount: str) -> str:
    """Write an amount as GraphQL's Decimal: without trailing zeros, but with one decimal at least (12.50 → 12.5)."""
    written = format(Decimal(amount), "f")
    whole, _, decimals = written.partition(".")
    return f"{whole}.{decimals.rstrip('0') or '0'}"


def enum(values: frozenset[str], word: Any) -> Any:
    """Write a REST word as a value of a GraphQL enum, None where the enum has no such value."""
    value = str(word).upper()
    return value if value in values else None


# How a scalar is written; the others are written as the documents hold them.
SCALARS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {"DateTime": graph_instant, "UnsignedInt64": str, "Decimal": lambda value: decimal_text(str(value))}
)
