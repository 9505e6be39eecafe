"""Small records of fixed ages: what only has to be remembered for a while, deleted row by row once it is past that.

The record of the house (messages, facts, deliveries, attempts) leaves by policy, whole partitions at a time: see
`policy`. What stands here has an age that follows from what it is for, so nobody has to choose one.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from app.infra.hub import Hub
from app.infra.locks import HubJob, try_job
from app.infra.took import KEPT_DAYS
from app.infra.uow import UnitOfWork

AT_ONCE = 2_000  # rows of one transaction: some ten milliseconds, for which nobody waits
COUNTED = "pruned"  # the name of the counts of what was deleted, by table
SEASON = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """A table whose rows go once their `since`, a column, is longer ago than `age`; what `only` leaves out stays."""

    table: str
    what: str
    age: timedelta
    why: str
    since: str
    only: str = "true"
    at_once: int = AT_ONCE


AGES = (
    Aged(
        table="hub.idempotency", what="Answers to an Idempotency-Key", age=timedelta(days=3), since="at",
        why="a caller that failed on Friday repeats on Monday",
    ),
    Aged(
        table="hub.seen", what="Ids of messages", age=SEASON, since="received_at",
        why="vendors repeat a message for days; a gap is scanned for weeks",
    ),
    Aged(
        table="hub.deadline", what="Waits that ended", age=SEASON, since="ended_at", only="state <> 'waiting'",
        why="to see what an order of last season waited for",
    ),
    Aged(
        table="hub.outgoing", what="What the hub wrote, to know its own echo", age=SEASON, since="at",
        why="an echo comes within minutes; the rest is for who looks back",
    ),
    Aged(
        table="hub.sheet", what="Sheets and their files", age=SEASON, since="received_at", at_once=10,
        why="to load again, or to see what was wrong with it",
    ),
    Aged(
        table="hub.run", what="Runs that ended", age=timedelta(days=180), since="ended_at",
        why="half a year to see who ran what",
    ),
    Aged(
        table="hub.took", what="How long steps took, by the hour", age=timedelta(days=KEPT_DAYS), since="hour",
        why="what a target is judged by",
    ),
    Aged(
        table="hub.window_run", what="Runs of windows", age=timedelta(days=400), since="instant",
        why="the same night of last year",
    ),
    Aged(
        table="hub.worker", what="Processes that are gone", age=timedelta(hours=1), since="beat_at",
        why="longer than any restart takes",
    ),
)  # fmt: skip

DELETE = """
DELETE FROM {table} WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM {table} WHERE {only} AND {since} < now() - %(age)s LIMIT %(most)s FOR UPDATE SKIP LOCKED))
"""
FORGOTTEN = """
SELECT label, sum(n)::bigint
  FROM (SELECT name, label, n FROM hub.counter UNION ALL SELECT name, label, n FROM hub.tally) counted
 WHERE name = %(name)s GROUP BY label
"""


def prune(hub: Hub, stop: threading.Event) -> Mapping[str, int] | None:
    """Delete what is past its age, piece by piece; table → rows, without those that had none.

    Stops after the piece in hand once `stop` is set. None where another process does the same at this moment.
    """
    gone = {}
    for aged in AGES:
        count, piece = 0, aged.at_once
        while piece == aged.at_once and not stop.is_set():
            with hub.unit_of_work() as uow:
                if not try_job(uow, HubJob.PRUNE):
                    return None
                piece = _piece(uow, aged)
            count += piece
        if count:
            gone[aged.table] = count
    return gone


def forgotten(uow: UnitOfWork) -> Mapping[str, int]:
    """How many rows of each table went by their age since the hub was set up."""
    return dict(uow.sql(FORGOTTEN, {"name": COUNTED}).fetchall())


def _piece(uow: UnitOfWork, aged: Aged) -> int:
    statement = DELETE.format(table=aged.table, only=aged.only, since=aged.since)
    count = uow.sql(statement, {"age": aged.age, "most": aged.at_once}).rowcount
    uow.tally(COUNTED, aged.table, count)
    return count
