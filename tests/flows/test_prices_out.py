"""Prices shown at the sandbox's shop by the real adapter: when they count, the newest, and only what differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
import redis
from sqlalchemy import Engine

from app import flows, registry
from app.domains.pricing.canonical.prices import Price, PriceList, Scope
from app.domains.pricing.policy.channel_prices import ChannelRule, Counted, ListPrice, check_rule, shown
from app.domains.pricing.queries.channels import channel_prices, channel_standings
from app.domains.pricing.service.channel_prices import mark_all, set_channel_rule
from app.domains.pricing.service.lists import keep_list, keep_prices
from app.domains.pricing.service.tax_rates import put_tax_table
from app.domains.product import service as products
from app.flows import sku_mapping
from app.infra.bindings import known
from app.infra.deadlines import tell_missed
from app.infra.ids import new_id
from app.infra.notices import Incoming
from app.infra.windows import open_window
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Invalid
from app.kernel.money import UnitPrice
from app.settings import Settings
from tests.adapters.shopify.shop import Shop, a_shop
from tests.domains.product.shelves import draft
from tests.hub import Crank

pytestmark = pytest.mark.capability("PRC-4", "CM-8")
TENT, WIDE, SOCKS = "MO-TENT-2P", "MO-TENT-3P", "MO-SCK-M"
LIST = "retail"
PERIOD = tuple[str, datetime | None, datetime | None]  # amount, from, until


@dataclass
class Hands:
    """The hub's clock, which a test moves on."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return SYSTEM_CLOCK.now() + self.ahead


@dataclass
class Store:
    """A hub with price lists and a shop that shows its prices."""

    crank: Crank
    shop: Shop
    clock: Hands

    def rule(self, **more: Any) -> None:
        given = {"channel": "shop", "currency": "USD", "includes_tax": False, **more}
        with self.crank.uow() as uow:
            set_channel_rule(uow, ChannelRule(**given), "anna")

    def add_list(self, code: str = LIST, *, includes_tax: bool = False, **scope: str) -> None:
        wanted = PriceList(code=code, currency="USD", scope=Scope(**scope), includes_tax=includes_tax, zone="UTC")
        with self.crank.uow() as uow:
            keep_list(uow, wanted, "anna")

    def price(self, given: Mapping[str, str | list[PERIOD]], code: str = LIST) -> None:
        """These are the prices of these SKUs from now on."""
        since_ever = self.clock.now() - timedelta(minutes=1)
        prices = [
            Price(
                sku=sku, min_quantity=Decimal(0), from_at=since or since_ever, until_at=until,
                amount=UnitPrice(Decimal(amount), "USD"),
            )
            for sku, said in given.items()
            for amount, since, until in ([(said, None, None)] if isinstance(said, str) else said)
        ]  # fmt: skip
        with self.crank.uow() as uow:
            keep_prices(uow, code, prices, "anna")

    def settle(self) -> None:
        """Let the hub work; what a quota or a slow machine made wait is hastened once."""
        self.crank.settle()
        if self.crank.states("price_fan_out.send_to_channel").get("due"):
            self.crank.hasten()
            self.crank.settle()

    def pass_on(self, time: timedelta) -> None:
        """Time passes, and what comes due is told."""
        self.clock.ahead += time
        with self.crank.uow() as uow:
            tell_missed(uow, self.clock.now())
        self.settle()

    def shown(self, *skus: str) -> list[tuple[str, str | None]]:
        found = {
            one["sku"]: (one["price"], one["compare_at_price"])
            for one in self.shop.books("variants")
            if "_deleted" not in one
        }
        return [found[sku] for sku in skus]

    def merchant_sets(self, sku: str, price: str) -> None:
        there = next(one for one in self.shop.books("variants") if one["sku"] == sku)
        self.shop.put("variants", {**there, "price": price})

    def hears(self, sku: str, price: str, *, ahead: timedelta = timedelta(seconds=5)) -> str:
        """The shop tells of a product, in Shopify's own words; how what was heard ended."""
        found = [one for one in self.shop.books("variants") if one["sku"] == sku] or [{"id": 404, "product_id": 4}]
        at = self.clock.now() + ahead
        body = {
            "id": found[0]["product_id"], "updated_at": at.isoformat(),
            "variants": [{"id": found[0]["id"], "price": price, "compare_at_price": None}],
        }  # fmt: skip
        with self.crank.uow() as uow:
            self.crank.hub.intake.accept(
                uow,
                Incoming(
                    connection="shop", topic="products/update", external_ids=(f"webhook:{new_id()}",), kind="product",
                    object_id=str(body["id"]), headers={}, body=json.dumps(body).encode(), correlation_id=new_id(),
                ),
            )  # fmt: skip
        self.settle()
        rows = self.crank.rows(
            "SELECT state, coalesce(code, '') FROM hub.delivery WHERE subscriber = 'intake.take_in' ORDER BY id DESC "
            "LIMIT 1"
        )
        assert rows[0][0] in ("done", "superseded"), rows
        return str(rows[0][1])

    def sent(self) -> list[str]:
        """Every price that was sent, in its order."""
        return [variant["price"] for asked in self.shop.asked("SetPrices") for variant in asked["variants"]]

    def cases(self) -> list[str]:
        rows = self.crank.rows("SELECT code FROM hub.exception_case WHERE state NOT IN ('resolved', 'dismissed')")
        return [row[0] for row in rows]


