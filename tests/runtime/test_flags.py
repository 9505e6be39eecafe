"""Flags: the most particular rule wins, a share only grows, what is closed waits and costs no attempt."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.flows.runtime import Steps, step
from app.infra.db import make_engine, make_sessions
from app.infra.flagging import WAITS, clear_flag, set_flag
from app.infra.flags import EVERY_CALL, Flags, Rule, Scope, explain, passes, slot
from app.kernel.errors import Invalid, NotFound
from tests.hub import Crank
from tests.runtime.conftest import Remote, Sink, ThingCounted

pytestmark = pytest.mark.capability("RT-13")
NAMES = ("connection", "channel", "company", "region", "domain")
scopes = st.builds(Scope, **{name: st.sampled_from(["", "a", "b"]) for name in NAMES})
percents = st.decimals(0, 100, places=2)


@given(key=st.text(max_size=20), less=percents, more=percents)
def test_a_share_that_is_raised_only_adds_keys(key: str, less: Decimal, more: Decimal) -> None:
    if less <= more and passes("f", key, less):
        assert passes("f", key, more)
    assert passes("f", key, Decimal(100))
    assert not passes("f", key, Decimal(0))


def test_a_share_takes_about_its_percentage_and_another_flag_other_keys() -> None:
    keys = [f"orders:{n}" for n in range(10_000)]
    taken = {key for key in keys if passes("a", key, Decimal(10))}
    assert 850 < len(taken) < 1150
    assert 50 < len({key for key in taken if passes("b", key, Decimal(10))}) < 160
    assert slot("erp.posting", "orders:1") == 3776, "a release that moves the keys moves everybody's orders"


@given(rules=st.lists(st.tuples(scopes, percents), max_size=8, unique_by=lambda one: one[0]), asked=scopes)
def test_the_most_particular_rule_that_fits_wins(rules: list[tuple[Scope, Decimal]], asked: Scope) -> None:
    kept = {EVERY_CALL: [Rule(flag=EVERY_CALL, scope=scope, percent=percent) for scope, percent in rules]}
    found = explain(kept, EVERY_CALL, asked, "k")
    fitting = [scope for scope, _ in rules if scope.covers(asked)]
    if not fitting:
        assert (found.winner, found.percent) == (None, Decimal(100))
        return
    assert found.winner is not None
    assert found.winner.scope in fitting
    assert len(found.winner.scope.named) == max(len(scope.named) for scope in fitting)


@pytest.mark.parametrize(
    ("name", "value", "scope", "code"),
    [
        ("erp.postings", "on", Scope(), "flags.unknown"),
        ("erp.posting", "101", Scope(), "flags.percent"),
        ("erp.posting", "0.001", Scope(), "flags.percent"),
        ("erp.posting", "nan", Scope(), "flags.percent"),
        ("erp.posting", "off", Scope(connection="nobody"), "connections.unknown"),
        ("erp.posting", "off", Scope(domain="poetry"), "flags.scope"),
        ("erp.posting", "off", Scope(company="nobody"), "flags.scope"),
    ],
)
def test_what_does_not_hold_is_refused_by_name_and_changes_nothing(
    crank: Crank, name: str, value: str, scope: Scope, code: str
) -> None:
    with pytest.raises((Invalid, NotFound)) as refused, crank.uow() as uow:
        set_flag(uow, name, value, scope, "dana")
    assert refused.value.code == code
    assert crank.rows("SELECT FROM hub.flag_rule") == []


def test_a_step_that_names_an_unknown_flag_is_refused_at_import() -> None:
    with pytest.raises(TypeError, match="is no flag"):
        step(
            "trial.flagged", on=ThingCounted, queue="orders", at="erp", flag="erp.postings", port=Sink,
            plan=lambda uow, told: None, call=lambda connection, plan: None,
            record=lambda uow, told, plan, answer: None, steps=Steps(),
        )  # fmt: skip


def test_what_a_flag_closes_waits_without_an_attempt_and_goes_on_in_its_order(crank: Crank, remote: Remote) -> None:
    _switch(crank, "off", Scope(connection="erp"))
    with crank.uow() as uow:
        for what in ("1", "2"):
            for n in range(5):
                uow.publish(ThingCounted(thing=f"t{n}", what=what))
    crank.settle()
    assert remote.calls == []
    waits = "SELECT state, attempt, code FROM hub.delivery WHERE subscriber = 'trial.post' AND code IS NOT NULL"
    assert set(crank.rows(waits)) == {("due", 0, WAITS)}
    _switch(crank, "on", Scope(connection="erp"))
    crank.settle()
    assert len(remote.calls) == 10
    assert all(remote.calls.index(f"t{n}.1") < remote.calls.index(f"t{n}.2") for n in range(5))
    assert crank.rows("SELECT DISTINCT attempt FROM hub.delivery WHERE subscriber = 'trial.post'") == [(1,)]
    assert len(crank.rows("SELECT FROM hub.act WHERE kind = 'flag' AND who = 'dana'")) == 2


def test_a_share_lets_its_keys_through_and_raised_the_others_too(crank: Crank, remote: Remote) -> None:
    _switch(crank, "30", Scope(domain="orders"))
    with crank.uow() as uow:
        for n in range(40):
            uow.publish(ThingCounted(thing=f"t{n}", what="1"))
    crank.settle()
    part = {f"t{n}.1" for n in range(40) if passes(EVERY_CALL, f"trial:t{n}", Decimal(30))}
    assert set(remote.calls) == part
    assert 0 < len(part) < 40
    with crank.uow() as uow:
        clear_flag(uow, EVERY_CALL, Scope(domain="orders"), "dana")
    crank.settle()
    assert sorted(remote.calls) == sorted(f"t{n}.1" for n in range(40))


def test_while_the_database_is_away_a_flag_has_its_default(crank: Crank) -> None:
    nowhere = make_engine(crank.hub.engine.url.set(host="127.0.0.1", port=9).render_as_string(hide_password=False))
    flags = Flags(make_sessions(nowhere))
    assert flags.allows(EVERY_CALL, "k")
    with pytest.raises(Invalid, match="there is no flag"):
        flags.allows("erp.postings", "k")


def _switch(crank: Crank, value: str, scope: Scope) -> None:
    with crank.uow() as uow:
        set_flag(uow, EVERY_CALL, value, scope, "dana", "closing the month")
    crank.hub.flags.forget()
