"""How long a failed delivery waits: full jitter under a doubling roof, what the other side asks, and an end to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import settings as within
from hypothesis import strategies as st

from app.jobs.settle import LONGEST_BACK_OFF, MOST_ATTEMPTS, judge
from app.kernel.errors import Ambiguous, NeedsAttention, Refused, Transient, Unauthorised, Waits

ATTEMPTS = st.integers(min_value=1, max_value=MOST_ATTEMPTS - 1)
FAILURES = st.sampled_from([Transient("a.b", "away"), Ambiguous("a.b", "no answer"), RuntimeError("a bug")])


@within(max_examples=100)
@given(FAILURES, ATTEMPTS)
def test_a_back_off_is_anywhere_under_a_roof_that_doubles_up_to_an_hour(error: Exception, attempt: int) -> None:
    verdict = judge(error, attempt)
    assert (verdict.state, verdict.counts) == ("due", True)
    assert 0 <= verdict.wait <= min(2.0**attempt, LONGEST_BACK_OFF)


@within(max_examples=30)
@given(FAILURES, st.integers(min_value=MOST_ATTEMPTS, max_value=1000))
def test_the_twelfth_failure_parks_whatever_it_was(error: Exception, attempt: int) -> None:
    assert judge(error, attempt).state == "parked"
    assert MOST_ATTEMPTS == 12


@within(max_examples=30)
@given(ATTEMPTS, st.floats(min_value=0, max_value=86_400))
def test_what_the_other_side_asks_for_is_kept_to_the_second(attempt: int, asked: float) -> None:
    assert judge(Transient("a.b", "throttled", retry_after=asked), attempt).wait == asked


@given(ATTEMPTS)
def test_two_that_fail_together_do_not_come_back_together(attempt: int) -> None:
    """Full jitter: of many that fail at one moment no two wait for the same time."""
    waits = [judge(Transient("a.b", "away"), attempt).wait for _ in range(20)]
    assert len(set(waits)) == len(waits)
    assert max(waits) - min(waits) > 0.1 * min(2.0**attempt, LONGEST_BACK_OFF)


@within(max_examples=30)
@given(st.integers(min_value=1, max_value=1000))
def test_what_does_not_get_better_by_waiting_is_not_tried_again(attempt: int) -> None:
    assert judge(NeedsAttention("a.b", "mend it"), attempt).state == "parked"
    assert judge(Refused("a.b", "no"), attempt).state == "rejected"
    for error in (Waits("a.b", "later", seconds=7), Unauthorised("a.b", "who are you")):
        verdict = judge(error, attempt)
        assert (verdict.state, verdict.counts) == ("due", False)
