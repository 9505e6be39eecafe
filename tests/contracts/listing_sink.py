"""What every ListingSink must do, whoever built it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, Protocol

import pytest

from app.domains.product.canonical import (
    Image,
    ListedVariant,
    ListingAnswer,
    ListingBecame,
    ListingWish,
    Showing,
)
from app.domains.product.ports import ListingSink
from app.kernel.errors import Ambiguous, HubError, Unauthorised
from app.kernel.money import Money
from tests.contracts.order_source import pause

OURS = "0190d1f2-0000-7000-8000-000000000001"


class ListingBench(Protocol):
    """A channel with switches, prices in USD. `by_hand` is a SKU that somebody listed there as a product by hand.

    `products` is external id → (title, showing, SKU → (external id, GTIN, price, values of its options)).
    """

    by_hand: str

    @property
    def port(self) -> ListingSink: ...

    def products(self) -> dict[str, tuple[str, Showing, dict[str, tuple[str, str, str, tuple[str, ...]]]]]: ...

    def pictures(self, external_id: str) -> list[str]: ...

    def add_picture(self, external_id: str) -> None: ...

    def reprice(self, sku: str, price: str) -> None: ...

    def delete(self, external_id: str) -> None: ...

    def throttle(self) -> None: ...

    def lose_answer(self, *, after_effect: bool) -> None: ...

    def lock_out(self) -> None: ...


def mug(**more: Any) -> ListingWish:
    """A mug in two colours, new at the channel."""
    given: dict[str, Any] = {
        "product_id": OURS, "showing": Showing.LIVE, "title": "Mug", "description": "Holds tea.", "vendor": "Marlow",
        "product_type": "Kitchen", "options": ("Colour",), "images": (Image(url="https://cdn.example/mug.jpg"),),
        "sends_images": True,
        "variants": (
            ListedVariant(
                sku="MUG-BLUE", name="MUG-BLUE", options={"Colour": "Blue"}, gtin="4006381333931",
                weight=Decimal("0.35"), weight_unit="kg", price=Money.parse("12.50", "USD"),
            ),
            ListedVariant(
                sku="MUG-RED", name="MUG-RED", options={"Colour": "Red"}, price=Money.parse("13.00", "USD"),
                compare_at=Money.parse("15.00", "USD"),
            ),
        ),
    }  # fmt: skip
    return ListingWish(**{**given, **more})


def known(wish: ListingWish, answer: ListingAnswer) -> ListingWish:
    """A wish with the ids that an answer told."""
    ids = {one.sku: one.external_id for one in answer.variants}
    variants = tuple(replace(one, external_id=ids.get(one.sku, ""), price=None) for one in wish.variants)
    return replace(wish, external_id=answer.external_id, variants=variants, sends_images=False)


@pytest.mark.capability("PRD-2")
class ListingSinkContract:
    """The promises of `app.domains.product.ports.ListingSink`."""

    def put(self, bench: ListingBench, wish: ListingWish) -> ListingAnswer:
        answer = bench.port.put(wish)
        assert answer.became is ListingBecame.STANDS, answer.problems
        return answer

    def test_a_product_stands_with_its_skus_prices_and_ids(self, bench: ListingBench) -> None:
        answer = self.put(bench, mug())
        title, showing, variants = bench.products()[answer.external_id]
        assert (title, showing) == ("Mug", Showing.LIVE)
        ids = {one.sku: one.external_id for one in answer.variants}
        assert variants == {
            "MUG-BLUE": (ids["MUG-BLUE"], "4006381333931", "12.50", ("Blue",)),
            "MUG-RED": (ids["MUG-RED"], "", "13.00", ("Red",)),
        }
        assert len({one.item_id for one in answer.variants} - {""}) == 2
        assert bench.pictures(answer.external_id) == ["https://cdn.example/mug.jpg"]

    def test_the_same_again_makes_no_second_one(self, bench: ListingBench) -> None:
        before = len(bench.products())
        answer = self.put(bench, mug())
        assert self.put(bench, known(mug(), answer)) == answer
        assert self.put(bench, mug()) == answer  # nothing of the first call was kept
        assert len(bench.products()) == before + 1

    @pytest.mark.parametrize("after_effect", [True, False])
    def test_an_unanswered_call_is_in_doubt_and_may_be_repeated(self, bench: ListingBench, after_effect: bool) -> None:
        before = len(bench.products())
        bench.lose_answer(after_effect=after_effect)
        with pytest.raises(Ambiguous):
            bench.port.put(mug())
        assert len(bench.products()) == before + int(after_effect)
        self.put(bench, mug())
        assert len(bench.products()) == before + 1

    def test_a_change_keeps_ids_prices_and_pictures_of_the_channel(self, bench: ListingBench) -> None:
        first = self.put(bench, mug())
        bench.reprice("MUG-BLUE", "9.99")
        bench.add_picture(first.external_id)
        green = ListedVariant(
            sku="MUG-GRN", name="MUG-GRN", options={"Colour": "Green"}, price=Money.parse("1.00", "USD")
        )
        wish = known(mug(title="Big mug"), first)
        second = self.put(bench, replace(wish, variants=(*wish.variants, green)))
        title, _, variants = bench.products()[first.external_id]
        assert (title, variants["MUG-BLUE"][2], variants["MUG-GRN"][2]) == ("Big mug", "9.99", "1.00")
        assert second.variants[:2] == first.variants
        assert len(bench.pictures(first.external_id)) == 2

    def test_a_sku_that_is_sold_no_more_goes_and_an_unknown_one_is_never_taken_away(self, bench: ListingBench) -> None:
        wish = known(mug(), self.put(bench, mug()))
        blue = replace(wish, variants=wish.variants[:1])
        refused = bench.port.put(blue)
        assert refused.became is ListingBecame.REFUSED
        assert [one.field for one in refused.problems] == ["variants"]
        assert "MUG-RED" in refused.problems[0].said
        assert set(bench.products()[wish.external_id][2]) == {"MUG-BLUE", "MUG-RED"}
        answer = self.put(bench, replace(blue, gone=("MUG-RED",)))
        assert [one.sku for one in answer.variants] == ["MUG-BLUE"]
        assert set(bench.products()[wish.external_id][2]) == {"MUG-BLUE"}

    def test_what_was_listed_by_hand_is_taken_over_with_its_pictures(self, bench: ListingBench) -> None:
        before = bench.products()
        (theirs,) = (one for one, (_, _, variants) in before.items() if bench.by_hand in variants)
        bench.add_picture(theirs)
        names = list(before[theirs][2])
        variants = tuple(
            ListedVariant(sku=f"OURS-{n}", name=name, options={"Kind": str(n)}, price=Money.parse("1.00", "USD"))
            for n, name in enumerate(names)
        )
        answer = self.put(bench, mug(options=("Kind",), variants=variants))
        after = bench.products()
        assert (answer.external_id, len(after)) == (theirs, len(before))
        assert {name: one[2] for name, one in after[theirs][2].items()} == {
            name: one[2] for name, one in before[theirs][2].items()
        }
        assert len(bench.pictures(theirs)) == 1

    def test_a_product_is_hidden_ended_and_shown_again_without_a_word_of_its_content(self, bench: ListingBench) -> None:
        answer = self.put(bench, mug())
        bare = ListingWish(product_id=OURS, external_id=answer.external_id, showing=Showing.HIDDEN)
        for showing in (Showing.HIDDEN, Showing.ENDED):
            self.put(bench, replace(bare, showing=showing))
            title, shown, variants = bench.products()[answer.external_id]
            assert (title, shown, set(variants)) == ("Mug", showing, {"MUG-BLUE", "MUG-RED"})
        self.put(bench, known(mug(), answer))
        assert bench.products()[answer.external_id][1] is Showing.LIVE

    def test_what_was_deleted_there_is_made_anew_and_cannot_be_ended(self, bench: ListingBench) -> None:
        answer = self.put(bench, mug())
        bench.delete(answer.external_id)
        ended = ListingWish(product_id=OURS, external_id=answer.external_id, showing=Showing.ENDED)
        assert bench.port.put(ended).became is ListingBecame.ABSENT
        again = self.put(bench, replace(mug(), external_id=answer.external_id))
        assert again.external_id != answer.external_id
        assert set(bench.products()[again.external_id][2]) == {"MUG-BLUE", "MUG-RED"}

    def test_what_is_refused_names_the_field_and_the_sku(self, bench: ListingBench) -> None:
        before = bench.products()
        wish = mug()
        alike = (*wish.variants, replace(wish.variants[1], sku="MUG-ROSE", name="MUG-ROSE"))
        answer = bench.port.put(replace(wish, variants=alike))
        assert answer.became is ListingBecame.REFUSED
        (problem,) = answer.problems
        assert (bool(problem.said), problem.sku) == (True, "MUG-ROSE")
        assert bench.products() == before

    def test_how_products_stand_is_read(self, bench: ListingBench) -> None:
        answer = self.put(bench, mug())
        shown = bench.port.look([answer.external_id, "404"])
        assert set(shown) == {answer.external_id}
        one = shown[answer.external_id]
        assert (one.title, one.showing) == ("Mug", Showing.LIVE)
        ids = {variant.sku: variant.external_id for variant in answer.variants}
        assert [(variant.external_id, variant.name, variant.gtin) for variant in one.variants] == [
            (ids["MUG-BLUE"], "MUG-BLUE", "4006381333931"), (ids["MUG-RED"], "MUG-RED", ""),
        ]  # fmt: skip

    def test_being_throttled_says_when_to_come_back(self, bench: ListingBench) -> None:
        before = bench.products()
        bench.throttle()
        with pytest.raises(HubError) as refused:
            bench.port.put(mug())
        assert pause(refused.value) > 0
        assert bench.products() == before

    def test_dead_credentials_pause_the_connection(self, bench: ListingBench) -> None:
        bench.lock_out()
        with pytest.raises(Unauthorised):
            bench.port.put(mug())
