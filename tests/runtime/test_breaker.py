"""A remote that does not answer: nobody calls it, nothing is lost, and a probe finds out when it is back."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import redis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.infra.bell import make_redis
from app.infra.breaking import reset as reset_breaker
from app.infra.breaking import trip as trip_breaker
from app.infra.breaking import write_down
from app.infra.outbox import Place
from app.infra.remote.breaker import BREAKERS, MOVES, SCRIPT, BreakerPolicy, Breakers, new_state, step, wait_of
from app.infra.remote.permit import Permit
from app.kernel.errors import Invalid, Refused
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import Remote, ThingCounted

POLICY = BreakerPolicy(window=10, volume=4, ratio=0.5, open=2, longest=8, probes=2)
QUICK = {"volume": 4, "open": 60, "longest": 60}
AWAY = "redis://127.0.0.1:1/0"


@pytest.fixture
def breakers(redis_client: redis.Redis, settings: Settings) -> Iterator[Callable[[], Breakers]]:
    """Each call is another process' view of the same breakers."""
    clients: list[redis.Redis] = []

    def another() -> Breakers:
        clients.append(make_redis(settings.redis_url))
        return Breakers(clients[-1])

    yield another
    for client in clients:
        client.close()


def tell(crank: Crank, *things: str) -> None:
    with crank.uow() as uow:
        for thing in things:
            uow.publish(ThingCounted(thing=thing, what="1"))


def fail(one: Breakers, times: int, policy: BreakerPolicy = POLICY, *, probe: bool = False) -> None:
    for _ in range(times):
        one.failed("erp", "erp.no_answer", policy, probe=probe)


def old(one: Breakers) -> Breakers:
    """Let what this process saw be old, so that it looks again."""
    one._looked = float("-inf")
    return one


@pytest.mark.capability("RT-7")
def test_what_one_process_finds_out_holds_in_all(breakers: Callable[[], Breakers]):
    one, other = breakers(), breakers()
    fail(one, 2)
    assert other.admit("erp", 5, POLICY) == (5, 0.0, False)
    fail(other, 2)
    count, seconds, _ = old(one).admit("erp", 5, POLICY)
    assert (count, 0 < seconds <= 2) == (0, True)
    assert old(one).shut() == ["erp"]


@pytest.mark.capability("RT-7")
def test_few_failures_and_failures_among_successes_say_nothing(breakers: Callable[[], Breakers]):
    one = breakers()
    fail(one, 3)
    assert one.state("erp")["state"] == "closed"
    for _ in range(9):
        one.answered("shop", POLICY, probe=False)
    for _ in range(8):
        one.failed("shop", "x", POLICY, probe=False)
    assert one.state("shop")["state"] == "closed"
    one.failed("shop", "x", POLICY, probe=False)
    assert one.state("shop")["state"] == "open"


@pytest.mark.capability("RT-7")
def test_when_the_open_time_is_over_a_few_probes_decide(redis_client: redis.Redis):
    run = scripted(redis_client)
    for _ in range(4):
        state = run("record", failure(), 1000)
    assert (state["state"], state["until_ms"]) == ("open", 3000)
    assert run("probe", {"count": 9}, 2999)["wait"] == 1
    assert run("probe", {"count": 9}, 3000)["granted"] == 2
    assert run("probe", {"count": 9}, 3001)["granted"] == 0  # these two are out
    assert run("record", failure(probe=True), 3100)["until_ms"] == 3100 + 4000  # twice as long
    assert run("record", success(), 3200)["state"] == "open"  # an answer to a call of long ago
    assert run("probe", {"count": 1}, 7100)["granted"] == 1
    assert run("record", success(probe=True), 7200)["state"] == "closed"
    assert run("probe", {"count": 5}, 7200)["granted"] == 5


