"""Small pieces of HTML that every page prints alike: icons, states, times, ids with a copy button."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from markupsafe import Markup

from app.console.words import look, moment


def icon(name: str) -> Markup:
    return Markup('<svg class="i" aria-hidden="true"><use href="#i-{}"/></svg>').format(name)


def shape(name: str, css: str = "") -> Markup:
    return Markup('<svg class="s{}" aria-hidden="true"><use href="#s-{}"/></svg>').format(
        f" {css}" if css else "", name
    )


def state(of: str, kind: str, label: str = "", *, chip: bool = False) -> Markup:
    """A state: shape, tone and word. The only way in which a page prints one."""
    seen = look(of, kind)
    return Markup('<span class="state is-{}{}">{}{}</span>').format(
        seen.tone, " chip" if chip else "", shape(seen.shape), label or seen.word
    )


def tone(of: str, kind: str) -> str:
    """The class of a state's tone, for the box around it."""
    return f"is-{look(of, kind).tone}"


def mark(of: str, kind: str) -> Markup:
    """The shape of a state alone, where the words stand beside it."""
    return shape(look(of, kind).shape)


def when(instant: datetime | None) -> Markup:
    """A time; its title says the day and the zone."""
    if instant is None:
        return Markup('<span class="dim">—</span>')
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        instant.isoformat(timespec="milliseconds"), f"{instant:%Y-%m-%d %H:%M:%S}", moment(instant)
    )


def copied(text: Any, href: str = "") -> Markup:
    """An id in machine's type, with a button that copies it; a link where there is a page about it."""
    shown = Markup('<a class="mono" href="{}">{}</a>').format(href, text) if href else None
    return Markup(
        '<span class="copy">{}<button type="button" data-copy="{}" aria-label="Copy {}" data-needs-script hidden>{}'
        "</button></span>"
    ).format(shown or Markup('<span class="mono">{}</span>').format(text), text, text, icon("copy"))


def runbook(code: str | None) -> Markup:
    """An error's code, linked to its runbook."""
    if not code:
        return Markup("")
    return Markup('<a class="mono" href="/admin/runbooks/{}">{}</a>').format(code, code)


def dash(value: Any) -> Any:
    """The value, or a dash where there is none."""
    return value if value not in (None, "") else Markup('<span class="dim">—</span>')


MARKS = {
    "icon": icon,
    "shape": shape,
    "state": state,
    "tone": tone,
    "mark": mark,
    "when": when,
    "copied": copied,
    "runbook": runbook,
    "dash": dash,
}
