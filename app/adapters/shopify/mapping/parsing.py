"""A body to plain values: numbers as they are written, and no character that cannot be stored."""

from __future__ import annotations

import json
import re
from typing import Any

from app.kernel.errors import Invalid

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # neither UTF-8 nor PostgreSQL takes these
_SIGNS = (b"\\u0000", b"\\ud", b"\\uD", b"\xed")  # how they travel: escaped, or as bytes that Korean has too


def parsed(body: bytes) -> dict[str, Any]:
    """The object of a body. Raises Invalid (`shopify.unreadable`) where it holds none."""
    try:
        given = json.loads(body, parse_float=str, parse_constant=str)
        if any(sign in body for sign in _SIGNS):
            given = _storable(given)
    except (ValueError, RecursionError) as wrong:
        raise _unreadable("is not JSON") from wrong
    if type(given) is not dict:
        raise _unreadable("is no JSON object")
    return given


def _storable(given: Any) -> Any:
    """The same value with U+FFFD for what can neither be sent on nor stored."""
    if type(given) is str:
        return _UNSTORABLE.sub("\ufffd", given)
    if type(given) is list:
        return [_storable(one) for one in given]
    if type(given) is dict:
        return {_storable(name): _storable(one) for name, one in given.items()}
    return given


def _unreadable(rule: str) -> Invalid:
    error = {"field": "body", "rule": rule, "fix": "Send the document again from the shop."}
    return Invalid("shopify.unreadable", f"the body {rule}", errors=[error])
