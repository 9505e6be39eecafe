"""What every AvailabilitySink must do, whoever built it."""

from __future__ import annotations

from typing import Protocol

import pytest

from app.domains.inventory.ports import AvailabilitySink, Became, Level, LevelAnswer, Levels
from app.kernel.errors import Ambiguous, HubError, NeedsAttention, Unauthorised
from tests.contracts.order_source import pause


class SinkBench(Protocol):
    """A channel that lists `skus`; `ids` are their listings. `shown` is the figure that the hub sets there."""

    skus: tuple[str, str]
    ids: tuple[str, str]

    @property
    def port(self) -> AvailabilitySink: ...

    def shown(self, sku: str) -> int: ...

    def merchant_sets(self, sku: str, quantity: int) -> None: ...

    def writes(self) -> int: ...

    def unstock(self, sku: str) -> None: ...

    def list_twice(self, sku: str) -> None: ...

    def forget_place(self) -> None: ...

    def throttle(self) -> None: ...

    def lose_answer(self, *, after_effect: bool) -> None: ...

    def lock_out(self) -> None: ...


def telling(*levels: Level, key: str = "1f0d5a0e-0000-5000-8000-000000000001") -> Levels:
    return Levels(key=key, reference="gid://roundhouse/StockUpdate/1", levels=levels)


def level(sku: str, quantity: int, expected: int | None = None, external_id: str = "") -> Level:
    return Level(sku=sku, external_id=external_id, quantity=quantity, expected=expected)


def became(answers: tuple[LevelAnswer, ...]) -> list[str]:
    return [answer.became.value for answer in answers]


@pytest.mark.capability("INV-5")
class AvailabilitySinkContract:
    """The promises of `app.domains.inventory.ports.AvailabilitySink`."""

    def test_a_listing_that_was_never_met_is_found_by_its_sku_and_set(self, bench: SinkBench) -> None:
        (answer,) = bench.port.tell(telling(level(bench.skus[0], 7)))
        assert (answer.became, answer.external_id) == (Became.SET, bench.ids[0])
        assert bench.shown(bench.skus[0]) == 7

    def test_several_levels_are_set_by_one_call(self, bench: SinkBench) -> None:
        before = bench.writes()
        levels = [
            level(sku, 5, bench.shown(sku), external_id) for sku, external_id in zip(bench.skus, bench.ids, strict=True)
        ]
        assert became(bench.port.tell(telling(*levels))) == ["set", "set"]
        assert [bench.shown(sku) for sku in bench.skus] == [5, 5]
        assert bench.writes() - before == 1

    def test_what_somebody_else_set_is_told_and_not_overwritten(self, bench: SinkBench) -> None:
        (first, second), (one, other) = bench.skus, bench.ids
        expected = bench.shown(first)
        bench.merchant_sets(first, expected + 3)
        answers = bench.port.tell(telling(level(first, 1, expected, one), level(second, 2, bench.shown(second), other)))
        assert became(answers) == ["stale", "set"]
        assert answers[0].found == expected + 3
        assert [bench.shown(sku) for sku in bench.skus] == [expected + 3, 2]

    def test_a_figure_that_stands_there_already_needs_no_write(self, bench: SinkBench) -> None:
        sku, external_id = bench.skus[0], bench.ids[0]
        there, before = bench.shown(sku), bench.writes()
        assert became(bench.port.tell(telling(level(sku, there, None, external_id)))) == ["set"]
        assert (bench.shown(sku), bench.writes()) == (there, before)

    def test_what_the_channel_does_not_list_is_said_and_keeps_no_other_back(self, bench: SinkBench) -> None:
        sku, external_id = bench.skus[0], bench.ids[0]
        answers = bench.port.tell(
            telling(
                level("NOT-THERE", 1), level(sku, 4, bench.shown(sku), external_id),
                level("GONE", 2, 1, "999999999999"),
            )
        )  # fmt: skip
        assert became(answers) == ["unlisted", "set", "unlisted"]
        assert bench.shown(sku) == 4

    def test_a_sku_that_is_listed_twice_is_for_a_person(self, bench: SinkBench) -> None:
        bench.list_twice(bench.skus[0])
        (answer,) = bench.port.tell(telling(level(bench.skus[0], 7)))
        assert answer.became is Became.REFUSED
        assert answer.said

    def test_what_is_not_stocked_at_the_place_is_stocked_with_its_figure(self, bench: SinkBench) -> None:
        sku, external_id = bench.skus[0], bench.ids[0]
        bench.unstock(sku)
        assert became(bench.port.tell(telling(level(sku, 6, None, external_id)))) == ["set"]
        assert bench.shown(sku) == 6

    def test_which_place_is_meant_is_not_guessed(self, bench: SinkBench) -> None:
        bench.forget_place()
        with pytest.raises(NeedsAttention) as refused:
            bench.port.tell(telling(level(bench.skus[0], 1)))
        assert refused.value.code == "inventory.location_unmapped"

    @pytest.mark.parametrize("after_effect", [True, False])
    def test_an_unanswered_call_may_be_repeated_and_is_one_effect(self, bench: SinkBench, after_effect: bool) -> None:
        sku, external_id = bench.skus[0], bench.ids[0]
        told = telling(level(sku, 4, bench.shown(sku), external_id))
        bench.lose_answer(after_effect=after_effect)
        with pytest.raises(Ambiguous):
            bench.port.tell(told)
        assert became(bench.port.tell(told)) == ["set"]
        assert bench.shown(sku) == 4

    def test_what_was_wanted_is_not_taken_for_set_where_somebody_else_made_it_so(self, bench: SinkBench) -> None:
        """The channel sold down to it: who takes that for his own write subtracts the sale once more, or never."""
        sku, external_id = bench.skus[0], bench.ids[0]
        there = bench.shown(sku)
        bench.merchant_sets(sku, there - 2)
        (answer,) = bench.port.tell(telling(level(sku, there - 2, there, external_id)))
        assert (answer.became, answer.found) == (Became.STALE, there - 2)

    def test_a_look_finds_what_stands_there(self, bench: SinkBench) -> None:
        found = bench.port.look([*bench.ids, "999999999999"])
        assert found == {one: bench.shown(sku) for one, sku in zip(bench.ids, bench.skus, strict=True)}

    def test_being_throttled_says_when_to_come_back(self, bench: SinkBench) -> None:
        bench.throttle()
        with pytest.raises(HubError) as refused:
            bench.port.tell(telling(level(bench.skus[0], 1)))
        assert pause(refused.value) > 0

    def test_dead_credentials_pause_the_connection(self, bench: SinkBench) -> None:
        bench.lock_out()
        with pytest.raises(Unauthorised):
            bench.port.tell(telling(level(bench.skus[0], 1)))
