"""Limits: which connections are called no more while they do not answer, and who uses up what the vendors allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.infra.acts import ActRow
from app.infra.breaking import BreakerView, breaker_of, quotas_at, reset, trip
from app.infra.connecting import all_connections
from app.infra.connections import Connection
from app.infra.remote.quota import Standing
from app.infra.uow import UnitOfWork
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import Transient

MOST_MOVES = 30
PURPOSES = ("orders", "inventory", "finance", "catalogue", "bulk", "operator", "others")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """What limits one connection: its breaker and its quotas; `said` where nobody knows how these stand."""

    name: str
    title: str
    breaker: BreakerView
    quotas: Sequence[Standing]
    said: str = ""


def limited(uow: UnitOfWork, name: str, title: str = "") -> Limited:
    """How one connection is limited now."""
    connection = hub().connections.get(uow.session, name)
    quotas, said = _standings(connection)
    return Limited(name=name, title=title or name, breaker=breaker_of(hub(), name), quotas=quotas, said=said)


def purposes(standing: Standing) -> list[tuple[str, float, float]]:
    """Who spent it: purpose, in this hour, in a day; the most urgent first."""
    found = standing.spent_hour.keys() | standing.spent_day.keys()
    ordered = [*(one for one in PURPOSES if one in found), *sorted(found - set(PURPOSES))]
    return [(one, standing.spent_hour.get(one, 0.0), standing.spent_day.get(one, 0.0)) for one in ordered]


class LimitPages(Page):
    """Breakers and quotas of all connections."""

    @expose("/")
    def index(self) -> str:
        with reading() as uow:
            found = [limited(uow, row.name, row.title) for row in all_connections(uow)]
            moves = list(
                uow.session.scalars(
                    select(ActRow).filter_by(kind="breaker").order_by(ActRow.id.desc()).limit(MOST_MOVES)
                )
            )
        found.sort(key=lambda one: (one.breaker.state == "closed", one.name))
        return str(self.render("console/limits.html", found=found, moves=moves, purposes=purposes, title="Limits"))

    @expose("/<connection>/trip", methods=("POST",))
    def trip(self, connection: str) -> ResponseReturnValue:
        """Open a breaker until somebody resets it."""
        who, here = actor(Permission.WORK), url_for("connections.one", connection=connection)
        if sure():
            trip(hub(), connection, who, why())
            flash(f"{connection} is called no more, until somebody resets its breaker.")
            return redirect(here, 303)
        return ask(
            self,
            Question(
                title=f"Open the breaker of {connection}",
                sentences=("It is not called any more, not even to try.", "No attempt is lost, and no worker waits."),
                button="Open the breaker", back=here, danger=True, reason_needed=True,
                reason="Why? Somebody else will find it open.",
            ),
        )  # fmt: skip

    @expose("/<connection>/reset", methods=("POST",))
    def reset(self, connection: str) -> ResponseReturnValue:
        """Close a breaker at once."""
        reset(hub(), connection, actor(Permission.WORK), why())
        flash(f"{connection} is called again; what waited goes out in its order.")
        return redirect(url_for("connections.one", connection=connection), 303)


def _standings(connection: Connection) -> tuple[Sequence[Standing], str]:
    try:
        return quotas_at(hub(), connection), ""
    except Transient as unknown:
        return (), unknown.message
