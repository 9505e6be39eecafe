"""Who did what, when, to which thing, and why."""

from __future__ import annotations

from typing import Any, ClassVar

from markupsafe import Markup

from app.console.marks import dash, when
from app.infra.acts import ActRow
from app.infra.views import ReadOnly


def _thing(view: Any, context: Any, row: ActRow, column: str) -> Any:
    return Markup('{} <span class="mono small">{}</span>').format(row.kind, row.key) if row.kind else dash("")


def _facts(view: Any, context: Any, row: ActRow, column: str) -> Any:
    said = ", ".join(f"{name} {value}" for name, value in row.facts.items())
    return Markup('{}<span class="sub">{}</span>').format(dash(row.why), said)


class Audit(ReadOnly):
    """Everything that people and clients did, newest first. Nothing here can be changed."""

    can_view_details = False
    lede = "Everything that people did here, newest first. Nothing here can be changed."
    column_list = ("at", "who", "did", "kind", "why")
    column_labels: ClassVar[dict[str, str]] = {"at": "When", "kind": "To what", "why": "Why"}
    column_formatters: ClassVar[dict[str, Any]] = {
        "at": lambda view, context, row, column: when(row.at),
        "kind": _thing,
        "why": _facts,
    }
    narrow: ClassVar[dict[str, str]] = {"who": "who", "key": "key"}
