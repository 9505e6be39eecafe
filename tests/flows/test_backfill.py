"""What was there before the hub, taken in by range: once, in its own time, and posted only where it should be."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from app.domains.orders import service as orders
from app.domains.orders.canonical import Order
from app.domains.orders.service import Post
from app.flows import acceptance
from app.flows.backfill_wish import Wish, begin, begin_again, prepare
from app.infra.remote.history import By
from app.infra.runs.rows import RunRow, items_of
from app.infra.runs.work import resume_run, run_of, stop_run
from app.kernel.errors import HubError, Invalid, NeedsAttention, NotFound, Refused, Transient
from tests.factories import PLACED, an_order
from tests.flows.builders import later
from tests.flows.conftest import Story
from tests.hub import Crank

pytestmark = pytest.mark.capability("RT-15")
LONG_AGO = PLACED - timedelta(days=400)


def placed(story: Story, number: int, at: datetime = PLACED, **more: object) -> Order:
    """An order that the shop holds and the hub never heard of."""
    times = {"created_at": at, "placed_at": at, "source_version": at}
    order = an_order(external_id=str(number), name=f"#{number}", **times | more)
    story.shop.orders[str(number)] = order
    return order


def wish(**more: object) -> Wish:
    given = {
        "connection": "shop", "kind": "order", "by": By.CREATED, "since": LONG_AGO - timedelta(days=1),
        "until": PLACED + timedelta(hours=1), "history_before": LONG_AGO + timedelta(days=1),
    }  # fmt: skip
    return Wish(**given | more)  # type: ignore[arg-type]


def start(story: Story, given: Wish | None = None) -> str:
    prepared = prepare(story.crank.hub, given or wish())
    with story.crank.uow() as uow:
        return begin(uow, prepared, who="june", rate=None)


def run(story: Story, given: Wish | None = None) -> RunRow:
    run_id = start(story, given)
    story.settle()
    return of(story, run_id)


def of(story: Story, run_id: str) -> RunRow:
    with story.crank.uow() as uow:
        row = run_of(uow, run_id)
        uow.session.expunge(row)
    return row


def posted(story: Story) -> dict[str, int]:
    """The ERP's documents by the order's key, and how often each was posted."""
    return {key: [one.key for one in story.erp.postings].count(key) for key in story.erp.documents}


def test_what_is_open_is_posted_and_what_is_done_or_old_is_kept_for_the_record(story: Story) -> None:
    story.stock(TENT_2P_GRN=50)
    placed(story, 1)
    placed(story, 2, fulfilled=True)
    placed(story, 3, closed_at=PLACED)
    placed(story, 4, LONG_AGO)
    row = run(story)
    assert (row.state, row.done, row.set_aside, row.total) == ("done", 4, 0, 4)
    assert row.counts == {"known": 0, "listed": 4, "taken_in": 4, "repeated": 0, "gone": 0}
    assert [story.state(str(n)) for n in (1, 2, 3, 4)] == ["posted", "historical", "historical", "historical"]
    assert len(posted(story)) == 1
    assert story.findings().count("orders.historical") == 3
    assert story.reserved() == {"allocated": 1}
    assert story.cases() == {}


@pytest.mark.parametrize(("post", "states"), [(Post.NOTHING, ["historical"] * 2), (Post.ALL, ["posted"] * 2)])
def test_what_is_posted_is_an_option_of_the_run(story: Story, post: Post, states: list[str]) -> None:
    story.stock(TENT_2P_GRN=50)
    placed(story, 1)
    placed(story, 2, fulfilled=True)
    run(story, wish(post=post))
    assert [story.state(str(n)) for n in (1, 2)] == states


def test_without_a_cut_off_only_what_came_since_the_connection_was_added_is_posted(story: Story) -> None:
    placed(story, 1)
    prepared = prepare(story.crank.hub, wish(history_before=None))
    assert prepared.history_before > PLACED
    run(story, wish(history_before=None))
    assert story.state("1") == "historical"


def test_it_is_kept_with_its_bytes_behind_what_comes_live(story: Story) -> None:
    story.stock(TENT_2P_GRN=50)
    placed(story, 1)
    row = run(story)
    kept = story.crank.rows("SELECT source, kind, object_id, correlation_id, length(body) > 100 FROM hub.notice")
    assert kept == [("backfill", "order", "1", row.id, True)]
    queues = "SELECT DISTINCT queue FROM hub.delivery WHERE subscriber IN ('intake.take_in_imported', 'backfill.turn')"
    assert story.crank.rows(queues) == [("bulk",)]


Deed = Callable[[Story], object]


def live_first(story: Story) -> object:
    return story.post("orders/create", story.shop.orders["1"])


def live_edit(story: Story) -> object:
    """A newer version is told; the shop holds it from then on."""
    newer = later(story.shop.orders["1"], 30, note="ring twice")
    story.shop.orders["1"] = newer
    return story.post("orders/updated", newer)


def backfilled(story: Story) -> object:
    return run(story)


@pytest.mark.parametrize("deeds", list(permutations((live_first, live_edit, backfilled))))
def test_live_and_backfill_in_any_order_end_alike_and_post_once(story: Story, deeds: tuple[Deed, ...]) -> None:
    story.stock(TENT_2P_GRN=50)
    first = placed(story, 1)
    for deed in (*deeds, backfilled):
        if deed is live_first:
            story.post("orders/create", first)
        else:
            deed(story)
        story.settle()
    assert story.state("1") == "posted"
    assert posted(story) == {"1": 1}
    newest = "SELECT source_version, total_minor FROM orders.sales_order"
    assert story.crank.rows(newest) == [(PLACED + timedelta(minutes=30), 2500)]
    assert story.reserved() == {"allocated": 1}
    assert story.cases() == {}


def test_a_webhook_that_is_under_way_while_its_order_is_backfilled_changes_nothing(story: Story) -> None:
    story.stock(TENT_2P_GRN=50)
    order = placed(story, 1)
    story.shop.before_read = lambda external_id: story.post("orders/create", order)
    assert run(story).counts["taken_in"] + run(story).counts["known"] >= 1
    assert posted(story) == {"1": 1}


def test_history_stays_history_whatever_its_channel_says_later(story: Story) -> None:
    story.stock(TENT_2P_GRN=50)
    order = placed(story, 1, LONG_AGO)
    run(story)
    story.post("orders/updated", replace(order, source_version=PLACED, note="a new tag"))
    story.settle()
    assert (story.state("1"), posted(story)) == ("historical", {})
    assert story.crank.rows("SELECT version FROM orders.sales_order") == [(2,)]


def test_a_person_takes_up_a_historical_order_and_it_is_posted(story: Story) -> None:
    story.stock(TENT_2P_GRN=50)
    placed(story, 1, LONG_AGO)
    run(story)
    order_id = story.order_id("1")
    with story.crank.uow() as uow:
        acceptance.take_up(uow, order_id, "june", "sold before, never sent")
    story.settle()
    assert (story.state("1"), posted(story)) == ("posted", {"1": 1})
    with pytest.raises(Refused, match="only history"), story.crank.uow() as uow:
        orders.take_up(uow, order_id, "june", "again")


def test_what_the_hub_has_is_not_fetched_again(story: Story) -> None:
    story.stock(TENT_2P_GRN=50)
    for n in range(1, 8):
        placed(story, n)
    assert run(story).counts["taken_in"] == 7
    story.shop.reads.clear()
    again = run(story)
    assert (again.counts["known"], again.counts["listed"], again.done) == (7, 7, 7)
    assert story.shop.reads == []


def test_what_cannot_be_read_is_set_aside_and_the_run_goes_on(story: Story) -> None:
    story.stock(TENT_2P_GRN=50)
    for n in range(1, 6):
        placed(story, n)
    story.shop.wrong = {"2": NeedsAttention("paper.too_long", "a list without end"), "4": b'{"kind": "order"}'}
    row = run(story)
    assert (row.state, row.done, row.set_aside) == ("done", 5, 2)
    assert [story.state(str(n)) for n in range(1, 6)] == ["posted", "unknown", "posted", "unknown", "posted"]
    with story.crank.uow() as uow:
        assert [(one.key, one.code) for one in items_of(uow, row.id)] == [
            ("2", "paper.too_long"),
            ("4", "paper.unreadable"),
        ]
    assert story.cases() == {"backfill.set_aside": f"run {row.id}"}
    story.shop.wrong = {}
    with story.crank.uow() as uow:
        second = begin_again(uow, row.id, who="june", rate=None)
    story.settle()
    assert (of(story, second).state, story.state("2"), story.state("4")) == ("done", "posted", "posted")


def test_whole_pages_need_no_reading_and_a_bad_one_among_them_is_set_aside(story: Story) -> None:
    story.stock(TENT_2P_GRN=50)
    story.shop.whole = True
    for n in range(1, 8):
        placed(story, n)
    story.shop.wrong = {"5": b"[]"}
    row = run(story)
    assert (row.state, row.done, row.set_aside, row.counts["taken_in"]) == ("done", 7, 1, 6)
    assert story.shop.reads == []


def test_what_was_counted_and_never_came_is_a_finding(story: Story) -> None:
    story.stock(TENT_2P_GRN=50)
    placed(story, 1)
    story.shop.lost = 2
    row = run(story)
    with story.crank.uow() as uow:
        (found,) = items_of(uow, row.id)
    assert (found.outcome, found.code, found.said) == ("found", "backfill.count_differs", "1 listed of 3")
    assert story.cases() == {"backfill.count_differs": f"run {row.id}"}
    assert row.state == "done"


def test_an_order_that_is_gone_when_it_is_read_is_counted(story: Story) -> None:
    placed(story, 1)
    story.shop.before_read = lambda external_id: story.shop.orders.pop(external_id, None)
    row = run(story)
    assert (row.state, row.counts["gone"], story.cases()) == ("done", 1, {})


def test_a_failure_that_passes_costs_what_was_in_hand_only(story: Story) -> None:
    story.stock(TENT_2P_GRN=50)
    for n in range(1, 6):
        placed(story, n)
    failing = {"3": 1}

    def fail(external_id: str) -> None:
        if failing.get(external_id, 0):
            failing[external_id] -= 1
            raise Transient("paper.away", "later")

    story.shop.before_read = fail
    run_id = start(story)
    story.settle()
    story.crank.hasten()
    story.settle()
    assert of(story, run_id).counts["taken_in"] == 5
    assert story.shop.reads.count("1") == 1
    assert posted(story) == {str(n): 1 for n in range(1, 6)}


def test_a_worker_that_dies_in_a_turn_is_followed_by_another(story: Story, settings: object) -> None:
    story.stock(TENT_2P_GRN=50)
    for n in range(1, 6):
        placed(story, n)
    reached, released = threading.Event(), threading.Event()

    def hang(external_id: str) -> None:
        if external_id == "4" and not reached.is_set():
            reached.set()
            released.wait(30)

    story.shop.before_read = hang
    run_id = start(story)
    first = story.crank
    while not reached.is_set():
        for place in first.ready():
            if place.connection:
                first.dispatcher.wake(place)
            else:
                first.drain.run(place)
        first.dispatcher.turn()
    first.heart.stop()  # it beats no more: whoever lives takes over
    second = Crank(first.hub.settings, adapter=first.hub.adapter)
    with second.uow() as uow:
        uow.sql("UPDATE hub.connection SET settings = settings || '{\"doubt_seconds\": 0}', version = version + 1")
    second.hub.connections.forget()
    until = datetime.now(UTC) + timedelta(seconds=20)
    while True:
        second.hasten()
        second.settle()
        with second.uow() as uow:
            if run_of(uow, run_id).state == "done":
                break
        assert datetime.now(UTC) < until
    released.set()
    assert posted(story) == {str(n): 1 for n in range(1, 6)}
    second.close()


def test_a_run_that_was_stopped_goes_on_where_it_was(story: Story) -> None:
    story.stock(TENT_2P_GRN=50)
    for n in range(1, 8):
        placed(story, n)
    run_id = start(story)

    def stop(external_id: str) -> None:
        story.shop.before_read = lambda _: None
        with story.crank.uow() as uow:
            stop_run(uow, run_id, "june", "later")

    story.shop.before_read = stop
    story.settle()
    stopped = of(story, run_id)
    assert (stopped.state, 0 < stopped.done < 7) == ("stopped", True)
    with story.crank.uow() as uow:
        resume_run(uow, run_id, "june")
    story.settle()
    assert of(story, run_id).state == "done"
    assert sorted(story.shop.reads) == [str(n) for n in range(1, 8)]
    assert posted(story) == {str(n): 1 for n in range(1, 8)}


def test_a_rate_bounds_what_one_turn_reads(story: Story) -> None:
    for n in range(1, 4):
        placed(story, n, LONG_AGO)
    prepared = prepare(story.crank.hub, wish())
    with story.crank.uow() as uow:
        begin(uow, prepared, who="june", rate=1.0)
    story.settle()
    assert len(story.shop.reads) == 1
    waits = "SELECT count(*) FROM hub.delivery WHERE subscriber = 'backfill.turn' AND state = 'due' AND next_at > now()"
    assert story.crank.rows(waits) == [(1,)]


@pytest.mark.parametrize(
    ("given", "error", "code"),
    [
        ({"since": PLACED, "until": PLACED}, Invalid, "backfill.range"),
        ({"since": PLACED + timedelta(minutes=1), "until": PLACED}, Invalid, "backfill.range"),
        ({"until": datetime(2999, 1, 1, tzinfo=UTC)}, Invalid, "backfill.range"),
        ({"since": PLACED.replace(tzinfo=None)}, Invalid, "backfill.range"),
        ({"connection": "nowhere"}, NotFound, "connections.unknown"),
        ({"connection": "erp"}, Refused, "backfill.no_history"),
        ({"kind": "galaxy"}, Invalid, "history.unknown_kind"),
    ],
)
def test_a_wish_that_does_not_hold_is_refused_and_begins_nothing(
    story: Story, given: dict[str, object], error: type[HubError], code: str
) -> None:
    with pytest.raises(error) as refused:
        prepare(story.crank.hub, wish(**given))
    assert refused.value.code == code
    assert story.crank.rows("SELECT count(*) FROM hub.run") == [(0,)]


def test_one_backfill_of_a_kind_at_a_time(story: Story) -> None:
    start(story)
    with pytest.raises(Refused, match="already"):
        start(story)
