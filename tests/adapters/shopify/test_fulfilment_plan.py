"""Whatever a shop has open: a plan takes what was shipped, no unit more, and says what it could not take."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.shopify.fulfilment_plan import (
    Accept,
    FulfilmentOrder,
    Hold,
    Open,
    OpenLine,
    Pick,
    Plan,
    Release,
    Relocate,
    Sent,
    fits,
    ours,
    plan,
)
from app.domains.orders.ports import FulfilledLine, Fulfilment, Package

pytestmark = pytest.mark.capability("ORD-6", "SYS-shopify")

BEGAN = datetime(2026, 11, 21, 15, 0, 0, 400_000, tzinfo=UTC)
ACTIONS = frozenset({"CREATE_FULFILLMENT", "MOVE"})


def an_order(gid: str = "fo-1", *lines: tuple[str, int], **overrides: object) -> FulfilmentOrder:
    given_: dict[str, object] = {
        "gid": gid, "status": "OPEN", "request_status": "UNSUBMITTED", "location": "1", "actions": ACTIONS, "holds": (),
        "lines": tuple(OpenLine(gid=f"{gid}/{line}", line_id=line, remaining=count) for line, count in lines),
    }  # fmt: skip
    return FulfilmentOrder(**(given_ | overrides))  # type: ignore[arg-type]


def sent(external_id: str, units: dict[str, int], *numbers: str, seconds: float = 0.0, cancelled: bool = False) -> Sent:
    created = BEGAN.replace(microsecond=0) + timedelta(seconds=seconds)
    return Sent(
        external_id=external_id, created_at=created, cancelled=cancelled, units=units, numbers=frozenset(numbers)
    )


def a_shipment(units: dict[str, int], *numbers: str) -> Fulfilment:
    return Fulfilment(
        shipment_id="s-1",
        order_gid="gid://shopify/Order/1",
        lines=tuple(FulfilledLine(line_id=line, quantity=count) for line, count in units.items()),
        packages=tuple(Package(tracking_number=number) for number in numbers),
        attempted_at=BEGAN,
        again=True,
    )


class TestObstacles:
    def test_what_opens_a_fulfilment_order_comes_before_what_is_taken(self) -> None:
        wanted = {"a": 1}
        ours_ = (Hold(gid="h-1", ours=True),)
        shut = an_order("fo-1", ("a", 1), status="ON_HOLD", actions=frozenset({"RELEASE_HOLD"}), holds=ours_)
        assert plan(wanted, [shut], "").clearings == (Release(order="fo-1", holds=("h-1",)),)
        scheduled = an_order("fo-1", ("a", 1), status="SCHEDULED", actions=frozenset({"MARK_AS_OPEN"}))
        assert plan(wanted, [scheduled], "").clearings == (Open(order="fo-1"),)
        asked = an_order("fo-1", ("a", 1), request_status="SUBMITTED")
        assert plan(wanted, [asked], "").clearings == (Accept(order="fo-1"),)
        elsewhere = plan(wanted, [an_order("fo-1", ("a", 1))], "2").clearings
        pick = Pick(order="fo-1", line="fo-1/a", line_id="a", quantity=1)
        assert elsewhere == (Relocate(order="fo-1", location="2", picks=(pick,)),)

    def test_a_hold_that_is_not_ours_blocks_only_what_it_holds(self) -> None:
        held = an_order(
            "fo-1", ("a", 1), status="ON_HOLD", actions=frozenset(), holds=(Hold(gid="h", ours=False, reason="Fraud"),)
        )
        open_ = an_order("fo-2", ("b", 1))
        assert plan({"a": 1}, [held, open_], "").blocked == ("fo-1 is on hold: Fraud",)
        assert plan({"b": 1}, [held, open_], "").blocked == ()

    def test_units_of_one_place_are_one_fulfilment(self) -> None:
        made = plan({"a": 3}, [an_order("fo-1", ("a", 1)), an_order("fo-2", ("a", 5))], "")
        assert [[(pick.order, pick.quantity) for pick in picks] for picks in made.creations] == [
            [("fo-1", 1), ("fo-2", 2)]
        ]

    def test_two_lines_of_one_article_are_told_apart(self) -> None:
        made = plan({"a": 1}, [an_order("fo-1", ("b", 5), ("a", 1))], "")
        assert [pick.line for picks in made.creations for pick in picks] == ["fo-1/a"]


class TestRecognition:
    def test_our_own_is_known_by_its_tracking_or_by_its_time(self) -> None:
        units = {"a": 2}
        assert ours([sent("1", units, "1Z")], a_shipment(units, "1Z"), units)
        assert ours([sent("1", units, "1Z", seconds=-3600)], a_shipment(units, "1Z"), units)
        assert ours([sent("1", units, seconds=2)], a_shipment(units), units)
        assert not ours([sent("1", units, seconds=-60)], a_shipment(units), units)
        assert not ours([sent("1", units, "HIS")], a_shipment(units, "1Z"), units)
        assert not ours([sent("1", {"a": 3}, "1Z")], a_shipment(units, "1Z"), units)
        assert not ours([sent("1", units, "1Z", cancelled=True)], a_shipment(units, "1Z"), units)
        assert not ours([sent("1", units)], replace(a_shipment(units), attempted_at=None), units)

    def test_two_that_look_alike_do_not_both_count_for_one_shipment(self) -> None:
        units = {"a": 2}
        found = ours([sent("2", units, "1Z", seconds=1), sent("1", units, "1Z")], a_shipment(units, "1Z"), units)
        assert [one.external_id for one in found] == ["1"]

    def test_what_fits_exactly_is_taken_and_nothing_else(self) -> None:
        shipment = a_shipment({"a": 2}, "1Z")
        assert fits([sent("1", {"a": 2})], shipment, {"a": 2}) == sent("1", {"a": 2})
        for other in (sent("1", {"a": 1}), sent("1", {"a": 2}, "HIS"), sent("1", {"a": 2}, cancelled=True)):
            assert fits([other], shipment, {"a": 2}) is None


LINE = st.sampled_from("abcd")
ORDER = st.builds(
    lambda gid, lines, location, status, request: an_order(
        f"fo-{gid}", *lines.items(), location=location, status=status, request_status=request
    ),
    st.integers(0, 10**6),
    st.dictionaries(LINE, st.integers(0, 5), max_size=4),
    st.sampled_from(("", "1", "2", "3")),
    st.sampled_from(("OPEN", "IN_PROGRESS", "ON_HOLD", "CLOSED")),
    st.sampled_from(("UNSUBMITTED", "SUBMITTED")),
)


class TestProperties:
    @given(
        st.dictionaries(LINE, st.integers(0, 9)),
        st.lists(ORDER, max_size=6, unique_by=lambda one: one.gid),
        st.sampled_from(("", "1", "2")),
        st.booleans(),
    )
    def test_every_unit_is_taken_once_or_named_as_missing(
        self, wanted: dict[str, int], orders: list[FulfilmentOrder], location: str, movable: bool
    ) -> None:
        stuck = frozenset() if movable else frozenset(one.gid for one in orders)
        made = plan(wanted, orders, location, stuck)
        taken = _taken(made)
        missing = Counter({line.line_id: line.quantity for line in made.missing})
        assert taken + missing == Counter({line: count for line, count in wanted.items() if count})
        remaining = {line.gid: line.remaining for one in orders for line in one.lines}
        picked: Counter[str] = Counter()
        for pick in _picks(made):
            picked[pick.line] += pick.quantity
        assert all(count <= remaining[line] for line, count in picked.items())

    @given(
        st.dictionaries(LINE, st.integers(1, 9)),
        st.lists(ORDER, max_size=6, unique_by=lambda one: one.gid),
        st.sampled_from(("", "1", "2")),
    )
    def test_a_fulfilment_is_of_one_place_and_of_open_orders_alone(
        self, wanted: dict[str, int], orders: list[FulfilmentOrder], location: str
    ) -> None:
        by_gid = {one.gid: one for one in orders}
        made = plan(wanted, orders, location)
        places = [{by_gid[pick.order].location for pick in picks} for picks in made.creations]
        assert all(len(each) == 1 for each in places)
        assert len({place for each in places for place in each}) == len(places)
        assert all(by_gid[pick.order].ready for picks in made.creations for pick in picks)
        assert all(pick.quantity > 0 for pick in _picks(made))


def _picks(made: Plan) -> list[Pick]:
    moved = [pick for one in made.clearings if isinstance(one, Relocate) for pick in one.picks]
    return [pick for picks in made.creations for pick in picks] + moved


def _taken(made: Plan) -> Counter[str]:
    taken: Counter[str] = Counter()
    for pick in _picks(made):
        taken[pick.line_id] += pick.quantity
    return taken
