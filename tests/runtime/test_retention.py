"""Retention: partitions leave while traffic flows, with nothing open in them, and say where they went."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.infra.partitions import FIRST_WIDTH, make_ahead, partitions_of, width_for
from app.infra.retention import leaving
from app.infra.retention.leaving import Piece, alone, leave, next_piece, put_back
from app.infra.retention.policy import plan, policies, set_policy
from app.infra.retention_rows import RetiredPartition
from app.infra.whereabouts import not_here
from app.kernel.errors import Invalid, NotFound, Refused
from tests.hub import Crank
from tests.runtime.conftest import Log, ThingMade

LOW = 50 * FIRST_WIDTH  # beyond what any other test fills
NOW = timedelta(0)
PATIENCE_SECONDS = 20.0


def make(crank: Crank, *things: str) -> None:
    with crank.uow() as uow:
        for thing in things:
            uow.publish(ThingMade(thing=thing, what="nothing"))


@pytest.fixture
def old(crank: Crank, tmp_path: Path) -> Iterator[str]:
    """Three finished things, 500 days old, alone in a partition that is full; gives its bounds' name."""
    crank.hub.settings = dataclasses.replace(crank.hub.settings, archive=tmp_path / "archive")
    with crank.uow() as uow:
        before = {kind: {one.name for one in partitions_of(uow, kind)} for kind in ("event", "delivery", "attempt")}
        uow.sql("SELECT setval('hub.event_id', %(at)s)", {"at": LOW})
    make_ahead(crank.hub)
    make(crank, "a", "b", "c")
    crank.settle()
    with crank.uow() as uow:
        uow.sql("UPDATE hub.event SET at = now() - interval '500 days'")
        uow.sql("SELECT setval('hub.event_id', %(at)s)", {"at": LOW + FIRST_WIDTH})
    make_ahead(crank.hub)
    yield str(LOW)
    with crank.uow() as uow:
        for kind, kept in before.items():
            tables = uow.sql("SELECT relname FROM pg_class WHERE relname ~ %(like)s", {"like": rf"^{kind}_\d+$"})
            for (name,) in tables.fetchall():
                if name not in kept:
                    uow.sql(f"DROP TABLE hub.{name}")
        uow.sql("SELECT setval('hub.event_id', 1)")


def run(crank: Crank, *, grace: timedelta = NOW) -> list[Piece]:
    done = leave(crank.hub, threading.Event(), crank.hub.clock.now() + timedelta(hours=1), grace=grace, breath=0)
    assert done is not None
    return done


def told(pieces: list[Piece]) -> list[tuple[str, str]]:
    return [(piece.did, piece.name) for piece in pieces if piece.did != "thinned"]


def archive_all(crank: Crank) -> None:
    with crank.uow() as uow:
        for kind in ("event", "delivery", "attempt"):
            set_policy(uow, kind, "test", keep_days=400, archive=True)


@pytest.mark.capability("BAT-4")
def test_what_is_past_its_days_leaves_from_the_first_to_refer_to_the_last(crank: Crank, old: str, log: Log):
    with crank.uow() as uow:
        assert [one.name for one in plan(uow) if one.goes] == [f"attempt_{old}", f"delivery_{old}", f"event_{old}"]
    names = [f"{kind}_{old}" for kind in ("attempt", "delivery", "event")]
    assert told(run(crank)) == [(did, name) for name in names for did in ("detached", "dropped")]
    assert crank.rows("SELECT count(*) FROM hub.event") == [(0,)]
    make(crank, "d")
    crank.settle()
    assert sorted(thing for thing, _ in log.seen) == ["a", "b", "c", "d"]


@pytest.mark.capability("BAT-4")
def test_an_archive_holds_every_row_and_proves_it(crank: Crank, old: str):
    archive_all(crank)
    rows = crank.rows("SELECT row_to_json(d)::text FROM hub.delivery d ORDER BY event_id")
    did = [piece.did for piece in run(crank) if piece.name == f"delivery_{old}" and piece.did != "thinned"]
    assert did == ["detached", "archived", "dropped"]
    file = crank.hub.settings.archive / f"delivery_{old}.jsonl.gz"
    kept = gzip.decompress(file.read_bytes()).decode().splitlines()
    assert [json.loads(line) for line in kept] == [json.loads(row[0]) for row in rows]
    assert len(kept) == 6
    digest, _, name = Path(f"{file}.sha256").read_text().strip().partition("  ")
    assert (digest, name) == (hashlib.sha256(file.read_bytes()).hexdigest(), file.name)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.capability("BAT-4")
