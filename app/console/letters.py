"""Dead letters: what gave up, grouped by cause, and the two ways out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, chosen_rows, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.console.words import count_of
from app.infra.replay import dismiss, replay
from app.infra.uow import UnitOfWork
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub

MOST_GROUPED = 20_000  # letters that one page looks at; more than that is one cause, and its count says "at least"
MOST_AT_ONCE = 5_000  # letters that one press replays: a transaction of about a second
HOURS = 10

# The letters of each cause, with the words of the newest one and how many came in each of the last hours.
GROUPS = """
WITH letters AS (
    SELECT d.event_id, d.id, d.code, d.subscriber, d.connection, d.state, e.at
      FROM hub.delivery d JOIN hub.event e ON e.id = d.event_id
     WHERE d.state IN ('parked', 'rejected')
       AND (%(connection)s = '' OR d.connection = %(connection)s OR e.origin = %(connection)s)
       AND (%(words)s = '' OR d.code ILIKE '%%' || %(words)s || '%%' OR d.subscriber ILIKE '%%' || %(words)s || '%%')
     ORDER BY d.id DESC LIMIT %(most)s),
grouped AS (
    SELECT code, subscriber, connection, count(*) AS letters, min(at) AS first_at, max(at) AS last_at,
           max(ARRAY[event_id, id]) AS newest, bool_and(state = 'rejected') AS rejected,
           array_agg(floor(extract(epoch FROM now() - at) / 3600)::int) FILTER (WHERE at > now() - interval '10 hours')
               AS hours
      FROM letters GROUP BY 1, 2, 3)
SELECT coalesce(code, ''), subscriber, connection, letters, first_at, last_at, rejected, hours, newest[1], newest[2],
       (SELECT a.said FROM hub.attempt a WHERE a.event_id = g.newest[1] AND a.delivery = g.newest[2]
         ORDER BY a.n DESC LIMIT 1)
  FROM grouped g ORDER BY letters DESC, last_at DESC LIMIT 200
"""
OF_GROUP = """
SELECT d.id FROM hub.delivery d
 WHERE d.state IN ('parked', 'rejected') AND coalesce(d.code, '') = %(code)s AND d.subscriber = %(subscriber)s
   AND d.connection = %(connection)s
 ORDER BY d.id LIMIT %(most)s
