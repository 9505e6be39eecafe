"""Two JSON documents field by field. Pure; whoever has documents to compare uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
MISSING = "—"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDifference:
    """One field: its path, and what either side has; `—` where a side has no such field."""

    field: str
    live: str
    shadow: str


def differences(live: Any, shadow: Any) -> list[FieldDifference]:
    """Where two documents differ. Numbers are compared by value; two ids of two systems are never the same thing."""
    left, right = dict(_flat("", live)), dict(_flat("", shadow))
    fields = [*left, *(field for field in right if field not in left)]
    return [
        FieldDifference(field=field, live=_said(left.get(field, MISSING)), shadow=_said(right.get(field, MISSING)))
        for field in fields
        if not alike(left.get(field, MISSING), right.get(field, MISSING))
    ]


def alike(live: Any, shadow: Any) -> bool:
    """Whether two values say the same: 12.5 and 12.50 do, and so do two GUIDs, each its own system's name of it."""
    if live == shadow:
        return True
    if isinstance(live, str) and isinstance(shadow, str) and ID.fullmatch(live) and ID.fullmatch(shadow):
        return True
    left, right = _number(live), _number(shadow)
    return left is not None and left == right


def resource(path: str) -> str:
    """An address without its system's own part: `…/companies(…)/salesOrders(…)?…` is `salesOrders(id)`."""
    bare = ID.sub("id", path.partition("?")[0])
    return bare.rpartition("companies(id)/")[2].strip("/")


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name in value:
            yield from _flat(f"{path}.{name}".lstrip("."), value[name])
    elif isinstance(value, list):
        for n, inner in enumerate(value, 1):
            yield from _flat(f"{path}[{n}]", inner)
    else:
        yield path, value


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _said(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
