"""Books that say different things: found, explained, and corrected by a rule or by a person."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from app.domains.inventory import queries, service
from app.domains.inventory.canonical import Movement, MovementKind, Snapshot, Supply
from app.infra.hub import Hub
from app.kernel.errors import NotFound, Refused, Superseded
from tests.stock import MORNING, contradictions, count_stock, sellable, wanted

pytestmark = pytest.mark.capability("INV-7")
HOUR = timedelta(hours=1)


@pytest.fixture
def shop(hub: Hub) -> Hub:
    """Ten tees, of which an ERP accepted three and a cart has one; two more came in after the count."""
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 10)
        count_stock(uow, "MUG", 4)
        service.reserve(uow, "o-1", wanted({"TEE-M": 3}))
        service.allocate(uow, "o-1")
        service.quote(uow, service.Quote(name="cart", lines=tuple(wanted({"TEE-M": 1})), lasting=HOUR))
        service.move(
            uow,
            Movement(
                source="wms", key="m-1", sku="TEE-M", location="MAIN", kind=MovementKind.RECEIPT,
                quantity=Decimal(2), at=MORNING + HOUR,
            ),
        )  # fmt: skip
    return hub


def spoil(hub: Hub, counters: str, sku: str = "TEE-M") -> None:
    with hub.unit_of_work() as uow:
        uow.sql(f"UPDATE inventory.stock_level SET {counters} WHERE sku = %(sku)s", {"sku": sku})


def rule(hub: Hub, other: str, tolerance: int, automatic: int) -> None:
    with hub.unit_of_work() as uow:
        service.set_rule(uow, other, service.Rule(tolerance=Decimal(tolerance), automatic_up_to=Decimal(automatic)))


def recount(hub: Hub) -> service.Recount:
    with hub.unit_of_work() as uow:
        return service.recount(uow)


def open_drifts(hub: Hub) -> list[tuple[str, str, Decimal, Decimal]]:
    with hub.unit_of_work() as uow:
        found = queries.drifts(uow)
    return sorted((one.sku, one.other, one.ours, one.theirs) for one in found)


def test_counters_that_are_right_have_no_finding(shop: Hub) -> None:
    page = recount(shop)
    assert (page.looked, page.last, page.found) == (2, "", ())


def test_every_counter_is_recomputed_and_a_difference_is_one_finding_while_it_lasts(shop: Hub) -> None:
    spoil(shop, "reserved = 5, moved = 3")
    for seen in (1, 2):
        recount(shop)
        with shop.unit_of_work() as uow:
            assert {one.seen for one in queries.drifts(uow)} == {seen}
    assert open_drifts(shop) == [("TEE-M", "moved", 3, 2), ("TEE-M", "reserved", 5, 4)]
    spoil(shop, "reserved = 4, moved = 2")
    recount(shop)
    assert open_drifts(shop) == []


def test_a_person_has_the_counters_of_a_sku_corrected(shop: Hub) -> None:
    spoil(shop, "reserved = 5, moved = 3, on_hand = 20")
    recount(shop)
    with shop.unit_of_work() as uow:
        first = queries.drifts(uow)[0]
        service.correct_drift(uow, first.id, "ann")
    assert (open_drifts(shop), contradictions(shop), sellable(shop, "TEE-M")) == ([], [], 8)
    with pytest.raises(Refused, match="is corrected already"), shop.unit_of_work() as uow:
        service.correct_drift(uow, first.id, "ann")
    with pytest.raises(NotFound), shop.unit_of_work() as uow:
        service.accept_drift(uow, 10**9, "ann")


def test_small_differences_are_corrected_by_rule_and_large_ones_wait(shop: Hub) -> None:
    rule(shop, "ledger", 0, 2)
    spoil(shop, "moved = 3")
    spoil(shop, "on_hand = 40", "MUG")
    page = recount(shop)
    assert (len(page.found), page.corrected) == (4, 1)
    assert {row[0] for row in open_drifts(shop)} == {"MUG"}
    assert sellable(shop, "TEE-M") == 8
    with shop.unit_of_work() as uow:
        service.correct_drift(uow, queries.drifts(uow)[0].id, "ann")


def test_pages_follow_each_other_without_gap(shop: Hub) -> None:
    with shop.unit_of_work() as uow:
        for n in range(5):
            count_stock(uow, f"SKU-{n}", n)
    spoil(shop, "on_hand = 9", "SKU-4")
    looked, last, found = 0, "", 0
    while True:
        with shop.unit_of_work() as uow:
            page = service.recount(uow, last, 3)
        looked, found, last = looked + page.looked, found + len(page.found), page.last
        if not last:
            break
    assert (looked, found) == (7, 2)
    spoil(shop, "on_hand = 4", "SKU-4")


@pytest.mark.parametrize(
    ("figure", "cause"),
    [
        (18, "as if goods on their way (po-1) had come in and nobody told"),
        (9, "as if order o-1 had left and its shipment was not told"),
        (10, "as if receipt m-1 had not happened there"),
        (3, "goods left that the hub was not told of"),
        (30, "goods came that the hub was not told of"),
    ],
)
def test_a_count_far_from_what_was_believed_waits_with_what_it_looks_like(shop: Hub, figure: int, cause: str) -> None:
    rule(shop, "erp", 0, 1)
    with shop.unit_of_work() as uow:
        due = MORNING + timedelta(days=9)
        service.set_supplies(
            uow,
            [Supply(source="erp", key="po-1", sku="TEE-M", location="MAIN", quantity=Decimal(6), due_at=due)],
        )
        snapshot = Snapshot(
            source="erp", sku="TEE-M", location="MAIN", on_hand=Decimal(figure), as_of=MORNING + 2 * HOUR
        )
        (counted,) = service.count_many(uow, [snapshot])
    assert counted.error is not None
    assert (counted.news, counted.error.code) == (False, "inventory.needs_approval")
    with shop.unit_of_work() as uow:
        (found,) = queries.drifts(uow)
    assert (found.kind, found.ours, found.theirs, found.cause) == ("source", 12, figure, cause)
    assert sellable(shop, "TEE-M") == 8
    with shop.unit_of_work() as uow:
        service.correct_drift(uow, found.id, "ann")
    assert sellable(shop, "TEE-M") == max(0, figure - 4)
    assert contradictions(shop) == []


def test_a_count_within_its_rule_is_taken_and_a_first_count_always_is(shop: Hub) -> None:
    rule(shop, "erp", 0, 5)
    with shop.unit_of_work() as uow:
        assert count_stock(uow, "TEE-M", 9, at=MORNING + 2 * HOUR)
        assert count_stock(uow, "NEW", 1000)
    assert (sellable(shop, "TEE-M"), open_drifts(shop)) == (5, [])


def test_a_count_that_a_newer_one_replaced_cannot_be_approved(shop: Hub) -> None:
    rule(shop, "erp", 0, 1)
    with pytest.raises(Refused), shop.unit_of_work() as uow:
        count_stock(uow, "MUG", 0, at=MORNING + HOUR)
    with shop.unit_of_work() as uow:
        snapshot = Snapshot(source="erp", sku="MUG", location="MAIN", on_hand=Decimal(0), as_of=MORNING + HOUR)
        service.count_many(uow, [snapshot])
        count_stock(uow, "MUG", 4, at=MORNING + 2 * HOUR)
        (found,) = queries.drifts(uow)
    with pytest.raises(Superseded), shop.unit_of_work() as uow:
        service.correct_drift(uow, found.id, "ann")
    assert sellable(shop, "MUG") == 4


def test_a_listing_that_shows_something_else_is_a_finding_and_is_told_again(shop: Hub) -> None:
    with shop.unit_of_work() as uow:
        uow.sql(
            "INSERT INTO inventory.channel_level (channel, sku, wanted, done, sent, sent_at, found, found_at, state) "
            "VALUES ('shop', 'TEE-M', 3, 3, 8, now(), 11, now(), 'live')"
        )
        assert service.note_channels(uow) == 1
        (found,) = queries.drifts(uow)
        assert (found.kind, found.other, found.ours, found.theirs) == ("channel", "shop", 8, 11)
        service.correct_drift(uow, found.id, "ann")
        due = uow.sql("SELECT wanted > done FROM inventory.channel_level").fetchall()
    assert due == [(True,)]
    rule(shop, "shop", 5, 0)
    with shop.unit_of_work() as uow:
        assert service.note_channels(uow) == 0
