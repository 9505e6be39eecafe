"""What every StockSource must do, whoever built it."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

import pytest

from app.domains.inventory.canonical import Reports
from app.domains.inventory.ports import StockSource
from app.kernel.errors import Unauthorised, Waits


class StockBench(Protocol):
    """A source that counts `items`, and `mixed`, of which it has one figure for several goods; empty: it has none."""

    items: tuple[str, str]
    mixed: str

    @property
    def port(self) -> StockSource: ...

    def count(self, item: str, quantity: int) -> None: ...

    def throttle(self, *, retry_after: int) -> None: ...

    def lock_out(self) -> None: ...


def everything(port: StockSource, since: str = "") -> tuple[dict[str, Decimal], str, set[str]]:
    """All figures of a reading, where the next one begins, and what has no figure of its own."""
    found: dict[str, Decimal] = {}
    unfit: set[str] = set()
    mark, after = "", ""
    while True:
        page = port.page(since, after)
        found.update({one.item: one.on_hand for one in page.figures})
        unfit.update(page.unfit)
        mark = page.mark or mark
        if not page.after:
            return found, mark, unfit
        assert page.after != after
        after = page.after


@pytest.mark.capability("INV-8", "INV-1")
class StockSourceContract:
    """The promises of `app.domains.inventory.ports.StockSource`."""

    def test_it_says_what_its_figures_mean(self, bench: StockBench) -> None:
        assert bench.port.reports in tuple(Reports)

    def test_a_whole_reading_has_every_thing_once_and_says_where_the_next_begins(self, bench: StockBench) -> None:
        for item, quantity in zip(bench.items, (7, 3), strict=True):
            bench.count(item, quantity)
        found, mark, _ = everything(bench.port)
        assert [found[item] for item in bench.items] == [7, 3]
        assert mark

    def test_what_moved_since_comes_with_its_figure_of_now_and_nothing_else_does(self, bench: StockBench) -> None:
        first, second = bench.items
        bench.count(first, 7)
        _, mark, _ = everything(bench.port)
        bench.count(first, 6)
        bench.count(first, 5)
        found, later, _ = everything(bench.port, mark)
        assert found == {first: Decimal(5)}
        assert everything(bench.port, later)[0] == {}

    def test_what_moves_while_it_is_read_comes_with_the_next_reading(self, bench: StockBench) -> None:
        first, second = bench.items
        page = bench.port.page("", "")
        bench.count(second, 11)
        assert everything(bench.port, page.mark)[0] == {second: Decimal(11)}

    def test_single_things_are_read_and_what_is_not_there_has_no_figure(self, bench: StockBench) -> None:
        bench.count(bench.items[0], 4)
        found = {one.item: one.on_hand for one in bench.port.read([bench.items[0], "NOT-THERE"])}
        assert found == {bench.items[0]: Decimal(4)}

    def test_one_figure_of_several_goods_is_nobodys_and_is_named(self, bench: StockBench) -> None:
        if not bench.mixed:
            pytest.skip("this source counts every good by itself")
        found, _, unfit = everything(bench.port)
        assert bench.mixed in unfit
        assert bench.mixed not in found
        assert bench.port.read([bench.mixed]) == ()

    def test_being_throttled_says_when_to_come_back(self, bench: StockBench) -> None:
        bench.throttle(retry_after=7)
        with pytest.raises(Waits) as refused:
            bench.port.page("", "")
        assert refused.value.seconds == 7

    def test_dead_credentials_pause_the_connection(self, bench: StockBench) -> None:
        bench.lock_out()
        with pytest.raises(Unauthorised):
            bench.port.page("", "")
