"""Search text of list queries: `name:value`, comparisons of instants, joined by spaces, AND or OR; AND binds closer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from app.sandbox import moment
from app.sandbox.books import Document
from app.sandbox.shopify.views import Refused

_TERM = re.compile(r"""(\w+):(<=|>=|<|>)?(?:"([^"]*)"|'([^']*)'|(\S+))""")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
}


def matching(documents: Iterable[Document], query: str | None) -> list[Document]:
    """Return the documents that a search text finds. Raises Refused for a text the sandbox does not understand."""
    if not query or not query.strip():
        return list(documents)
    tests = [_terms(part) for part in re.split(r"\sOR\s", query)]
    return [each for each in documents if any(all(_holds(each, *term) for term in terms) for terms in tests)]


def _terms(query: str) -> list[tuple[str, str | None, str]]:
    left = _TERM.sub("", query)
    if set(left.split()) - {"AND"}:
        raise Refused(f"The sandbox does not understand the search text {query!r}", "BAD_REQUEST")
    return [(found[1], found[2], found[3] or found[4] or found[5] or "") for found in _TERM.finditer(query)]


def _holds(document: Document, name: str, operator: str | None, value: str) -> bool:
    if name in {"tag", "tags"}:
        return value in [word.strip() for word in str(document.get("tags") or "").split(",")]
    if name == "status" and "cancelled_at" in document:
        return _order_status(document, value)
    held = document.get(name)
    if operator is None:
        return held is not None and str(held).lower().lstrip("#") == value.lower().lstrip("#")
    if held is None:
        return False
    if name.endswith("_at"):
        return _COMPARE[operator](moment.parse(str(held)), _instant(value))
    return _COMPARE[operator](float(held), float(value))


def _order_status(order: Document, value: str) -> bool:
    found = "cancelled" if order["cancelled_at"] else "closed" if order["closed_at"] else "open"
    return value in {"any", found}


def _instant(value: str) -> datetime:
    try:
        return moment.parse(value)
    except ValueError as error:
        raise Refused(f"{value!r} is not an instant", "BAD_REQUEST") from error
