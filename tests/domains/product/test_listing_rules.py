"""What a channel requires of a product, how it shall stand there, and how it stands otherwise."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.product.canonical import Image, ListingRules, Product, Showing, Shown, ShownVariant, Variant
from app.domains.product.lifecycle import LISTING, ListingState
from app.domains.product.policy import differs_at, missing_for, showing_of, sold_of
from app.kernel.errors import Refused

pytestmark = pytest.mark.capability("PRD-2")
RED = Variant(variant_id="1", sku="MUG-RED", status="active", uom="piece", options={"Colour": "Red"}, gtin="96385074")
BLUE = replace(RED, variant_id="2", sku="MUG-BLUE", options={"Colour": "Blue"}, gtin="")
MUG = Product(
    product_id="p", company="", code="MUG", version=1, status="active", title="Mug", options=("Colour",),
    variants=(RED, BLUE),
)  # fmt: skip
EVERY = frozenset({"title", "description", "vendor", "product_type", "image", "tax_code", "gtin", "weight", "price"})


def lacks(product: Product = MUG, rules: ListingRules | None = None, **more: Any) -> list[tuple[str, str]]:
    found = missing_for(product, sold_of(product), rules or ListingRules(), unpriced=more.get("unpriced", ()))
    assert all(one.said for one in found)
    return [(one.field, one.sku) for one in found]


def test_what_is_complete_lacks_nothing() -> None:
    assert lacks() == []
    whole = replace(
        MUG, description="d", vendor="v", product_type="t", images=(Image(url="https://x"),), tax_code="P1",
        attributes={"care": "wash"},
        variants=tuple(replace(one, gtin="96385074", weight=Decimal(1), weight_unit="kg") for one in MUG.variants),
    )  # fmt: skip
    assert lacks(whole, ListingRules(required=EVERY | {"attribute:care"})) == []


def test_each_field_that_is_required_and_empty_is_named_with_its_sku() -> None:
    bare = replace(MUG, title=" ")
    assert set(lacks(bare, ListingRules(required=EVERY | {"attribute:care"}), unpriced={"MUG-RED"})) == {
        ("title", ""), ("description", ""), ("vendor", ""), ("product_type", ""), ("image", ""), ("attribute:care", ""),
        ("price", "MUG-RED"), ("gtin", "MUG-BLUE"), ("weight", "MUG-RED"), ("weight", "MUG-BLUE"),
        ("tax_code", "MUG-RED"), ("tax_code", "MUG-BLUE"),
    }  # fmt: skip
    assert lacks(bare, unpriced={"MUG-RED"}) == []  # nobody requires anything


def test_skus_that_cannot_be_told_apart_are_named() -> None:
    assert lacks(replace(MUG, options=())) == [("options", "")]
    assert lacks(replace(MUG, variants=(RED, replace(BLUE, options={})))) == [("options", "MUG-BLUE")]
    assert lacks(replace(MUG, variants=(RED, replace(BLUE, options={"Colour": "Red"})))) == [("options", "")]
    assert lacks(replace(MUG, variants=(replace(RED, options={}),), options=())) == []


def test_what_a_channel_does_not_hold_is_named() -> None:
    assert lacks(rules=ListingRules(most_variants=1)) == [("variants", "")]
    assert lacks(rules=ListingRules(longest={"title": 2})) == [("title", "")]
    assert ("options", "") in lacks(replace(MUG, options=tuple("ABCD")))
    assert lacks(replace(MUG, variants=())) == [("variants", "")]


@pytest.mark.parametrize(
    ("status", "wanted", "there", "showing"),
    [
        ("active", True, False, Showing.LIVE), ("draft", True, False, Showing.HIDDEN),
        ("retired", True, True, Showing.ENDED), ("retired", True, False, None), ("active", False, True, Showing.HIDDEN),
        ("active", False, False, None), ("retired", False, True, Showing.ENDED),
    ],
)  # fmt: skip
def test_how_a_product_shall_stand(status: str, wanted: bool, there: bool, showing: Showing | None) -> None:
    assert showing_of(replace(MUG, status=status), wanted=wanted, there=there) is showing


def test_a_draft_shows_its_drafts_and_nothing_shows_what_is_retired() -> None:
    variants = tuple(replace(RED, sku=status, status=status) for status in ("draft", "active", "retired"))
    assert [one.sku for one in sold_of(replace(MUG, variants=variants))] == ["active"]
    assert [one.sku for one in sold_of(replace(MUG, status="draft", variants=variants))] == ["draft", "active"]


NAMES = {"MUG-RED": "1", "MUG-BLUE": "2"}
AS_WISHED = Shown(
    external_id="9", title="Mug", showing=Showing.LIVE,
    variants=(
        ShownVariant(external_id="1", name="MUG-RED", gtin="0096385074"),
        ShownVariant(external_id="2", name="MUG-BLUE", gtin="their own"),
    ),
)  # fmt: skip


def test_what_differs_at_a_channel_is_named_by_code_or_sku() -> None:
    assert differs_at(MUG, Showing.LIVE, NAMES, AS_WISHED) == []
    other = replace(AS_WISHED, title="Cup", showing=Showing.ENDED, variants=AS_WISHED.variants[:1])
    assert differs_at(MUG, Showing.LIVE, NAMES, other) == [
        ("MUG", "title", "Mug", "Cup"), ("MUG", "status", "live", "ended"), ("MUG-BLUE", "", "listed", ""),
    ]  # fmt: skip
    wrong = replace(AS_WISHED, variants=(replace(AS_WISHED.variants[0], gtin="4006381333931"), AS_WISHED.variants[1]))
    assert differs_at(MUG, Showing.LIVE, NAMES, wrong) == [("MUG-RED", "gtin", "96385074", "4006381333931")]
    assert differs_at(MUG, Showing.ENDED, {}, replace(AS_WISHED, showing=Showing.ENDED)) == []


def test_an_outcome_ends_what_is_pending_alone() -> None:
    for trigger in ("wait", "show", "refuse", "pause", "drop"):
        assert LISTING.step(ListingState.PENDING, trigger).moved
        with pytest.raises(Refused):
            LISTING.step(ListingState.LIVE, trigger)
    assert all(LISTING.step(state, "mark").state is ListingState.PENDING for state in ListingState)


COLOURS = st.lists(st.sampled_from(("Red", "Blue", "Green", "")), min_size=1, max_size=6)


@given(colours=COLOURS)
def test_a_product_passes_exactly_where_every_sku_has_values_of_its_own(colours: list[str]) -> None:
    variants = tuple(replace(RED, sku=f"MUG-{n}", options={"Colour": colour}) for n, colour in enumerate(colours))
    good = all(colours) and len(set(colours)) == len(colours)
    assert (lacks(replace(MUG, variants=variants)) == []) is good
