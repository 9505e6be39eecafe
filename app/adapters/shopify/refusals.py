"""What Shopify's user errors mean, by the words it uses: most of them have no code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from app.infra.remote.client import KEPT_TEXT
from app.kernel.errors import HubError, NeedsAttention, Refused, Transient, Unauthorised

_Row = tuple[re.Pattern[str], type[HubError], str]


def _row(pattern: str, verdict: type[HubError], code: str) -> _Row:
    return re.compile(pattern, re.IGNORECASE), verdict, f"shopify.{code}"


# The first row that matches decides. Unknown words are a case: a person reads them once and a row is added here.
_TABLE: tuple[_Row, ...] = (
    _row(r"access (denied|scope)|not authori[sz]ed|permission", Unauthorised, "access_denied"),
    _row(r"try again|temporarily|timed? ?out", Transient, "busy"),
    _row(r"hold", NeedsAttention, "fulfilment_on_hold"),
    _row(r"unfulfillable|status|closed|cancell?ed", NeedsAttention, "fulfilment_not_open"),
    _row(r"quantity", NeedsAttention, "fulfilment_quantity"),
    _row(r"same location|same order", NeedsAttention, "fulfilment_split"),
    _row(r"does not exist|not found|could not be found|invalid id", Refused, "unknown_object"),
)


def refusal(errors: Iterable[Mapping[str, Any]], *, about: str = "") -> HubError:
    """The error for what a mutation refused, with the vendor's own words."""
    given = list(errors)
    said = "; ".join(str(error.get("message", "")) for error in given)[:KEPT_TEXT]
    fields = [".".join(error.get("field") or ()) for error in given]
    for pattern, verdict, code in _TABLE:
        if pattern.search(said):
            return verdict(code, said, about=about, said=said, fields=fields)
    return NeedsAttention("shopify.user_error", said, about=about, said=said, fields=fields)


def names_unknown_owner(errors: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a mutation says that the order it was given is not there."""
    return any(re.search(r"(owner|order|resource).*(exist|found)", str(e.get("message", "")), re.I) for e in errors)