@pytest.fixture(name="store")
def _store(settings: Settings, database: Engine, redis_client: redis.Redis) -> Iterator[Store]:
    flows.load()
    clock = Hands()
    with a_shop() as shop:
        crank = Crank(settings, adapter=registry.adapter, clock=clock)
        secret = {name: shop.settings[name] for name in ("access_token", "webhook_secret")}
        clear = {"shop": shop.settings["shop"], "base_url": shop.settings["base_url"]}
        crank.connect("shop", "shopify", secrets=secret, doubt_seconds=0, **clear)
        store = Store(crank=crank, shop=shop, clock=clock)
        store.add_list()
        yield store
        crank.close()


def test_a_price_that_changes_is_shown_and_the_same_again_is_not_sent(store: Store) -> None:
    store.rule()
    store.price({TENT: "199.5", SOCKS: "12.345"})
    store.settle()
    assert store.shown(TENT, SOCKS) == [("199.50", None), ("12.35", None)]
    assert len(store.sent()) == 2
    store.price({TENT: "199.500000", SOCKS: "12.347"})
    store.settle()
    assert len(store.sent()) == 2
    with store.crank.uow() as uow:
        assert mark_all(uow, "shop") == 2
        assert set(known(uow, "shop", {"variant": [TENT, SOCKS]})["variant"]) == {TENT, SOCKS}
    store.settle()
    assert len(store.sent()) == 2


def test_ten_changes_are_sent_as_the_newest_alone(store: Store) -> None:
    store.rule()
    for amount in range(10):
        store.price({TENT: f"10{amount}.00"})
    store.settle()
    assert (store.sent(), store.shown(TENT)) == (["109.00"], [("109.00", None)])


def test_a_price_to_come_is_shown_at_its_instant_and_ends_at_its_end(store: Store) -> None:
    store.rule()
    now = store.clock.now()
    monday, tuesday = now + timedelta(days=2), now + timedelta(days=3)
    store.price({TENT: [("200.00", None, monday), ("150.00", monday, tuesday), ("180.00", tuesday, None)]})
    store.settle()
    assert store.shown(TENT) == [("200.00", None)]
    store.pass_on(timedelta(days=2) - timedelta(seconds=30))
    assert store.shown(TENT) == [("200.00", None)]
    store.pass_on(timedelta(seconds=31))
    assert store.shown(TENT) == [("150.00", None)]
    store.pass_on(timedelta(days=1))
    assert (store.shown(TENT), store.sent()) == ([("180.00", None)], ["200.00", "150.00", "180.00"])


def test_what_is_more_particular_counts_and_a_customers_own_prices_are_not_shown(store: Store) -> None:
    store.rule()
    store.add_list("shop-only", channel="shop")
    store.add_list("for-anna", channel="shop", customer="anna")
    store.price({TENT: "200.00", SOCKS: "10.00"})
    store.price({TENT: "190.00"}, "shop-only")
    store.price({TENT: "1.00", SOCKS: "1.00"}, "for-anna")
    store.settle()
    assert store.shown(TENT, SOCKS) == [("190.00", None), ("10.00", None)]


def test_a_higher_price_of_the_list_to_compare_with_is_struck_through(store: Store) -> None:
    store.add_list("advice", customer="nobody")
    store.rule(compare_list="advice")
    store.price({TENT: "199.00", SOCKS: "12.00"}, "advice")
    store.price({TENT: "149.00", SOCKS: "12.00"})
    store.settle()
    assert store.shown(TENT, SOCKS) == [("149.00", "199.00"), ("12.00", None)]
    store.price({TENT: "199.00"})
    store.settle()
    assert store.shown(TENT) == [("199.00", None)]


def test_many_prices_go_in_batches_each_once(store: Store) -> None:
    variants = [one["sku"] for one in store.shop.books("variants")]
    store.price({sku: f"{number}.25" for number, sku in enumerate([*variants, *(f"NONE-{n}" for n in range(120))])})
    store.settle()
    assert store.sent() == []  # nobody said that the shop shows prices of the hub
    store.rule()
    store.settle()
    assert len(store.sent()) == len(variants)
    assert [price for price, _ in store.shown(*variants)] == [f"{number}.25" for number in range(len(variants))]
    with store.crank.uow() as uow:
        (standing,) = channel_standings(uow)
    assert (standing.waiting, standing.shown, standing.not_listed) == (0, len(variants), 120)
    assert store.cases() == []


