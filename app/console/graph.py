"""A lifecycle drawn: states in rows by how far they are from the start, moves between them, the path of one object.

Pure functions from a table to SVG. Every word is text in the drawing, every state may be a link, and what the picture
says stands in its description too, so that it needs no eyes. No style attribute: the stylesheet has the colours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from markupsafe import Markup

from app.kernel.lifecycle import Lifecycle

WIDE, TALL, ACROSS, DOWN, EDGE, GUTTER = 148, 44, 176, 84, 10, 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """What is said at one state: a second line, a link, and whether an object was there or is."""

    said: str = ""
    href: str = ""
    been: bool = False
    here: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """All moves from one state to another. `span` is how many rows it goes down; below zero it goes back."""

    before: str
    after: str
    triggers: tuple[str, ...]
    span: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where everything lies: (column, row) of each state, and the arrows."""

    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    arrows: Sequence[Arrow] = ()


def words(state: str) -> str:
    return state.replace("_", " ").capitalize()


def plan_of(lifecycle: Lifecycle[Any]) -> Plan:
    """Rows by the longest way from the start that never goes back; columns by who leads there, then as declared."""
    states: tuple[StrEnum, ...] = lifecycle.states
    ahead = _ahead(lifecycle)
    rows = dict.fromkeys(states, 0)
    for _ in states:  # as often as the longest way can be long
        for before, after in ahead:
            rows[after] = max(rows[after], rows[before] + 1)
    places: dict[str, tuple[int, int]] = {}
    for row in sorted(set(rows.values())):
        taken: set[int] = set()
        for state in (one for one in states if rows[one] == row):
            above = [places[before.value][0] for before, after in ahead if after == state and rows[before] == row - 1]
            column = min(above, default=0)
            while column in taken:
                column += 1
            taken.add(column)
            places[state.value] = (column, row)
    grouped: dict[tuple[str, str], list[str]] = {}
    for before, after, trigger in lifecycle.arrows:
        grouped.setdefault((before.value, after.value), []).append(trigger)
    arrows = [
        Arrow(before=before, after=after, triggers=tuple(names), span=places[after][1] - places[before][1])
        for (before, after), names in grouped.items()
    ]
    return Plan(places=places, arrows=arrows)


def _ahead(lifecycle: Lifecycle[Any]) -> list[tuple[StrEnum, StrEnum]]:
    """The moves that lead on: those that close a circle, found in the order of declaration, lead back."""
    found: list[tuple[StrEnum, StrEnum]] = []
    order = {state: n for n, state in enumerate(lifecycle.states)}
    for before, after, _ in sorted(lifecycle.arrows, key=lambda one: (order[one[0]], order[one[1]])):
        if not _leads(after, before, found) and (before, after) not in found:
            found.append((before, after))
    return found


def _leads(start: StrEnum, end: StrEnum, arrows: Sequence[tuple[StrEnum, StrEnum]]) -> bool:
    reached, frontier = {start}, [start]
    while frontier:
        here = frontier.pop()
        following = [after for before, after in arrows if before == here and after not in reached]
        reached.update(following)
        frontier += following
    return end in reached


def graph(
    lifecycle: Lifecycle[Any],
    title: str,
    spots: Mapping[str, Spot],
    taken: frozenset[tuple[str, str]] = frozenset(),
) -> Markup:
    """The lifecycle as SVG. `taken` are the moves that an object made; they are drawn strong."""
    plan = plan_of(lifecycle)
    columns = 1 + max(column for column, _ in plan.places.values())
    rows = 1 + max(row for _, row in plan.places.values())
    back = GUTTER * (1 + max((-arrow.span for arrow in plan.arrows if arrow.span <= 0), default=0)) + EDGE
    ahead = GUTTER * (1 + max((arrow.span for arrow in plan.arrows if arrow.span > 1), default=0)) + EDGE
    width = back + (columns - 1) * ACROSS + WIDE + ahead
    height = (rows - 1) * DOWN + TALL + 2 * EDGE
    name = f"graph-{lifecycle.name.replace('.', '-')}"
    drawn = [_arrow(arrow, plan, back, columns, name, taken) for arrow in plan.arrows]
    drawn += [_state(state, place, back, spots.get(state, Spot())) for state, place in plan.places.items()]
    return Markup(
        '<svg class="graph" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="group" '
        'aria-labelledby="{name}-title" aria-describedby="{name}-desc">'
        '<title id="{name}-title">{title}</title><desc id="{name}-desc">{desc}</desc><defs>{heads}</defs>{drawn}</svg>'
    ).format(
        w=width, h=height, name=name, title=title, desc=_said(plan, spots), heads=_heads(name),
        drawn=Markup("").join(drawn),
    )  # fmt: skip


