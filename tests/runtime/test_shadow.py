"""Shadows, drains and routes on the trial remote: nothing leaves a shadow, a drain ends, work is moved lane by lane."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.infra.connecting import resume_connection
from app.infra.differing import differences
from app.infra.draining import drain_connection, note_emptied, progress
from app.infra.moving import move_work
from app.infra.rerouting import carry_out, plan_add, plan_end, plan_switch
from app.infra.routes import read_routes
from app.infra.routing import LIVE, SHADOW, Asked, Route, Target, choose, timeline
from app.infra.shadow import ALONE, EQUAL, pairs, switch
from app.kernel.errors import Invalid, NotFound, Refused
from tests.hub import Crank
from tests.runtime.conftest import Log, Remote, ThingCounted

TODAY = date(2026, 12, 1)


@pytest.fixture
def second(crank: Crank, remote: Remote) -> str:
    """Another connection to the same remote, without a role."""
    crank.connect("new", "trial", base_url=remote.url, doubt_seconds=0)
    return "new"


def tell(crank: Crank, *things: str, what: str = "1") -> None:
    with crank.uow() as uow:
        for thing in things:
            uow.publish(ThingCounted(thing=thing, what=what))


def add(crank: Crank, route: Route, *, both: bool = False) -> None:
    with crank.uow() as uow:
        carry_out(uow, plan_add(uow, route, both=both), "dana")
    crank.hub.routes.forget()


def found(crank: Crank) -> list[tuple[str, str, list[str]]]:
    with crank.uow() as uow:
        seen = pairs(uow, "", crank.hub.clock.now() - timedelta(days=1))
    return sorted((pair.key, pair.verdict, [told.field for told in pair.differences]) for pair in seen)


@pytest.mark.capability("RT-13")
def test_a_shadow_beside_a_live_way_sends_nothing_and_is_compared(crank: Crank, second: str, remote: Remote) -> None:
    add(crank, Route(role="erp", connection=second, mode=SHADOW))
    remote.tricks.append(("status", (503, {})))  # the live way fails once, and still sends once
    tell(crank, "a", "b")
    crank.settle()
    crank.hasten()
    crank.settle()
    assert sorted(remote.held) == ["a.1", "b.1"]
    assert len(remote.calls) == 3
    assert found(crank) == [("trial:a", EQUAL, []), ("trial:b", EQUAL, [])]
    assert crank.states("trial.post") == {"done": 4}


@pytest.mark.capability("RT-13")
def test_what_a_shadow_would_have_parked_is_its_result_and_nobodys_case(crank: Crank, second: str, log: Log) -> None:
    add(crank, Route(role="erp", connection=second, mode=SHADOW))
    tell(crank, "a", what="unplannable")
    crank.settle()
    assert crank.states("trial.post") == {"parked": 1, "done": 1}
    assert crank.rows("SELECT connection FROM hub.exception_case") == [("erp",)]
    assert found(crank) == [("trial:a", EQUAL, [])], "both ways stop at the same code"


@pytest.mark.capability("RT-13")
def test_a_connection_that_is_a_shadow_records_and_what_it_was_given_is_never_sent(
    crank: Crank, remote: Remote
) -> None:
    tell(crank, "before")
    with pytest.raises(Refused, match="wait to be sent"), crank.uow() as uow:
        switch(uow, "erp", "dana", "a rehearsal", on=True)
    crank.settle()
    with crank.uow() as uow:
        switch(uow, "erp", "dana", "a rehearsal", on=True)
    crank.hub.connections.forget()
    tell(crank, "during")
    crank.settle()
    assert remote.calls == ["before.1"]
    assert found(crank) == [("trial:during", ALONE, [])]
    with crank.uow() as uow:
        switch(uow, "erp", "dana", "rehearsed", on=False)
    crank.hub.connections.forget()
    tell(crank, "after")
    crank.settle()
    assert remote.calls == ["before.1", "after.1"]


def test_differences_are_named_by_field_and_ids_of_two_systems_are_none() -> None:
    one = {"id": "0191fdc0-e24a-727c-a2d0-649fa8847915", "price": "12.50", "lines": [{"q": 1}, {"q": 2}]}
    other = {"id": "0191fdc0-e24a-727c-a2d0-649fa8847916", "price": 12.5, "lines": [{"q": 1}, {"q": 3}], "note": "x"}
    told = [(row.field, row.live, row.shadow) for row in differences(one, other)]
    assert told == [("lines[2].q", "2", "3"), ("note", "—", "x")]


@pytest.mark.capability("RT-13")
def test_a_drain_finishes_what_was_there_and_what_comes_waits_without_an_attempt(crank: Crank, remote: Remote) -> None:
    remote.tricks.append(("status", (503, {})))  # one backs off: the drain is not over before it is
    tell(crank, "a", "b")
    with crank.uow() as uow:
        drain_connection(uow, "erp", "dana", "the ERP is moved")
    crank.hub.connections.forget()
    tell(crank, "c")
    crank.settle()
    with crank.uow() as uow:
        assert note_emptied(uow) == []
        half = progress(uow, "erp")
    assert (half.running, half.ready, half.later, half.new, half.is_empty) == (0, 0, 1, 1, False)
    crank.hasten()
    crank.settle()
    assert sorted(remote.held) == ["a.1", "b.1"]
    with crank.uow() as uow:
        assert note_emptied(uow) == ["erp"]
        assert note_emptied(uow) == []
        assert progress(uow, "erp").is_empty
    assert crank.rows("SELECT state, attempt FROM hub.delivery WHERE state <> 'done'") == [("due", 0)]
    with crank.uow() as uow:
        resume_connection(uow, "erp", "dana")
    crank.hub.connections.forget()
    crank.settle()
    assert sorted(remote.held) == ["a.1", "b.1", "c.1"]


@pytest.mark.capability("RT-14")
def test_queued_work_is_moved_lane_by_lane_and_what_may_have_begun_stays(
    crank: Crank, second: str, remote: Remote
) -> None:
    tell(crank, "held")
    crank.settle()
    remote.tricks += [("status", (400, {}))]
    tell(crank, "refused")
    crank.settle()
    with crank.uow() as uow:
        uow.sql("UPDATE hub.connection SET state = 'paused' WHERE name = 'erp'")
    crank.hub.connections.forget()
    tell(crank, "held", "fresh", "fresh", what="2")
    with crank.uow() as uow:
        planned = move_work(uow, "erp", "erp", second, "dana", "", dry=True)
        moved = move_work(uow, "erp", "erp", second, "dana", "the old one is retired")
    assert planned == moved
    assert (moved.moved, moved.lanes, moved.stay) == (3, 2, {"begun there": 1})
    crank.settle()
    assert sorted(remote.held) == ["fresh.2", "held.1", "refused.1"]
    left = "SELECT lane, state, connection FROM hub.delivery WHERE state <> 'done'"
    assert crank.rows(left) == [("trial_document|erp|trial:held", "due", "erp")]
    assert crank.rows("SELECT FROM hub.exception_case WHERE state = 'new'") == []


@pytest.mark.capability("RT-14")
@pytest.mark.parametrize(
    ("route", "code"),
    [
        (Route(role="erpp", connection="new"), "routes.role"),
        (Route(role="erp", connection="nobody"), "connections.unknown"),
        (Route(role="erp", connection="new", channel="nobody"), "connections.unknown"),
        (Route(role="erp", connection="new", domain="poetry"), "routes.domain"),
        (Route(role="erp", connection="new", share=0), "routes.share"),
        (Route(role="erp", connection="new", mode="half"), "routes.mode"),
        (Route(role="erp", connection="new", from_on=date(2020, 1, 1)), "routes.past"),
        (Route(role="erp", connection="new", from_on=date(2090, 1, 2), until_on=date(2090, 1, 1)), "routes.dates"),
        (Route(role="erp", connection="new"), "routes.both_live"),
        (Route(role="erp", connection="erp"), "routes.overlap"),
        (Route(role="erp", connection="erp", mode=SHADOW), "routes.overlap"),
    ],
)
def test_a_route_that_does_not_hold_is_refused_by_name_and_changes_nothing(
    crank: Crank, second: str, route: Route, code: str
) -> None:
    with pytest.raises((Invalid, NotFound, Refused)) as refused, crank.uow() as uow:
        carry_out(uow, plan_add(uow, route), "dana")
    assert refused.value.code == code
    assert len(crank.rows("SELECT FROM hub.route")) == 1


@pytest.mark.capability("RT-14")
def test_a_switch_says_what_goes_where_from_when_and_leaves_no_gap(crank: Crank, second: str) -> None:
    day = crank.hub.clock.now().date() + timedelta(days=3)
    with crank.uow() as uow:
        change = plan_switch(uow, Asked(role="erp"), "erp", second, day, keep=SHADOW)
        assert [(span.starts, span.text) for span in change.spans_after] == [
            (None, "erp"),
            (day, "new, erp as a shadow"),
        ]
        assert len(read_routes(uow)) == 1, "a plan changes nothing"
        carry_out(uow, change, "dana", "the new one is ready")
        (old,) = [route for route in read_routes(uow) if route.mode == LIVE and route.connection == "erp"]
        assert old.until_on == day
        with pytest.raises(Refused, match="nobody would take"):
            plan_end(uow, old.id, day - timedelta(days=1))


PARTS = st.sampled_from(["", "us"])
ROUTES = st.lists(
    st.builds(
        Route, role=st.just("erp"), connection=st.sampled_from(["a", "b", "c"]), company=PARTS,
        channel=st.sampled_from(["", "shop"]), domain=st.sampled_from(["", "orders"]),
        mode=st.sampled_from([LIVE, SHADOW]), share=st.sampled_from([100, 100, 30]),
        from_on=st.sampled_from([None, TODAY, TODAY + timedelta(days=2)]),
    ),
    max_size=6,
)  # fmt: skip


@pytest.mark.capability("RT-14")
@given(routes=ROUTES, key=st.text(min_size=1, max_size=8), ahead=st.integers(-2, 4))
def test_whatever_the_routes_a_connection_gets_work_once_and_a_shadow_never_takes_a_live_ones_place(
    routes: list[Route], key: str, ahead: int
) -> None:
    day, asked = (
        TODAY + timedelta(days=ahead),
        Asked(role="erp", domain="orders", company="us", channel="shop", key=key),
    )
    targets = choose(routes, asked, lambda zone: day)
    names = [target.connection for target in targets]
    assert len(names) == len(set(names))
    alone = choose([route for route in routes if route.mode == LIVE], asked, lambda zone: day)
    assert {target.connection for target in targets if not target.shadow} == {target.connection for target in alone}
    whole = [route for route in routes if route.mode == LIVE and route.share == 100 and route.holds_on(day)]
    assert bool(alone) or not whole, "where somebody takes all, nothing is left over"


def test_a_share_takes_its_keys_from_the_others_and_raised_only_adds() -> None:
    routes = [Route(role="erp", connection="old"), Route(role="erp", connection="new", share=10)]
    more = [routes[0], replace(routes[1], share=40)]
    keys = [f"orders:{n}" for n in range(500)]

    def takers(given: list[Route]) -> set[str]:
        chosen = {key: choose(given, Asked(role="erp", key=key), lambda zone: TODAY) for key in keys}
        assert {len(targets) for targets in chosen.values()} == {1}
        return {key for key, targets in chosen.items() if targets == (Target(connection="new"),)}

    assert takers(routes) < takers(more)
    assert [span.text for span in timeline(routes, Asked(role="erp"))] == ["new takes 10 %, old the rest"]


def test_the_order_of_dimensions_is_domain_channel_company() -> None:
    routes = [
        Route(role="erp", connection="any"),
        Route(role="erp", connection="company", company="us"),
        Route(role="erp", connection="channel", channel="shop"),
        Route(role="erp", connection="domain", domain="finance"),
    ]

    def taker(domain: str, company: str, channel: str) -> str:
        asked = Asked(role="erp", domain=domain, company=company, channel=channel, key="k")
        (target,) = choose(routes, asked, lambda zone: TODAY)
        return target.connection

    assert taker("finance", "us", "shop") == "domain"
    assert taker("orders", "us", "shop") == "channel"
    assert taker("orders", "us", "other") == "company"
    assert taker("orders", "eu", "other") == "any"