"""
BEHIND = """
SELECT count(*) FROM hub.delivery b WHERE b.state = 'behind' AND b.lane IN
       (SELECT lane FROM hub.delivery WHERE id = ANY(%(ids)s::bigint[]) AND state IN ('parked', 'rejected'))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Dead letters of one cause."""

    code: str
    subscriber: str
    connection: str
    letters: int
    first_at: datetime
    last_at: datetime
    rejected: bool
    trend: tuple[int, ...]
    event_id: int
    delivery_id: int
    said: str

    @property
    def key(self) -> str:
        return "|".join((self.code, self.subscriber, self.connection))

    @property
    def kind(self) -> str:
        return "bug" if self.code.startswith("bug.") else "rejected" if self.rejected else "parked"


def groups(uow: UnitOfWork, connection: str = "", words: str = "") -> list[Group]:
    """The causes that letters gave up for, the most frequent first."""
    given = {"connection": connection, "words": words, "most": MOST_GROUPED}
    return [
        Group(
            code=row[0], subscriber=row[1], connection=row[2], letters=row[3], first_at=row[4], last_at=row[5],
            rejected=row[6], trend=_trend(row[7] or ()), event_id=row[8], delivery_id=row[9], said=row[10] or "",
        )
        for row in uow.sql(GROUPS, given).fetchall()
    ]  # fmt: skip


def letters_of(uow: UnitOfWork, keys: Sequence[str]) -> list[int]:
    """The ids of all letters of these groups, oldest first."""
    ids: list[int] = []
    for key in keys:
        code, _, rest = key.partition("|")
        subscriber, _, connection = rest.partition("|")
        given = {"code": code, "subscriber": subscriber, "connection": connection, "most": MOST_AT_ONCE}
        ids += [row[0] for row in uow.sql(OF_GROUP, given)]
    return sorted(ids)[:MOST_AT_ONCE]


def behind(uow: UnitOfWork, ids: Sequence[int]) -> int:
    """How much waits in the lanes of these letters."""
    row = uow.sql(BEHIND, {"ids": list(ids)}).fetchone()
    return int(row[0]) if row else 0


class DeadLetters(Page):
    """Messages that gave up. Nothing is lost: each keeps its payload and every attempt."""

    @expose("/")
    def index(self) -> str:
        chosen = {name: request.args.get(name, "").strip() for name in ("connection", "words")}
        with reading() as uow:
            found = groups(uow, **chosen)
            names = sorted(hub().connections.all(uow.session))
        total = sum(group.letters for group in found)
        return str(self.render("console/letters.html", groups=found, total=total, chosen=chosen, connections=names))

    @expose("/replay", methods=("POST",))
    def replay(self) -> ResponseReturnValue:
        """Let the letters of the ticked causes, or single ones, go again."""
        who, given = actor(Permission.WORK), _given()
        if sure():
            with hub().unit_of_work() as uow:
                count = replay(uow, _ids(uow), who, why())
            flash(f"{count_of(count, 'letter')} set due again, under your name. What had its effect is not done twice.")
            return redirect(_back(), 303)
        with reading() as uow:
            ids = _ids(uow)
            waits = behind(uow, ids)
        question = Question(
            title=f"Replay {count_of(len(ids), 'letter')}",
            sentences=(
                "Each goes again with the payload and the key it had.",
                "Where a call may have had its effect before, the hub looks before it writes: nothing is posted twice.",
                "A letter whose cause still stands comes back here.",
            ),
            facts=(("Letters that go again", f"{len(ids):,}"), ("Waiting behind them", f"{waits:,}")),
            button=f"Replay {count_of(len(ids), 'letter')}",
            back=_back(),
            given=given,
            reason="Why (optional)",
        )
        return ask(self, question)

    @expose("/dismiss", methods=("POST",))
    def dismiss(self) -> ResponseReturnValue:
        """End the letters of the ticked causes, or single ones, without running them."""
        who, given = actor(Permission.WORK), _given()
        if sure():
            with hub().unit_of_work() as uow:
                count = dismiss(uow, _ids(uow), who, why())
            flash(f"{count_of(count, 'letter')} dismissed, with your name and reason. What waited behind goes on.")
            return redirect(_back(), 303)
        with reading() as uow:
            ids = _ids(uow)
            waits = behind(uow, ids)
        question = Question(
            title=f"Dismiss {count_of(len(ids), 'letter')}",
            sentences=(
                "They will not run. Their payloads and attempts stay on file, and a dismissed letter can be replayed.",
                "What waits behind them goes on without them: make sure that it does not build on them.",
            ),
            facts=(("Letters dismissed", f"{len(ids):,}"), ("Go on behind them", f"{waits:,}")),
            button=f"Dismiss {count_of(len(ids), 'letter')}",
            back=_back(),
            given=given,
            reason="Why are they not needed?",
            reason_needed=True,
            danger=True,
        )
        return ask(self, question)


def _given() -> list[tuple[str, str]]:
    """What was ticked: causes from this page, or deliveries from another (`kind=delivery`)."""
    kept = [("rowid", row) for row in chosen_rows()]
    return kept + [(name, request.form[name]) for name in ("kind", "back") if name in request.form]


def _ids(uow: UnitOfWork) -> list[int]:
    rows = chosen_rows()
    if request.form.get("kind") != "delivery":
        return letters_of(uow, rows)
    return [int(row.rpartition(".")[2]) for row in rows if row.rpartition(".")[2].isdigit()]


def _back() -> str:
    wanted = request.form.get("back", "")
    safe = wanted.startswith("/admin/") and "//" not in wanted and "\\" not in wanted
    return wanted if safe else str(url_for("letters.index"))


def _trend(hours: Sequence[Any]) -> tuple[int, ...]:
    """Letters in each of the last ten hours, oldest first."""
    return tuple(sum(1 for hour in hours if hour == ago) for ago in range(HOURS - 1, -1, -1))
