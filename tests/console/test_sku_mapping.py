"""A channel's SKU that nobody knows, said to be one of ours at the console."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.domains.product import service
from app.infra.hub import Hub
from tests.console.browser import Browser, acts, capture, connect, set_aside, some_orders, state_of
from tests.domains.product.shelves import draft
from tests.factories import a_line, an_order

pytestmark = pytest.mark.capability("PRD-3", "ADM-2")
PAGE, THEIRS, WHO = "/admin/sku-mapping/", "Tent_2p<x>", "operator@shop.example"


def orders_wait(hub: Hub) -> list[int]:
    connect(hub, "shop", "erp")
    with hub.unit_of_work() as uow:
        service.keep_many(uow, [draft("TENT-2P-X", title="Trail tent <2>"), draft("MUG", title="Mug")], "ann")
    lines = (a_line(line_id="1", sku=THEIRS, title="Trail tent <green>"),)
    ids = capture(hub, *(an_order(name=one.name, ref=one.ref, gid=one.gid, lines=lines) for one in some_orders(3)))
    return [set_aside(hub, f"orders:{one}", facts={"sku": THEIRS})[1] for one in ids]


def test_an_unknown_sku_is_chosen_from_suggestions_and_every_order_goes_on(operator: Browser, hub: Hub) -> None:
    waiting = orders_wait(hub)
    page = operator.get(PAGE).text
    shown = ("Tent_2p&lt;x&gt;", "Trail tent &lt;green&gt;", 'value="TENT-2P-X"', "title alike", "Trail tent &lt;2&gt;")
    for said in shown:
        assert said in page
    done = operator.post(f"{PAGE}map", external=THEIRS, sku="TENT-2P-X", why="the same")
    assert "3 deliveries that waited go on; 1 case closed" in done.text
    assert {state_of(hub, delivery) for delivery in waiting} <= {"due", "behind"}
    assert "No order waits for a SKU" in operator.get(PAGE).text
    assert (WHO, "mapped a SKU", "the same") in acts(hub)


def test_a_mapping_is_forgotten_only_after_a_look_and_with_the_audit(operator: Browser, hub: Hub) -> None:
    orders_wait(hub)
    operator.get(PAGE)
    operator.post(f"{PAGE}map", external=THEIRS, sku="TENT-2P-X")
    asked = operator.post(f"{PAGE}remove", connection="shop", external=THEIRS)
    assert "Nothing has been done yet" in asked.text
    assert "TENT-2P-X" in operator.get(PAGE).text
    operator.post(f"{PAGE}remove", connection="shop", external=THEIRS, sure="yes", why="a mistake")
    assert "No SKU has another name" in operator.get(PAGE).text
    assert (WHO, "took out the mapping of a SKU", "a mistake") in acts(hub)


def test_who_may_only_look_sees_suggestions_and_maps_nothing(signed_in: Callable[[str], Browser], hub: Hub) -> None:
    orders_wait(hub)
    viewer = signed_in("viewer")
    page = viewer.get(PAGE).text
    assert ("TENT-2P-X" in page, "Map and go on" in page) == (True, False)
    assert viewer.post(f"{PAGE}map", external=THEIRS, sku="MUG").status_code == 403


def test_the_list_goes_on_by_channel_and_sku(operator: Browser, hub: Hub) -> None:
    connect(hub, "shop")
    with hub.unit_of_work() as uow:
        service.keep_many(uow, [draft("MUG", title="Mug")], "ann")
        uow.sql(
            "INSERT INTO product.sku_alias (connection, kind, external, variant_id, chosen_by) "
            "SELECT 'shop', 'sku', 'M-' || lpad(n::text, 3, '0'), id, 'ann' FROM product.variant, "
            "generate_series(1, 120) n"
        )
    first = operator.get(PAGE).text
    following = operator.get(f"{PAGE}?at=shop&after=M-050").text
    assert ("M-001" in first, "M-120" in first) == (True, False)
    assert ("M-050" in following, "M-051" in following) == (False, True)


def test_the_case_itself_takes_the_choice_too(operator: Browser, hub: Hub) -> None:
    waiting = orders_wait(hub)
    with hub.unit_of_work() as uow:
        (case,) = [row[0] for row in uow.sql("SELECT id::text FROM hub.exception_case")]
    assert "Say which SKU of the catalogue" in operator.get(f"/admin/cases/{case}").text
    done = operator.post(f"/admin/cases/{case}/mend", remedy="name_sku", target="TENT-2P-X")
    assert "3 deliveries set due again" in done.text
    assert {state_of(hub, delivery) for delivery in waiting} <= {"due", "behind"}
    assert "TENT-2P-X" in operator.get(PAGE).text


def test_of_many_unknown_skus_each_is_compared_when_it_is_asked_for(operator: Browser, hub: Hub) -> None:
    connect(hub, "shop", "erp")
    with hub.unit_of_work() as uow:
        service.keep_many(uow, [draft(f"TENT-{n}", title="Tent") for n in range(6)], "ann")
        uow.sql(
            "INSERT INTO hub.exception_case (id, code, connection, about, title) SELECT gen_random_uuid(), "
            "'orders.sku_unmapped', 'erp', 'sku tent_' || n, 'no item' FROM generate_series(0, 5) n"
        )
    assert operator.get(PAGE).text.count("What may it be?") == 2
    page = operator.get(f"{PAGE}?sku=tent_5").text
    assert (page.count("What may it be?"), "TENT-5, same but for case and signs" in page) == (5, True)
