"""Reads one field of a document at a time; what does not fit is refused by field, rule and fix.

A webhook (REST's words) and a GraphQL answer are read alike, since every query asks for its fields under the webhook's
names. What is left of the difference is borne here: `{"nodes": [...]}` beside `[...]`, `gid://shopify/X/1` beside `1`,
`ACROSS` beside `across`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from app.kernel.errors import Invalid

T = TypeVar("T")
Row = Mapping[str, Any]
MOST_UNITS = 1_000_000_000


class Untold(Invalid):
    """The document leaves out what the thing has (a trimmed webhook): it must be fetched."""


def unfit(field: str, rule: str, fix: str = "Send the document as Shopify defines it.") -> Invalid:
    """The refusal of one field."""
    error = {"field": field, "rule": rule, "fix": fix}
    return Invalid("shopify.unfit_field", f"{field} {rule}. {fix}", errors=[error])


def untold(field: str) -> Untold:
    """The refusal of a document that says nothing about a field."""
    error = {"field": field, "rule": "is missing", "fix": "Fetch the whole document."}
    return Untold("shopify.untold_field", f"{field} is missing. {error['fix']}", errors=[error])


def within(place: str, wrong: Invalid) -> Invalid:
    """The same refusal, seen from one level further out."""
    error = {**wrong.facts["errors"][0]}  # type: ignore[index]
    error["field"] = f"{place}.{error['field']}"
    return type(wrong)(wrong.code, f"{error['field']} {error['rule']}. {error['fix']}", errors=[error])


def row(raw: object, field: str) -> Row:
    """An object."""
    if type(raw) is not dict:
        raise unfit(field, f"is {_kind(raw)}, not an object")
    return raw


def rows(raw: object, field: str) -> list[Any]:
    """A list, or the nodes of a connection; nothing is an empty one."""
    if type(raw) is list:
        return raw
    if raw is None:
        return []
    if type(raw) is dict and type(raw.get("nodes")) is list:
        return raw["nodes"]  # type: ignore[no-any-return]
    raise unfit(field, f"is {_kind(raw)}, not a list")


def each(parent: Row, field: str, read: Callable[[Row], T]) -> tuple[T, ...]:
    """What `read` makes of every object of a list; a refusal names the place in it."""
    raw = parent.get(field)
    if not raw:
        return ()
    made = []
    for place, item in enumerate(rows(raw, field)):
        try:
            made.append(read(row(item, "entry")))
        except Invalid as wrong:
            raise within(f"{field}[{place}]", wrong) from wrong
    return tuple(made)


def text(parent: Row, field: str) -> str:
    """Text; nothing is empty text."""
    raw = parent.get(field)
    if type(raw) is str:
        return raw
    if raw is None:
        return ""
    if type(raw) is int:
        return str(raw)
    raise unfit(field, f"is {_kind(raw)}, not text")


def word(parent: Row, field: str) -> str:
    """A word of a fixed list, in lower case: REST and GraphQL differ in the case alone."""
    return text(parent, field).lower()


def loose_text(raw: object) -> str:
    """Whatever a merchant's app put into an attribute, as text."""
    if type(raw) is str:
        return raw
    return "" if raw is None else json.dumps(raw, ensure_ascii=False, separators=(",", ":"))


def identity(parent: Row, field: str) -> str:
    """An id without its prefix: `1` of `1` and of `gid://shopify/LineItem/1`; nothing is empty text."""
    raw = parent.get(field)
    if type(raw) is int:
        return str(raw)
    if raw is None:
        return ""
    if type(raw) is str:
        return raw.rpartition("/")[2].partition("?")[0]
    raise unfit(field, f"is {_kind(raw)}, not an id")


def inner_identity(parent: Row, field: str) -> str:
    """The id of an object inside, such as `product: {id}`; nothing is empty text."""
    inner = parent.get(field)
    return "" if inner is None else identity(row(inner, field), "id")


def required_identity(parent: Row, field: str) -> str:
    """An id that must be there, in digits."""
    found = identity(parent, field)
    if not found:
        raise untold(field)
    if not (found.isascii() and found.isdigit()):
        raise unfit(field, f"is {found[:40]!r}, not a number")
    return found


def flag(parent: Row, field: str, otherwise: bool = False) -> bool:
    """True or false; nothing is `otherwise`."""
    raw = parent.get(field)
    if type(raw) is bool:
        return raw
    if raw is None:
        return otherwise
    raise unfit(field, f"is {_kind(raw)}, not true or false")


def units(parent: Row, field: str) -> int:
    """A whole number of pieces that must be there."""
    raw = parent.get(field)
    if type(raw) is int and 0 <= raw <= MOST_UNITS:
        return raw
    if raw is None:
        raise untold(field)
    raise unfit(field, f"is {str(raw)[:40]!r}, not a number of pieces")


def number(parent: Row, field: str) -> Decimal | None:
    """A decimal such as a rate; nothing is None."""
    raw = parent.get(field)
    if raw is None:
        return None
    if type(raw) in (str, int) and len(str(raw)) <= 40:
        try:
            if (read := Decimal(raw)).is_finite() and abs(read.adjusted()) <= 40:
                return read
        except InvalidOperation:
            pass  # said below, with the field
    raise unfit(field, f"is {str(raw)[:40]!r}, not a number")


def moment(parent: Row, field: str) -> datetime | None:
    """An instant in UTC; nothing is None."""
    raw = parent.get(field)
    if raw is None or raw == "":
        return None
    try:
        read = datetime.fromisoformat(raw)
        if read.tzinfo is not None:
            return read.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass  # said below, with the field
    raise unfit(field, f"is {str(raw)[:40]!r}, not an instant with its zone")


def required_moment(parent: Row, field: str) -> datetime:
    """An instant that must be there."""
    read = moment(parent, field)
    if read is None:
        raise untold(field)
    return read


def _kind(raw: object) -> str:
    return {dict: "an object", list: "a list", bool: "true or false", type(None): "nothing"}.get(
        type(raw), type(raw).__name__
    )
