"""What remotes tell by themselves, watched: mended where it is wrong, and said where it is silent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.flows.subscription_watch import WATCH
from app.infra.notices import SubscriptionsDue
from app.infra.quiet import at_most, silence, usual
from app.infra.remote.spec import Subscribed
from app.infra.watch import subscriptions_of
from app.infra.windows import open_window
from app.kernel.clock import SYSTEM_CLOCK
from tests.factories import an_order
from tests.flows.conftest import Story

pytestmark = pytest.mark.capability("RT-16")
FRIDAY = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def look(story: Story, *found: Subscribed) -> None:
    """The channel's keeper finds these at its next look."""
    story.shop.subscribed = found
    with story.crank.uow() as uow:
        uow.publish(SubscriptionsDue(connection="shop"))
    story.settle()


WELL = Subscribed(topic="orders/create")


def test_what_is_created_the_first_time_is_no_trouble(story: Story) -> None:
    look(story, Subscribed(topic="orders/create", state="missing", did="created"))
    assert story.cases() == {}
    with story.crank.uow() as uow:
        (row,) = subscriptions_of(uow)
        assert (row.topic, row.state, row.mended, row.well_at is not None) == ("orders/create", "well", "created", True)


def test_one_that_was_lost_is_mended_reported_and_its_gap_fetched(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    look(story, WELL)
    with story.crank.uow() as uow:
        uow.sql("UPDATE hub.subscription SET well_at = now() - interval '5 hours'")
    at = SYSTEM_CLOCK.now() - timedelta(hours=4)
    story.shop.orders["1"] = an_order(external_id="1", source_version=at, created_at=at, placed_at=at)
    look(story, Subscribed(topic="orders/create", state="missing", did="created"))
    assert story.state("1") == "posted"
    cases = story.crank.rows("SELECT code, said FROM hub.exception_case WHERE code LIKE 'subscriptions.%%'")
    assert cases == [("subscriptions.lost", "created orders/create")]


def test_a_renewal_in_time_is_no_trouble(story: Story) -> None:
    look(story, WELL)
    look(story, Subscribed(topic="orders/create", state="expiring", did="renewed"))
    assert story.cases() == {}


def test_what_cannot_be_mended_is_a_case_until_it_is_well(story: Story) -> None:
    look(story, WELL, Subscribed(topic="orders/updated", state="changed", said="it tells in API version 2025-10"))
    assert story.cases() == {"subscriptions.not_mended": "shop"}
    look(story, WELL, Subscribed(topic="orders/updated"))
    assert story.cases() == {}


def test_a_topic_that_the_remote_refuses_and_the_hub_can_do_without_is_shown_only(story: Story) -> None:
    look(story, WELL, Subscribed(topic="returns/open", state="refused", said="no scope"))
    assert story.cases() == {}
    with story.crank.uow() as uow:
        assert {row.topic: row.state for row in subscriptions_of(uow, "shop")} == {
            "orders/create": "well", "returns/open": "refused",
        }  # fmt: skip


def history(story: Story, now: datetime, *, weeks: int, an_hour: int, silent_hours: int) -> None:
    """So many webhooks an hour for weeks, and none in the last hours."""
    start = now.replace(minute=0, second=0, microsecond=0) - timedelta(weeks=weeks)
    hours = int(timedelta(weeks=weeks).total_seconds() // 3600)
    totals = [(start + timedelta(hours=n), an_hour * max(0, min(n, hours - silent_hours - 1))) for n in range(hours)]
    with story.crank.uow() as uow:
        uow.sql(
            "INSERT INTO hub.heard (connection, hour, total) "
            "SELECT 'shop', * FROM unnest(%(hours)s::timestamptz[], %(totals)s::bigint[])",
            {"hours": [hour for hour, _ in totals], "totals": [total for _, total in totals]},
        )


def watch(story: Story) -> None:
    with story.crank.uow() as uow:
        assert open_window(uow, WATCH, SYSTEM_CLOCK.now())
    story.settle()


def test_unusual_silence_is_a_case_while_something_was_missing(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.shop.subscribed = (WELL,)
    history(story, SYSTEM_CLOCK.now(), weeks=5, an_hour=30, silent_hours=2)
    at = SYSTEM_CLOCK.now() - timedelta(minutes=50)
    story.shop.orders["1"] = an_order(external_id="1", source_version=at, created_at=at, placed_at=at)
    watch(story)
    assert story.cases() == {"gap_scan.webhooks_missing": "shop", "subscriptions.quiet": "shop"}
    assert story.state("1") == "posted"


def test_silence_in_which_nothing_happened_ends_its_case_by_itself(story: Story) -> None:
    story.shop.subscribed = (WELL,)
    history(story, SYSTEM_CLOCK.now(), weeks=5, an_hour=30, silent_hours=2)
    watch(story)
    assert story.cases() == {}
    closed = story.crank.rows("SELECT code, state, closed_by FROM hub.exception_case")
    assert closed == [("subscriptions.quiet", "resolved", "hub")]


def test_webhooks_are_counted_from_the_roll_ups(story: Story) -> None:
    story.shop.subscribed = (WELL,)
    with story.crank.uow() as uow:
        uow.sql("INSERT INTO hub.counter (name, label, n) VALUES ('notices', 'shop', 12)")
    watch(story)
    assert story.crank.rows("SELECT connection, total FROM hub.heard") == [("shop", 12)]


class TestSilence:
    def test_there_is_no_habit_before_three_weeks(self) -> None:
        heard = {FRIDAY - timedelta(weeks=n): 100 for n in (1, 2)}
        assert usual(heard, FRIDAY) is None
        assert usual(heard | {FRIDAY - timedelta(weeks=3): 10}, FRIDAY) == 100

    def test_a_quiet_night_is_usual_and_a_quiet_afternoon_is_not(self) -> None:
        def weeks(an_hour: int, now: int) -> dict[datetime, int]:
            last = FRIDAY - timedelta(hours=1)
            return {last - timedelta(weeks=n): an_hour for n in range(1, 5)} | {last: now}

        assert silence(weeks(0, 0), FRIDAY) is None
        assert silence(weeks(3, 0), FRIDAY) is None  # three may fail to come by chance
        assert silence(weeks(40, 0), FRIDAY) == (1, 40.0, 0)
        assert silence(weeks(40, 3), FRIDAY) == (1, 40.0, 3)
        assert silence(weeks(40, 20), FRIDAY) is None  # half is a bad day

    @given(st.integers(0, 2000), st.floats(0.1, 2000))
    def test_a_chance_is_a_chance(self, count: int, expected: float) -> None:
        assert 0.0 <= at_most(count, expected) <= 1.0 + 1e-9

    @given(st.dictionaries(st.integers(0, 24 * 63), st.integers(0, 500)))
    def test_whatever_was_heard_the_present_as_usual_is_never_silence(self, counts: dict[int, int]) -> None:
        heard = {FRIDAY - timedelta(hours=n): many for n, many in counts.items()}
        found = silence(heard, FRIDAY)
        assert found is None or found[2] <= found[1] * 0.1
