"""Whatever is done to stock, in whatever order: never oversold by a reservation, always the sum of its ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import Engine, text

from app.domains.inventory import service
from app.domains.inventory.canonical import Movement, MovementKind, Reserved, Wanted
from app.infra.hub import Hub
from app.settings import Settings
from tests.stock import CONTRADICTIONS, MORNING, count_stock, open_books

SKUS = ("TEE", "MUG")
PLACES = {"EAST": "physical", "WEST": "available"}
EMPTY = "TRUNCATE inventory.availability, inventory.stock_level, inventory.reservation, inventory.movement CASCADE"

skus = st.sampled_from(SKUS)
places = st.sampled_from(sorted(PLACES))
orders = st.sampled_from(["o-1", "o-2", "o-3"])
quantities = st.sampled_from([Decimal(text) for text in ("1", "2", "3", "0.5", "7.25")])
baskets = st.dictionaries(skus, quantities, min_size=1)


@pytest.fixture
def hub(database: Engine, settings: Settings) -> Iterator[Hub]:
    opened = open_books(settings)
    yield opened
    opened.close()


def lines_of(basket: dict[str, Decimal]) -> list[Wanted]:
    return [Wanted(line_id=sku, sku=sku, quantity=quantity) for sku, quantity in basket.items()]


class Stock(RuleBasedStateMachine):
    """Random steps, each in a transaction of its own; the clock goes on by a minute with each."""

    hub: Hub

    def __init__(self) -> None:
        super().__init__()
        self.turn = 0
        with self.hub.engine.begin() as connection:
            connection.execute(text(EMPTY))

    def now(self) -> datetime:
        self.turn += 1
        return MORNING - timedelta(days=30) + timedelta(minutes=self.turn)

    def free(self) -> dict[str, Decimal]:
        with self.hub.unit_of_work() as uow:
            return {sku: found.quantity for sku, found in service.available(uow, SKUS).items()}

    @rule(sku=skus, place=places, on_hand=st.integers(-2, 12))
    def count(self, sku: str, place: str, on_hand: int) -> None:
        with self.hub.unit_of_work() as uow:
            count_stock(uow, sku, on_hand, location=place, at=self.now(), sequence=self.turn, reports=PLACES[place])

    @rule(sku=skus, place=places, quantity=quantities, sign=st.sampled_from([1, -1]), late=st.integers(0, 40))
    def move(self, sku: str, place: str, quantity: Decimal, sign: int, late: int) -> None:
        at = self.now() - timedelta(minutes=late)
        movement = Movement(
            source="erp", key=f"m-{self.turn}", sku=sku, location=place, kind=MovementKind.ADJUSTMENT,
            quantity=sign * quantity, at=at,
        )  # fmt: skip
        with self.hub.unit_of_work() as uow:
            assert service.move(uow, movement)
            assert not service.move(uow, movement)

    @rule(order=orders, basket=baskets, expires=st.booleans())
    def reserve(self, order: str, basket: dict[str, Decimal], expires: bool) -> None:
        before = self.free()
        until = self.now() + timedelta(minutes=5) if expires else None
        with self.hub.unit_of_work() as uow:
            answer = service.reserve(uow, order, lines_of(basket), expires_at=until)
        if not isinstance(answer, Reserved):
            assert self.free() == before
            assert any(quantity > before.get(sku, 0) for sku, quantity in basket.items())

    @rule(order=orders, basket=baskets)
    def adjust(self, order: str, basket: dict[str, Decimal]) -> None:
        before = self.free()
        with self.hub.unit_of_work() as uow:
            answer = service.adjust(uow, order, lines_of(basket))
        after = self.free()
        if not isinstance(answer, Reserved):
            assert after == before
        with self.hub.unit_of_work() as uow:
            assert service.adjust(uow, order, lines_of(basket)) == answer
        assert self.free() == after

    @rule(order=orders)
    def allocate(self, order: str) -> None:
        before = self.free()
        with self.hub.unit_of_work() as uow:
            service.allocate(uow, order, at=self.now())
        assert self.free() == before

    @rule(order=orders)
    def release(self, order: str) -> None:
        with self.hub.unit_of_work() as uow:
            service.release(uow, order)
        with self.hub.unit_of_work() as uow:
            left = uow.sql(
                "SELECT count(*) FROM inventory.reservation WHERE order_id = %(order)s "
                "AND state IN ('quoted', 'held', 'allocated')",
                {"order": order},
            ).fetchone()
        assert left == (0,)

    @rule(order=orders, sku=skus, quantity=quantities)
    def consume(self, order: str, sku: str, quantity: Decimal) -> None:
        at, shipment, unreserved = self.now(), f"s-{self.turn}", []
        for _ in range(2):
            with self.hub.unit_of_work() as uow:
                unreserved.append(service.consume(uow, order, sku, quantity, shipment, at=at))
        assert 0 <= unreserved[0] <= quantity
        assert unreserved[1] == unreserved[0]

    @rule(order=orders, sku=skus, quantity=quantities)
    def fall_short(self, order: str, sku: str, quantity: Decimal) -> None:
        at = self.now()
        with self.hub.unit_of_work() as uow:
            service.fall_short(uow, order, sku, quantity, f"r-{self.turn}", at=at)

    @precondition(lambda self: self.turn > 0)
    @rule(order=orders, sku=skus, back=st.integers(1, 10))
    def undo_shipment(self, order: str, sku: str, back: int) -> None:
        shipment = f"s-{self.turn - back}"
        with self.hub.unit_of_work() as uow:
            service.undo_shipment(uow, order, sku, shipment, at=self.now())

    @rule()
    def expire(self) -> None:
        with self.hub.unit_of_work() as uow:
            service.expire(uow, self.now())

    @invariant()
    def the_books_agree(self) -> None:
        with self.hub.unit_of_work() as uow:
            assert uow.sql(CONTRADICTIONS).fetchall() == []


@pytest.mark.capability("INV-3")
def test_stock_is_never_sold_twice_and_always_adds_up(hub: Hub) -> None:
    class Machine(Stock):
        pass

    Machine.hub = hub
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=25, stateful_step_count=25, suppress_health_check=list(HealthCheck), derandomize=True
        ),
    )
