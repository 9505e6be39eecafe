"""Products at a shop: the contract, and what Shopify's own way of setting products asks for."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import OperationDefinitionNode, build_client_schema, parse
from graphql.execution.values import get_variable_values

from app.adapters.shopify.account import probe
from app.adapters.shopify.documents.listings import SET_PRODUCT
from app.adapters.shopify.listings import ShopifyListings
from app.adapters.shopify.mapping.product import SHOWN_AS, as_html, problem_of, product_input
from app.adapters.shopify.settings import API_VERSIONS, ShopifySettings
from app.domains.product.canonical import ListingAnswer, ListingBecame, ListingWish, Showing
from app.domains.product.ports import ListingSink
from app.kernel.errors import HubError, NeedsAttention, Transient
from app.kernel.money import Money
from tests.adapters.shopify.shop import Shop, a_shop
from tests.contracts.listing_sink import ListingSinkContract, known, mug

pytestmark = pytest.mark.capability("SYS-shopify", "PRD-2")
PLACES = ("option1", "option2", "option3")


@dataclass
class Listings:
    """A shop with the demo's products."""

    shop: Shop
    kind: type = ShopifyListings
    by_hand: str = "MO-TENT-2P"

    @property
    def port(self) -> ListingSink:
        made: ListingSink = self.kind.build(self.shop.remote, self.shop.settings)  # type: ignore[attr-defined]
        return made

    def rows(self, collection: str) -> list[dict[str, Any]]:
        return [one for one in self.shop.books(collection) if "_deleted" not in one]

    def row(self, external_id: str) -> dict[str, Any]:
        return next(one for one in self.rows("products") if str(one["id"]) == external_id)

    def products(self) -> dict[str, tuple[str, Showing, dict[str, tuple[str, str, str, tuple[str, ...]]]]]:
        found: dict[str, tuple[str, Showing, dict[str, tuple[str, str, str, tuple[str, ...]]]]] = {
            str(one["id"]): (one["title"], SHOWN_AS[one["status"].upper()], {}) for one in self.rows("products")
        }
        for one in self.rows("variants"):
            values = tuple(one[place] for place in PLACES if one.get(place))
            shown = (str(one["id"]), one["barcode"] or "", one["price"], values)
            found[str(one["product_id"])][2][one["sku"]] = shown
        return found

    def pictures(self, external_id: str) -> list[str]:
        return [one["src"] for one in self.row(external_id).get("images") or ()]

    def add_picture(self, external_id: str) -> None:
        row = self.row(external_id)
        self.shop.put("products", {**row, "images": [*(row.get("images") or ()), {"id": 1, "src": "theirs"}]})

    def reprice(self, sku: str, price: str) -> None:
        (there,) = (one for one in self.rows("variants") if one["sku"] == sku)
        self.shop.put("variants", {**there, "price": price})

    def delete(self, external_id: str) -> None:
        self.shop.put("products", {**self.row(external_id), "_deleted": True})
        for one in self.rows("variants"):
            if str(one["product_id"]) == external_id:
                self.shop.put("variants", {**one, "_deleted": True})

    def throttle(self) -> None:
        self.shop.limit(maximum=2, restore=50)

    def lose_answer(self, *, after_effect: bool) -> None:
        self.shop.fault("drop_after" if after_effect else "drop_before", "mutation productSet")

    def lock_out(self) -> None:
        self.shop.settings["access_token"] = "revoked"


class TestListings(ListingSinkContract):
    @pytest.fixture
    def bench(self) -> Iterator[Listings]:
        with a_shop() as shop:
            yield Listings(shop)


@pytest.fixture(name="there")
def _there() -> Iterator[Listings]:
    with a_shop() as shop:
        yield Listings(shop)


@cache
def schema(contracts: Path, version: str) -> Any:
    answer = json.loads(gzip.decompress((contracts / f"shopify/admin_{version}.json.gz").read_bytes()))
    return build_client_schema(answer.get("data", answer), assume_valid=True)


def faults_of(contracts: Path, version: str, variables: dict[str, Any]) -> list[str]:
    operation = parse(SET_PRODUCT).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    read = get_variable_values(schema(contracts, version), operation.variable_definitions or (), variables)
    return [error.message for error in read] if isinstance(read, list) else []


RICH = {
    "handle": "mug", "tags": "tea, cup", "seo_title": "A mug", "seo_description": "It holds tea.",
    "template_suffix": "plain", "category": "gid://shopify/TaxonomyCategory/hg-11",
}  # fmt: skip