def test_an_answer_that_was_lost_leaves_the_newest_price_standing(store: Store) -> None:
    store.rule()
    store.price({TENT: "200.00"})
    store.settle()
    store.shop.fault("drop_after", "mutation productVariantsBulkUpdate")
    store.price({TENT: "150.00"})
    store.settle()
    assert store.shown(TENT) == [("150.00", None)]  # its effect was there, its answer was not
    store.price({TENT: "200.00"})  # what the hub last knew to stand
    store.crank.hasten()
    store.settle()
    store.crank.hasten()
    store.settle()
    assert store.shown(TENT) == [("200.00", None)]


def test_what_the_channel_refuses_is_one_case_that_ends_by_itself(store: Store) -> None:
    (there,) = (one for one in store.shop.books("variants") if one["sku"] == SOCKS)
    store.shop.put("variants", {**there, "id": there["id"] + 600_000})
    store.rule()
    store.price({TENT: "200.00", SOCKS: "10.00"})
    store.settle()
    assert (store.shown(TENT), store.cases()) == ([("200.00", None)], ["pricing.price_refused"])
    with store.crank.uow() as uow:
        (troubled,) = channel_prices(uow, "shop", troubled=True)
    assert (troubled.sku, "2 variants" in troubled.said) == (SOCKS, True)
    store.shop.put("variants", {**there, "id": there["id"] + 600_000, "_deleted": True})
    store.clock.ahead += timedelta(hours=25)
    with store.crank.uow() as uow:
        open_window(uow, "channel_prices", store.clock.now())
    store.settle()
    assert (store.shown(SOCKS), store.cases()) == ([("10.00", None)], [])


def test_a_net_list_is_shown_with_the_tax_of_the_channels_place(store: Store) -> None:
    with store.crank.uow() as uow:
        put_tax_table(
            uow,
            "jurisdiction,country,zone,tax_code,name,percent,effective_from\nDE,DE,Europe/Berlin,standard,USt,19,2021-01-01\n",
            "anna",
        )
        uow.sql("INSERT INTO pricing.item (sku, tax_code) VALUES (%(s)s, 'standard')", {"s": TENT})
    store.rule(includes_tax=True, country="DE", ending=Decimal("0.99"))
    store.price({TENT: "100.00", SOCKS: "10.00"})
    store.settle()
    assert store.shown(TENT) == [("119.99", None)]  # 100 × 1.19 = 119.00, the next .99 is 119.99
    with store.crank.uow() as uow:
        (troubled,) = channel_prices(uow, "shop", troubled=True)
    assert (troubled.sku, troubled.code, store.cases()) == (
        SOCKS, "pricing.unknown_tax_code", ["pricing.price_refused"]
    )  # fmt: skip


def test_what_the_hub_sent_and_hears_again_is_an_echo(store: Store) -> None:
    store.rule()
    store.price({TENT: "200.00"})
    store.settle()
    assert store.hears(TENT, "200.00") == "pricing.price_echo"
    assert store.hears(TENT, "150.00", ahead=timedelta(minutes=-5)) == "pricing.price_echo"  # told before it was sent
    assert store.hears("MO-SHIRT-UNKNOWN", "1.00") == "pricing.price_not_ours"
    assert store.sent() == ["200.00"]


def test_a_price_that_the_merchant_changes_at_the_shop_is_set_back_once(store: Store) -> None:
    store.rule()
    store.price({TENT: "200.00"})
    store.settle()
    store.merchant_sets(TENT, "150.00")
    assert store.hears(TENT, "150.00") == ""
    assert (store.shown(TENT), store.sent()) == ([("200.00", None)], ["200.00", "200.00"])
    store.merchant_sets(TENT, "150.00")
    assert store.hears(TENT, "150.00") == ""
    assert (store.shown(TENT), store.cases()) == ([("150.00", None)], ["pricing.price_refused"])
    store.price({TENT: "190.00"})
    store.settle()
    assert (store.shown(TENT), store.cases()) == ([("190.00", None)], [])


def test_a_list_that_becomes_somebody_elses_is_shown_no_longer(store: Store) -> None:
    store.rule()
    store.add_list("shop-only", channel="shop")
    store.price({TENT: "200.00"})
    store.price({TENT: "190.00"}, "shop-only")
    store.settle()
    store.add_list("shop-only", channel="shop", customer="anna")
    store.settle()
    assert store.shown(TENT) == [("200.00", None)]


