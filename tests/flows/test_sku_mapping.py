"""A channel's SKU that nobody knows is one case; once a person says what it is, every order that waits goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domains.inventory import service as inventory
from app.domains.product import queries, service
from app.domains.product.canonical import Unit, VariantDraft
from app.flows import mapping, sku_mapping
from app.infra.value_maps import Word
from app.kernel.errors import Invalid, NotFound
from tests.domains.product.shelves import draft
from tests.factories import a_customer, a_line, an_order
from tests.flows.conftest import MORNING, Story

pytestmark = pytest.mark.capability("PRD-3")
THEIRS, OURS = "Tent_2p grn", "TENT-2P-GRN"


def furnish(story: Story) -> None:
    tent = VariantDraft(sku=OURS, gtin="96385074", units=(Unit(unit="box", numerator=4, gtin="4006381333931"),))
    with story.crank.uow() as uow:
        service.keep_many(
            uow,
            [
                draft(OURS, variants=(tent,), title="Trail tent for two, green", status="active"),
                draft("TENT-3P", title="Trail tent for three, red", status="active"),
                draft("MUG", title="Enamel mug", status="active"),
                draft("OLD-TENT", title="Trail tent for two, green", status="retired"),
            ],
            "ann",
        )


def orders_wait(story: Story, count: int, sku: str = THEIRS, title: str = "Green trail tent") -> None:
    story.erp.unmapped.add(sku)
    for n in range(count):
        buyer = a_customer(external_id=f"c{n}", email=f"buyer{n}@example.com")
        lines = (a_line(line_id="1", sku=sku, title=title),)
        story.post(
            "orders/create", an_order(external_id=str(n), name=f"#{n}", customer=buyer, email=buyer.email, lines=lines)
        )
    story.settle()


def test_one_case_however_many_orders_wait_and_a_choice_lets_them_all_go_on(story: Story) -> None:
    furnish(story)
    orders_wait(story, 5)
    assert story.crank.rows("SELECT code, about FROM hub.exception_case") == [("orders.sku_unmapped", f"sku {THEIRS}")]
    with story.crank.uow() as uow:
        (one,) = sku_mapping.unmapped(uow)
        best = sku_mapping.suggest(uow, one)[0]
    assert (one.sku, one.channels, one.waiting, one.erp) == (THEIRS, ("shop",), 5, "erp")
    assert (best.sku, best.why) == (OURS, "sku")
    story.erp.unmapped.clear()
    with story.crank.uow() as uow:
        done = sku_mapping.map_sku(uow, THEIRS, best.sku, "ann", why="the same tent")
    assert (done.channels, done.cases, done.released) == (("shop",), 1, 5)
    story.settle()
    assert {story.state(str(n)) for n in range(5)} == {"posted"}
    assert (len(story.erp.documents), story.cases()) == (5, {})
    assert {posting.known["item"][THEIRS] for posting in story.erp.postings[-5:]} == {OURS}


def test_an_order_that_comes_later_is_posted_as_ours_by_what_the_erp_calls_ours(story: Story) -> None:
    furnish(story)
    with story.crank.uow() as uow:
        sku_mapping.map_sku(uow, THEIRS, OURS, "ann", channels=["shop"])
        mapping.map_values(uow, "erp", [Word(kind="item", source=OURS, target="1896-S")], "ann")
    story.post("orders/create", an_order(lines=(a_line(line_id="1", sku=THEIRS),)))
    story.settle()
    assert (story.state(), story.erp.postings[-1].known["item"][THEIRS]) == ("posted", "1896-S")


def test_a_later_order_takes_the_stock_of_our_sku_and_gives_it_back(story: Story) -> None:
    furnish(story)
    story.stock(TENT_2P_GRN=5)
    with story.crank.uow() as uow:
        sku_mapping.map_sku(uow, THEIRS, OURS, "ann", channels=["shop"])
    order = an_order(lines=(a_line(line_id="1", sku=THEIRS),))
    story.post("orders/create", order)
    story.settle()
    rows = "SELECT sku, state, sum(quantity)::int FROM inventory.reservation GROUP BY 1, 2"
    assert story.crank.rows(rows) == [(OURS, "allocated", 1)]
    at = order.source_version + timedelta(minutes=5)
    story.post("orders/cancelled", replace(order, source_version=at, cancelled_at=at))
    story.settle()
    assert [row[:2] for row in story.crank.rows(rows)] == [(OURS, "released")]


def test_a_later_order_that_wants_more_of_our_sku_than_there_is_waits(story: Story) -> None:
    furnish(story)
    story.stock(TENT_2P_GRN=0)
    with story.crank.uow() as uow:
        sku_mapping.map_sku(uow, THEIRS, OURS, "ann", channels=["shop"])
    story.post("orders/create", an_order(lines=(a_line(line_id="1", sku=THEIRS),)))
    story.settle()
    assert story.cases() == {"inventory.short": f"sku {OURS}"}


def test_what_an_operator_said_last_of_a_sku_holds(story: Story) -> None:
    furnish(story)
    with story.crank.uow() as uow:
        sku_mapping.map_sku(uow, THEIRS, OURS, "ann", channels=["shop"])
        assert queries.meant(uow, [("shop", THEIRS)], "erp") == {("shop", THEIRS): OURS}
    with story.crank.uow() as uow:
        mapping.map_values(uow, "erp", [Word(kind="item", source=THEIRS, target="1900-S")], "ann")
    with story.crank.uow() as uow:
        assert queries.meant(uow, [("shop", THEIRS)], "erp") == {}
        assert queries.meant(uow, [("shop", THEIRS)], "another_erp") == {("shop", THEIRS): OURS}
        assert queries.meant(uow, [("another_shop", THEIRS)]) == {}


@pytest.mark.parametrize(
    ("sku", "title", "first"),
    [
        ("04006381333931", "", (OURS, "gtin")),
        ("96385074", "Enamel mug", (OURS, "gtin")),
        ("tent2p/grn", "Enamel mug", (OURS, "sku")),
        ("ART-7781", "Trail tent for two green", (OURS, "title")),
        ("ART-7782", "Mug, enamel", ("MUG", "title")),
        ("green-tent", "", (OURS, "alias")),
    ],
)
def test_suggestions_begin_with_the_surest(story: Story, sku: str, title: str, first: tuple[str, str]) -> None:
    furnish(story)
    with story.crank.uow() as uow:
        sku_mapping.map_sku(uow, "GREEN TENT", OURS, "ann", channels=["shop"])
        found = queries.likely(uow, sku, title=title)
    assert (found[0].sku, found[0].why) == first
    assert len({one.sku for one in found}) == len(found)
    assert "OLD-TENT" not in {one.sku for one in found}


def test_what_resembles_nothing_is_not_guessed(story: Story) -> None:
    furnish(story)
    with story.crank.uow() as uow:
        assert queries.likely(uow, "ZZ-9", title="Frying pan") == []
        assert queries.likely(uow, "---", title="-") == []


def test_a_choice_that_cannot_be_is_refused_and_nothing_goes_on(story: Story) -> None:
    furnish(story)
    orders_wait(story, 1)
    for ours, channels, error, code in (
        ("GHOST", (), NotFound, "product.unknown"),
        ("OLD-TENT", (), Invalid, "product.alias_retired"),
        (OURS, ("nowhere",), NotFound, "connections.unknown"),
    ):
        with pytest.raises(error) as raised, story.crank.uow() as uow:
            sku_mapping.map_sku(uow, THEIRS, ours, "ann", channels=channels)
        assert raised.value.code == code  # type: ignore[attr-defined]
    with pytest.raises(Invalid, match="name the channel"), story.crank.uow() as uow:
        sku_mapping.map_sku(uow, "NOBODY-WAITS", OURS, "ann")
    with pytest.raises(Invalid, match="itself in the catalogue"), story.crank.uow() as uow:
        sku_mapping.map_sku(uow, OURS, OURS, "ann", channels=["shop"])
    assert story.cases() == {"orders.sku_unmapped": f"sku {THEIRS}"}
    assert story.crank.rows("SELECT count(*) FROM product.sku_alias") == [(0,)]


ROWS = "SELECT sku, state, sum(quantity)::int FROM inventory.reservation GROUP BY 1, 2 ORDER BY 1, 2"


def test_orders_that_waited_have_the_goods_of_our_sku_and_nothing_of_theirs(story: Story) -> None:
    furnish(story)
    story.stock(TENT_2P_GRN=5)
    with story.crank.uow() as uow:
        inventory.set_snapshot(uow, "erp", THEIRS, "MAIN", Decimal(9), MORNING)
    orders_wait(story, 3)
    assert story.crank.rows(ROWS) == [(THEIRS, "held", 3)]
    story.erp.unmapped.clear()
    with story.crank.uow() as uow:
        sku_mapping.map_sku(uow, THEIRS, OURS, "ann")
    story.settle()
    assert story.crank.rows(ROWS) == [(OURS, "allocated", 3), (THEIRS, "released", 3)]
    levels = "SELECT sku, reserved::int, free::int FROM inventory.stock_level ORDER BY sku"
    assert story.crank.rows(levels) == [(OURS, 3, 2), (THEIRS, 0, 9)]
    assert story.cases() == {}


def test_orders_that_waited_for_more_of_our_sku_than_there_is_are_a_case_and_post_all_the_same(story: Story) -> None:
    furnish(story)
    story.stock(TENT_2P_GRN=2)
    orders_wait(story, 3)
    assert story.crank.rows(ROWS) == []
    story.erp.unmapped.clear()
    with story.crank.uow() as uow:
        sku_mapping.map_sku(uow, THEIRS, OURS, "ann")
    story.settle()
    assert story.crank.rows(ROWS) == [(OURS, "allocated", 2)]
    assert story.cases() == {"inventory.short": f"sku {OURS}"}


def test_another_channels_orders_keep_what_they_reserved(story: Story) -> None:
    furnish(story)
    story.stock(TENT_2P_GRN=5)
    with story.crank.uow() as uow:
        inventory.set_snapshot(uow, "erp", THEIRS, "MAIN", Decimal(9), MORNING)
    story.crank.connect("till", "paper_shop", post_test_orders=False)
    orders_wait(story, 1)
    with story.crank.uow() as uow:
        sku_mapping.map_sku(uow, THEIRS, OURS, "ann", channels=["till"])
    story.settle()
    assert story.crank.rows(ROWS) == [(THEIRS, "held", 1)]
