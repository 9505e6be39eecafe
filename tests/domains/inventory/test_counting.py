"""Snapshots, movements and the ledger that both add up to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.domains.inventory import service
from app.domains.inventory.canonical import Movement, MovementKind, Reserved
from app.infra.hub import Hub
from app.kernel.errors import HubError, Invalid, Refused, Superseded
from tests.stock import MORNING, count_stock, sellable, states, told, wanted

HOUR = timedelta(hours=1)


def movement(key: str, quantity: int | str, **changes: Any) -> Movement:
    given: dict[str, Any] = {
        "source": "wms", "key": key, "sku": "TEE-M", "location": "MAIN", "kind": MovementKind.RECEIPT,
        "quantity": Decimal(quantity), "at": MORNING + HOUR,
    }  # fmt: skip
    return Movement(**{**given, **changes})


def ledger(hub: Hub) -> list[tuple[str, Decimal]]:
    with hub.unit_of_work() as uow:
        return uow.sql("SELECT kind, quantity FROM inventory.movement ORDER BY id").fetchall()


def test_movements_after_the_snapshot_change_what_can_be_sold(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 10)
        assert service.move(uow, movement("m-1", 5))
        assert service.move(uow, movement("m-2", -2, kind=MovementKind.SALE))

    assert sellable(hub, "TEE-M") == 13
    assert ledger(hub) == [("count", 10), ("receipt", 5), ("sale", -2)]


def test_a_movement_that_comes_twice_counts_once(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        assert service.move(uow, movement("m-1", 5))
        assert not service.move(uow, movement("m-1", 5))
    assert sellable(hub, "TEE-M") == 5


def test_a_key_that_comes_with_another_movement_is_refused(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        service.move(uow, movement("m-1", 5))
    with pytest.raises(Refused, match="give it a key of its own"), hub.unit_of_work() as uow:
        service.move(uow, movement("m-1", 6))
    assert sellable(hub, "TEE-M") == 5


def test_a_movement_that_the_snapshot_knew_explains_it_and_adds_nothing(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 10)
        service.move(uow, movement("m-1", 4, at=MORNING - HOUR))

    assert sellable(hub, "TEE-M") == 10
    assert ledger(hub) == [("count", 10), ("receipt", 4), ("count", -4)]


def test_a_new_snapshot_keeps_only_the_movements_it_cannot_know(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 10)
        service.move(uow, movement("m-1", 5, at=MORNING + HOUR))
        service.move(uow, movement("m-2", 3, at=MORNING + 3 * HOUR))
        count_stock(uow, "TEE-M", 14, at=MORNING + 2 * HOUR)

    assert sellable(hub, "TEE-M") == 17
    assert ledger(hub)[-1] == ("count", -1)  # one tee was lost between the two


def test_the_same_snapshot_again_is_no_news(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        assert count_stock(uow, "TEE-M", 10, sequence=4)
        assert not count_stock(uow, "TEE-M", 10, sequence=4)
    assert ledger(hub) == [("count", 10)]
    assert len(told(hub, "inventory.availability_changed.v1")) == 1


@pytest.mark.parametrize(
    ("snapshot", "error", "code"),
    [
        ({"at": MORNING - HOUR, "sequence": 4}, Superseded, "inventory.older_snapshot"),
        ({"at": MORNING + HOUR, "sequence": 3}, Superseded, "inventory.older_snapshot"),
        ({"at": MORNING, "sequence": 4}, Refused, "inventory.snapshot_contradicts"),
        ({"at": MORNING + HOUR, "sequence": 5, "source": "wms"}, Refused, "inventory.not_the_source"),
        ({"at": datetime(2999, 1, 1, tzinfo=UTC), "sequence": 5}, Invalid, "inventory.from_the_future"),
        ({"at": datetime(2026, 11, 21, 9), "sequence": 5}, Invalid, "inventory.naive_time"),  # noqa: DTZ001
        ({"at": MORNING + HOUR, "sequence": 5, "location": "A|B"}, Invalid, "inventory.no_place"),
    ],
)
def test_a_snapshot_that_cannot_be_right_changes_nothing(
    hub: Hub, snapshot: dict[str, Any], error: type[HubError], code: str
) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 10, sequence=4)
    with pytest.raises(error) as wrong, hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 7, **snapshot)

    assert wrong.value.code == code
    assert sellable(hub, "TEE-M") == 10


def test_a_movement_of_nothing_is_an_error() -> None:
    with pytest.raises(Invalid, match="moves nothing"):
        movement("m-1", 0)


@pytest.mark.parametrize("reports", ["physical", "available"])
def test_an_order_leaves_demand_exactly_when_the_sources_figure_contains_it(hub: Hub, reports: str) -> None:
    """Five at the ERP and two orders on their way there: three, and never four after the first has arrived."""
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 5, reports=reports)
        service.reserve(uow, "o-1", wanted({"TEE-M": 1}))
        service.reserve(uow, "o-2", wanted({"TEE-M": 1}))
    seen = [sellable(hub, "TEE-M")]
    with hub.unit_of_work() as uow:
        service.allocate(uow, "o-1", at=MORNING + HOUR)
    seen.append(sellable(hub, "TEE-M"))
    figure = 5 if reports == "physical" else 4
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", figure, at=MORNING + 2 * HOUR, reports=reports)
    seen.append(sellable(hub, "TEE-M"))
    with hub.unit_of_work() as uow:
        service.consume(uow, "o-1", "1", Decimal(1), "s-1", at=MORNING + 3 * HOUR)
    seen.append(sellable(hub, "TEE-M"))
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 4, at=MORNING + 4 * HOUR, reports=reports)
    seen.append(sellable(hub, "TEE-M"))

    assert seen == [3, 3, 3, 3, 3]


def test_a_cancelled_order_that_the_figure_contains_comes_back_with_the_next_figure(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 5, reports="available")
        service.reserve(uow, "o-1", wanted({"TEE-M": 2}))
        service.allocate(uow, "o-1", at=MORNING + HOUR)
        count_stock(uow, "TEE-M", 3, at=MORNING + 2 * HOUR, reports="available")
        service.release(uow, "o-1")
    assert sellable(hub, "TEE-M") == 3
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 5, at=MORNING + 3 * HOUR, reports="available")
    assert sellable(hub, "TEE-M") == 5


def test_a_snapshot_below_what_is_reserved_is_told_and_keeps_the_reservations(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 5)
        service.reserve(uow, "o-1", wanted({"TEE-M": 4}))
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 1, at=MORNING + HOUR)
    with hub.unit_of_work() as uow:
        assert not isinstance(service.reserve(uow, "o-2", wanted({"TEE-M": 1})), Reserved)

    assert states(hub, "o-1") == {"held": 4}
    assert sellable(hub, "TEE-M") == 0
    assert told(hub, "inventory.stock_oversold.v1") == [{"sku": "TEE-M", "location": "MAIN", "missing": "3"}]


def test_an_oversold_level_sells_nothing_until_what_is_missing_has_come(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 2)
        service.reserve(uow, "o-1", wanted({"TEE-M": 2}))
        count_stock(uow, "TEE-M", -1, at=MORNING + HOUR)
        service.release(uow, "o-1", wanted({"TEE-M": 1}))
    assert sellable(hub, "TEE-M") == 0
    with hub.unit_of_work() as uow:
        service.move(uow, movement("m-1", 3, at=MORNING + 2 * HOUR))
    assert sellable(hub, "TEE-M") == 1


def test_the_table_itself_refuses_to_sell_what_is_not_there(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 2)
    with pytest.raises(IntegrityError, match="ck_stock_level_never_sold_twice"), hub.engine.begin() as connection:
        connection.execute(text("UPDATE inventory.stock_level SET reserved = 3"))


def test_the_ledger_cannot_be_rewritten(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 2)
    for statement in ("UPDATE inventory.movement SET quantity = 1", "DELETE FROM inventory.movement"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"), hub.unit_of_work() as uow:
            uow.sql(statement)


def test_availability_is_told_once_for_each_change_with_a_rising_version(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 5)
    with hub.unit_of_work() as uow:
        service.reserve_many(uow, [("o-1", wanted({"TEE-M": 1})), ("o-2", wanted({"TEE-M": 1}))])
    with hub.unit_of_work() as uow:
        service.allocate(uow, "o-1")
        service.consume(uow, "o-1", "1", Decimal(1), "s-1")

    facts = told(hub, "inventory.availability_changed.v1")
    assert [(fact["available"], fact["version"]) for fact in facts] == [("5", 1), ("3", 2)]
