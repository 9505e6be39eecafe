"""How a partition leaves, piece by piece: marked, detached, looked at again, archived, and dropped the night after.

A piece is short, or waits for nobody: traffic goes on beside it. Each may be the last that runs; the next begins where
it stopped. Only one process does a piece at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import structlog
from psycopg.rows import TupleRow
from sqlalchemy import Connection, select

from app.infra.cases import end_for, open_case
from app.infra.hub import Hub
from app.infra.locks import HubJob
from app.infra.partitions import BY_EVENT, attach, partitions_of
from app.infra.retention.archive import Unfaithful, write_archive
from app.infra.retention.policy import Candidate, plan, policies, still_needed
from app.infra.retention_rows import RetiredPartition
from app.infra.uow import UnitOfWork
from app.kernel.errors import NotFound, Refused

DETACH_SECONDS = 60.0  # a detach waits for transactions that are open; longer ones are met again with the next piece
BREATH_SECONDS = 0.1  # between two pieces, for the disk
GRACE = timedelta(hours=20)  # between detaching and dropping: until the next night it can be attached again
FAILED = "retention.archive_failed"
COLUMNS = dict(BY_EVENT) | {"notice": "received_at"}
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What was done: `did` is detached, kept, archived, thinned, dropped, waits or failed."""

    did: str
    kind: str
    name: str
    bytes: int = 0
    said: str = ""


@contextmanager
def alone(hub: Hub) -> Iterator[bool]:
    """Be the one process that lets partitions leave, for as long as this lasts; False where another is.

    The lock's transaction looks at no table, so that no detach waits for it; and it asks by a plain query, since a
    prepared one would keep its snapshot until the transaction ends, for which a detach and every vacuum would wait.
    """
    with hub.engine.begin() as line:
        row = _driver(line).execute(f"SELECT pg_try_advisory_xact_lock(0, {int(HubJob.RETENTION)})", prepare=False)
        yield row.fetchone() == (True,)


def next_piece(hub: Hub, *, grace: timedelta = GRACE, tried: frozenset[str] = frozenset()) -> Piece | None:
    """Do the next piece of what policies ask for; None where nothing is left. `tried` are left for another night.

    Call it inside `alone`.
    """
    for row in _leaving(hub):
        if row.name not in tried and (piece := _go_on(hub, row, grace)) is not None:
            return piece
    with hub.unit_of_work() as uow:
        waiting = {row.low for row in uow.session.query(RetiredPartition) if row.name in tried}
        going = [one for one in plan(uow) if one.goes and one.low not in waiting]
    return _mark_and_detach(hub, going[0]) if going else None


def leave(
    hub: Hub, stop: threading.Event, until: datetime, *, grace: timedelta = GRACE, breath: float = BREATH_SECONDS
) -> list[Piece] | None:
    """Piece by piece until nothing is left, `stop` is set or quiet hours are over; None where another process does."""
    done: list[Piece] = []
    tried: set[str] = set()
    with alone(hub) as mine:
        if not mine:
            return None
        while not stop.wait(breath) and hub.clock.now() < until:
            piece = next_piece(hub, grace=grace, tried=frozenset(tried))
            if piece is None:
                break
            done.append(piece)
            if piece.did in ("waits", "failed", "kept"):
                tried.add(piece.name)
    return done


def put_back(uow: UnitOfWork, name: str) -> str:
    """Attach a detached partition to its table again; returns its kind. Raises NotFound or Refused."""
    row = uow.session.get(RetiredPartition, name, with_for_update=True)
    if row is None:
        raise NotFound("retention.unknown", f"no partition {name!r} has left", about=name)
    if row.state == "dropped":
        where = f"; its archive is {row.file}" if row.file else " without an archive"
        raise Refused("retention.dropped", f"{name} was dropped on {row.dropped_at:%Y-%m-%d}{where}", about=name)
    _attach(uow, row)
    uow.session.delete(row)
    return row.kind


def _leaving(hub: Hub) -> list[RetiredPartition]:
    with hub.unit_of_work() as uow:
        statement = select(RetiredPartition).where(RetiredPartition.state != "dropped")
        return list(uow.session.scalars(statement.order_by(RetiredPartition.marked_at, RetiredPartition.name)))


def _go_on(hub: Hub, row: RetiredPartition, grace: timedelta) -> Piece | None:
    """The next piece of one that is on its way; None where its time has not come."""
    if row.state == "leaving":
        return _detach(hub, row)
    with hub.unit_of_work() as uow:
        wanted = policies(uow)[row.kind].archive
    if row.state == "detached" and wanted:
        return _archive(hub, row)
    if row.detached_at is None or row.detached_at > hub.clock.now() - grace:
        return None
    return _drop(hub, row)


