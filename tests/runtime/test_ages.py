"""What has a fixed age goes in pieces once it is past that, by one process at a time; what is younger or open stays."""

from __future__ import annotations

import threading

import pytest

from app.infra.locks import HubJob, try_job
from app.infra.retention.ages import AGES, AT_ONCE, forgotten, prune
from app.jobs.keeper import Keeper
from tests.hub import Crank

pytestmark = pytest.mark.capability("BAT-4", "RT-3")

KEYS = """
INSERT INTO hub.idempotency (principal, key, request_hash, status, at)
SELECT 'shop', %(word)s || n, '', 200, now() - make_interval(hours => %(hours)s) FROM generate_series(1, %(count)s) n
"""
WAIT = """
INSERT INTO hub.deadline (id, flow, key, name, part, turn, due_at, state, ended_at, fact_type, payload)
VALUES (gen_random_uuid(), 'trial', %(key)s, 'answer', '', 1, now() - interval '400 days', %(state)s,
        now() - make_interval(days => %(ended)s), 'trial.thing_made.v1', '{}')
"""


def keys(crank: Crank, word: str, count: int, *, hours: int) -> None:
    with crank.uow() as uow:
        uow.sql(KEYS, {"word": word, "count": count, "hours": hours})


def left(crank: Crank) -> int:
    return int(crank.rows("SELECT count(*) FROM hub.idempotency")[0][0])


def test_answers_past_three_days_go_piece_by_piece_and_the_others_stay(crank: Crank) -> None:
    keys(crank, "old", 2 * AT_ONCE + 1, hours=73)
    keys(crank, "young", 3, hours=71)
    assert prune(crank.hub, threading.Event()) == {"hub.idempotency": 2 * AT_ONCE + 1}
    assert left(crank) == 3
    assert prune(crank.hub, threading.Event()) == {}
    with crank.uow() as uow:
        assert forgotten(uow) == {"hub.idempotency": 2 * AT_ONCE + 1}


def test_it_stops_after_the_piece_in_hand_and_never_runs_beside_another(crank: Crank) -> None:
    keys(crank, "old", 3, hours=73)
    stop = threading.Event()
    stop.set()
    assert prune(crank.hub, stop) == {}
    found: list[object] = []
    with crank.uow() as uow:
        assert try_job(uow, HubJob.PRUNE)
        other = threading.Thread(target=lambda: found.append(prune(crank.hub, threading.Event())))
        other.start()
        other.join(20)
    assert (found, left(crank)) == ([None], 3)


def test_rows_that_somebody_holds_are_left_for_the_next_time_and_nobody_waits(crank: Crank) -> None:
    keys(crank, "old", 3, hours=73)
    with crank.uow() as uow:
        uow.sql("SELECT FROM hub.idempotency WHERE key = 'old2' FOR UPDATE")
        found: list[object] = []
        other = threading.Thread(target=lambda: found.append(prune(crank.hub, threading.Event())))
        other.start()
        other.join(20)
        assert found == [{"hub.idempotency": 2}]
    assert prune(crank.hub, threading.Event()) == {"hub.idempotency": 1}


def test_a_wait_that_goes_on_stays_however_old_it_is(crank: Crank) -> None:
    with crank.uow() as uow:
        for key, state, ended in (("1", "waiting", None), ("2", "met", 91)):
            uow.sql(WAIT, {"key": key, "state": state, "ended": ended})
    assert prune(crank.hub, threading.Event()) == {"hub.deadline": 1}
    assert crank.rows("SELECT key FROM hub.deadline") == [("1",)]


def test_the_keeper_forgets_without_being_asked(crank: Crank) -> None:
    keys(crank, "old", 1, hours=73)
    Keeper(crank.hub).turn()
    assert left(crank) == 0


def test_every_age_is_of_a_table_with_that_column(crank: Crank) -> None:
    with crank.uow() as uow:
        for aged in AGES:
            column = uow.sql(f"SELECT {aged.since} FROM {aged.table} WHERE {aged.only} LIMIT 0").description
            assert column is not None
            assert column[0].type_display == "timestamptz"
