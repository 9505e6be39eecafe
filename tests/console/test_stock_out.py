"""The page of what channels are told of stock."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from app.domains.inventory import service as inventory
from app.domains.inventory.policy.telling import Target
from app.domains.inventory.ports import Became, LevelAnswer
from app.domains.inventory.service import outgoing
from app.infra.connecting import add_connection
from app.infra.hub import Hub
from tests.console.browser import Browser, acts


def tell(hub: Hub) -> None:
    """A shop that shows 5 tents, does not list boots, and refuses socks."""
    with hub.unit_of_work() as uow:
        settings = {
            "shop": "demo.myshopify.com",
            "access_token": "t",
            "webhook_secret": "s",
            "stock_figure": "available",
        }
        add_connection(uow, name="shop", adapter="shopify", who="anna", settings=settings)
        now = hub.clock.now()
        for sku in ("TENT", "BOOT", "SOCK", "WAIT"):
            inventory.set_snapshot(uow, "erp", sku, "EAST", Decimal(5), now)
    hub.connections.forget()
    with hub.unit_of_work() as uow:
        outgoing.mark(uow, ["shop"], ["TENT", "BOOT", "SOCK", "WAIT"])
        target = Target(quantity=Decimal(5), expected=None)
        told = outgoing.Told(sku="TENT", wanted=1, target=target, paused=False, at=now)
        outgoing.stand(uow, "shop", [told])
        answers = [
            LevelAnswer(sku="BOOT", became=Became.UNLISTED),
            LevelAnswer(sku="SOCK", became=Became.REFUSED, said="2 items of the shop have this SKU"),
        ]
        outgoing.put_aside(uow, "shop", {"BOOT": 1, "SOCK": 1}, answers, now)


@pytest.mark.capability("INV-5", "ADM-2")
def test_each_channel_says_how_far_it_is_and_what_it_was_told(operator: Browser, hub: Hub) -> None:
    assert "No channel is told stock" in operator.get("/admin/stock-out/").text
    tell(hub)
    page = operator.get("/admin/stock-out/").text
    assert ("Refused" in page, "what may be sold" in page) == (True, True)
    shown = operator.get("/admin/stock-out/shop").text
    assert all(word in shown for word in ("TENT", "Newest", "Waiting", "2 items of the shop have this SKU"))
    troubled = operator.get("/admin/stock-out/shop?view=troubled").text
    assert ("TENT<" in troubled, "BOOT<" in troubled, "SOCK<" in troubled) == (False, True, True)
    assert "WAIT<" in operator.get("/admin/stock-out/shop?view=waiting").text
    assert "No such level" in operator.get("/admin/stock-out/shop?sku=NONE").text
    assert operator.get("/admin/stock-out/nowhere").status_code == 404


@pytest.mark.capability("ADM-4")
def test_telling_anew_is_somebodys_deed(operator: Browser, hub: Hub) -> None:
    tell(hub)
    assert "1 SKUs are compared" in operator.post("/admin/stock-out/shop/push", sku="TEN*", why="looked wrong").text
    assert "TENT<" in operator.get("/admin/stock-out/shop?view=waiting").text
    assert "had stock told" in str(acts(hub))
    assert operator.post("/admin/stock-out/nowhere/push").status_code == 404


def test_who_only_looks_tells_nothing(signed_in: Callable[[str], Browser], hub: Hub) -> None:
    tell(hub)
    viewer = signed_in("viewer")
    assert viewer.get("/admin/stock-out/shop").status_code == 200
    assert viewer.post("/admin/stock-out/shop/push").status_code == 403
