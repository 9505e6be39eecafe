"""What a channel changed and never told: found by asking, brought in once, and said where it is no chance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domains.orders.canonical import Order
from app.flows import gap_scan
from app.infra.watch import scans
from app.infra.windows import open_window
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import HubError, Invalid, NotFound, Refused
from tests.factories import an_order
from tests.flows.conftest import Story

pytestmark = pytest.mark.capability("RT-15")
MISSING = "gap_scan.webhooks_missing"


def changed(story: Story, number: int, *, minutes_ago: float = 30) -> Order:
    """An order that the shop changed so many minutes ago."""
    at = SYSTEM_CLOCK.now() - timedelta(minutes=minutes_ago)
    order = an_order(external_id=str(number), name=f"#{number}", source_version=at, created_at=at, placed_at=at)
    story.shop.orders[str(number)] = order
    return order


def scan(story: Story, *, later: float = 0) -> None:
    """The window opens, so many minutes from now."""
    instant = SYSTEM_CLOCK.now() + timedelta(minutes=later)

    class Then:
        def now(self) -> datetime:
            return instant

    story.crank.hub.clock = Then()
    with story.crank.uow() as uow:
        assert open_window(uow, gap_scan.GAP_SCAN, instant)
    story.settle()


def last(story: Story) -> tuple[int, int]:
    with story.crank.uow() as uow:
        (row,) = scans(uow)
        return row.listed, row.missing


def test_an_order_whose_webhook_never_came_is_posted_once(story: Story) -> None:
    story.stock(TENT_2P_GRN=20)
    changed(story, 1)
    scan(story)
    assert (story.state("1"), last(story)) == ("posted", (1, 1))
    scan(story, later=10)
    scan(story, later=20)
    assert (len(story.erp.postings), last(story)) == (1, (0, 0))


def test_a_webhook_that_comes_late_after_all_changes_nothing(story: Story) -> None:
    story.stock(TENT_2P_GRN=20)
    order = changed(story, 1)
    scan(story)
    story.post("orders/create", order)
    story.settle()
    assert (story.state("1"), len(story.erp.postings)) == ("posted", 1)


def test_a_newer_version_that_was_never_told_is_fetched(story: Story) -> None:
    story.stock(TENT_2P_GRN=20)
    story.post("orders/create", changed(story, 1, minutes_ago=60))
    story.settle()
    changed(story, 1, minutes_ago=5)
    scan(story)
    assert last(story)[1] == 1
    assert story.crank.rows("SELECT version FROM orders.sales_order") == [(2,)]


def test_what_is_told_and_not_yet_taken_in_is_not_missing(story: Story) -> None:
    story.post("orders/create", changed(story, 1))
    instant = SYSTEM_CLOCK.now()
    with story.crank.uow() as uow:
        uow.sql("UPDATE hub.delivery SET next_at = now() + interval '1 hour'")  # a backlog
        assert open_window(uow, gap_scan.GAP_SCAN, instant)
    story.settle()
    assert last(story) == (1, 0)
    assert story.shop.fetched == 0


def test_what_was_changed_just_now_has_time_to_be_told(story: Story) -> None:
    changed(story, 1, minutes_ago=1)
    scan(story)
    assert (story.state("1"), last(story)) == ("unknown", (0, 0))
    scan(story, later=10)
    assert last(story) == (1, 1)


def test_scans_overlap_and_go_on_where_the_last_one_ended(story: Story) -> None:
    scan(story)
    with story.crank.uow() as uow:
        (row,) = scans(uow)
        until = row.read_until
    changed(story, 1).source_version  # noqa: B018
    late = until - timedelta(minutes=4)  # stamped before the last scan, seen after it
    story.shop.orders["1"] = an_order(external_id="1", source_version=late, created_at=late, placed_at=late)
    scan(story, later=10)
    assert last(story) == (1, 1)


def test_a_long_scan_goes_on_in_further_calls(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    story.stock(TENT_2P_GRN=50)
    monkeypatch.setattr(gap_scan, "MOST_PAGES", 1)
    for n in range(1, 9):
        changed(story, n)
    scan(story)
    assert last(story) == (8, 8)
    assert story.ended("gap_scan.look") == [("done", None)] * 3
    assert len(story.erp.postings) == 8


def test_few_among_many_are_chance_and_many_are_a_case_that_ends_by_itself(story: Story) -> None:
    story.stock(TENT_2P_GRN=50)
    story.post("orders/create", changed(story, 1))
    story.settle()
    changed(story, 2)
    scan(story)
    assert story.cases() == {}
    for n in range(3, 8):
        changed(story, n, minutes_ago=-5)
    story.post("orders/create", story.shop.orders["3"])
    scan(story, later=10)
    assert story.cases() == {MISSING: "shop"}
    facts = story.crank.rows("SELECT facts->'missing' FROM hub.exception_case")
    assert facts == [(4,)]
    story.settle()
    story.post("orders/create", changed(story, 9, minutes_ago=-15))
    scan(story, later=25)
    assert story.cases() == {}


def test_a_silent_channel_is_a_case_at_the_first_order(story: Story) -> None:
    story.stock(TENT_2P_GRN=50)
    changed(story, 1)
    scan(story)
    assert story.cases() == {MISSING: "shop"}


def test_orders_from_before_the_channel_went_live_are_kept_for_the_record(story: Story) -> None:
    with story.crank.uow() as uow:
        now = SYSTEM_CLOCK.now().isoformat()
        uow.sql(
            "UPDATE hub.connection SET version = version + 1, "
            "settings = settings || jsonb_build_object('live_from', %(now)s::text) WHERE name = 'shop'",
            {"now": now},
        )
    story.crank.hub.connections.forget()
    order = changed(story, 1)
    scan(story)
    assert story.state("1") == "historical"
    changed(story, 2, minutes_ago=45)
    story.post("orders/create", story.shop.orders["2"])
    story.settle()
    assert story.state("2") == "historical"
    assert (story.erp.postings, order.name) == ([], "#1")


def test_a_person_has_a_range_scanned(story: Story) -> None:
    story.stock(TENT_2P_GRN=50)
    changed(story, 1, minutes_ago=60 * 24 * 9)
    scan(story)
    assert last(story) == (0, 0)
    with story.crank.uow() as uow:
        gap_scan.ask(uow, "shop", since=SYSTEM_CLOCK.now() - timedelta(days=10), who="june")
    story.settle()
    assert (story.state("1"), story.cases()) == ("posted", {})
    acts = [row[0] for row in story.crank.rows("SELECT did FROM hub.act WHERE who = 'june' ORDER BY id")]
    assert acts == ["asked for a gap scan", "scanned for gaps"]


def test_an_erp_is_polled_further_back_on_demand(story: Story) -> None:
    since = SYSTEM_CLOCK.now() - timedelta(days=3)
    with story.crank.uow() as uow:
        gap_scan.ask(uow, "erp", since=since, who="june")
    story.settle()
    assert story.erp.since == [since]


@pytest.mark.parametrize(
    ("name", "since", "error", "code"),
    [
        ("nowhere", None, NotFound, "connections.unknown"),
        ("shop", datetime(2999, 1, 1, tzinfo=UTC), Invalid, "gap_scan.range"),
        ("shop", datetime(2026, 1, 1), Invalid, "gap_scan.range"),  # noqa: DTZ001
        ("other", None, Refused, "gap_scan.nothing_to_ask"),
    ],
)
def test_what_cannot_be_scanned_is_refused(
    story: Story, name: str, since: datetime | None, error: type[HubError], code: str
) -> None:
    story.crank.connect("other", "paper_mute")
    with pytest.raises(error) as refused, story.crank.uow() as uow:
        gap_scan.ask(uow, name, since=since, who="june")
    assert refused.value.code == code
    assert story.crank.rows("SELECT count(*) FROM hub.event") == [(0,)]
