"""Orders get all their lines or none, and nothing is sold twice."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from app.domains.inventory import service
from app.domains.inventory.canonical import Gap, Held, Reserved, Short, Wanted
from app.infra.hub import Hub
from app.kernel.errors import Invalid
from tests.stock import MORNING, count_stock, sellable, states, told, wanted

pytestmark = pytest.mark.capability("INV-3")


@pytest.fixture
def shop(hub: Hub) -> Hub:
    """Five TEE-M and one MUG at MAIN."""
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 5)
        count_stock(uow, "MUG", 1)
    return hub


def test_an_order_gets_all_its_lines(shop: Hub) -> None:
    with shop.unit_of_work() as uow:
        answer = service.reserve(uow, "o-1", wanted({"TEE-M": 2, "MUG": 1}))

    assert answer == Reserved(
        order_id="o-1",
        held=(
            Held(line_id="1", sku="TEE-M", location="MAIN", quantity=Decimal(2)),
            Held(line_id="2", sku="MUG", location="MAIN", quantity=Decimal(1)),
        ),
    )
    assert sellable(shop, "TEE-M") == 3
    assert sellable(shop, "MUG") == 0
    assert [fact["order_id"] for fact in told(shop, "inventory.stock_reserved.v1")] == ["o-1"]


def test_an_order_that_cannot_have_one_line_gets_none(shop: Hub) -> None:
    with shop.unit_of_work() as uow:
        uow.sql("INSERT INTO inventory.policy (company, unknown_sku) VALUES ('', 'refuse')")
    with shop.unit_of_work() as uow:
        answer = service.reserve(uow, "o-1", wanted({"TEE-M": 6, "MUG": 1, "CAP": 1}))

    assert answer == Short(
        order_id="o-1",
        gaps=(
            Gap(sku="TEE-M", wanted=Decimal(6), available=Decimal(5), reason="short"),
            Gap(sku="CAP", wanted=Decimal(1), available=Decimal(0), reason="unknown_sku"),
        ),
    )
    assert (sellable(shop, "TEE-M"), sellable(shop, "MUG"), states(shop, "o-1")) == (5, 1, {})
    assert len(told(shop, "inventory.stock_refused.v1")) == 1


def test_lines_of_one_order_that_share_a_sku_are_added_up(shop: Hub) -> None:
    lines = [Wanted(line_id=line, sku="TEE-M", quantity=Decimal(3)) for line in ("1", "2")]
    with shop.unit_of_work() as uow:
        answer = service.reserve(uow, "o-1", lines)

    assert isinstance(answer, Short)
    assert [(gap.sku, gap.wanted, gap.available) for gap in answer.gaps] == [("TEE-M", 6, 5)]


def test_the_same_order_again_gets_the_same_answer_and_no_more_stock(shop: Hub) -> None:
    answers = []
    for _ in range(2):
        with shop.unit_of_work() as uow:
            answers.append(service.reserve(uow, "o-1", wanted({"TEE-M": 2})))

    assert answers[0] == answers[1]
    assert sellable(shop, "TEE-M") == 3


def test_a_batch_is_served_in_its_order(shop: Hub) -> None:
    batch = [("o-1", wanted({"TEE-M": 3})), ("o-2", wanted({"TEE-M": 3})), ("o-3", wanted({"TEE-M": 2}))]
    with shop.unit_of_work() as uow:
        answers = service.reserve_many(uow, [*batch, batch[0]])

    assert [isinstance(answer, Reserved) for answer in answers] == [True, False, True, True]
    assert answers[0] == answers[3]
    assert sellable(shop, "TEE-M") == 0


def test_what_one_refused_order_of_a_batch_wanted_is_left_for_the_next(shop: Hub) -> None:
    with shop.unit_of_work() as uow:
        first, second = service.reserve_many(
            uow, [("o-1", wanted({"TEE-M": 5, "MUG": 2})), ("o-2", wanted({"TEE-M": 5, "MUG": 1}))]
        )

    assert isinstance(first, Short)
    assert isinstance(second, Reserved)


def test_a_sku_that_nobody_ever_reported_passes_unless_the_company_refuses_it(shop: Hub) -> None:
    with shop.unit_of_work() as uow:
        uow.sql("INSERT INTO inventory.policy (company, unknown_sku) VALUES ('OTHER', 'refuse')")
    with shop.unit_of_work() as uow:
        elsewhere = service.reserve(uow, "o-1", wanted({"GIFT": 1}), company="OTHER")
        here = service.reserve(uow, "o-2", wanted({"GIFT": 1, "MUG": 1}), company="ACME")
        too_many = service.reserve(uow, "o-3", wanted({"GIFT": 1, "MUG": 1}), company="ACME")

    assert isinstance(elsewhere, Short)
    assert isinstance(here, Reserved)
    assert [held.sku for held in here.held] == ["MUG"]
    assert isinstance(too_many, Short)
    assert [gap.sku for gap in too_many.gaps] == ["MUG"]


def test_an_order_is_taken_from_one_place_that_has_all_of_it(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 9, location="EAST")
        count_stock(uow, "MUG", 9, location="WEST")
        count_stock(uow, "TEE-M", 3, location="WEST")
        answer = service.reserve(uow, "o-1", wanted({"TEE-M": 3, "MUG": 1}))

    assert isinstance(answer, Reserved)
    assert {held.location for held in answer.held} == {"WEST"}


def test_a_line_that_no_single_place_has_is_taken_from_several(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 3, location="EAST")
        count_stock(uow, "TEE-M", 4, location="WEST")
        answer = service.reserve(uow, "o-1", wanted({"TEE-M": 6}))

    assert isinstance(answer, Reserved)
    assert [(held.location, held.quantity) for held in answer.held] == [("WEST", 4), ("EAST", 2)]


def test_a_place_below_zero_lends_nothing_to_another(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", -2, location="EAST")
        count_stock(uow, "TEE-M", 4, location="WEST")
        answer = service.reserve(uow, "o-1", wanted({"TEE-M": 4}))

    assert isinstance(answer, Reserved)
    assert sellable(hub, "TEE-M") == 0


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "1.000001"])
def test_a_quantity_that_is_none_is_an_error_that_names_the_line(quantity: str) -> None:
    with pytest.raises(Invalid) as wrong:
        Wanted(line_id="7", sku="TEE-M", quantity=Decimal(quantity))
    assert wrong.value.code in ("inventory.not_positive", "inventory.not_exact")


def test_a_line_without_a_sku_is_an_error() -> None:
    with pytest.raises(Invalid, match="line 7 names no SKU"):
        Wanted(line_id="7", sku="", quantity=Decimal(1))


def test_a_line_that_comes_twice_is_an_error(shop: Hub) -> None:
    lines = [Wanted(line_id="1", sku="TEE-M", quantity=Decimal(1))] * 2
    with pytest.raises(Invalid, match="add it up"), shop.unit_of_work() as uow:
        service.reserve(uow, "o-1", lines)
    assert sellable(shop, "TEE-M") == 5


class TestEdits:
    def test_more_of_a_line_needs_stock(self, shop: Hub) -> None:
        with shop.unit_of_work() as uow:
            service.reserve(uow, "o-1", wanted({"TEE-M": 2}))
        with shop.unit_of_work() as uow:
            answer = service.adjust(uow, "o-1", wanted({"TEE-M": 6}))

        assert answer == Short(
            order_id="o-1", gaps=(Gap(sku="TEE-M", wanted=Decimal(4), available=Decimal(3), reason="short"),)
        )
        assert states(shop, "o-1") == {"held": 2}

    def test_less_and_removed_lines_give_stock_back(self, shop: Hub) -> None:
        with shop.unit_of_work() as uow:
            service.reserve(uow, "o-1", wanted({"TEE-M": 3, "MUG": 1}))
        with shop.unit_of_work() as uow:
            answer = service.adjust(uow, "o-1", wanted({"TEE-M": 1}))

        assert isinstance(answer, Reserved)
        assert [(held.sku, held.quantity) for held in answer.held] == [("TEE-M", 1)]
        assert (sellable(shop, "TEE-M"), sellable(shop, "MUG")) == (4, 1)
        assert states(shop, "o-1") == {"held": 1, "released": 3}

    def test_an_edit_may_use_what_it_gives_back(self, shop: Hub) -> None:
        with shop.unit_of_work() as uow:
            service.reserve(uow, "o-1", wanted({"TEE-M": 5}))
        with shop.unit_of_work() as uow:
            answer = service.adjust(uow, "o-1", wanted({"TEE-M": 5}, first=2))

        assert isinstance(answer, Reserved)
        assert [(held.line_id, held.quantity) for held in answer.held] == [("2", 5)]

    def test_the_same_edit_again_changes_nothing(self, shop: Hub) -> None:
        with shop.unit_of_work() as uow:
            service.reserve(uow, "o-1", wanted({"TEE-M": 2}))
        answers = []
        for _ in range(2):
            with shop.unit_of_work() as uow:
                answers.append(service.adjust(uow, "o-1", wanted({"TEE-M": 4, "MUG": 1})))

        assert answers[0] == answers[1]
        assert (sellable(shop, "TEE-M"), sellable(shop, "MUG")) == (1, 0)

    def test_what_was_shipped_stays_shipped(self, shop: Hub) -> None:
        with shop.unit_of_work() as uow:
            service.reserve(uow, "o-1", wanted({"TEE-M": 4}))
            service.allocate(uow, "o-1")
            service.consume(uow, "o-1", "1", Decimal(3), "s-1")
        with shop.unit_of_work() as uow:
            service.adjust(uow, "o-1", wanted({"TEE-M": 2}))

        assert states(shop, "o-1") == {"consumed": 3, "released": 1}
        assert sellable(shop, "TEE-M") == 2

    def test_what_an_edit_adds_waits_for_the_erp_again(self, shop: Hub) -> None:
        with shop.unit_of_work() as uow:
            service.reserve(uow, "o-1", wanted({"TEE-M": 1}))
            service.allocate(uow, "o-1")
        with shop.unit_of_work() as uow:
            service.adjust(uow, "o-1", wanted({"TEE-M": 3}))

        assert states(shop, "o-1") == {"allocated": 1, "held": 2}


def test_what_waits_for_its_payment_past_its_time_can_be_sold_again(shop: Hub) -> None:
    with shop.unit_of_work() as uow:
        service.reserve(uow, "o-1", wanted({"TEE-M": 5}), expires_at=MORNING + timedelta(days=3))
        service.reserve(uow, "o-2", wanted({"MUG": 1}))
    with shop.unit_of_work() as uow:
        assert service.expire(uow, MORNING + timedelta(days=2)) == []
        assert service.expire(uow, MORNING + timedelta(days=3)) == ["o-1"]
        assert service.expire(uow, MORNING + timedelta(days=3)) == []

    assert (sellable(shop, "TEE-M"), sellable(shop, "MUG")) == (5, 0)
    assert states(shop, "o-1") == {"expired": 5}
    assert [fact["order_id"] for fact in told(shop, "inventory.reservation_expired.v1")] == ["o-1"]


def test_a_paid_order_does_not_expire(shop: Hub) -> None:
    with shop.unit_of_work() as uow:
        service.reserve(uow, "o-1", wanted({"TEE-M": 1}), expires_at=MORNING)
        service.allocate(uow, "o-1")
        assert service.expire(uow, MORNING + timedelta(days=9)) == []
    assert states(shop, "o-1") == {"allocated": 1}