def _said(plan: Plan, spots: Mapping[str, Spot]) -> str:
    moves = "; ".join(f"{words(one.before)} to {words(one.after)} by {', '.join(one.triggers)}" for one in plan.arrows)
    here = ", ".join(words(state) for state, spot in spots.items() if spot.here)
    return f"{f'It stands at {here}. ' if here else ''}Moves: {moves}.".replace("_", " ")


def _heads(name: str) -> Markup:
    """Arrow heads, one for each strength."""
    head = Markup(
        '<marker id="{}-{}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="head {}" d="M0 0L8 4L0 8Z"/></marker>'
    )
    return Markup("").join(head.format(name, kind, kind) for kind in ("may", "did"))


def _state(state: str, place: tuple[int, int], left: int, spot: Spot) -> Markup:
    x, y = left + place[0] * ACROSS, EDGE + place[1] * DOWN
    kind = "here" if spot.here else "been" if spot.been else "may"
    middle = x + WIDE / 2
    first, second = (y + 19, y + 35) if spot.said else (y + 27, 0)
    words_in = Markup('<text class="name" x="{}" y="{}">{}</text>').format(middle, first, words(state))
    if spot.said:
        words_in += Markup('<text class="said" x="{}" y="{}">{}</text>').format(middle, second, spot.said)
    box = Markup('<rect x="{}" y="{}" width="{}" height="{}" rx="5"/>').format(x, y, WIDE, TALL)
    inside = Markup('<g class="node {}">{}{}</g>').format(kind, box, words_in)
    return Markup('<a href="{}">{}</a>').format(spot.href, inside) if spot.href else inside


def _arrow(arrow: Arrow, plan: Plan, left: int, columns: int, name: str, taken: frozenset[tuple[str, str]]) -> Markup:
    did = (arrow.before, arrow.after) in taken
    kind = "did" if did else "may"
    return Markup('<path class="arrow {}{}" d="{}" marker-end="url(#{}-{})"><title>{}</title></path>').format(
        kind,
        " back" if arrow.span <= 0 else "",
        _way(arrow, plan, left, columns),
        name,
        kind,
        f"{words(arrow.before)} to {words(arrow.after)}: {', '.join(arrow.triggers)}".replace("_", " "),
    )


def _way(arrow: Arrow, plan: Plan, left: int, columns: int) -> str:
    """A row down: straight to it. Further: beside its column, or around on the right. Back: around on the left."""
    (c1, r1), (c2, r2) = plan.places[arrow.before], plan.places[arrow.after]
    x1, x2 = left + c1 * ACROSS, left + c2 * ACROSS
    y1, y2 = EDGE + r1 * DOWN, EDGE + r2 * DOWN
    if arrow.span == 1:
        start, end, bend = x1 + WIDE / 2, x2 + WIDE / 2, (y1 + TALL + y2) / 2
        return f"M{start:g} {y1 + TALL}C{start:g} {bend:g} {end:g} {bend:g} {end:g} {y2}"
    m1, m2 = y1 + TALL / 2 + 6, y2 + TALL / 2 - 6
    if arrow.span > 1 and c1 == c2:  # through the gap to the next column: a curve comes three quarters of the way out
        gap = x1 + WIDE + (ACROSS - WIDE)
        return f"M{x1 + WIDE} {m1:g}C{gap} {m1:g} {gap} {m2:g} {x2 + WIDE} {m2:g}"
    if arrow.span <= 0 and c1 > c2:
        return f"M{x1} {m1 - 12:g}C{x2 + WIDE} {m1 - 12:g} {x1} {m2 + 12:g} {x2 + WIDE} {m2 + 12:g}"
    if arrow.span > 1:
        far = left + (columns - 1) * ACROSS + WIDE + GUTTER * arrow.span
        return f"M{x1 + WIDE} {m1:g}C{far} {m1:g} {far} {m2:g} {x2 + WIDE} {m2:g}"
    near = left - GUTTER * (1 - arrow.span)
    return f"M{x1} {m1 - 12:g}C{near} {m1 - 12:g} {near} {m2 + 12:g} {x2} {m2 + 12:g}"
