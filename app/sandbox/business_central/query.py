"""What a GET asks for: $filter, $select, $expand with options of its own, $orderby, $top, $skip, $count, pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from app.sandbox.business_central.company import Row
from app.sandbox.business_central.entities import ENTITIES
from app.sandbox.business_central.errors import bad_request
from app.sandbox.business_central.filters import Filter, parse_filter
from app.sandbox.business_central.properties import Entity

MOST_ROWS = 20_000  # Microsoft Learn, "Work with API limits": entities in one answer

_EVERYTHING = Filter(test=lambda document: True)
_KNOWN = frozenset(
    {"$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count", "$skiptoken", "$schemaversion"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question about an entity set."""

    filter: Filter = _EVERYTHING
    select: tuple[str, ...] = ()
    expand: Mapping[str, Query] = field(default_factory=dict)
    order: tuple[tuple[str, bool], ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    after: str = ""

    def matching(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows that fit, in the order asked for."""
        found = [row for row in rows if self.filter.test(row.document)]
        for name, descending in reversed(self.order):
            found.sort(key=lambda row: row[name], reverse=descending)
        return found


PLAIN = Query()


def parse_query(written: str, entity: Entity) -> Query:
    """Read a query string. Raises Refusal for an option or a property that there is not."""
    if not written:
        return PLAIN
    options: dict[str, str] = {}
    for name, value in parse_qsl(written, keep_blank_values=True):
        if not name.startswith("$"):
            continue
        if name not in _KNOWN:
            raise bad_request(f"The query option '{name}' is not supported.")
        options[name] = value
    return _query(options, entity)


def _query(options: Mapping[str, str], entity: Entity) -> Query:
    return Query(
        filter=parse_filter(options["$filter"], entity) if options.get("$filter") else _EVERYTHING,
        select=_select(options.get("$select", ""), entity),
        expand=_expand(options.get("$expand", ""), entity),
        order=_order(options.get("$orderby", ""), entity),
        top=_number(options, "$top"),
        skip=_number(options, "$skip") or 0,
        count=options.get("$count") == "true",
        after=options.get("$skiptoken", ""),
    )


def _number(options: Mapping[str, str], name: str) -> int | None:
    written = options.get(name)
    if written is None:
        return None
    if not written.isdigit():
        raise bad_request(f"Invalid value '{written}' for {name} query option found.")
    return int(written)


def _select(written: str, entity: Entity) -> tuple[str, ...]:
    names = tuple(name.strip() for name in written.split(",") if name.strip())
    for name in names:
        _known(name, entity)
    return names


def _order(written: str, entity: Entity) -> tuple[tuple[str, bool], ...]:
    order: list[tuple[str, bool]] = []
    for part in written.split(","):
        name, _, direction = part.strip().partition(" ")
        if name:
            _known(name, entity)
            order.append((name, direction.strip() == "desc"))
    return tuple(order)


def _expand(written: str, entity: Entity) -> dict[str, Query]:
    expanded: dict[str, Query] = {}
    for part in _split(written, ","):
        name, _, options = part.partition("(")
        navigation = entity.navigations.get(name.strip())
        if navigation is None:
            raise bad_request(f"Could not find a property named '{name}' on type 'Microsoft.NAV.{entity.name}'.")
        target = ENTITIES[navigation.target]
        inner: dict[str, str] = {}
        for option in _split(options.removesuffix(")"), ";"):
            key, _, value = option.partition("=")
            inner[key.strip()] = value
        expanded[navigation.name] = _query(inner, target)
    return expanded


def _split(written: str, separator: str) -> list[str]:
    """Split at separators that stand outside parentheses and quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, sign in enumerate(written):
        if sign == "'":
            quoted = not quoted
        elif not quoted and sign in "()":
            depth += 1 if sign == "(" else -1
        elif not quoted and sign == separator and not depth:
            parts.append(written[start:place])
            start = place + 1
    parts.append(written[start:])
    return [part.strip() for part in parts if part.strip()]


def _known(name: str, entity: Entity) -> Any:
    if name not in entity.properties:
        raise bad_request(f"Could not find a property named '{name}' on type 'Microsoft.NAV.{entity.name}'.")
    return entity.properties[name]