@pytest.mark.parametrize("version", API_VERSIONS)
def test_what_is_sent_is_what_shopifys_schema_takes(contracts: Path, version: str) -> None:
    wish = mug(fields=RICH, variants=tuple(replace(one, tax_code="P1") for one in mug().variants))
    ids = {"MUG-RED": "gid://shopify/ProductVariant/2"}
    given = product_input(wish, ids, sends_images=True, taxed=True)
    identifier = {"customId": {"namespace": "roundhouse", "key": "product_id", "value": wish.product_id}}
    assert faults_of(contracts, version, {"identifier": identifier, "input": given}) == []
    assert faults_of(contracts, version, {"identifier": identifier, "input": {**given, "colour": "red"}}) != []
    assert [one.get("price") for one in given["variants"]] == ["12.50", None]  # what is there is priced by itself
    assert given["seo"] == {"title": "A mug", "description": "It holds tea."}


def test_a_shop_is_told_nothing_of_what_the_hub_does_not_know(there: Listings) -> None:
    answer = there.port.put(mug())
    bare = ListingWish(product_id=mug().product_id, external_id=answer.external_id, showing=Showing.HIDDEN)
    there.port.put(bare)
    assert there.shop.asked("SetProduct")[-1]["input"] == {"status": "DRAFT"}


def test_the_metafield_of_our_ids_is_declared_once(there: Listings) -> None:
    for number in range(3):
        variants = tuple(replace(one, name=f"{one.name}-{number}") for one in mug().variants)
        there.port.put(mug(product_id=f"0190d1f2-0000-7000-8000-00000000000{number}", variants=variants))
    assert len(there.shop.asked("MakeKey")) == 1
    assert {one["value"] for one in _custom_ids(there)} == {
        f"0190d1f2-0000-7000-8000-00000000000{number}" for number in range(3)
    }


def _custom_ids(there: Listings) -> list[dict[str, str]]:
    return [one["identifier"]["customId"] for one in there.shop.asked("SetProduct")]


def test_a_price_in_another_currency_is_not_taken_for_the_shops(there: Listings) -> None:
    before = there.products()
    blue, red = mug().variants
    answer = there.port.put(mug(variants=(blue, replace(red, price=Money.parse("1.00", "EUR")))))
    assert (answer.became, [one.sku for one in answer.problems]) == (ListingBecame.REFUSED, ["MUG-RED"])
    assert "EUR" in answer.problems[0].said
    assert there.products() == before


def test_nothing_is_made_without_the_price_that_is_required(there: Listings) -> None:
    before = there.products()
    bare = mug(variants=tuple(replace(one, price=None) for one in mug().variants))
    answer = there.port.put(bare)
    assert [(one.field, one.sku) for one in answer.problems] == [("price", "MUG-BLUE"), ("price", "MUG-RED")]
    assert there.products() == before
    there.shop.settings["listing_requires"] = ["title"]
    assert there.port.put(bare).became is ListingBecame.STANDS


def test_skus_of_several_products_are_for_a_person(there: Listings) -> None:
    blue, red = mug().variants
    answer = there.port.put(mug(variants=(replace(blue, name="MO-TENT-2P"), replace(red, name="MO-SCK-M"))))
    assert (answer.became, answer.problems[0].field) == (ListingBecame.REFUSED, "sku")


def test_a_product_that_goes_away_meanwhile_is_tried_again(there: Listings) -> None:
    wish = known(mug(), there.port.put(mug()))
    there.shop.listening.before("SetProduct", 2, lambda: there.delete(wish.external_id))
    with pytest.raises(Transient):
        there.port.put(wish)
    assert there.port.put(mug()).became is ListingBecame.STANDS


def test_a_product_with_hundreds_of_skus_is_read_page_by_page(there: Listings) -> None:
    blue = mug().variants[0]
    many = tuple(
        replace(blue, sku=f"MUG-{n}", name=f"MUG-{n}", options={"Colour": str(n)}, gtin="") for n in range(230)
    )
    answer = there.port.put(mug(variants=many))
    assert len({one.external_id for one in answer.variants}) == 230
    assert len(there.port.look([answer.external_id])[answer.external_id].variants) == 230


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (["input", "title"], ("title", "")),
        (["input", "descriptionHtml"], ("description", "")),
        (["input", "variants", "1", "barcode"], ("gtin", "MUG-RED")),
        (["input", "variants", "0", "inventoryItem", "measurement", "weight", "value"], ("weight", "MUG-BLUE")),
        (["input", "variants", "9", "optionValues"], ("options", "")),
        (["input", "files", "0", "originalSource"], ("image", "")),
        (None, ("product", "")),
    ],
)
def test_an_error_names_our_field(said: list[str] | None, meant: tuple[str, str]) -> None:
    problem = problem_of({"field": said, "message": "no"}, mug())
    assert (problem.field, problem.sku, problem.said) == (*meant, "no")


