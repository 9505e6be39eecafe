"""GTINs and their check digits; units that convert exactly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.product.canonical import Unit, Units, check_digit, read_gtin, unit_of
from app.kernel.errors import Invalid
from app.kernel.quantity import Quantity

# GS1's own example of the calculation is 629104150021 with check digit 3; the others are numbers printed on goods.
KNOWN = ("6291041500213", "4006381333931", "036000291452", "96385074", "10614141000415", "9780201379624")


@pytest.mark.capability("PRD-1")
@pytest.mark.parametrize("gtin", KNOWN)
def test_a_right_gtin_is_taken_as_it_is(gtin: str) -> None:
    assert read_gtin(gtin) == gtin


@pytest.mark.capability("PRD-1")
@pytest.mark.parametrize(
    ("written", "code", "said"),
    [
        ("6291041500214", "product.gtin_check_digit", "its check digit is 3"),
        ("4006381333932", "product.gtin_check_digit", "its check digit is 1"),
        ("629104150021", "product.gtin_check_digit", "its check digit is"),
        ("12345", "product.gtin_length", "5 digits"),
        ("12345678901", "product.gtin_length", "8, 12, 13 or 14"),
        ("123456789012345", "product.gtin_length", "15 digits"),
        ("40063813339A1", "product.gtin_not_digits", "digits only"),
        ("٤٠٠٦٣٨١٣", "product.gtin_not_digits", "digits only"),
        ("2000000000084", "product.gtin_restricted", "inside one company"),
        ("0200000000005", "product.gtin_restricted", "inside one company"),
        ("212345678909", "product.gtin_restricted", "inside one company"),
        ("212345678901", "product.gtin_check_digit", "its check digit is"),
        ("20012349", "product.gtin_check_digit", "its check digit is"),
        ("9900000000004", "product.gtin_restricted", "coupon"),
        ("9800000000007", "product.gtin_restricted", "coupon"),
    ],
)
def test_a_wrong_gtin_is_refused_with_what_would_be_right(written: str, code: str, said: str) -> None:
    if code == "product.gtin_restricted":
        written = written[:-1] + check_digit(written[:-1])
    with pytest.raises(Invalid) as refused:
        read_gtin(written)
    assert refused.value.code == code
    assert said in refused.value.message


def test_a_gtin_is_one_number_however_many_zeros_lead_it() -> None:
    assert {read_gtin(one) for one in ("036000291452", "0036000291452", "00036000291452", "0-36000-29145 2")} == {
        "036000291452"
    }
    assert read_gtin("00000096385074") == read_gtin("96385074") == "96385074"
    assert read_gtin("") == ""


@given(st.sampled_from((7, 11, 12, 13)), st.data())
def test_any_single_wrong_digit_and_most_swapped_neighbours_are_noticed(length: int, data: st.DataObject) -> None:
    body = data.draw(st.text("0123456789", min_size=length, max_size=length))
    right = body + check_digit(body)
    place = data.draw(st.integers(0, length))
    other = data.draw(st.sampled_from("0123456789"))
    wrong = right[:place] + other + right[place + 1 :]
    assert (check_digit(wrong[:-1]) == wrong[-1]) == (wrong == right)


MUG = Units(
    sku="MUG", base="piece",
    others=(
        Unit(unit="box", numerator=12), Unit(unit="pallet", numerator=480),
        Unit(unit="third", numerator=1, denominator=3),
    ),
)  # fmt: skip


@pytest.mark.capability("CM-3")
def test_boxes_are_pieces_and_pieces_are_boxes() -> None:
    assert MUG.to_base(Quantity(Decimal("2.5"), "Box")) == Quantity(Decimal(30), "piece")
    assert MUG.convert(Quantity(Decimal(3), "pallet"), "box") == Quantity(Decimal(120), "box")
    assert MUG.convert(Quantity(Decimal(4), "piece"), "third") == Quantity(Decimal(12), "third")
    assert MUG.convert(Quantity(Decimal(-12), "piece"), "box") == Quantity(Decimal(-1), "box")


@pytest.mark.capability("CM-3")
def test_a_unit_that_nobody_declared_is_named_with_those_that_there_are() -> None:
    with pytest.raises(Invalid) as refused:
        MUG.to_base(Quantity(Decimal(1), "barrel"))
    assert refused.value.code == "product.unknown_unit"
    assert "piece, box, pallet, third" in refused.value.message
    assert refused.value.about == "sku MUG"


def test_goods_that_do_not_come_out_even_are_not_rounded() -> None:
    with pytest.raises(Invalid) as refused:
        MUG.convert(Quantity(Decimal(10), "piece"), "box")
    assert refused.value.code == "product.not_divisible"
    assert "10 piece" in refused.value.message


@given(st.decimals(-1_000_000, 1_000_000, places=5), st.integers(1, 10**9), st.integers(1, 10**6))
def test_what_converts_converts_back_to_the_same_and_nothing_is_rounded(
    number: Decimal, numerator: int, denominator: int
) -> None:
    units = Units(sku="S", base="g", others=(Unit(unit="bag", numerator=numerator, denominator=denominator),))
    exact = Fraction(number) * denominator / numerator * 10**5
    if exact.denominator == 1:
        assert units.convert(units.convert(Quantity(number, "g"), "bag"), "g").number == number
    else:
        with pytest.raises(Invalid, match="no exact number of bag"):
            units.convert(Quantity(number, "g"), "bag")


def test_a_factor_is_exact_as_it_is_written() -> None:
    assert unit_of("lb", Decimal("453.59237")).factor == Fraction(45359237, 100000)
    for wrong in (Decimal(0), Decimal(-1), Decimal("NaN"), Decimal("1e30")):
        with pytest.raises(Invalid, match=r"cannot hold"):
            unit_of("lb", wrong)
    with pytest.raises(Invalid, match="no name"):
        Unit(unit=" ", numerator=1)