@pytest.mark.capability("RT-7")
def test_the_open_time_has_an_end_and_begins_small_again_after_good_days(redis_client: redis.Redis):
    run, now, lengths = scripted(redis_client), 0, []
    for _ in range(5):
        while (state := run("record", failure(), now))["state"] == "closed":
            pass
        lengths.append(state["until_ms"] - now)
        now = state["until_ms"]
        run("probe", {"count": 1}, now)
        run("record", success(probe=True), now)
    assert lengths == [2000, 4000, 8000, 8000, 8000]
    now += 9000
    while (state := run("record", failure(), now))["state"] == "closed":
        pass
    assert state["until_ms"] - now == 2000


def test_probes_of_a_process_that_died_are_forgotten(redis_client: redis.Redis):
    run = scripted(redis_client)
    for _ in range(4):
        run("record", failure(), 0)
    assert run("probe", {"count": 2}, 2000)["granted"] == 2
    assert run("probe", {"count": 2}, 46_000)["granted"] == 0
    assert run("probe", {"count": 2}, 48_000)["granted"] == 2


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["good", "bad", "probe", "probe good", "probe bad"]),
        st.integers(1, 3),
        st.integers(0, 4000),
    ),
    max_size=40,
)


@pytest.mark.capability("RT-7")
@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS)
def test_a_process_alone_follows_the_rules_that_all_follow_together(redis_client: redis.Redis, events):
    redis_client.delete(BREAKERS)
    run, alone, now = scripted(redis_client), new_state(), 1_000_000
    for kind, count, later in events:
        now += later
        verb, given_ = ("probe", {"count": count}) if kind == "probe" else ("record", of_kind(kind, count))
        together = run(verb, given_, now)
        alone = step(alone, verb, given_, POLICY, now)
        keys = ("state", "until_ms", "trips", "out", "granted", "wait", "why")
        assert {key: alone[key] for key in keys} == {key: together[key] for key in keys}
        assert sum(alone["bad"].values()) == sum(together["bad"].values())


@pytest.mark.capability("RT-7")
def test_without_redis_a_process_protects_itself_and_the_remote():
    one = Breakers(make_redis(AWAY))
    fail(one, 4)
    assert one.admit("erp", 3, POLICY)[0] == 0
    assert one.shut() == ["erp"]
    one._known["erp"]["until_ms"] = 0
    assert one.admit("erp", 3, POLICY) == (2, 0.0, True)
    one.answered("erp", POLICY, probe=True)
    assert one.admit("erp", 3, POLICY) == (3, 0.0, False)


@pytest.mark.capability("RT-7")
def test_an_emptied_redis_is_told_again_by_who_remembers(breakers: Callable[[], Breakers], redis_client: redis.Redis):
    one, other = breakers(), breakers()
    fail(one, 4, replace(POLICY, open=60, longest=60))
    redis_client.flushdb()
    old(one).look()
    assert old(other).shut() == ["erp"]


