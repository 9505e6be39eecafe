"""Flows: each lifecycle drawn with how many stand where, and what every move is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import url_for
from flask_admin import expose
from markupsafe import Markup

from app.console.frame import reading
from app.console.graph import Spot, graph, words
from app.console.words import moment
from app.domains.orders.lifecycle import ORDER, State
from app.flows.lives import LIVES, Census, Life, census, life_of
from app.infra.views import Page

VIEWS = {  # where a state's orders are listed
    State.HELD: "held", State.CAPTURED: "checking", State.ACCEPTED: "posting", State.POSTED: "shipping",
    State.PARTLY_SHIPPED: "shipping", State.SHIPPED: "shipped", State.CANCELLING: "cancelled",
    State.CANCELLED: "cancelled",
}  # fmt: skip


class Flows(Page):
    """Every lifecycle there is."""

    @expose("/")
    def index(self) -> str:
        with reading() as uow:
            rows = [(life, census(uow, life)) for life in LIVES.values()]
        return str(self.render("console/flows.html", rows=rows, total=_total))

    @expose("/<of>")
    def one(self, of: str) -> str:
        life = life_of(of)
        with reading() as uow:
            counted = census(uow, life)
        drawn = graph(life.lifecycle, f"The life of one {life.title.lower()}", _counted(life, counted))
        return str(
            self.render(
                "console/flow.html", life=life, counted=counted, drawn=drawn, words=words, moves=_moves(life),
                total=_total(counted), title=f"{life.title}: its life",
            )
        )  # fmt: skip


def _total(counted: Census) -> int:
    return sum(counted.counts.values())


def _counted(life: Life, counted: Census) -> dict[str, Spot]:
    spots = {}
    for state in life.lifecycle.states:
        count = counted.counts.get(state.value)
        said = f"{count:,}" if count is not None else "0" if life.name == "orders" and counted.at else ""
        spots[state.value] = Spot(said=said, href=_listed(life, state), been=bool(count))
    return spots


def _listed(life: Life, state: Any) -> str:
    view = VIEWS.get(state, "") if life.name == "orders" else ""
    return url_for("orders.index", view=view) if view else ""


def _moves(life: Life) -> Sequence[tuple[str, str, str, str]]:
    """Each move as a row: trigger, from, to, and where it comes too late and is nothing."""
    late = life.lifecycle.late
    rows: dict[tuple[str, str], list[str]] = {}
    for before, after, trigger in life.lifecycle.arrows:
        rows.setdefault((trigger, after.value), []).append(words(before.value))
    too_late = {trigger: ", ".join(sorted(words(one) for one in where)) for trigger, where in late.items()}
    return [
        (words(trigger), ", ".join(befores), words(after), too_late.get(trigger, ""))
        for (trigger, after), befores in rows.items()
    ]


def order_graph(state: str, captured_at: datetime, moves: Iterable[Any]) -> Markup:
    """Where one order stands in its life, its way there, and when it came to each state."""
    came: dict[str, datetime] = {ORDER.start.value: captured_at}
    taken: set[tuple[str, str]] = set()
    for move in moves:
        came[move.after] = move.at
        taken.add((move.before, move.after))
    spots: Mapping[str, Spot] = {
        name: Spot(said=moment(at), been=True, here=name == state) for name, at in came.items()
    }
    return graph(ORDER, "This order's life", spots, frozenset(taken))