def test_plain_text_becomes_paragraphs_and_html_stays() -> None:
    assert as_html('Holds <tea.\n\nAnd "water"') == "<p>Holds &lt;tea.</p><p>And &quot;water&quot;</p>"
    assert as_html("<p>Holds tea.</p>") == "<p>Holds tea.</p>"


@pytest.mark.parametrize(
    "wrong", [{"listing_requires": ["colour"]}, {"listing_fields": {"colour": "x"}}, {"publish_products": "some"}]
)
def test_a_setting_that_means_nothing_is_refused(wrong: dict[str, Any], there: Listings) -> None:
    names = ("shop", "access_token", "webhook_secret")
    given = {name: there.shop.settings[name] for name in names} | wrong
    assert set(ShopifySettings().validate(given)) == set(wrong)
    fine = {"listing_requires": ["title", "attribute:care"], "listing_fields": {"handle": "url_key"}}
    assert ShopifySettings().validate({**given, **dict.fromkeys(wrong, ""), "publish_products": "all", **fine}) == {}


class MakesAnew(ShopifyListings):
    """Does not look for what is there."""

    def put(self, wish: ListingWish) -> ListingAnswer:
        made = replace(wish, product_id=f"{wish.product_id[:-6]}{len(wish.title):06}", external_id="")
        return self._set(replace(made, product_id=str(id(made))), None, {})


class TakesAway(ShopifyListings):
    """Sets what it was told, whatever else is there."""

    def put(self, wish: ListingWish) -> ListingAnswer:
        node = self._find(wish)[0]
        there = self._variants(node) if node else []
        return super().put(replace(wish, gone=(*wish.gone, *(one["sku"] for one in there))))


class SendsPicturesAlways(ShopifyListings):
    """Replaces the merchant's pictures at every change."""

    def put(self, wish: ListingWish) -> ListingAnswer:
        return super().put(replace(wish, sends_images=True))


class GivesUpAtOnce(ShopifyListings):
    """Sees a refusal in whatever goes wrong."""

    def put(self, wish: ListingWish) -> ListingAnswer:
        try:
            return super().put(wish)
        except HubError as error:
            raise NeedsAttention(error.code, error.message) from None


CONTRACT = ListingSinkContract()
CAUGHT_BY: dict[type, tuple[Callable[..., None], ...]] = {
    MakesAnew: (CONTRACT.test_the_same_again_makes_no_second_one,),
    TakesAway: (CONTRACT.test_a_sku_that_is_sold_no_more_goes_and_an_unknown_one_is_never_taken_away,),
    SendsPicturesAlways: (CONTRACT.test_a_change_keeps_ids_prices_and_pictures_of_the_channel,),
    GivesUpAtOnce: (
        CONTRACT.test_dead_credentials_pause_the_connection, CONTRACT.test_being_throttled_says_when_to_come_back,
    ),
}  # fmt: skip


@pytest.mark.parametrize("twin", CAUGHT_BY, ids=lambda twin: twin.__name__)
def test_the_contract_catches_a_broken_twin(twin: type) -> None:
    for promise in CAUGHT_BY[twin]:
        with a_shop() as shop, pytest.raises((AssertionError, HubError, ZeroDivisionError)):
            promise(Listings(shop, twin))


@pytest.mark.parametrize(("publishes", "passed"), [("", True), ("all", False)])
def test_publishing_needs_its_scope(publishes: str, passed: bool) -> None:
    with a_shop(publish_products=publishes) as shop:
        every = shop.post("/_shopify/scopes", {})["scopes"]
        shop.post("/_shopify/scopes", {"scopes": [one for one in every if one != "write_products"]})
        (scopes,) = (one for one in probe(shop.remote, shop.settings) if one.name == "scopes")
        assert (scopes.passed, "write_products" in scopes.said) == (passed, not passed)