def test_who_asks_for_what_left_is_told_where_it_is(crank: Crank, old: str):
    archive_all(crank)
    number = crank.rows("SELECT max(id) FROM hub.delivery")[0][0]
    unknown = NotFound("deliveries.unknown", "no such delivery")
    run(crank)
    with crank.uow() as uow:
        gone = not_here(uow, "delivery", number, unknown)
        assert (gone.code, gone.status) == ("retention.left", 404)
        assert str(crank.hub.settings.archive / f"delivery_{old}.jsonl.gz") in gone.message
        assert not_here(uow, "delivery", number + 1_000_000, unknown) is unknown


@pytest.mark.capability("BAT-4")
def test_a_partition_with_something_open_stays_until_it_ended(crank: Crank, old: str):
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET state = 'parked' WHERE event_id = (SELECT min(event_id) FROM hub.delivery)")
    assert run(crank) == []
    with crank.uow() as uow:
        assert {one.why_not for one in plan(uow) if one.low == old} == {"something in it is open"}
        uow.sql("UPDATE hub.delivery SET state = 'dismissed'")
    assert len(told(run(crank))) == 6


@pytest.mark.capability("BAT-4", "RT-3")
def test_what_is_opened_while_its_partition_leaves_comes_back_and_runs(crank: Crank, old: str, log: Log):
    with crank.uow() as uow:
        (one,) = [one for one in plan(uow) if one.name == f"delivery_{old}"]
        uow.session.add(RetiredPartition(name=one.name, kind=one.kind, low=one.low, high=one.high, state="leaving"))
        uow.sql(
            "UPDATE hub.delivery SET state = 'due' WHERE id = (SELECT min(id) FROM hub.delivery)"
        )  # a replay, between the look and the detach
    assert ("kept", f"delivery_{old}") in told(run(crank))
    crank.settle()
    assert sorted(thing for thing, _ in log.seen) == ["a", "a", "b", "c"]
    assert len(told(run(crank))) >= 4


def _waits(crank: Crank, statement: str) -> int | None:
    """The backend that waits for others with such a statement."""
    found = crank.rows(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
        "AND query LIKE %(like)s AND pid <> pg_backend_pid()",
        like=f"%{statement}%",
    )
    return found[0][0] if found else None


def _await(look: Callable[[], object]) -> object:
    until = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.01)  # between two looks at another session
    return found


@pytest.mark.capability("BAT-4", "RT-9")
def test_facts_are_told_and_run_while_a_detach_waits_for_an_open_transaction(crank: Crank, old: str, log: Log):
    done: list[Piece] = []
    with crank.hub.sessions() as reader:
        reader.connection().exec_driver_sql("SELECT count(*) FROM hub.attempt, hub.delivery")
        thread = threading.Thread(target=lambda: done.extend(run(crank)))
        thread.start()
        _await(lambda: _waits(crank, "DETACH PARTITION"))
        for n in range(20):
            make(crank, f"meanwhile-{n}")
        crank.settle()
        assert len(log.seen) == 23
        assert _waits(crank, "DETACH PARTITION")
        reader.rollback()
    thread.join(PATIENCE_SECONDS)
    assert len(told(done)) == 6


@pytest.mark.capability("BAT-4")
def test_a_detach_that_was_interrupted_is_finished_by_the_next_run(crank: Crank, old: str):
    done: list[Piece] = []
    with crank.hub.sessions() as reader:
        reader.connection().exec_driver_sql("SELECT count(*) FROM hub.attempt")
        thread = threading.Thread(target=lambda: done.extend(run(crank)))
        thread.start()
        pid = _await(lambda: _waits(crank, "DETACH PARTITION"))
        crank.rows("SELECT pg_cancel_backend(%(pid)s)", pid=pid)
        thread.join(PATIENCE_SECONDS)
        reader.rollback()
    assert told(done) == [("waits", f"attempt_{old}")]
    with crank.uow() as uow:
        assert [one.name for one in partitions_of(uow, "attempt") if one.detaching] == [f"attempt_{old}"]
    assert told(run(crank))[0] == ("detached", f"attempt_{old}")


@pytest.mark.capability("BAT-4")
def test_only_one_process_lets_partitions_leave(crank: Crank, old: str):
    with alone(crank.hub) as mine:
        assert mine
        assert leave(crank.hub, threading.Event(), crank.hub.clock.now() + timedelta(hours=1)) is None
    assert next_piece(crank.hub) is not None


