"""Stock at the console: what a figure is made of, what channels agreed, where books differ."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domains.inventory import queries, service
from app.infra.hub import Hub
from tests.console.browser import Browser, acts
from tests.stock import contradictions, count_stock, wanted

WHO = "operator@shop.example"
SKU = "TEE/M 1"  # people write such


@pytest.fixture
def shelf(hub: Hub) -> Hub:
    with hub.unit_of_work() as uow:
        count_stock(uow, SKU, 10, location="EAST")
        count_stock(uow, "PEG", 20)
        service.set_bundle(uow, "SET", {SKU: Decimal(1), "PEG": Decimal(8)})
        service.reserve(uow, "01938f2e-6b1a-7c3d-8e4f-5a6b7c8d9e0f", wanted({SKU: 3}))
        cart = service.Quote(name="cart-7", lines=tuple(wanted({SKU: 1})), lasting=timedelta(hours=1))
        service.quote(uow, cart)
    return hub


@pytest.mark.capability("INV-1", "INV-2", "ADM-3")
def test_a_sku_shows_where_it_lies_who_has_it_and_how_it_came(operator: Browser, shelf: Hub) -> None:
    assert SKU in operator.get("/admin/stock/").text
    assert SKU not in operator.get("/admin/stock/?q=PEG").text
    operator.post("/admin/stock/policies/set", channel="shop", pattern="TEE*", cap="4", safety="1")
    page = operator.get("/admin/stock/sku/TEE/M%201").text
    for said in ("6 can be sold", "EAST", "quote:cart-7", "orders/01938f2e", "shop: 4", "Allotted", "+10", "Count"):
        assert said in page, said
    bundle = operator.get("/admin/stock/sku/SET").text
    assert "One bundle takes" in bundle
    assert "2 can be sold" in bundle
    assert operator.get("/admin/stock/sku/NEVER").status_code == 404


@pytest.mark.capability("INV-2", "ADM-3")
def test_a_sku_shows_what_its_buyers_wait_for(operator: Browser, shelf: Hub) -> None:
    operator.post("/admin/stock/policies/set", channel="shop", pattern="PEG", backorder_limit="9")
    with shelf.unit_of_work() as uow:
        service.reserve(uow, "01938f2e-6b1a-7c3d-8e4f-5a6b7c8d9e10", wanted({"PEG": 25}), channel="shop")
    page = operator.get("/admin/stock/sku/PEG").text
    assert "5 back-ordered" in page
    assert "shop: 4" in page


@pytest.mark.capability("INV-2", "ADM-2")
def test_a_policy_is_agreed_shown_and_removed_with_a_name(
    operator: Browser, signed_in: Callable[[str], Browser], shelf: Hub
) -> None:
    page = operator.post(
        "/admin/stock/policies/set", channel="shop", locations="EAST, WEST", share="60", priority="5", overcommit="yes"
    ).text
    for said in ("EAST, WEST", "Share in per cent 60", "Priority, lowest first 5", "offered beside others"):
        assert said in page, said
    wrong = operator.post("/admin/stock/policies/set", channel="shop", share="sixty")
    assert (wrong.status_code, "Share in per cent" in wrong.text) == (422, True)
    viewer = signed_in("viewer")
    assert "Agree something" not in viewer.get("/admin/stock/policies").text
    assert viewer.post("/admin/stock/policies/drop", channel="shop", pattern="*").status_code == 403
    assert "No policy yet" in operator.post("/admin/stock/policies/drop", channel="shop", pattern="*").text
    assert [did for who, did, _ in acts(shelf) if who == WHO][-2:] == [
        "set a channel policy",
        "dropped a channel policy",
    ]


@pytest.mark.capability("INV-7", "ADM-2")
def test_drift_is_corrected_or_accepted_with_a_name(operator: Browser, shelf: Hub) -> None:
    with shelf.unit_of_work() as uow:
        uow.sql("UPDATE inventory.stock_level SET on_hand = on_hand + 1")
        service.set_rule(uow, "", service.Rule(tolerance=Decimal(0), automatic_up_to=Decimal(0)))
        service.recount(uow)
        ids = {one.sku: one.id for one in queries.drifts(uow)}
    page = operator.get("/admin/stock/drift").text
    assert "a counter was changed without what it counts" in page
    assert "Every other book" in page
    assert "left as it is" in operator.post(f"/admin/stock/drift/{ids['PEG']}/accept").text
    assert "both books agree again" in operator.post(f"/admin/stock/drift/{ids[SKU]}/correct").text
    assert operator.post(f"/admin/stock/drift/{ids[SKU]}/correct").status_code == 409
    assert operator.post(f"/admin/stock/drift/{ids['PEG']}/burn").status_code == 404
    assert "Accepted by operator@shop.example" in operator.get("/admin/stock/drift?view=closed").text
    assert {row[1] for row in contradictions(shelf)} == {"PEG"}
    assert [did for who, did, _ in acts(shelf) if who == WHO] == ["accepted a stock drift", "corrected a stock drift"]
