"""Money, quantities, times and their written form: exact whatever is given, or refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel import codec
from app.kernel.errors import Invalid, Refused
from app.kernel.money import Half, Money, UnitPrice, exponent, spread, total
from app.kernel.quantity import Quantity

CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD", "CLF"])
MINOR = st.integers(-(10**24), 10**24)
MONEY = st.builds(Money, MINOR, CURRENCIES)


@pytest.mark.capability("CM-2")
@given(MONEY)
def test_an_amount_reads_back_as_itself_however_it_is_written(money: Money) -> None:
    assert Money.parse(money.text, money.currency) == money
    assert Money.parse(money.amount, money.currency) == money
    assert Money.parse(f"{money.text}{'0' if exponent(money.currency) else ''}", money.currency) == money
    assert codec.load(Money, codec.dump(money)) == money


@pytest.mark.capability("CM-2")
@given(MINOR, CURRENCIES, st.integers(1, 40))
def test_what_is_finer_than_the_minor_unit_is_refused_however_far_out(minor: int, currency: str, zeros: int) -> None:
    """Forty zeros and a one are no zero, and a number longer than a machine likes is not cut off."""
    finer = f"{Money(minor, currency).text}{'' if exponent(currency) else '.'}{'0' * zeros}1"
    with pytest.raises(Refused) as refused:
        Money.parse(finer, currency)
    assert refused.value.code in ("money.too_precise", "money.not_a_number")


@pytest.mark.capability("CM-2")
@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        ("1.005", "USD", "money.too_precise"), ("1.5", "JPY", "money.too_precise"),
        ("1,00", "USD", "money.not_a_number"), ("NaN", "USD", "money.not_a_number"),
        ("Infinity", "USD", "money.not_a_number"), ("1e999999", "USD", "money.not_a_number"),
        ("", "USD", "money.not_a_number"), (None, "USD", "money.not_a_number"),
        ("1.00", "usd", "money.unknown_currency"), ("1.00", "", "money.unknown_currency"),
        ("1.00", "US€", "money.unknown_currency"),
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused_by_name(amount: Any, currency: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        Money.parse(amount, currency)
    assert refused.value.code == code


@pytest.mark.capability("CM-2")
@given(MONEY, st.lists(st.integers(0, 10**9) | st.decimals(0, 10**6, places=5), min_size=1, max_size=12))
def test_shares_add_up_and_each_is_less_than_a_unit_off(money: Money, weights: list[int | Decimal]) -> None:
    whole = sum(Fraction(weight) for weight in weights)
    if whole == 0:
        with pytest.raises(Refused, match="not all zero"):
            spread(money, weights)
        return
    shares = spread(money, weights)
    assert total(shares, money.currency) == money
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.minor - money.minor * Fraction(weight) / whole) < 1
    assert spread(-money, weights) == tuple(-share for share in shares)


@pytest.mark.capability("CM-2")
@given(st.decimals(-(10**20), 10**20, places=35), st.sampled_from(list(Half)))
def test_a_long_number_is_rounded_once(amount: Decimal, half: Half) -> None:
    found = Money.rounded(amount, "USD", half)
    assert found == Money.rounded(Fraction(amount), "USD", half)
    assert abs(found.minor - Fraction(amount) * 100) <= (1 if half is Half.DOWN else Fraction(1, 2))


def test_a_half_goes_where_its_rule_says() -> None:
    cases = {Half.UP: (1, 2, -1), Half.EVEN: (0, 2, 0), Half.DOWN: (0, 1, 0)}
    for half, expected in cases.items():
        found = tuple(Money.rounded(Decimal(text), "USD", half).minor for text in ("0.005", "0.015", "-0.005"))
        assert found == expected, half
    assert Money.rounded(Decimal("0.00499999999999999999999999999999999"), "USD").minor == 0
    assert UnitPrice(Decimal("0.333333"), "USD").times(Decimal(3)).text == "1.00"


@pytest.mark.capability("CM-2")
def test_two_currencies_are_never_one_sum() -> None:
    one, other = Money(1, "USD"), Money(1, "EUR")
    for mix in (lambda: one + other, lambda: one - other, lambda: one < other, lambda: total([one, other], "USD")):
        with pytest.raises(Refused) as refused:
            mix()
        assert refused.value.code == "money.mixed_currencies"


@pytest.mark.capability("CM-3")
@given(st.decimals(0, 10**6, places=5), st.integers(1, 1000))
def test_a_quantity_is_converted_exactly_there_and_back_or_refused(number: Decimal, factor: int) -> None:
    boxes = Quantity(number, "box")
    pieces = boxes.to("piece", Decimal(factor))
    assert pieces.number == number * factor
    assert (pieces + pieces).number == 2 * number * factor
    with pytest.raises(Refused, match="convert first"):
        boxes + pieces
    with pytest.raises(Refused, match="at most 5 decimals"):
        Quantity(Decimal("0.000001"), "piece")
    with pytest.raises(Refused, match="at most 5 decimals"):
        Quantity(Decimal(1), "box").to("gross", Decimal("0.0069444"))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_no_quantity(number: str) -> None:
    with pytest.raises(Refused):
        Quantity(Decimal(number), "piece")


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    at: datetime
    day: date
    worth: Money
    many: Decimal
    parts: tuple[Money, ...] = ()
    by: dict[str, Decimal] | None = None


@pytest.mark.capability("CM-1", "CM-3")
@given(
    st.datetimes(timezones=st.just(UTC)), st.dates(), MONEY, st.decimals(allow_nan=False, allow_infinity=False),
    st.lists(MONEY, max_size=3), st.none() | st.dictionaries(st.text(max_size=4), st.decimals(-9, 9, places=3)),
)  # fmt: skip
def test_what_is_written_is_read_back(
    at: datetime, day: date, worth: Money, many: Decimal, parts: list[Money], by: dict[str, Decimal] | None
) -> None:
    note = Note(at=at, day=day, worth=worth, many=many, parts=tuple(parts), by=by)
    assert codec.load(Note, codec.dump(note)) == note
    assert codec.load(Note, {**codec.dump(note), "later": "a field of the next release"}) == note


@pytest.mark.capability("CM-3")
def test_an_instant_is_written_in_utc_and_one_without_a_zone_is_refused() -> None:
    there = datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    assert codec.dump(there) == "2026-03-29T00:30:00Z"
    assert codec.load(datetime, "2026-03-29T02:30:00+02:00") == there
    with pytest.raises(Invalid, match="a time needs its zone"):
        codec.load(datetime, "2026-03-29T02:30:00")
    for kind, raw in ((date, "2026-02-30"), (Decimal, "1,5"), (Money, {"amount": "1.00"}), (datetime, 5)):
        with pytest.raises(Invalid, match="is expected"):
            codec.load(kind, raw)
