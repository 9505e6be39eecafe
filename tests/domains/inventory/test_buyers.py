"""Many at once: real threads, real transactions, nothing sold twice and nobody waits in a circle."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import TypeVar

import pytest

from app.domains.inventory import service
from app.domains.inventory.canonical import Reserved, Short, Wanted
from app.infra.hub import Hub
from app.infra.locks import lock_rows
from tests.stock import MORNING, count_stock, sellable, wanted

pytestmark = pytest.mark.capability("INV-3")
PATIENCE_SECONDS = 30
SKUS = [f"SKU-{n}" for n in range(8)]
T = TypeVar("T")


def at_once(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Run all tasks on threads of their own that begin together; what one raises is raised."""
    start = Barrier(len(tasks))

    def run(task: Callable[[], T]) -> T:
        start.wait(PATIENCE_SECONDS)
        return task()

    with ThreadPoolExecutor(len(tasks)) as threads:
        return [future.result(PATIENCE_SECONDS) for future in [threads.submit(run, task) for task in tasks]]


def test_sixty_four_buyers_of_the_last_one_make_one_sale(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "LAST", 1)

    def buyer(n: int) -> Callable[[], Reserved | Short]:
        def buy() -> Reserved | Short:
            with hub.unit_of_work() as uow:
                return service.reserve(uow, f"o-{n}", wanted({"LAST": 1}))

        return buy

    answers = at_once([buyer(n) for n in range(64)])

    assert sum(isinstance(answer, Reserved) for answer in answers) == 1
    refused = [answer for answer in answers if isinstance(answer, Short)]
    assert len(refused) == 63
    assert {(gap.sku, gap.available, gap.reason) for answer in refused for gap in answer.gaps} == {("LAST", 0, "short")}
    assert sellable(hub, "LAST") == 0


def test_one_order_that_is_reserved_by_eight_at_once_is_reserved_once(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        count_stock(uow, "TEE-M", 10)

    def reserve() -> Reserved | Short:
        with hub.unit_of_work() as uow:
            return service.reserve(uow, "o-1", wanted({"TEE-M": 2}))

    assert len(set(at_once([reserve] * 8))) == 1
    assert sellable(hub, "TEE-M") == 8


def test_crossing_baskets_never_deadlock(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        for sku in SKUS:
            for place in ("EAST", "WEST"):
                count_stock(uow, sku, 60, location=place)

    def shopper(n: int) -> Callable[[], int]:
        def shop() -> int:
            chance, served = random.Random(n), 0
            for turn in range(25):
                basket = wanted(dict.fromkeys(chance.sample(SKUS, 4), chance.randint(1, 3)))
                with hub.unit_of_work() as uow:
                    answer = service.reserve(uow, f"o-{n}-{turn}", basket)
                served += sum(int(held.quantity) for held in answer.held) if isinstance(answer, Reserved) else 0
            return served

        return shop

    sold = sum(at_once([shopper(n) for n in range(8)]))
    assert sold + sum(sellable(hub, sku) for sku in SKUS) == 60 * 2 * len(SKUS)


def test_batches_that_lock_what_they_share_first_never_deadlock(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        for sku in SKUS:
            count_stock(uow, sku, 1000)

    def batch(n: int) -> Callable[[], int]:
        def run() -> int:
            chance = random.Random(n)
            for turn in range(6):
                baskets = [wanted(dict.fromkeys(chance.sample(SKUS, 3), 1)) for _ in range(10)]
                with hub.unit_of_work() as uow:
                    lock_rows(uow, [row for basket in baskets for row in service.rows_to_lock(basket)])
                    for place, basket in enumerate(baskets):
                        assert isinstance(service.reserve(uow, f"o-{n}-{turn}-{place}", basket), Reserved)
            return 6 * 10 * 3

        return run

    sold = sum(at_once([batch(n) for n in range(4)]))
    assert sum(sellable(hub, sku) for sku in SKUS) == 1000 * len(SKUS) - sold


def test_whatever_happens_at_once_the_books_agree(hub: Hub) -> None:
    """Reservations, edits, shipments, cancellations and snapshots on the same goods; `hub` checks the books."""
    places = [("EAST", "physical"), ("WEST", "available")]
    with hub.unit_of_work() as uow:
        for sku in SKUS[:3]:
            for place, reports in places:
                count_stock(uow, sku, 40, location=place, reports=reports)

    def worker(n: int) -> Callable[[], None]:
        def work() -> None:
            chance = random.Random(n)
            for turn in range(60):
                order = f"o-{chance.randint(1, 12)}"
                lines = [
                    Wanted(line_id=sku, sku=sku, quantity=Decimal(chance.randint(1, 4)))
                    for sku in chance.sample(SKUS[:3], 2)
                ]
                with hub.unit_of_work() as uow:
                    uow.sql("SELECT pg_advisory_xact_lock(hashtext(%(order)s))", {"order": order})
                    act(chance, uow, order, lines, f"{n}-{turn}")

        return work

    def act(chance, uow, order, lines, document) -> None:  # type: ignore[no-untyped-def]
        match chance.randint(0, 6):
            case 0 | 1:
                service.reserve(uow, order, lines)
            case 2:
                service.adjust(uow, order, lines)
            case 3:
                service.allocate(uow, order, at=MORNING)
            case 4:
                service.consume(uow, order, lines[0].line_id, lines[0].quantity, document)
            case 5:
                service.release(uow, order)
            case 6:
                place, reports = chance.choice(places)
                at = uow.hub.clock.now() - timedelta(seconds=1)
                uow.sql("SELECT pg_advisory_xact_lock(hashtext('erp'))")  # a source counts one thing after another
                sequence = uow.sql("SELECT coalesce(max(sequence), 0) + 1 FROM inventory.stock_level").fetchone()[0]
                count_stock(uow, lines[0].sku, chance.randint(0, 60), location=place, at=at, sequence=sequence,
                            reports=reports)  # fmt: skip

    at_once([worker(n) for n in range(4)])
