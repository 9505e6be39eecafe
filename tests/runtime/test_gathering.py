"""Requests of one moment are served together; each gets its own answer, or its own error."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.infra.gathering import Gathered
from app.kernel.errors import Refused

PATIENCE_SECONDS = 20


class Counter:
    """Serves numbers; the first batch waits until so many others stand behind it."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go_on = threading.Event()

    def __call__(self, requests: Sequence[int]) -> list[int]:
        self.batches.append(list(requests))
        assert self.go_on.wait(PATIENCE_SECONDS)
        if -1 in requests:
            raise Refused("try.rule", "minus one breaks a rule")
        if -2 in requests:
            raise LookupError("minus two is a fault")
        return [10 * request for request in requests]


def together(counter: Counter, first: int, others: Sequence[int], *, most: int = 64) -> list[object]:
    """What each caller gets when the others come while the first is being served."""
    gathered = Gathered(counter, most=most)

    def ask(request: int) -> object:
        try:
            return gathered.ask(request)
        except (Refused, LookupError) as error:
            return type(error)

    with ThreadPoolExecutor(1 + len(others)) as threads:
        leading = threads.submit(ask, first)
        while not counter.batches:
            assert not leading.done()
        rest = [threads.submit(ask, request) for request in others]
        while len(gathered._waiting) < len(others):  # all of them wait behind the first
            assert not leading.done()
        counter.go_on.set()
        return [done.result(PATIENCE_SECONDS) for done in (leading, *rest)]


def test_those_who_come_meanwhile_are_served_together_each_with_its_own_answer() -> None:
    counter = Counter()
    assert together(counter, 1, range(2, 40)) == [10 * n for n in range(1, 40)]
    assert [len(batch) for batch in counter.batches] == [1, 38]


def test_no_piece_of_work_is_larger_than_it_may_be() -> None:
    counter = Counter()
    assert together(counter, 1, range(2, 22), most=8) == [10 * n for n in range(1, 22)]
    assert [len(batch) for batch in counter.batches] == [1, 8, 8, 4]


@pytest.mark.parametrize(("wrong", "error"), [(-1, Refused), (-2, LookupError)])
def test_one_that_fails_fails_alone(wrong: int, error: type[Exception]) -> None:
    counter = Counter()
    answers = together(counter, 1, [2, wrong, 3])
    kept = [answer for answer in answers if answer is not error]
    assert answers[2] is error
    assert kept == [10, 20, 30] or (wrong == -2 and kept == [10, 30])  # a fault is told to whoever led the work, too


def test_one_that_fails_as_the_first_lets_the_others_go_on() -> None:
    counter = Counter()
    assert together(counter, -1, [2, 3]) == [Refused, 20, 30]
