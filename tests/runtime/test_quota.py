"""What a connection may take of a vendor's limits: shared by all processes, by purpose, with users we do not know."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.infra.bell import make_redis
from app.infra.connecting import change_settings
from app.infra.remote.quota import SCRIPT, Ledger
from app.infra.remote.quotas import (
    RESERVED,
    Quota,
    QuotaKind,
    quotas_of,
)
from app.infra.remote.spec import Dedupe
from app.kernel.errors import Invalid
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import Log, Remote, ThingCounted, spec, trial_steps

START = 1_000_000_000  # ms; a whole number of every window used here
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(redis_client: redis.Redis) -> Ask:
    """The shared script at a given instant, in ms after the start; each quota is (name, kind, limit, window in ms)."""
    run = redis_client.register_script(SCRIPT)

    def at(
        now: float, *quotas: tuple[str, str, float, int], settle: Any = (), seeded: bool = False, look: bool = False,
        **take: Any,
    ) -> dict[str, Any]:  # fmt: skip
        request: dict[str, Any] = {
            "quotas": [dict(zip(("name", "kind", "limit", "window"), quota, strict=True)) for quota in quotas],
            "settle": list(settle), "seeded": seeded, "keep": 60_000,
        }  # fmt: skip
        if look:
            request["look"] = True
        if take:
            amounts = take.get("amounts") or {quota[0]: 1 for quota in quotas}
            request["take"] = {"count": take["count"], "amounts": amounts, "share": take.get("share", 0)}
        return json.loads(run(keys=["q", "spent"], args=[json.dumps(request), str(START + int(now))]))

    return at


def ended(at: float, granted: float, spent: float, name: str = "q", **more: Any) -> dict[str, Any]:
    said = {"purpose": "orders", "at": at, "granted": {name: granted}, "spent": {name: spent}}
    return {**said, "reports": {}, "refused": False, "after": 0, **more}


SLIDING = ("q", "sliding_window", 100, 10_000)
FIXED = ("q", "fixed_window", 100, 10_000)
LEAKY = ("q", "leaky_bucket", 40, 20_000)
POINTS = ("q", "graphql_cost", 2000, 20_000)
AT_ONCE = ("q", "concurrency", 5, 1000)


@pytest.mark.capability("RT-8")
def test_a_sliding_window_never_lets_more_through_in_any_stretch(ask: Ask):
    taken: list[tuple[float, int]] = []
    for now in range(0, 40_000, 250):
        taken.append((now, ask(now, SLIDING, count=30)["granted"]))
        within = sum(count for at, count in taken if at > now - 10_000)
        assert within <= 100
    assert sum(count for _, count in taken) >= 4 * 100 * 0.95


@pytest.mark.capability("RT-8")
def test_a_fixed_window_begins_anew_at_its_instant(ask: Ask):
    taken = [ask(1000 + n * 100, FIXED, count=100)["granted"] for n in range(89)]
    assert taken[0] == 50  # nobody knows yet who else is there: the second half goes out at twice the usual pace
    assert max(taken[1:]) <= 2
    assert sum(taken) == 100
    answer = ask(9_950, FIXED, count=1)
    assert answer == {**answer, "granted": 0, "wait": 50, "why": "q"}
    assert ask(10_000, FIXED, count=10)["granted"] == 10


@pytest.mark.capability("RT-8")
@pytest.mark.parametrize(("quota", "burst", "per_second"), [(LEAKY, 39, 2), (POINTS, 1960, 100)])
def test_a_bucket_gives_what_it_holds_and_then_what_runs_in(
    ask: Ask, quota: tuple[str, str, float, int], burst: int, per_second: int
):
    answer = ask(0, quota, count=5000)
    assert answer["granted"] == burst
    assert ask(0, quota, count=1)["granted"] == 0
    ask(0, quota, settle=[ended(answer["at"], burst, burst)])
    assert ask(5000, quota, count=5000)["granted"] == 5 * per_second


@pytest.mark.capability("RT-8")
def test_a_place_among_the_calls_at_once_comes_back_with_the_calls_end_or_its_death(ask: Ask):
    answer = ask(0, AT_ONCE, count=9)
    assert answer["granted"] == 5
    full = ask(10, AT_ONCE, count=1)
    assert (full["granted"], full["wait"], full["why"]) == (0, 100, "q")
    ask(20, AT_ONCE, settle=[ended(answer["at"], 2, 0)])
    assert ask(20, AT_ONCE, count=9)["granted"] == 2
    assert ask(130_000, AT_ONCE, count=9)["granted"] == 5  # nobody ever ended these calls


@pytest.mark.capability("RT-8")
def test_all_quotas_of_a_connection_are_taken_together_or_none(ask: Ask):
    day = ("day", "daily", 3, 86_400_000)
    assert ask(0, SLIDING, day, count=10)["granted"] == 3
    assert ask(0, SLIDING, day, count=10)["why"] == "day"
    assert ask(0, SLIDING, day, look=True)["look"]["q"]["used"] == 3


@pytest.mark.capability("RT-8")
def test_what_is_more_urgent_finds_room_where_bulk_does_not(ask: Ask):
    assert ask(0, POINTS, count=2000, share=RESERVED["bulk"])["granted"] == 1360
    assert ask(0, POINTS, count=2000, share=RESERVED["bulk"])["granted"] == 0
    assert ask(0, POINTS, count=2000, share=RESERVED["inventory"])["granted"] == 400
    assert ask(0, POINTS, count=2000)["granted"] == 200


@pytest.mark.capability("RT-8")
def test_what_a_call_did_not_need_is_there_for_the_next(ask: Ask):
    answer = ask(0, SLIDING, count=40)
    ask(10, SLIDING, settle=[ended(answer["at"], 40, 10)])
    assert ask(20, SLIDING, look=True)["look"]["q"]["used"] == 10


@pytest.mark.capability("RT-8")
def test_an_answer_tells_the_truth_about_a_bucket_and_who_else_drinks_from_it(ask: Ask):
    now, free = 0.0, 2000.0
    for _ in range(200):  # a tenth of a second each: we take what we may, others a third of what is restored
        answer = ask(now, POINTS, count=1, amounts={"q": 30})
        spent = 30.0 if answer["granted"] else 0.0
        assert free >= spent  # never refused
        free = min(2000.0, free - spent)
        now += 100
        free = min(2000.0, free + 10 - 10 / 3)
        if spent:
            report = {"available": free, "limit": 2000, "restored": 100}
            ask(now, POINTS, settle=[ended(answer["at"], 30, 30, reports={"q": report})])
    looked = ask(now, POINTS, look=True)["look"]["q"]
    assert looked["limit"] == 2000
    assert 0.2 < looked["others"] / 2000 < 0.45
    assert free < 200  # and nothing is left lying


@pytest.mark.capability("RT-8")
def test_a_larger_plan_is_believed_as_soon_as_an_answer_says_so(ask: Ask):
    answer = ask(0, POINTS, count=1)
    report = {"available": 19_999, "limit": 20_000, "restored": 1000}
    ask(10, POINTS, settle=[ended(answer["at"], 1, 1, reports={"q": report})])
    assert ask(10, POINTS, count=15_000)["granted"] == 15_000


@pytest.mark.capability("RT-8")
def test_a_refusal_before_our_limit_shows_what_others_took(ask: Ask):
    for now in range(0, 700, 100):
        answer = ask(now, SLIDING, count=10)
    own = ask(800, SLIDING, look=True)["look"]["q"]["used"] - 1
    ask(800, SLIDING, settle=[ended(answer["at"], 10, 9, refused=True, after=500)])
    assert ask(900, SLIDING, count=1)["why"] == "the remote itself"
    assert ask(1400, SLIDING, look=True)["look"]["q"]["others"] == 100 - own
    refused = ask(1400, SLIDING, count=1)
    assert (refused["granted"], refused["wait"] > 5000) == (0, True)
    forgotten = ask(120_000, SLIDING, look=True)["look"]["q"]["others"]
    assert forgotten < 15


@pytest.mark.capability("RT-8")
def test_calls_that_are_refused_together_while_little_is_ours_are_one_refusal(ask: Ask):
    answer = ask(0, SLIDING, count=8)
    burst = [ended(answer["at"], 1, 0, refused=True, after=500) for _ in range(8)]
    ask(100, SLIDING, settle=burst[:1])
    once = ask(100, SLIDING, look=True)["look"]["q"]["others"]
    ask(200, SLIDING, settle=burst[1:])
    assert ask(200, SLIDING, look=True)["look"]["q"]["others"] == once
    assert once < 50
    assert ask(700, SLIDING, count=1)["granted"] == 1, "once it may be asked again, it is"
    ask(800, SLIDING, settle=[ended(answer["at"], 1, 0, refused=True, after=500)])
    assert ask(800, SLIDING, look=True)["look"]["q"]["others"] > once, "refused again, it is believed more"


@pytest.mark.capability("RT-8")
def test_a_memory_that_was_lost_is_no_empty_window(ask: Ask):
    assert ask(0, SLIDING, count=50, seeded=True)["granted"] <= 2
    assert ask(5000, SLIDING, look=True)["look"]["q"]["used"] < 60


@pytest.mark.capability("RT-8")
def test_who_spent_it_is_kept_by_purpose(ask: Ask, redis_client: redis.Redis):
    answer = ask(0, SLIDING, count=5)
    ask(1, SLIDING, settle=[ended(answer["at"], 3, 3), {**ended(answer["at"], 2, 1), "purpose": "bulk"}])
    assert redis_client.hgetall("spent") == {b"q|orders": b"3", b"q|bulk": b"1"}


STEPS = st.lists(
    st.tuples(st.integers(0, 900), st.integers(1, 60), st.floats(0, 1), st.booleans()), min_size=1, max_size=40
)


@pytest.mark.capability("RT-8")
@hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, quota=st.sampled_from([SLIDING, FIXED, LEAKY, AT_ONCE]))
def test_whatever_is_asked_no_limit_is_passed(ask: Ask, redis_client: redis.Redis, steps, quota):
    redis_client.flushdb()
    _, kind, limit, window = quota
    now, taken, out = 0, [], 0
    for later, count, used, ends in steps:
        now += later
        answer = ask(now, quota, count=count)
        granted = answer["granted"]
        assert 0 <= granted <= count
        assert granted or answer["wait"] >= 1
        kept = granted * used if ends and kind != "concurrency" else granted
        if ends and granted:
            ask(now, quota, settle=[ended(answer["at"], granted, kept)])
        out += 0 if ends else granted
        taken.append((now, kept))
        if kind == "concurrency":
            assert out <= limit
        elif kind == "fixed_window":
            assert sum(n for at, n in taken if at // window == now // window) <= limit + 1e-6
        elif kind == "sliding_window":
            assert sum(n for at, n in taken if at > now - window) <= limit + 1e-6
        else:
            assert sum(n for _, n in taken) <= limit + now * limit / window + 1e-6


@pytest.mark.capability("RT-8")
def test_without_redis_a_process_keeps_to_its_share():
    client = make_redis("redis://127.0.0.1:1/0")
    ledger = Ledger(client, "erp", client.register_script(SCRIPT))
    quota = Quota(name="q", kind=QuotaKind.SLIDING_WINDOW, limit=6000, window=300)
    at_once = Quota(name="n", kind=QuotaKind.CONCURRENCY, limit=12)
    grant = ledger.take((quota, at_once), "orders", 1000, {"q": 1, "n": 1}, workers=4)
    assert grant.count == 3  # a quarter of the calls at once
    alone = Ledger(client, "shop", client.register_script(SCRIPT))
    assert alone.take((quota,), "orders", 1000, {"q": 1}, workers=4).count == 150  # a tenth of a quarter
    wait = alone.take((quota,), "orders", 1000, {"q": 1}, workers=4)
    assert (wait.count, 0 < wait.seconds <= 0.2, wait.why) == (0, True, "q")


@pytest.mark.capability("RT-8")
@pytest.mark.parametrize(
    ("given_", "field", "rule"),
    [
        ({"requests": {"kind": "moon_phase", "limit": 5}}, "quotas.requests.kind", "is unknown: 'moon_phase'"),
        ({"requests": {"limit": -1}}, "quotas.requests.limit", "is no number above 0: -1"),
        ({"mine": {"limit": 5}}, "quotas.mine.kind", "is missing"),
        ({"requests": {"speed": 5}}, "quotas.requests.speed", "is unknown"),
        ({"requests": 7}, "quotas.requests", "is no quota"),
    ],
)
def test_a_quota_that_does_not_hold_names_field_rule_and_fix(given_: dict[str, Any], field: str, rule: str):
    declared = (Quota(name="requests", kind=QuotaKind.SLIDING_WINDOW, limit=6000, window=300),)
    with pytest.raises(Invalid) as wrong:
        quotas_of(declared, given_)
    errors = wrong.value.facts["errors"]
    assert isinstance(errors, list)
    assert (errors[0]["field"], errors[0]["rule"]) == (field, rule)
    assert errors[0]["fix"]


@pytest.mark.capability("RT-8")
def test_an_unknown_kind_changes_nothing(crank: Crank):
    before = crank.rows("SELECT settings, version FROM hub.connection")
    with pytest.raises(Invalid), crank.uow() as uow:
        change_settings(uow, "erp", {"quotas": {"x": {"kind": "moon_phase", "limit": 5}}}, "dana")
    assert crank.rows("SELECT settings, version FROM hub.connection") == before


@pytest.mark.capability("RT-8")
def test_a_connection_changes_lifts_and_adds_quotas():
    declared = (
        Quota(name="requests", kind=QuotaKind.SLIDING_WINDOW, limit=6000, window=300),
        Quota(name="at_once", kind=QuotaKind.CONCURRENCY, limit=100),
    )
    given_ = {"requests": {"limit": 3000}, "at_once": None, "day": {"kind": "daily", "limit": 1000}}
    found = {quota.name: (str(quota.kind), quota.limit, quota.window) for quota in quotas_of(declared, given_)}
    assert found == {"requests": ("sliding_window", 3000, 300), "day": ("daily", 1000, 86400.0)}


def limited(crank: Crank, quotas: dict[str, Any]) -> None:
    with crank.uow() as uow:
        uow.sql(
            "UPDATE hub.connection SET settings = settings || %(given)s::jsonb, version = version + 1",
            {"given": json.dumps({"quotas": quotas})},
        )
    crank.hub.connections.forget()
    with crank.uow() as uow:
        crank.hub.connections.all(uow.session)


def call_all(crank: Crank) -> None:
    """Ring once; call as long as something may be called."""
    crank.dispatcher.wake(crank.ready()[0])
    crank.dispatcher.turn()
    while crank.dispatcher.calls:
        crank.dispatcher.heard(1.0)
        crank.dispatcher.turn()


@pytest.mark.capability("RT-8")
def test_what_waits_for_a_quota_costs_no_attempt_and_no_thread(crank: Crank, remote: Remote):
    limited(crank, {"day": {"kind": "daily", "limit": 3}})
    with crank.uow() as uow:
        for n in range(9):
            uow.publish(ThingCounted(thing=f"t{n}", what="1"))
    call_all(crank)
    assert len(remote.calls) == 3
    assert crank.dispatcher.calls == 0
    assert crank.rows("SELECT DISTINCT attempt, fence FROM hub.delivery WHERE state = 'due'") == [(0, 0)]
    limited(crank, {"day": None})
    crank.settle()
    assert crank.states() == {"done": 9}


@pytest.mark.capability("RT-8")
def test_a_429_blocks_the_connection_for_as_long_as_it_says(crank: Crank, remote: Remote):
    limited(crank, {"q": {"kind": "sliding_window", "limit": 1000, "window": 60}})
    remote.tricks = [("status", (429, {"Retry-After": "120"}))]
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="first", what="1"))
    crank.settle()
    with crank.uow() as uow:
        for n in range(5):
            uow.publish(ThingCounted(thing=f"t{n}", what="1"))
    place = crank.ready()[0]
    crank.dispatcher.wake(place)
    assert crank.dispatcher.turn() == 0
    assert len(remote.calls) == 1
    gate = crank.hub.connections.known("erp").gate
    standing = crank.hub.gates.standings(gate)[0]
    assert 110 < standing.blocked_seconds <= 120


@pytest.mark.capability("RT-8")
def test_a_call_that_needs_more_than_it_was_given_waits_a_moment_for_it(crank: Crank, remote: Remote):
    limited(crank, {"q": {"kind": "leaky_bucket", "limit": 2, "window": 0.4}})
    with crank.uow() as uow:
        for n in range(4):
            uow.publish(ThingCounted(thing=f"t{n}", what="1"))
        uow.after_commit(lambda: None)
    with crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET in_doubt = true")  # each looks before it writes: two requests
    crank.settle()
    assert crank.states() == {"done": 4}
    assert crank.rows("SELECT max(attempt) FROM hub.delivery") == [(1,)]


@pytest.mark.capability("RT-7", "RT-8")
def test_while_redis_is_away_calls_go_on_within_the_share(
    settings: Settings, database: object, redis_client: redis.Redis, remote: Remote, log: Log
):
    away = replace(settings, redis_url="redis://127.0.0.1:1/0")
    crank = Crank(away, adapter=lambda _: spec(Dedupe.LOOKUP), steps=trial_steps(log))
    try:
        quotas = {"q": {"kind": "sliding_window", "limit": 20, "window": 600}}
        crank.connect("erp", "trial", role="erp", base_url=remote.url, doubt_seconds=0, quotas=quotas)
        with crank.uow() as uow:
            for n in range(4):
                uow.publish(ThingCounted(thing=f"t{n}", what="1"))
        call_all(crank)
        assert len(remote.calls) == 2  # a tenth of the limit, then what runs in
        assert crank.rows("SELECT DISTINCT attempt FROM hub.delivery WHERE state = 'due'") == [(0,)]
    finally:
        crank.close()


def test_the_scripts_are_part_of_the_program():
    assert (Path(__file__).parents[2] / "app/infra/remote/scripts/quota.lua").is_file()
