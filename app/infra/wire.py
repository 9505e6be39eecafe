"""JSON Schema of what travels: made from the dataclasses themselves, so that no second description can drift."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any

from app.kernel.events import Fact
from app.kernel.money import Money

DRAFT = "https://json-schema.org/draft/2020-12/schema"
PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    Decimal: {"type": "string", "format": "decimal"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    Any: {},
    object: {},
    Money: {
        "type": "object",
        "properties": {"amount": {"type": "string"}, "currency": {"type": "string"}},
        "required": ["amount", "currency"],
    },
}


def event_schema(fact: type[Fact]) -> dict[str, Any]:
    """The JSON Schema of a fact's payload. A field without a default is required; unknown ones are allowed."""
    described = (fact.__doc__ or "").split("\n\n")[0].strip()
    return document(fact, fact.event_type, description=described, **{"x-key": fact.event_key})


def document(kind: type, title: str, **more: str) -> dict[str, Any]:
    """The JSON Schema of a dataclass as a document of its own, with the values it is made of under `$defs`."""
    shapes: dict[str, dict[str, Any]] = {}
    schema = _object(kind, shapes)
    made = {"$schema": DRAFT, "title": title, **more, **schema}
    return {**made, "$defs": dict(sorted(shapes.items()))} if shapes else made


def breaks(released: Mapping[str, Any], now: Mapping[str, Any], where: str = "") -> list[str]:
    """What a newer schema of the same version may not do: lose or retype a field, or require one that was not there."""
    found = [
        f"{where or '.'}: {name} was {released.get(name)!r} and is {now.get(name)!r}"
        for name in ("type", "format", "x-key", "$ref")
        if released.get(name) != now.get(name)
    ]
    lost = {*released.get("enum", ())} - {*now.get("enum", ())}
    found += [f"{where}: value {gone!r} is gone" for gone in sorted(lost)]
    found += [
        f"{where}.{name} is required and was not"
        for name in now.get("required", ())
        if name not in released.get("required", ())
    ]
    for part in ("properties", "$defs"):
        before, after = released.get(part, {}), now.get(part, {})
        found += [f"{where}.{name} is gone" for name in before if name not in after]
        for name in before.keys() & after.keys():
            found += breaks(before[name], after[name], f"{where}.{name}")
    for part in ("items", "additionalProperties"):
        if part in released:
            found += breaks(released[part], now.get(part, {}), f"{where}[]")
    for one, other in zip(released.get("anyOf", ()), now.get("anyOf", ()), strict=False):
        found += breaks(one, other, where)
    return found


def _shape(kind: Any, shapes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The JSON Schema of one type as the codec writes it. Raises TypeError for a type that has no wire form."""
    if kind in PLAIN:
        return dict(PLAIN[kind])
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, UnionType):
        (inner,) = [part for part in parts if part is not type(None)]
        return {"anyOf": [_shape(inner, shapes), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _shape(parts[0], shapes)}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _shape(parts[1], shapes)}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"type": "string", "enum": [member.value for member in kind]}
    if dataclasses.is_dataclass(kind):
        name = typing.cast(type, kind).__name__
        if name not in shapes:
            shapes[name] = {}
            shapes[name] = _object(typing.cast(type, kind), shapes)
        return {"$ref": f"#/$defs/{name}"}
    raise TypeError(f"no wire form for {kind}")


def _object(kind: type, shapes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)
    required = [one.name for one in fields if _is_required(one)]
    made = {"type": "object", "properties": {one.name: _shape(hints[one.name], shapes) for one in fields}}
    return {**made, "required": required} if required else made


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
