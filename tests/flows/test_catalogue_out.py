"""Products at the sandbox's shop by the real adapter: what lacks something waits, what stands has price and stock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import redis
from sqlalchemy import Engine

from app import flows, registry
from app.domains.inventory import service as inventory
from app.domains.pricing.canonical.prices import Price, PriceList, Scope
from app.domains.pricing.policy.channel_prices import ChannelRule
from app.domains.pricing.service.channel_prices import set_channel_rule
from app.domains.pricing.service.lists import keep_list, keep_prices
from app.domains.product import queries
from app.domains.product import service as catalogue
from app.domains.product.canonical import Image, ProductDraft, VariantDraft
from app.domains.product.queries import ListingFilter, ListingRow
from app.flows import catalogue_out, listing_alignment, listing_all
from app.infra.bindings import known
from app.infra.ids import new_id
from app.infra.notices import Incoming
from app.infra.windows import open_window
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Refused
from app.kernel.money import UnitPrice
from app.settings import Settings
from tests.adapters.shopify.shop import Shop, a_shop
from tests.hub import Crank

pytestmark = pytest.mark.capability("PRD-2", "PRD-4")
SEND = "catalogue_out.send_to_channel"


@dataclass
class Store:
    """A hub with a shop that lists all of its products and shows its prices."""

    crank: Crank
    shop: Shop
    ids: dict[str, str] = field(default_factory=dict)

    def keep(self, code: str = "MUG", *colours: str, tells: catalogue.Tell = catalogue.Tell.EACH, **more: Any) -> str:
        """Somebody says what a product is: one SKU, or one for each colour."""
        status = more.pop("status", "active")
        whole = {"title": code.title(), "status": status, "placing": True, "whole": True, **more}
        variants = tuple(
            VariantDraft(
                sku=f"{code}-{colour}", options={"Colour": colour}, status=status, gtin=None if n else "4006381333931"
            )
            for n, colour in enumerate(colours)
        ) or (VariantDraft(sku=code, status=status),)  # fmt: skip
        draft = ProductDraft(code=code, variants=variants, options=("Colour",) if colours else (), **whole)
        with self.crank.uow() as uow:
            done = catalogue.upsert_many(uow, [draft], source="pim", decided=True, tells=tells)
            assert done.problems == ()
        self.ids[code] = done.ids[0]
        return done.ids[0]

    def price(self, **amounts: str) -> None:
        prices = [
            Price(
                sku=sku.replace("_", "-"), min_quantity=Decimal(0), from_at=SYSTEM_CLOCK.now() - timedelta(minutes=1),
                until_at=None, amount=UnitPrice(Decimal(amount), "USD"),
            )
            for sku, amount in amounts.items()
        ]  # fmt: skip
        with self.crank.uow() as uow:
            keep_prices(uow, "retail", prices, "anna")

    def count(self, sku: str, quantity: int) -> None:
        with self.crank.uow() as uow:
            inventory.set_snapshot(uow, "erp", sku, "EAST", Decimal(quantity), SYSTEM_CLOCK.now())

    def settle(self) -> None:
        self.crank.settle()

    def listing(self, code: str = "MUG") -> ListingRow:
        with self.crank.uow() as uow:
            (found,) = queries.listings(uow, ListingFilter(channel="shop", product_id=self.ids[code]))
        return found

    def rows(self, collection: str) -> list[dict[str, Any]]:
        return [one for one in self.shop.books(collection) if "_deleted" not in one]

    def there(self, title: str) -> list[dict[str, Any]]:
        return [one for one in self.rows("products") if one["title"] == title]

    def variant(self, sku: str) -> dict[str, Any]:
        (found,) = (one for one in self.rows("variants") if one["sku"] == sku)
        return found

    def delete(self, code: str = "MUG") -> None:
        """The merchant deletes a product by hand."""
        (product,) = self.there(code.title())
        self.shop.put("products", {**product, "_deleted": True})
        for one in self.rows("variants"):
            if one["product_id"] == product["id"]:
                self.shop.put("variants", {**one, "_deleted": True})

    def sent(self) -> list[dict[str, Any]]:
        return [asked["input"] for asked in self.shop.asked("SetProduct")]

    def bound(self, *skus: str) -> dict[str, dict[str, str]]:
        with self.crank.uow() as uow:
            return known(uow, "shop", dict.fromkeys(("variant", "inventory_item"), skus))

    def cases(self) -> dict[str, str]:
        return dict(
            self.crank.rows(
                "SELECT code, said FROM hub.exception_case WHERE state NOT IN ('resolved', 'dismissed') ORDER BY code"
            )
        )

    def night(self) -> None:
        with self.crank.uow() as uow:
            assert open_window(uow, listing_alignment.WINDOW, SYSTEM_CLOCK.now())
        self.settle()


@pytest.fixture(name="store")
def _store(settings: Settings, database: Engine, redis_client: redis.Redis, request: Any) -> Iterator[Store]:
    flows.load()
    with a_shop() as shop:
        crank = Crank(settings, adapter=registry.adapter)
        secret = {name: shop.settings[name] for name in ("access_token", "webhook_secret")}
        clear = {"shop": shop.settings["shop"], "base_url": shop.settings["base_url"], "publish_products": "all"}
        place = next(one for one in shop.books("locations") if one["code"] == "EAST")
        clear |= {
            "stock_figure": "available",
            "stock_location": str(place["id"]),
            "listing_requires": ["title", "price"],
        }
        crank.connect("shop", "shopify", secrets=secret, doubt_seconds=0, **(clear | getattr(request, "param", {})))
        with crank.uow() as uow:
            wanted = PriceList(code="retail", currency="USD", scope=Scope(), includes_tax=False, zone="UTC")
            keep_list(uow, wanted, "anna")
            set_channel_rule(uow, ChannelRule(channel="shop", currency="USD", includes_tax=False), "anna")
        yield Store(crank, shop)
        crank.close()


def test_a_product_stands_at_the_shop_and_goes_on_to_price_and_stock(store: Store) -> None:
    store.price(MUG_Blue="12.50", MUG_Red="13.00")
    store.count("MUG-Blue", 7)
    store.keep("MUG", "Blue", "Red", description="Holds tea.", images=(Image(url="https://cdn.example/mug.jpg"),))
    store.settle()
    assert store.listing().state == "live"
    (product,) = store.there("Mug")
    assert (product["status"], product["body_html"], len(product["images"])) == ("active", "<p>Holds tea.</p>", 1)
    blue = store.variant("MUG-Blue")
    assert (blue["price"], blue["barcode"], blue["option1"]) == ("12.50", "4006381333931", "Blue")
    assert store.bound("MUG-Blue")["variant"] == {"MUG-Blue": str(blue["id"])}
    assert store.bound("MUG-Blue")["inventory_item"] == {"MUG-Blue": str(blue["inventory_item_id"])}
    level = next(one for one in store.rows("inventoryLevels") if one["inventory_item_id"] == blue["inventory_item_id"])
    assert level["available"] == 7
    store.price(MUG_Blue="11.00")
    store.settle()
    assert store.variant("MUG-Blue")["price"] == "11.00"
    assert store.cases() == {}


def test_what_is_missing_is_named_and_the_product_goes_out_once_it_is_there(store: Store) -> None:
    store.keep("MUG", "Blue", title="")
    store.settle()
    listing = store.listing()
    assert (listing.state, listing.cause) == ("waiting", "product.listing_incomplete")
    assert [(one.field, one.sku) for one in listing.problems] == [("title", ""), ("price", "MUG-Blue")]
    assert list(store.cases()) == ["product.listing_incomplete"]
    assert "MUG: title" in store.cases()["product.listing_incomplete"]
    store.keep("MUG", "Blue")
    store.settle()
    assert [one.field for one in store.listing().problems] == ["price"]
    store.price(MUG_Blue="12.50")  # what it waits for, and nobody says a word about the product
    store.settle()
    assert (store.listing().state, store.listing().problems, store.cases()) == ("live", (), {})


def test_ten_changes_before_a_sending_are_one_sending_of_the_newest(store: Store) -> None:
    store.price(MUG="12.50")
    for number in range(10):
        store.keep("MUG", title=f"Mug {number}")
    store.settle()
    assert [one["title"] for one in store.sent()] == ["Mug 9"]
    store.keep("MUG", title="Mug 9", tax_code="P1")  # nothing that the shop would show
    store.settle()
    assert len(store.sent()) == 2  # a tax code is part of what may be sent
    with store.crank.uow() as uow:
        catalogue.mark_changed(uow, "shop", "", [store.ids["MUG"]], every=True)
    store.settle()
    assert (len(store.sent()), store.listing().state) == (2, "live")


def test_an_import_of_many_lists_each(store: Store) -> None:
    store.price(MUG="12.50", CUP="3.00")
    for code in ("MUG", "CUP"):
        store.keep(code, tells=catalogue.Tell.BATCH)
    store.settle()
    assert [store.listing(code).state for code in ("MUG", "CUP")] == ["live", "live"]


@pytest.mark.parametrize("after_effect", [True, False])
def test_an_answer_that_was_lost_makes_no_second_product(store: Store, after_effect: bool) -> None:
    store.shop.fault("drop_after" if after_effect else "drop_before", "mutation productSet")
    store.price(MUG="12.50")
    store.keep("MUG")
    store.settle()
    assert store.listing().state == "pending"
    assert len(store.there("Mug")) == int(after_effect)
    for _ in range(2):  # a slow machine makes a call wait once
        store.crank.hasten()
        store.settle()
    assert (store.listing().state, len(store.there("Mug"))) == ("live", 1)
    assert set(store.bound("MUG")["inventory_item"]) == {"MUG"}


def test_what_the_shop_refuses_names_the_field_and_ends_with_the_next_change(store: Store) -> None:
    store.price(MUG="12.50")
    store.keep("MUG", images=(Image(url="mug.jpg"),))
    store.settle()
    listing = store.listing()
    assert (listing.state, [one.field for one in listing.problems]) == ("rejected", ["image"])
    assert list(store.cases()) == ["product.listing_refused"]
    store.keep("MUG", images=(Image(url="https://cdn.example/mug.jpg"),))
    store.settle()
    assert (store.listing().state, store.cases()) == ("live", {})


def test_a_product_that_ends_is_archived_and_shown_again(store: Store) -> None:
    store.price(MUG="12.50")
    store.keep("MUG")
    store.settle()
    bound = store.bound("MUG")
    store.keep("MUG", status="retired")
    store.settle()
    assert ([one["status"] for one in store.there("Mug")], store.listing().state) == (["archived"], "paused")
    assert (store.sent()[-1], store.bound("MUG")) == ({"status": "ARCHIVED", "title": "Mug"}, bound)
    store.keep("MUG")
    store.settle()
    assert ([one["status"] for one in store.there("Mug")], store.listing().state) == (["active"], "live")


def test_a_sku_that_ends_leaves_its_product_and_its_bindings(store: Store) -> None:
    store.price(MUG_Blue="12.50", MUG_Red="13.00")
    store.keep("MUG", "Blue", "Red")
    store.settle()
    store.keep("MUG", "Blue")  # the whole of it: Red is retired
    store.settle()
    (product,) = store.there("Mug")
    assert [one["sku"] for one in store.rows("variants") if one["product_id"] == product["id"]] == ["MUG-Blue"]
    assert set(store.bound("MUG-Blue", "MUG-Red")["inventory_item"]) == {"MUG-Blue"}


@pytest.mark.parametrize("store", [{"publish_products": "chosen"}], indirect=True)
def test_only_what_was_chosen_is_listed_and_a_person_takes_it_off(store: Store) -> None:
    store.price(MUG="12.50", CUP="3.00")
    mug, cup = store.keep("MUG"), store.keep("CUP")
    store.settle()
    assert store.sent() == []
    with store.crank.uow() as uow:
        assert catalogue.choose_listings(uow, "shop", "", [mug], "anna", wanted=True) == 1
        assert catalogue.choose_listings(uow, "shop", "", [cup], "anna", wanted=False) == 0
    store.settle()
    assert [one["title"] for one in store.sent()] == ["Mug"]
    with store.crank.uow() as uow:
        catalogue.choose_listings(uow, "shop", "", [mug], "anna", wanted=False)
    store.settle()
    assert ([one["status"] for one in store.there("Mug")], store.listing().state) == (["draft"], "paused")
    store.keep("MUG", title="Big mug")  # nobody wants it there
    store.settle()
    assert len(store.sent()) == 2


@pytest.mark.parametrize("store", [{"publish_products": "chosen"}], indirect=True)
def test_the_catalogue_of_before_is_listed_as_a_run(store: Store) -> None:
    store.price(MUG="12.50", CUP="3.00")
    for code, status in (("MUG", "active"), ("CUP", "active"), ("JUG", "retired")):
        store.keep(code, status=status)
    with store.crank.uow() as uow:
        run_id = listing_all.start(uow, uow.hub.connections.get(uow.session, "shop"), who="anna")
    with store.crank.uow() as uow, pytest.raises(Refused, match="being listed"):
        listing_all.start(uow, uow.hub.connections.get(uow.session, "shop"), who="anna")
    store.settle()
    assert sorted(one["title"] for one in store.sent()) == ["Cup", "Mug"]
    states = store.crank.rows("SELECT state, done, counts FROM hub.run WHERE id = %(id)s::uuid", id=run_id)
    assert states == [("done", 2, {"due": 2})]


def test_what_was_listed_by_hand_is_taken_over(store: Store) -> None:
    tent = next(one for one in store.rows("variants") if one["sku"] == "MO-SCK-M")
    family = [one["sku"] for one in store.rows("variants") if one["product_id"] == tent["product_id"]]
    before = len(store.rows("products"))
    draft = ProductDraft(
        code="SOCKS", title="Socks", status="active", options=("Size",), placing=True,
        variants=tuple(VariantDraft(sku=sku, options={"Size": sku[-1]}, status="active") for sku in family),
    )  # fmt: skip
    store.price(**{sku.replace("-", "_"): "9.00" for sku in family})
    with store.crank.uow() as uow:
        store.ids["SOCKS"] = catalogue.upsert_many(uow, [draft], source="pim").ids[0]
    store.settle()
    assert (store.listing("SOCKS").state, len(store.rows("products"))) == ("live", before)
    assert store.listing("SOCKS").external_id == str(tent["product_id"])
    assert store.bound(*family)["variant"]["MO-SCK-M"] == str(tent["id"])


def test_a_channel_without_products_of_the_hub_gets_none_and_says_how(store: Store) -> None:
    with store.crank.uow() as uow:
        uow.sql('UPDATE hub.connection SET settings = settings || \'{"publish_products": ""}\', version = version + 1')
    store.crank.hub.connections.forget()
    store.price(MUG="12.50")
    store.keep("MUG")
    store.settle()
    assert store.sent() == []
    with store.crank.uow() as uow, pytest.raises(Refused, match="publish_products"):
        catalogue_out.publishing_at(uow, "shop")


def test_what_differs_at_night_is_one_case_and_one_click_mends_it(store: Store) -> None:
    store.price(MUG_Blue="12.50", CUP="3.00")
    store.keep("MUG", "Blue")
    store.keep("CUP")
    store.settle()
    store.night()
    assert store.cases() == {}
    store.delete("CUP")
    (mug,) = store.there("Mug")
    store.shop.put("products", {**mug, "title": "Their mug", "status": "draft"})
    store.shop.put("variants", {**store.variant("MUG-Blue"), "barcode": "96385074"})
    with store.crank.uow() as uow:
        listing_alignment.start(uow, uow.hub.connections.get(uow.session, "shop"), who="anna")
    store.settle()
    with store.crank.uow() as uow:
        found = {(one.sku, one.kind, one.field, one.ours, one.theirs) for one in queries.drifts(uow, connection="shop")}
        assert catalogue.mark_products_again(uow, "shop", catalogue.drifted(uow, "shop")) == 2
    assert found == {
        ("CUP", "missing_there", "", "active", ""),
        ("MUG", "differs", "title", "Mug", "Their mug"),
        ("MUG", "differs", "status", "live", "hidden"),
        ("MUG-Blue", "differs", "gtin", "4006381333931", "96385074"),
    }
    assert list(store.cases()) == ["product.listing_drift"]
    store.settle()
    assert [(one["title"], one["status"]) for one in [*store.there("Mug"), *store.there("Cup")]] == [
        ("Mug", "active"), ("Cup", "active"),
    ]  # fmt: skip
    assert store.bound("CUP")["variant"] == {"CUP": str(store.variant("CUP")["id"])}
    assert store.sent()[-1]["variants"][0].get("price", "3.00") == store.variant("CUP")["price"] == "3.00"
    with store.crank.uow() as uow:
        listing_alignment.start(uow, uow.hub.connections.get(uow.session, "shop"), who="anna")
    store.settle()
    assert store.cases() == {}


@pytest.mark.capability("CM-8")
@pytest.mark.parametrize("store", [{"watch_prices": True}], indirect=True)
def test_what_the_shop_tells_of_our_own_sending_has_no_effect(store: Store) -> None:
    store.price(MUG="12.50")
    store.keep("MUG")
    store.settle()
    told, asked = len(store.crank.rows("SELECT FROM hub.event")), len(store.shop.listening.asked)
    (product,) = store.there("Mug")
    body = {**product, "updated_at": SYSTEM_CLOCK.now().isoformat(), "variants": [store.variant("MUG")]}
    with store.crank.uow() as uow:
        store.crank.hub.intake.accept(
            uow,
            Incoming(
                connection="shop", topic="products/update", external_ids=(f"webhook:{new_id()}",), kind="product",
                object_id=str(product["id"]), headers={}, body=json.dumps(body).encode(), correlation_id=new_id(),
            ),
        )  # fmt: skip
    store.settle()
    ended = store.crank.rows("SELECT code FROM hub.delivery WHERE subscriber = 'intake.take_in' ORDER BY id")
    assert ended == [("pricing.price_echo",)]
    assert len(store.crank.rows("SELECT FROM hub.event")) == told + 1  # the notice alone
    assert len(store.shop.listening.asked) == asked


def test_a_change_while_a_call_is_under_way_is_sent_after_it(store: Store) -> None:
    store.price(MUG="12.50")
    store.shop.listening.before("SetProduct", 1, lambda: store.keep("MUG", title="Newer"))
    store.keep("MUG")
    store.settle()
    assert [one["title"] for one in store.sent()] == ["Mug", "Newer"]
    assert (store.listing().state, [one["title"] for one in store.there("Newer")]) == ("live", ["Newer"])
