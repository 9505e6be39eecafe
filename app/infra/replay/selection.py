"""Which deliveries a person means: a filter, what it finds before anything is done, and its bounds in ids.

A filter without a time reads the index of what is set aside; one for what ended must say since when, so that only the
partitions of that time are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.errors import QueryCanceled

from app.infra.runs.kinds import KINDS
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound

SET_ASIDE = ("parked", "rejected")
REPLAYABLE = (*SET_ASIDE, "done", "superseded", "dismissed")
MOST_REPLAYED = 100_000
SAMPLE = 10
SLACK = timedelta(minutes=10)  # a fact is told by a transaction that began before: its time may be older than its id
EVENT_TYPE = re.compile(r"\.v\d+$")  # else it is a webhook's topic
SELECT_SECONDS = 20  # beyond it the question is too wide for one answer

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """All that is given must hold. `connection` is where a delivery calls, or where its fact came from if it calls
    nobody; `topic` an event type or a webhook's topic; `step`, `code`, `key` exact; the fact's time in [since, until).
    """

    states: tuple[str, ...] = SET_ASIDE
    connection: str = ""
    topic: str = ""
    step: str = ""
    code: str = ""
    key: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Only what is given, as JSON values."""
        given = {name: value for name, value in asdict(self).items() if value}
        return {name: v.isoformat() if isinstance(v, datetime) else v for name, v in given.items()}

    @property
    def words(self) -> str:
        """The filter in words, for titles and the audit."""
        parts = [f"{name} {getattr(self, name)}" for name in ("connection", "topic", "step", "code", "key")]
        said = [part for part in parts if not part.endswith(" ")]
        said += [f"since {self.since:%Y-%m-%d %H:%M}"] if self.since else []
        said += [f"until {self.until:%Y-%m-%d %H:%M}"] if self.until else []
        return ", ".join(["/".join(self.states), *said])


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Deliveries of one step, place, state and code that a filter finds."""

    step: str
    connection: str
    state: str
    code: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a filter finds, counted up to one more than may be replayed at once."""

    count: int
    groups: tuple[Found, ...]
    sample: tuple[Mapping[str, Any], ...]

    @property
    def too_many(self) -> bool:
        return self.count > MOST_REPLAYED

    @property
    def done_already(self) -> int:
        """How many had their effect: they are looked up, not repeated."""
        return sum(group.count for group in self.groups if group.state == "done")


CHECKS = {
    "connection": "(d.connection = %(connection)s OR d.connection = '' AND e.origin = %(connection)s)",
    "topic": "(e.type = %(topic)s OR e.type = 'hub.notice_received.v1' AND e.payload ->> 'topic' = %(topic)s)",
    "step": "d.subscriber = %(step)s",
    "code": "d.code = %(code)s",
    "key": "e.key = %(key)s",
    "since": "e.at >= %(since)s AND d.event_id >= %(low)s AND e.id >= %(low)s",
    "until": "e.at < %(until)s AND d.event_id <= %(high)s AND e.id <= %(high)s",
}


def check(uow: UnitOfWork, wanted: Filter) -> None:
    """Raises Invalid or NotFound naming what is unknown or cannot be, before anything is read or changed."""
    if not wanted.states or (wrong := sorted(set(wanted.states) - set(REPLAYABLE))):
        said = f"{wrong[0]!r} cannot be replayed" if wanted.states else "no state is given"
        raise Invalid("replay.unknown_state", f"states: {said}; choose of {', '.join(REPLAYABLE)}")
    if wanted.connection:
        uow.hub.connections.get(uow.session, wanted.connection)
    if wanted.step and wanted.step not in uow.hub.outbox.names():
        raise NotFound("replay.unknown_step", f"step: there is no step {wanted.step!r}", about=wanted.step)
    if EVENT_TYPE.search(wanted.topic) and wanted.topic not in uow.hub.outbox.types():
        raise NotFound("replay.unknown_topic", f"topic: nobody hears {wanted.topic!r}", about=wanted.topic)
    now = uow.hub.clock.now()
    if (wanted.since and wanted.since > now) or (wanted.since and wanted.until and wanted.since >= wanted.until):
        raise Invalid("replay.range", "since: it must lie before until, and not in the future")
    if wanted.since is None and set(wanted.states) - set(SET_ASIDE) and not wanted.key:
        ended = ", ".join(sorted(set(wanted.states) - set(SET_ASIDE)))
        raise Invalid("replay.range_missing", f"since: say since when, or a key, to replay what ended ({ended})")


