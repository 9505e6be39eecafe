"""What every History must do, whoever built it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from app.infra.remote.history import By, History, Listed, Page, Span
from app.kernel.errors import HubError, Transient, Unauthorised

MORNING = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
PATIENCE_SECONDS = 30.0


class HistoryBench(Protocol):
    """A remote with switches. `put` is an object created and last changed at these instants; `change` changes it at."""

    kind: str

    @property
    def port(self) -> History: ...

    def put(self, created: datetime, updated: datetime) -> str: ...

    def change(self, external_id: str, at: datetime) -> None: ...

    def reads_as(self, listed: Listed) -> tuple[str, datetime]:
        """The id and the version that the adapter's own translation finds in a body."""
        ...

    def lose_answer(self) -> None: ...

    def lock_out(self) -> None: ...


def span(kind: str, *, by: By = By.CREATED, hours: float = 24, since: datetime = MORNING) -> Span:
    return Span(kind=kind, by=by, since=since, until=since + timedelta(hours=hours))


def every(
    port: History, wanted: Span, *, bulk: str = "", after_page: Callable[[Page], None] = lambda _: None
) -> list[Listed]:
    """All that a span lists, page after page."""
    found: list[Listed] = []
    after = ""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        page = port.page(wanted, after, bulk=bulk)
        found += page.items
        if page.wait:
            time.sleep(0.005)  # the remote is at work on a file
        if not page.after:
            return found
        after = page.after
        after_page(page)
    raise AssertionError("the pages never end")


@pytest.mark.capability("RT-15")
class HistoryContract:
    """The promises of `app.infra.remote.history.History`."""

    def test_a_span_lists_what_lies_in_it_once_its_end_left_out(self, bench: HistoryBench) -> None:
        at = [MORNING + timedelta(hours=n) for n in range(-1, 4)]
        ids = [bench.put(one, one) for one in at]
        wanted = span(bench.kind, hours=2)
        listed = every(bench.port, wanted)
        assert [one.external_id for one in listed] == ids[1:3]
        assert [one.created_at for one in listed] == at[1:3]
        assert bench.port.count(wanted) == 2

    def test_what_was_changed_in_a_span_is_listed_with_its_version(self, bench: HistoryBench) -> None:
        old = bench.put(MORNING - timedelta(days=9), MORNING - timedelta(days=9))
        bench.put(MORNING - timedelta(days=9), MORNING - timedelta(days=8))
        bench.change(old, MORNING + timedelta(minutes=7))
        (listed,) = every(bench.port, span(bench.kind, by=By.UPDATED))
        assert (listed.external_id, listed.version) == (old, MORNING + timedelta(minutes=7))

    def test_many_come_in_pages_each_once(self, bench: HistoryBench) -> None:
        ids = [bench.put(MORNING + timedelta(minutes=n // 2), MORNING) for n in range(130)]
        listed = [one.external_id for one in every(bench.port, span(bench.kind))]
        assert sorted(listed) == sorted(ids)

    def test_a_cursor_goes_on_in_another_process(self, bench: HistoryBench) -> None:
        ids = [bench.put(MORNING + timedelta(minutes=n), MORNING) for n in range(130)]
        first = bench.port.page(span(bench.kind))
        rest = bench.port.page(span(bench.kind), str(first.after))
        assert [one.external_id for one in (*first.items, *rest.items)] == ids

    def test_what_is_read_is_what_the_adapters_own_translation_reads(self, bench: HistoryBench) -> None:
        external_id = bench.put(MORNING, MORNING + timedelta(hours=1))
        read = bench.port.read(bench.kind, external_id)
        assert read is not None
        assert bench.reads_as(read) == (external_id, read.version)
        assert read.version == MORNING + timedelta(hours=1)

    def test_what_the_remote_does_not_know_is_none(self, bench: HistoryBench) -> None:
        bench.put(MORNING, MORNING)
        assert bench.port.read(bench.kind, "404404404") is None

    def test_an_empty_span_has_no_pages(self, bench: HistoryBench) -> None:
        page = bench.port.page(span(bench.kind))
        assert (page.items, page.after, bench.port.count(span(bench.kind))) == ((), "", 0)

    def test_a_kind_that_is_not_listed_is_refused_by_name(self, bench: HistoryBench) -> None:
        for ask in (bench.port.count, bench.port.page, lambda one: bench.port.read(one.kind, "1")):
            with pytest.raises(HubError, match="galaxy") as refused:
                ask(span("galaxy"))
            assert refused.value.code == "history.unknown_kind"

    def test_a_lost_answer_may_be_asked_again(self, bench: HistoryBench) -> None:
        external_id = bench.put(MORNING, MORNING)
        bench.lose_answer()
        with pytest.raises(Transient):
            bench.port.page(span(bench.kind))
        assert [one.external_id for one in every(bench.port, span(bench.kind))] == [external_id]

    def test_dead_credentials_pause_the_connection(self, bench: HistoryBench) -> None:
        bench.lock_out()
        with pytest.raises(Unauthorised):
            bench.port.count(span(bench.kind))