def test_a_tax_that_changes_or_begins_changes_the_prices_that_hold_it(store: Store) -> None:
    today = store.clock.now().date()
    head = "jurisdiction,country,zone,name,percent,effective_from,effective_to\n"
    tomorrow, after = today + timedelta(days=1), today + timedelta(days=2)
    store.rule(includes_tax=True, country="DE")

    def put(*rates: str) -> None:
        with store.crank.uow() as uow:
            put_tax_table(uow, head + "".join(f"DE,DE,UTC,USt,{rate}\n" for rate in rates), "anna")
        store.settle()

    put(f"19,2021-01-01,{tomorrow}", f"16,{after},")
    store.price({TENT: "100.00"})
    store.settle()
    assert store.shown(TENT) == [("119.00", None)]
    put(f"20,2021-01-01,{tomorrow}", f"16,{after},")
    assert store.shown(TENT) == [("120.00", None)]
    for _ in range(2):
        store.clock.ahead += timedelta(days=1)
        with store.crank.uow() as uow:
            open_window(uow, "channel_prices", store.clock.now())
        store.settle()
    assert store.shown(TENT) == [("116.00", None)]


def test_a_rule_that_is_closed_sends_nothing(store: Store) -> None:
    store.rule()
    store.rule(open=False)
    store.price({TENT: "200.00"})
    store.settle()
    assert store.sent() == []


@pytest.mark.parametrize(
    ("amount", "ending", "currency", "wanted"),
    [
        ("12.30", "0.99", "USD", "12.99"),
        ("12.99", "0.99", "USD", "12.99"),
        ("13.00", "0.99", "USD", "13.99"),
        ("12.30", "0", "USD", "13.00"),
        ("0.004", "0.99", "USD", "0.00"),
        ("12.3456", None, "KWD", "12.346"),
        ("12.5", None, "JPY", "13"),
    ],
)
def test_a_price_ends_as_the_merchant_likes_and_never_below_its_list(
    amount: str, ending: str | None, currency: str, wanted: str
) -> None:

    rule = ChannelRule(
        channel="shop", currency=currency, includes_tax=True, ending=None if ending is None else Decimal(ending)
    )
    price = ListPrice(price_list=LIST, amount=Decimal(amount), includes_tax=True)
    found = shown(rule, Counted(sku=TENT, price=price), Fraction(0))
    assert found is not None
    assert found.amount.text == wanted


def test_an_ending_that_a_currency_cannot_show_is_refused() -> None:
    with pytest.raises(Invalid) as wrong:
        check_rule(ChannelRule(channel="shop", currency="JPY", includes_tax=True, ending=Decimal("0.99")))
    assert wrong.value.code == "pricing.channel_rule"


def test_it_is_known_which_sku_has_no_price_any_more(store: Store) -> None:
    store.rule()
    store.price({TENT: [("200.00", None, store.clock.now() + timedelta(days=1))]})
    store.settle()
    store.pass_on(timedelta(days=1, seconds=1))
    assert store.shown(TENT) == [("200.00", None)]
    with store.crank.uow() as uow:
        (price,) = channel_prices(uow, "shop", sku=TENT)
    assert (price.code, price.due, store.cases()) == ("pricing.no_price", False, [])


@pytest.mark.capability("PRD-3")
def test_a_price_is_shown_under_the_channels_own_word_for_the_sku(store: Store) -> None:
    with store.crank.uow() as uow:
        products.keep_many(uow, [draft("TENT", status="active"), draft(SOCKS, status="active")], "anna")
        sku_mapping.map_sku(uow, TENT, "TENT", "anna", channels=["shop"])
    store.rule()
    store.price({"TENT": "150.00", SOCKS: "9.00", TENT: "1.00"})  # their word is no SKU of its own there any more
    store.settle()
    assert store.shown(TENT, SOCKS) == [("150.00", None), ("9.00", None)]
    with store.crank.uow() as uow:
        assert [one.sku for one in channel_prices(uow, "shop", troubled=True)] == [TENT]
        assert set(known(uow, "shop", {"variant": ["TENT", TENT]})["variant"]) == {"TENT"}


@pytest.mark.capability("PRD-3")
def test_a_mapping_that_comes_or_goes_later_shows_the_other_skus_price(store: Store) -> None:
    with store.crank.uow() as uow:
        products.keep_many(uow, [draft("TENT", status="active")], "anna")
    store.rule()
    store.price({"TENT": "150.00", TENT: "199.00"})
    store.settle()
    assert store.shown(TENT) == [("199.00", None)]
    with store.crank.uow() as uow:
        sku_mapping.map_sku(uow, TENT, "TENT", "anna", channels=["shop"])
    store.settle()
    assert store.shown(TENT) == [("150.00", None)]
    with store.crank.uow() as uow:
        sku_mapping.forget_sku(uow, "shop", TENT, "anna")
    store.settle()
    assert store.shown(TENT) == [("199.00", None)]