def preview(uow: UnitOfWork, wanted: Filter) -> Preview:
    """Count what a filter finds and show a sample; changes nothing. Raises Invalid(`replay.too_wide`)."""
    check(uow, wanted)
    found, given = query(uow, wanted)
    rows = _read(uow, f"SELECT step, connection, state, code, count(*) FROM ({found}) f GROUP BY 1, 2, 3, 4", given)
    groups = sorted((Found(**dict(zip(GROUP, row, strict=True))) for row in rows), key=lambda one: -one.count)
    sample = _read(uow, f"SELECT * FROM ({found} ORDER BY d.event_id, d.id LIMIT {SAMPLE}) f", given)
    return Preview(
        count=min(sum(group.count for group in groups), MOST_REPLAYED + 1),
        groups=tuple(groups),
        sample=tuple(dict(zip(COLUMNS, row, strict=True)) for row in sample),
    )


GROUP = ("step", "connection", "state", "code", "count")
COLUMNS = ("event_id", "id", "state", "step", "connection", "code", "key", "type", "at")


def query(uow: UnitOfWork, wanted: Filter) -> tuple[str, dict[str, Any]]:
    """The SELECT of what a filter finds, without order or limit, and its parameters. Turns of runs are left out."""
    given: dict[str, Any] = {name: getattr(wanted, name) for name in CHECKS}
    given["low"] = _near(uow, wanted.since - SLACK) if wanted.since else 0
    given["high"] = _near(uow, wanted.until + SLACK) if wanted.until else 0
    states = ", ".join(f"'{state}'" for state in sorted(set(wanted.states) & set(REPLAYABLE)))
    checks = [text for name, text in CHECKS.items() if given[name]]
    given["turns"] = sorted({kind.fact.event_type for kind in KINDS.values()})
    where = " AND ".join([f"d.state IN ({states})", "d.connection <> '-'", "e.type <> ALL(%(turns)s)", *checks])
    columns = "d.event_id, d.id, d.state, d.subscriber AS step, d.connection, coalesce(d.code, '') AS code"
    return (
        f"SELECT {columns}, e.key, e.type, e.at FROM hub.delivery d JOIN hub.event e ON e.id = d.event_id "
        f"WHERE {where}",
        given,
    )


CHOOSE = """
INSERT INTO hub.run_delivery (run_id, event_id, delivery, was)
SELECT %(run)s, event_id, id, state FROM ({found} LIMIT {most}) f
"""


def choose(uow: UnitOfWork, wanted: Filter, run_id: str) -> int:
    """Keep what a filter finds now as what a run is to replay; returns how many.

    Raises NotFound(`replay.nothing_matches`), or Invalid where there are more than 100,000 or the question is too wide.
    """
    found, given = query(uow, wanted)
    statement = CHOOSE.format(found=found, most=MOST_REPLAYED + 1)
    count: int = _run(uow, statement, {**given, "run": run_id}).rowcount
    if count == 0:
        raise NotFound("replay.nothing_matches", f"no delivery matches: {wanted.words}")
    if count > MOST_REPLAYED:
        raise Invalid("replay.too_many", f"more than {MOST_REPLAYED:,} match: narrow the filter, by time for instance")
    return count


def _run(uow: UnitOfWork, statement: str, given: Mapping[str, Any]) -> Any:
    uow.sql(f"SET LOCAL statement_timeout = '{SELECT_SECONDS}s'")
    try:
        return uow.sql(statement, given)
    except QueryCanceled as slow:
        said = f"the answer takes longer than {SELECT_SECONDS} s: narrow the filter by time, key or connection"
        raise Invalid("replay.too_wide", said) from slow


def _read(uow: UnitOfWork, statement: str, given: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = _run(uow, statement, given).fetchall()
    return rows


EDGES = "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM hub.event"
FROM_ON = "SELECT id, at FROM hub.event WHERE id >= %(id)s ORDER BY id LIMIT 1"


def _near(uow: UnitOfWork, moment: datetime) -> int:
    """The first event id told at about that moment, by halving: ids follow time, and only the key's index is read."""
    row = uow.sql(EDGES).fetchone()
    assert row is not None
    low, high = int(row[0]), int(row[1]) + 1
    while low < high:
        middle = (low + high) // 2
        found = uow.sql(FROM_ON, {"id": middle}).fetchone()
        if found is None or found[1] >= moment:
            high = middle
        else:
            low = int(found[0]) + 1
    return low
