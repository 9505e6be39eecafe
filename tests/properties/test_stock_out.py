"""Whatever is sold, heard, lost and counted in whatever order: a channel is never told more than there is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domains.inventory.policy.telling import (
    GRACE,
    Standing,
    Target,
    target_again,
    target_available,
    target_on_hand,
)

pytestmark = pytest.mark.capability("INV-8")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOTHING = Decimal(0)


@dataclass
class World:
    """Goods, a shop that sells them, and a hub that hears of it later. `lies` is what nobody has shipped yet."""

    lies: int
    shop: int = 0
    on_their_way: list[int] = field(default_factory=list)
    known: int = 0
    sold: int = 0
    arrived: int = 0  # since what was sent last
    tried_arrived: int = 0  # at the moment of the unanswered call
    key: int = 0
    keys: set[int] = field(default_factory=set)
    standing: Standing = field(default_factory=lambda: Standing(sku="TENT"))

    def sell(self, quantity: int) -> None:
        if quantity <= self.shop:
            self.shop -= quantity
            self.sold += quantity
            self.on_their_way.append(quantity)

    def arrive(self) -> None:
        if self.on_their_way:
            quantity = self.on_their_way.pop(0)
            self.known += quantity
            self.arrived += quantity

    def hear(self) -> None:
        """The shop says what stands there."""
        found = None if self.shop == self.standing.sent else Decimal(self.shop)
        if self.standing.sent is not None and self.standing.trying != found:
            self.standing = replace(self.standing, found=found, found_at=NOON)

    @property
    def left(self) -> int:
        return max(0, self.lies - self.sold)

    def tell(self, answer: str = "heard") -> None:
        """One call, as the flow makes it: planned, tried, answered or not. The same key again is one effect."""
        one = self.standing
        offered = Decimal(max(0, self.lies - self.known))
        if one.trying is not None:
            target, seen = target_again(one, NOON), self.tried_arrived
        else:
            target, seen = target_available(offered, one, Decimal(self.arrived), NOON), self.arrived
            if target.stands:
                self._stand(target, seen)
                return
            self.key += 1
            self.standing = replace(
                one, trying=target.quantity, tried_at=NOON, trying_owed=target.owed, trying_over=target.expected,
                owed_since=target.owed_since,
            )  # fmt: skip
            self.tried_arrived = seen
        if answer == "lost on the way":
            return
        if self.key not in self.keys:
            if target.expected not in (None, self.shop):
                if answer == "heard":
                    self._stale()
                return
            self.keys.add(self.key)
            self.shop = int(target.quantity)
        if answer == "heard":
            self._stand(target, seen)

    def _stale(self) -> None:
        cleared = replace(self.standing, trying=None, tried_at=None, trying_owed=NOTHING, trying_over=None)
        self.standing = replace(cleared, found=Decimal(self.shop), found_at=NOON)

    def _stand(self, target: Target, seen: int) -> None:
        self.arrived -= seen
        self.tried_arrived = 0
        self.standing = Standing(
            sku="TENT", sent=target.quantity, sent_at=NOON, owed=target.owed, owed_since=target.owed_since
        )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sell"), st.integers(1, 4)),
        st.tuples(st.just("arrive"), st.just(0)),
        st.tuples(st.just("hear"), st.just(0)),
        st.tuples(st.just("count"), st.integers(-3, 5)),
        st.tuples(st.just("tell"), st.sampled_from(["heard", "lost on the way", "lost on the way back"])),
    ),
    max_size=40,
)


@given(STEPS, st.integers(0, 20))
@settings(max_examples=400, deadline=None)
def test_no_more_is_told_than_there_is_and_in_the_end_exactly_that(steps: list[tuple[str, object]], lies: int) -> None:
    world = World(lies=lies)
    world.tell()
    for what, value in steps:
        match what, value:
            case "sell", int(quantity):
                world.sell(quantity)
            case "arrive", _:
                world.arrive()
            case "hear", _:
                world.hear()
            case "count", int(difference):
                world.lies = max(world.sold, world.lies + difference)
            case "tell", str(answer):
                before, repeats = world.shop, world.standing.trying is not None
                world.tell(answer)
                if repeats and world.standing.trying is None:  # what is newer follows at once
                    world.tell()
                if world.standing.trying is not None:
                    continue
                assert world.shop <= max(before, world.left), "the shop was told more than is left"
    while world.on_their_way:
        world.arrive()
    for _ in range(4):
        world.tell()
    assert world.shop == world.left
    assert world.standing.owed == 0


def test_what_nothing_explains_is_owed_no_longer_than_its_time_and_is_named() -> None:
    owed = Standing(sku="TENT", sent=Decimal(7), sent_at=NOON, owed=Decimal(2), owed_since=NOON)
    early = target_available(Decimal(9), owed, NOTHING, NOON + GRACE - timedelta(seconds=1))
    late = target_available(Decimal(9), owed, NOTHING, NOON + GRACE)
    assert (early.quantity, early.owed, early.strayed) == (7, 2, 0)
    assert (late.quantity, late.owed, late.strayed) == (9, 0, 2)


def test_where_a_bundle_may_have_been_sold_nothing_is_taken_for_told() -> None:
    sent = Standing(sku="TENT", sent=Decimal(10), sent_at=NOON)
    alone = target_available(Decimal(8), sent, Decimal(2), NOON)
    mixed = target_available(Decimal(8), sent, Decimal(2), NOON, shared=True)
    assert (alone.stands, mixed.stands, mixed.expected) == (True, False, 10)


def test_on_hand_is_what_may_be_sold_and_what_is_sold_and_not_shipped() -> None:
    sent = Standing(sku="TENT", sent=Decimal(10), sent_at=NOON)
    assert target_on_hand(Decimal(7), sent, Decimal(3)).stands
    assert target_on_hand(Decimal("7.9"), sent, Decimal(2)).quantity == 9