@pytest.mark.capability("RT-7")
def test_many_threads_open_it_once(breakers: Callable[[], Breakers], redis_client: redis.Redis):
    views = [breakers() for _ in range(4)]
    threads = [threading.Thread(target=fail, args=(view, 5)) for view in views for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    moves = [json.loads(move)["to"] for move in redis_client.lrange(MOVES, 0, -1)]
    assert moves == ["open"]


@pytest.mark.capability("RT-7")
def test_while_it_is_open_nothing_is_claimed_and_no_attempt_is_spent(crank: Crank, remote: Remote):
    breaking(crank, QUICK)
    remote.tricks = [("status", (503, {}))] * 100
    tell(crank, *(f"t{n}" for n in range(6)))
    crank.settle()
    tried = len(remote.calls)
    assert crank.hub.gates.breakers.state("erp")["state"] == "open"
    before = crank.rows("SELECT id, attempt, fence FROM hub.delivery ORDER BY id")
    tell(crank, "late")
    crank.hasten()
    assert crank.ready() == []  # the relay rings nobody for it
    wake(crank)
    assert crank.dispatcher.turn() == 0
    assert len(remote.calls) == tried
    assert crank.rows("SELECT id, attempt, fence FROM hub.delivery ORDER BY id")[:6] == before


@pytest.mark.capability("RT-7")
def test_a_remote_that_is_back_gets_everything_after_one_probe(crank: Crank, remote: Remote):
    breaking(crank, QUICK)
    remote.tricks = [("status", (503, {}))] * 6
    tell(crank, *(f"t{n}" for n in range(6)))
    crank.settle()
    remote.tricks = []
    over(crank)
    crank.hasten()
    crank.settle()
    assert crank.states() == {"done": 6}
    assert crank.hub.gates.breakers.state("erp")["state"] == "closed"


@pytest.mark.capability("RT-7")
@pytest.mark.parametrize("status", [400, 404, 409, 422, 429])
def test_what_a_remote_thinks_of_a_request_is_no_trouble_of_its_own(crank: Crank, remote: Remote, status: int):
    breaking(crank, QUICK)
    remote.tricks = [("status", (status, {"Retry-After": "60"}))] * 12
    tell(crank, *(f"t{n}" for n in range(8)))
    crank.settle()
    assert crank.hub.gates.breakers.state("erp")["state"] == "closed"
    assert len(remote.calls) == 8


@pytest.mark.capability("RT-7")
def test_a_call_under_way_that_meets_an_open_breaker_waits_without_an_attempt(crank: Crank, remote: Remote):
    breaking(crank, QUICK)
    tell(crank, "t")
    place = crank.ready()[0]
    trip(crank)
    admitted = crank.dispatcher._admissions
    admitted.ask = lambda place, most: 1  # type: ignore[method-assign]  # it was admitted a moment before
    admitted.room = lambda place: 1  # type: ignore[method-assign]
    admitted.permits = lambda place, connection, count: [Permit("orders") for _ in range(count)]  # type: ignore[method-assign]
    crank.dispatcher.wake(place)
    crank.dispatcher.turn()
    while crank.dispatcher.calls:
        crank.dispatcher.heard(1.0)
        admitted.room = lambda place: 0  # type: ignore[method-assign]
        crank.dispatcher.turn()
    assert remote.calls == []
    assert crank.rows("SELECT state, attempt, code, in_doubt, next_at > now() FROM hub.delivery") == [
        ("due", 0, "connections.breaker_open", False, True)
    ]


@pytest.mark.capability("RT-7")
def test_a_person_holds_it_open_and_lets_go(crank: Crank, remote: Remote):
    trip(crank)
    tell(crank, "t")
    assert crank.ready() == []
    wake(crank)
    assert crank.dispatcher.turn() == 0
    crank.hub.gates.breakers.reset("erp", "dana", "mended", BreakerPolicy())
    crank.settle()
    assert crank.states() == {"done": 1}


def breaking(crank: Crank, policy: dict[str, float]) -> None:
    """Give the connection a breaker that opens soon."""
    with crank.uow() as uow:
        uow.sql(
            "UPDATE hub.connection SET settings = settings || %(given)s::jsonb, version = version + 1",
            {"given": json.dumps({"breaker": policy})},
        )
    crank.hub.connections.forget()
    with crank.uow() as uow:
        crank.hub.connections.all(uow.session)


def trip(crank: Crank) -> None:
    crank.hub.gates.breakers.trip("erp", "dana", "month end", BreakerPolicy())


def over(crank: Crank) -> None:
    """Let the open time be over."""
    breakers = crank.hub.gates.breakers
    state = json.loads(crank.redis.hget(BREAKERS, "erp"))
    assert wait_of(state, breakers.now()) > 0
    crank.redis.hset(BREAKERS, "erp", json.dumps({**state, "until_ms": 0}))
    old(breakers)


def wake(crank: Crank) -> None:
    rows = crank.rows("SELECT DISTINCT queue, connection FROM hub.delivery WHERE connection = 'erp'")
    for queue, connection in rows:
        crank.dispatcher.wake(Place(queue, connection, 0))


def scripted(client: redis.Redis) -> Callable[[str, dict, int], dict]:
    """The shared rules at a given instant."""
    run = client.register_script(SCRIPT)
    policy = json.dumps(POLICY.milliseconds())

    def at(verb: str, given_: dict, now: int) -> dict:
        args = ["erp", verb, json.dumps(given_), policy, str(now)]
        return json.loads(run(keys=[BREAKERS, MOVES], args=args))

    return at


def failure(*, probe: bool = False) -> dict:
    return {"good": 0, "bad": 1, "why": "no_answer", "probe": probe}


def success(*, probe: bool = False) -> dict:
    return {"good": 1, "bad": 0, "why": "", "probe": probe}


def of_kind(kind: str, count: int) -> dict:
    good, bad = (count, 0) if kind.endswith("good") else (0, count)
    return {"good": good, "bad": bad, "why": kind, "probe": kind.startswith("probe")}


@pytest.mark.capability("RT-7")
def test_an_opening_is_one_case_that_ends_with_it_and_every_move_is_kept(crank: Crank, remote: Remote):
    breaking(crank, QUICK)
    remote.tricks = [("status", (503, {}))] * 6
    tell(crank, *(f"t{n}" for n in range(6)))
    crank.settle()
    write_down(crank.hub)
    assert crank.rows("SELECT code, connection, state FROM hub.exception_case") == [
        ("connections.breaker_open", "erp", "new")
    ]
    remote.tricks = []
    over(crank)
    crank.hasten()
    crank.settle()
    for _ in range(2):
        write_down(crank.hub)
    assert crank.rows("SELECT state, closed_by FROM hub.exception_case") == [("resolved", "hub")]
    acts = crank.rows("SELECT who, did, why FROM hub.act WHERE kind = 'breaker' ORDER BY id")
    assert acts == [
        ("hub", "opened the breaker", "trial.http_503"),
        ("hub", "closed the breaker", "a probe was answered"),
    ]


@pytest.mark.capability("RT-7")
def test_two_relays_write_a_move_down_once_and_a_lost_closing_ends_its_case(crank: Crank, remote: Remote):
    policy = BreakerPolicy()
    trip_of_hub(crank, policy)
    kept = crank.redis.lrange(MOVES, 0, -1)
    write_down(crank.hub)
    crank.redis.rpush(MOVES, *kept)  # the other relay read them before they were taken away
    write_down(crank.hub)
    assert crank.rows("SELECT count(*) FROM hub.act WHERE kind = 'breaker'") == [(1,)]
    crank.redis.flushdb()
    crank.hub.gates.breakers._known.clear()
    write_down(crank.hub)
    assert crank.rows("SELECT state FROM hub.exception_case") == [("resolved",)]


@pytest.mark.capability("RT-7")
def test_what_people_do_needs_a_reason_and_leaves_their_name(crank: Crank):
    with pytest.raises(Invalid, match="say why"):
        trip_breaker(crank.hub, "erp", "dana", " ")
    with pytest.raises(Refused, match="closed already"):
        reset_breaker(crank.hub, "erp", "dana")
    assert trip_breaker(crank.hub, "erp", "dana", "month end").state == "held"
    assert reset_breaker(crank.hub, "erp", "dana", "done").state == "closed"
    acts = crank.rows("SELECT who, did, why FROM hub.act WHERE kind = 'breaker' ORDER BY id")
    assert acts == [("dana", "opened the breaker", "month end"), ("dana", "closed the breaker", "done")]
    assert crank.rows("SELECT count(*) FROM hub.exception_case") == [(0,)]


def trip_of_hub(crank: Crank, policy: BreakerPolicy) -> None:
    for _ in range(policy.volume):
        crank.hub.gates.breakers.failed("erp", "erp.no_answer", policy, probe=False)