def test_what_was_detached_can_be_put_back_until_it_is_dropped(crank: Crank, old: str):
    run(crank, grace=leaving.GRACE)
    assert crank.rows("SELECT count(*) FROM hub.event WHERE type LIKE 'trial.%%'") == [(0,)]
    with crank.uow() as uow:
        for kind in ("event", "delivery", "attempt"):
            assert put_back(uow, f"{kind}_{old}") == kind
    assert crank.rows("SELECT count(*) FROM hub.event WHERE type LIKE 'trial.%%'") == [(6,)]
    run(crank)
    with crank.uow() as uow, pytest.raises(Refused, match="was dropped on"):
        put_back(uow, f"event_{old}")
    with crank.uow() as uow, pytest.raises(NotFound):
        put_back(uow, "event_17")


@pytest.mark.capability("BAT-4")
def test_an_archive_that_cannot_be_written_is_a_case_and_nothing_is_dropped(crank: Crank, old: str):
    archive_all(crank)
    where = crank.hub.settings.archive
    where.write_text("a file where a folder should be")
    pieces = run(crank)
    assert {piece.did for piece in pieces} == {"detached", "failed"}
    assert crank.rows("SELECT DISTINCT code, state FROM hub.exception_case") == [("retention.archive_failed", "new")]
    where.unlink()
    assert {piece.did for piece in run(crank)} >= {"archived", "dropped"}
    assert crank.rows("SELECT state, count(*) FROM hub.retired_partition GROUP BY 1") == [("dropped", 3)]
    assert crank.rows("SELECT DISTINCT state FROM hub.exception_case") == [("resolved",)]


def test_a_month_of_notices_stays_while_intake_of_one_is_open(crank: Crank):
    with crank.uow() as uow:
        uow.sql("CREATE TABLE hub.notice_2020_01 (LIKE hub.notice INCLUDING ALL)")
        uow.sql(
            "ALTER TABLE hub.notice ATTACH PARTITION hub.notice_2020_01 FOR VALUES FROM ('2020-01-01 00:00+00') "
            "TO ('2020-02-01 00:00+00')"
        )
        uow.sql(
            "INSERT INTO hub.notice (id, received_at, connection, topic, correlation_id, headers, body, verdict) "
            "VALUES (7, '2020-01-05 00:00+00', 'erp', 't', 'c', '{}', '', 'kept')"
        )
        uow.sql(
            "INSERT INTO hub.event (type, key, payload) "
            "VALUES ('hub.notice_received.v1', 'hub:x', '{\"notice_id\": 7}')"
        )
        uow.sql(
            "INSERT INTO hub.delivery (event_id, subscriber, queue, partition, state) "
            "SELECT id, 'intake.x', 'orders', 0, 'parked' FROM hub.event"
        )
    with crank.uow() as uow:
        (one,) = [one for one in plan(uow) if one.name == "notice_2020_01"]
        assert one.why_not == "something that it tells of is open"
        uow.sql("UPDATE hub.delivery SET state = 'dismissed'")
    assert told(run(crank)) == [("detached", "notice_2020_01"), ("dropped", "notice_2020_01")]


def test_what_is_referred_to_is_kept_as_long_as_what_refers_to_it(crank: Crank):
    with crank.uow() as uow:
        with pytest.raises(Invalid, match="keep event at least as long as delivery"):
            set_policy(uow, "event", "test", keep_days=30, archive=False)
        with pytest.raises(Invalid, match="keep delivery at least as long as attempt"):
            set_policy(uow, "attempt", "test", keep_days=401, archive=False)
        with pytest.raises(Invalid, match="from 1 to 3650"):
            set_policy(uow, "notice", "test", keep_days=0, archive=False)
        with pytest.raises(Invalid, match="there is no kind of record"):
            set_policy(uow, "orders", "test", keep_days=10, archive=False)
        assert set_policy(uow, "notice", "test", keep_days=90, archive=True) == policies(uow)["notice"]


@pytest.mark.parametrize(
    ("events", "days", "width"),
    [(10, 0.5, 1_000_000), (300_000, 30, 300_000), (301, 1, 100_000), (900_000_000, 30, 5_000_000), (1, 400, 100_000)],
)
def test_a_partition_holds_about_a_month_within_what_is_handy(events: int, days: float, width: int):
    assert width_for(events, days) == width
