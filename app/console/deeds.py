"""Deeds that a page asks about before it does them: what will happen, to how much, and why.

The first post shows the question, the second one, with `sure`, does it. No script is needed, and no row goes by
accident.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request

from app.infra.views import Gated
from app.kernel.errors import Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. `facts` are lines of name and figure; `given` is posted again with the answer."""

    title: str
    sentences: Sequence[str]
    button: str
    back: str
    given: Sequence[tuple[str, str]] = ()
    facts: Sequence[tuple[str, str]] = ()
    reason: str = ""  # the label of the reason's field; empty where none is asked for
    reason_needed: bool = False
    danger: bool = False


def sure() -> bool:
    """Whether the person has seen the question and pressed its button."""
    return request.form.get("sure") == "yes"


def ask(view: Gated, question: Question) -> str:
    """The page with the question; it posts to the address it was asked at."""
    return str(view.render("console/confirm.html", question=question, title=question.title))  # type: ignore[attr-defined]


def chosen_rows() -> list[str]:
    """The ticked rows of a list; Invalid where none is."""
    rows = request.form.getlist("rowid")
    if not rows:
        raise Invalid("console.nothing_chosen", "tick at least one row first")
    return rows


def why() -> str:
    return request.form.get("why", "").strip()
