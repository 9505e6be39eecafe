"""The pages of tax rates and of prices at channels."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domains.pricing.canonical.prices import Price, PriceList, Scope
from app.domains.pricing.policy.channel_prices import ChannelRule
from app.domains.pricing.service.channel_prices import put_aside, set_channel_rule
from app.domains.pricing.service.lists import keep_list, keep_prices
from app.domains.pricing.service.tax_rates import put_tax_table
from app.infra.hub import Hub
from app.kernel.money import UnitPrice
from tests.console.browser import Browser, acts, connect

TABLE = """jurisdiction,title,country,region,postal_from,postal_to,zone,shipping,shipping_code,tax_code,position,name,percent,compound,effective_from,effective_to
DE,Germany,DE,,,,Europe/Berlin,,,standard,1,USt 19 %,19,,2007-01-01,2099-12-31
DE,Germany,DE,,,,Europe/Berlin,,,standard,1,USt 23 %,23,,2100-01-01,
US-CA-LA,Los Angeles,US,CA,90001,90089,America/Los_Angeles,exempt,,,2,District,2.25,yes,2017-07-01,
"""  # noqa: E501


@pytest.fixture(name="viewer")
def _viewer(signed_in: Callable[[str], Browser]) -> Browser:
    return signed_in("viewer")


def put(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        put_tax_table(uow, TABLE, "anna")


@pytest.mark.capability("PRC-3", "ADM-2")
def test_rates_are_listed_with_their_days_and_places(viewer: Browser, hub: Hub) -> None:
    assert "No tax rate yet" in viewer.get("/admin/tax/").text
    put(hub)
    page = viewer.get("/admin/tax/").text
    for word in ("USt 19 %", "Holds", "To come", "US, CA, 90001 to 90089", "shipping not taxed", "2.25",
                 "on the taxes before it too", "rounded by document, half up, as erp invoices"):  # fmt: skip
        assert word in page
    only = viewer.get("/admin/tax/?country=us&region=ca").text
    assert ("Los Angeles" in only, "Germany" in only) == (True, False)
    assert "No rate there" in viewer.get("/admin/tax/?country=FR").text
    assert "Put a table" not in page  # who only looks
    assert viewer.post("/admin/tax/drop", jurisdiction="DE").status_code == 403


@pytest.mark.capability("PRC-3")
def test_a_table_is_put_whole_or_not_at_all_under_a_name(operator: Browser, hub: Hub) -> None:
    def send(text: str) -> str:
        return operator.post("/admin/tax/put", table=(io.BytesIO(text.encode()), "rates.csv"), why="new year").text

    assert "2 jurisdictions with 3 rates hold now" in send(TABLE)
    assert "&#39;nine&#39; is no percentage" in send(TABLE.replace(",2.25,", ",nine,"))
    assert "2.25" in operator.get("/admin/tax/").text
    assert operator.post("/admin/tax/put").status_code == 422
    assert operator.post("/admin/tax/put", table=(io.BytesIO(b"\xff\xfe"), "rates.csv")).status_code == 422
    assert "US-CA-LA is gone" in operator.post("/admin/tax/drop", jurisdiction="US-CA-LA", why="moved").text
    assert operator.post("/admin/tax/drop", jurisdiction="US-CA-LA").status_code == 404
    assert [(did, why) for _, did, why in acts(hub)][-2:] == [
        ("put tax rates", "new year"), ("dropped a tax jurisdiction", "moved")
    ]  # fmt: skip


@pytest.mark.capability("PRC-3")
def test_a_certificate_is_kept_shown_and_taken_away(operator: Browser, hub: Hub) -> None:
    given = {"customer": "c1", "certificate_id": "AT-1", "country": "de", "since": "2026-01-01"}
    assert "c1 is exempt by AT-1" in operator.post("/admin/tax/exempt", **given).text
    assert "AT-1" in operator.get("/admin/tax/").text
    assert operator.post("/admin/tax/exempt", **{**given, "until": "someday"}).status_code == 422
    assert operator.post("/admin/tax/exempt", **{**given, "certificate_id": " "}).status_code == 422
    gone = operator.post("/admin/tax/exempt/end", customer="c1", certificate_id="AT-1").text
    assert "tax is charged from now on" in gone
    assert "Certificates of exemption" not in operator.get("/admin/tax/").text


@pytest.mark.capability("PRC-4", "ADM-2")
def test_each_channel_says_how_far_it_is_and_what_it_does_not_show(operator: Browser, hub: Hub) -> None:
    assert "No channel shows prices" in operator.get("/admin/prices-out/").text
    connect(hub, "shop", "erp")
    with hub.unit_of_work() as uow:
        keep_list(uow, PriceList(code="retail", currency="EUR", scope=Scope(), includes_tax=True, zone="UTC"), "anna")
        price = UnitPrice(Decimal("9.90"), "EUR")
        since = hub.clock.now() - timedelta(days=1)
        prices = [Price(sku=sku, min_quantity=Decimal(0), from_at=since, amount=price) for sku in ("TENT", "SOCK")]
        keep_prices(uow, "retail", prices, "anna")
    with hub.unit_of_work() as uow:
        set_channel_rule(uow, ChannelRule(channel="shop", currency="EUR", includes_tax=True), "anna")
        put_aside(uow, "shop", {"SOCK": (1, "pricing.price_refused", "2 variants of the shop have this SKU")})
    page = operator.get("/admin/prices-out/").text
    assert ("Refused" in page, "EUR, with tax" in page) == (True, True)
    shown = operator.get("/admin/prices-out/shop").text
    assert ("TENT" in shown, "Waiting" in shown, "2 variants of the shop have this SKU" in shown) == (True, True, True)
    troubled = operator.get("/admin/prices-out/shop?view=troubled").text
    assert ("TENT<" in troubled, "SOCK<" in troubled) == (False, True)
    assert "No such price" in operator.get("/admin/prices-out/shop?sku=NONE").text
    assert operator.get("/admin/prices-out/nowhere").status_code == 404
    assert operator.post("/admin/prices-out/nowhere/send").status_code == 404
    assert "1 SKUs are compared" in operator.post("/admin/prices-out/shop/send", sku="SO*", why="mended").text
    assert "Waiting" in operator.get("/admin/prices-out/shop?view=troubled").text


def test_who_only_looks_sends_nothing(viewer: Browser, hub: Hub) -> None:
    assert viewer.post("/admin/prices-out/shop/send").status_code == 403
