"""What people write is read exactly, or refused in one sentence that names the field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.errors import Invalid
from app.kernel.written import MOST_DIGITS, day_of, instant_of, number_of, whole_of

CODE = "trial.written"


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=5))
def test_a_number_is_read_as_it_was_written(number: Decimal) -> None:
    assert number_of(f" {number} ", "amount", CODE) == number


def said_of(reader: Callable[[str, str, str], object], text: str) -> str:
    """What a reader says against a text; nothing where it took it."""
    try:
        reader(text, "amount", CODE)
    except Invalid as wrong:
        return wrong.message
    return ""


@given(st.text(max_size=12))
def test_whatever_is_written_is_read_or_refused_by_its_field(text: str) -> None:
    for reader in (number_of, whole_of, day_of, instant_of):
        said = said_of(reader, text)
        assert not said or said.startswith(f"amount: {text.strip()!r} is no ")


@pytest.mark.parametrize("text", ["", "many", "NaN", "Infinity", "-inf", "1,50", f"1e{MOST_DIGITS + 1}", "1e999999"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is no number; write it such as 12.50"):
        number_of(text, "amount", CODE, like="12.50")


def test_a_whole_number_is_never_cut() -> None:
    assert whole_of("12.0", "priority", CODE) == 12
    with pytest.raises(Invalid, match=r"priority: '2.5' is no whole number; write it such as 12"):
        whole_of("2.5", "priority", CODE)


def test_days_and_instants_are_those_that_were_meant() -> None:
    assert day_of("2026-11-27", "from", CODE) == date(2026, 11, 27)
    assert instant_of("2026-11-27", "from", CODE) == datetime(2026, 11, 27, tzinfo=UTC)
    assert instant_of("2026-11-27T09:00-05:00", "from", CODE) == datetime(2026, 11, 27, 14, tzinfo=UTC)
    with pytest.raises(Invalid, match="is no day; write it such as 2026-01-31"):
        day_of("27.11.2026", "from", CODE)
