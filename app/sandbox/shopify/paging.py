"""Pages of a list: Relay connections with opaque cursors, as the Admin API has them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from app.sandbox.shopify.views import Arguments, Refused, View

MOST = 250  # shopify.dev, "Paginating results with GraphQL": a page has at most 250


def page(items: Sequence[Any], arguments: Arguments, *, whole: bool = False) -> dict[str, Any]:
    """Return one page of items, or the `whole` list. Raises Refused where the arguments name no page."""
    first, last = arguments.get("first"), arguments.get("last")
    if whole:
        return {"nodes": items, "edges": [{"cursor": "", "node": item} for item in items], "page_info": {}}
    if first is None and last is None:
        raise Refused("you must provide one of first or last", "BAD_REQUEST")
    if first is not None and last is not None:
        raise Refused("providing both first and last is not supported", "BAD_REQUEST")
    size = first if first is not None else last
    if not isinstance(size, int) or not 0 <= size <= MOST:
        raise Refused(f"first and last must be between 0 and {MOST}", "BAD_REQUEST")
    listed = list(reversed(items)) if arguments.get("reverse") else list(items)
    names = [_name(position, item) for position, item in enumerate(listed)]
    start = _place(names, arguments["after"]) + 1 if arguments.get("after") else 0
    stop = _place(names, arguments["before"]) if arguments.get("before") else len(listed)
    start, stop = (start, min(stop, start + size)) if first is not None else (max(start, stop - size), stop)
    cursors = [_cursor(name) for name in names[start:stop]]
    return {
        "nodes": listed[start:stop],
        "edges": [{"cursor": cursor, "node": item} for cursor, item in zip(cursors, listed[start:stop], strict=True)],
        "page_info": {
            "start_cursor": cursors[0] if cursors else None,
            "end_cursor": cursors[-1] if cursors else None,
            "has_next_page": stop < len(listed),
            "has_previous_page": start > 0,
        },
    }


def _name(position: int, item: Any) -> str:
    """Name an item for its cursor: by its id where it has one, so that newer items do not shift the page."""
    number = item.document.get("id") if isinstance(item, View) else None
    return str(position) if number is None else f"id:{number}"


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _place(names: Sequence[str], cursor: str) -> int:
    try:
        return names.index(base64.urlsafe_b64decode(cursor.encode()).decode())
    except (ValueError, binascii.Error) as error:
        raise Refused(f"Invalid cursor for current pagination sort: {cursor}", "BAD_REQUEST") from error