def _mark_and_detach(hub: Hub, one: Candidate) -> Piece:
    """Keep what is known of it before it goes, so that a crash leaves no table that nobody remembers."""
    row = RetiredPartition(
        name=one.name, kind=one.kind, low=one.low, high=one.high, first_id=one.first_id, last_id=one.last_id,
        rows=one.rows, bytes=one.bytes, newest_at=one.newest_at, state="leaving",
    )  # fmt: skip
    with hub.unit_of_work() as uow:
        if one.kind == "delivery" and (ids := uow.sql(f"SELECT min(id), max(id) FROM hub.{one.name}").fetchone()):
            row.first_id, row.last_id = ids
        uow.session.merge(row)
    return _detach(hub, row)


def _detach(hub: Hub, row: RetiredPartition) -> Piece:
    """Detach without holding anybody up, then look again: what was replayed meanwhile brings it back."""
    with hub.unit_of_work() as uow:
        attached = {one.name: one.detaching for one in partitions_of(uow, row.kind)}
    try:
        if row.name in attached:
            how = "FINALIZE" if attached[row.name] else "CONCURRENTLY"
            _by_itself(hub, f"ALTER TABLE hub.{row.kind} DETACH PARTITION hub.{row.name} {how}")
    except psycopg.errors.QueryCanceled:
        said = f"a transaction has been open for {DETACH_SECONDS:.0f} s; it is taken up again"
        log.warning("retention.waits", partition=row.name, seconds=DETACH_SECONDS)
        return Piece(did="waits", kind=row.kind, name=row.name, bytes=row.bytes, said=said)
    with hub.unit_of_work() as uow:
        kept = uow.session.get_one(RetiredPartition, row.name)
        if still_needed(uow, row.kind, row.name, row.low, row.high):
            _attach(uow, kept)
            uow.session.delete(kept)
            return Piece(did="kept", kind=row.kind, name=row.name, said="something in it was opened again")
        kept.state, kept.detached_at = "detached", hub.clock.now()
    log.info("retention.detached", partition=row.name, bytes=row.bytes)
    return Piece(did="detached", kind=row.kind, name=row.name, bytes=row.bytes)


def _archive(hub: Hub, row: RetiredPartition) -> Piece:
    try:
        made = write_archive(hub, row.kind, row.name)
    except (OSError, Unfaithful) as wrong:
        with hub.unit_of_work() as uow:
            open_case(
                uow, code=FAILED, about=row.name, key=row.name, said=str(wrong),
                title=f"{row.name} could not be archived; it stays in the database until it is",
            )  # fmt: skip
        return Piece(did="failed", kind=row.kind, name=row.name, said=str(wrong))
    with hub.unit_of_work() as uow:
        kept = uow.session.get_one(RetiredPartition, row.name)
        kept.state, kept.archived_at, kept.rows = "archived", hub.clock.now(), made.rows
        kept.file, kept.sha256 = str(made.file), made.sha256
        end_for(uow, FAILED, row.name, "it was archived")
    log.info("retention.archived", partition=row.name, rows=made.rows)
    return Piece(did="archived", kind=row.kind, name=row.name, bytes=row.bytes, said=str(made.file))


INDEX = """
SELECT i.indexrelid::regclass::text FROM pg_index i
 WHERE i.indrelid = to_regclass('hub.' || %(name)s) AND NOT i.indisprimary ORDER BY 1 LIMIT 1
"""


def _drop(hub: Hub, row: RetiredPartition) -> Piece:
    """Drop one index, or what is left: a large table at once would hold the disk up for all."""
    with hub.unit_of_work() as uow:
        uow.sql("SET LOCAL lock_timeout = '2s'")
        index = uow.sql(INDEX, {"name": row.name}).fetchone()
        if index is not None:
            uow.sql(f"DROP INDEX {index[0]}")
            return Piece(did="thinned", kind=row.kind, name=row.name, said=str(index[0]))
        uow.sql(f"DROP TABLE IF EXISTS hub.{row.name}")
        kept = uow.session.get_one(RetiredPartition, row.name)
        kept.state, kept.dropped_at = "dropped", hub.clock.now()
    log.info("retention.dropped", partition=row.name, bytes=row.bytes)
    return Piece(did="dropped", kind=row.kind, name=row.name, bytes=row.bytes)


def _attach(uow: UnitOfWork, row: RetiredPartition) -> None:
    low, high = (f"'{row.low}'", f"'{row.high}'")
    attach(uow, row.kind, row.name, COLUMNS[row.kind], (low, high))


def _by_itself(hub: Hub, statement: str) -> None:
    """Run what PostgreSQL takes in no transaction, and give up after a minute: it goes on where it stopped."""
    with hub.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as line:
        raw = _driver(line)
        alarm = threading.Timer(DETACH_SECONDS, raw.cancel_safe)
        alarm.daemon = True
        alarm.start()
        try:
            raw.execute(statement)
        finally:
            alarm.cancel()


def _driver(line: Connection) -> psycopg.Connection[TupleRow]:
    raw = line.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw
