"""Home: what needs a person, where orders are, whether promises hold. By business promise, not by queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from statistics import median

from flask import url_for
from flask_admin import AdminIndexView, expose
from sqlalchemy import select

from app.console.blocked import Worth, together, totals_of
from app.console.cases import PROMISE, Clock, clock_of
from app.console.connections import Waiting, attention_first, state_of, waiting_at
from app.console.frame import reading
from app.console.line import stops_of
from app.console.remedies import MENDED, remedies_of
from app.console.words import count_of, lasting, worth_words
from app.domains.orders.admin import Pace, pace_to_channel, pace_to_erp, the_line
from app.infra.cases import CLOSED, ExceptionCase
from app.infra.connecting import all_connections, roles_of
from app.infra.connections import ConnectionRow
from app.infra.uow import UnitOfWork
from app.infra.views import Gated
from app.kernel.clock import SYSTEM_CLOCK

MOST_NEEDS = 8
MOST_CASES = 200  # the oldest; behind so many the page says the same
TO_ERP = 120.0  # seconds: the promise that a shop manager is given
TO_CHANNEL = 900.0  # a customer who is told within a quarter of an hour does not ask
AT_RISK = 0.75  # of the target
RESOLVED = """
SELECT extract(epoch FROM closed_at - opened_at) FROM hub.exception_case
 WHERE state = 'resolved' ORDER BY closed_at DESC LIMIT 200
"""
WORKERS = "SELECT kind, count(*), max(beat_at) FROM hub.worker WHERE beat_at > now() - interval '1 hour' GROUP BY 1"
UNROUTED = "SELECT count(*) FROM (SELECT FROM hub.delivery WHERE connection = '-' AND state = 'parked' LIMIT 1000) d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One line of what needs a person: sentence, why, clock, cost, one button."""

    of: str
    state: str
    what: str
    why: str
    clock: Clock
    cost: str
    detail: str
    button: str
    href: str
    ready: bool = False  # a remedy is known: the button is solid
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A figure with its target and whether it is kept."""

    name: str
    value: str
    unit: str
    state: str
    note: str
    series: tuple[float, ...]
    goal: float


class Home(Gated, AdminIndexView):
    """What needs you now."""

    @expose("/")
    def index(self) -> str:
        now = SYSTEM_CLOCK.now()
        with reading() as uow:
            rows = attention_first(all_connections(uow))
            waits = waiting_at(uow)
            needs = [*_refused(rows, waits), *_unrouted(uow), *_cases(uow)]
            line = the_line(uow, now)
            promises = [
                _promise("Order to ERP, p95", pace_to_erp(uow, TO_ERP), TO_ERP, "order"),
                _promise("Ship confirmation, p95", pace_to_channel(uow, TO_CHANNEL), TO_CHANNEL, "shipment"),
                _time_to_resolve(uow),
            ]
            erps = [name for name, roles in roles_of(uow).items() if "erp" in roles]
            alive = {kind: count for kind, count, _ in uow.sql(WORKERS)}
        aside = {name: waits.get(name, Waiting()).aside for name in erps}
        return str(
            self.render(
                "console/home.html", needs=needs[:MOST_NEEDS], more=max(0, len(needs) - MOST_NEEDS), line=line,
                promises=promises, rows=rows, waits=waits, nothing=Waiting(), state_of=state_of, alive=alive,
                at=now, stops=stops_of(line, rows, aside), standing=sum(s.count for s in line.standing.values()),
            )
        )  # fmt: skip


def _refused(rows: list[ConnectionRow], waits: dict[str, Waiting]) -> list[Need]:
    """Connections that are not called: nothing behind them moves."""
    needs = []
    for row in rows:
        if row.state == "on":
            continue
        kind, wait = state_of(row), waits.get(row.name, Waiting())
        name = row.title or row.name
        since = lasting(SYSTEM_CLOCK.now() - row.paused_at) if row.paused_at else ""
        needs.append(
            Need(
                of="connection", state=kind, since=row.paused_at,
                what=f"{name} does not let the hub in" if kind == "refused" else f"{row.paused_by} paused {name}",
                why=row.paused_reason, clock=Clock(tone="bad", shape="breach", said=f"{since}, not called"),
                cost=f"{wait.due:,}", detail="deliveries wait", button="Open connection",
                href=url_for("connections.one", connection=row.name),
            )
        )  # fmt: skip
    return needs


def _unrouted(uow: UnitOfWork) -> list[Need]:
    """Work that no route leads anywhere: the hub is not set up yet."""
    row = uow.sql(UNROUTED).fetchone()
    if row is None or not row[0]:
        return []
    return [
        Need(
            of="case", state="new", what="No system plays the role that this work needs",
            why="Give a connection the role, such as erp: what waits goes there in its order.",
            clock=Clock(tone="wait", shape="risk", said="until a route exists"), cost=f"{row[0]:,}",
            detail="deliveries wait", button="Open connections", href=url_for("connections.index"),
        )
    ]  # fmt: skip


def _cases(uow: UnitOfWork) -> list[Need]:
    """Open cases by time left, then by what they block; cases that say the same are one need."""
    oldest = (
        select(ExceptionCase)
        .where(ExceptionCase.state.not_in(CLOSED), ExceptionCase.code != "connections.refused")
        .order_by(ExceptionCase.opened_at)
        .limit(MOST_CASES)
    )
    alike: dict[tuple[str, str, str], list[ExceptionCase]] = {}
    for case in uow.session.scalars(oldest):
        alike.setdefault((case.code, case.connection, case.title), []).append(case)
    worth = totals_of(uow, [case.id for cases in alike.values() for case in cases])
    needs = [(cases, together([worth[case.id] for case in cases])) for cases in alike.values()]
    needs.sort(key=lambda need: (need[0][0].opened_at.replace(second=0, microsecond=0), -need[1].things))
    return [_need(cases, much) for cases, much in needs]


def _need(cases: list[ExceptionCase], worth: Worth) -> Need:
    case = cases[0]
    first, several = remedies_of(case)[0], len(cases) > 1
    ready = first.name != MENDED and not several
    href = url_for("cases.index", code=case.code) if several else url_for("cases.one", case_id=case.id)
    why = case.said if case.said != case.title else case.about
    return Need(
        of="case", state=case.state, what=case.title, why=f"{len(cases)} cases alike. {why}" if several else why,
        clock=clock_of(case), cost=worth_words(worth.money) or f"{worth.things:,}",
        detail=count_of(worth.orders, "order") if worth.orders else "waiting" if worth.things else "to know",
        button=first.button if ready else f"See {len(cases)} cases" if several else "Decide", href=href, ready=ready,
    )  # fmt: skip


def _promise(name: str, pace: Pace, target: float, noun: str) -> Promise:
    if pace.seconds is None:
        return Promise(
            name=name, value="—", unit="", state="unknown", note=f"target {lasting(target)}", series=(), goal=target
        )
    value, _, unit = lasting(pace.seconds).partition(" ")
    kept = "breached" if pace.seconds > target else "at_risk" if pace.seconds > AT_RISK * target else "on_target"
    note = f"target {lasting(target)} · {pace.within:.1%} of {count_of(pace.measured, noun)} inside"
    return Promise(name=name, value=value, unit=unit, state=kept, note=note, series=pace.series, goal=target)


def _time_to_resolve(uow: UnitOfWork) -> Promise:
    taken = [float(row[0]) for row in uow.sql(RESOLVED)]
    pace = Pace(
        seconds=median(taken) if taken else None, series=tuple(reversed(taken[:24])), measured=len(taken),
        within=sum(1 for one in taken if one <= PROMISE.total_seconds()) / len(taken) if taken else 1.0,
    )  # fmt: skip
    return _promise("Time to resolve, median", pace, PROMISE.total_seconds(), "case")
