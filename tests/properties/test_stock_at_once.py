"""Ten thousand random steps by four threads at once: at every moment the books agree, and nothing is sold twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from app.domains.inventory import service
from app.domains.inventory.canonical import ChannelPolicy, Movement, MovementKind, Wanted
from app.infra.hub import Hub
from app.infra.uow import UnitOfWork
from app.kernel.errors import Refused, Superseded
from app.settings import Settings
from tests.stock import CONTRADICTIONS, MORNING, contradictions, count_stock, open_books

THREADS, TRANSACTIONS, STEPS, EXAMPLES = 4, 25, 25, 4
SKUS = [f"SKU-{n}" for n in range(5)]
PLACES = {"EAST": "physical", "WEST": "available"}
PATIENCE_SECONDS = 110
Step = Callable[[UnitOfWork, random.Random, str, list[Wanted]], object]
tickets = count(1)


@pytest.fixture
def hub(database: Engine, settings: Settings) -> Iterator[Hub]:
    opened = open_books(settings)
    yield opened
    opened.close()


def reserve(uow: UnitOfWork, chance: random.Random, order: str, lines: list[Wanted]) -> object:
    until = uow.hub.clock.now() + timedelta(minutes=chance.randint(-5, 5)) if chance.random() < 0.3 else None
    return service.reserve(uow, order, lines, expires_at=until, channel=chance.choice(["shop", None]))


def adjust(uow: UnitOfWork, chance: random.Random, order: str, lines: list[Wanted]) -> object:
    return service.adjust(uow, order, lines, channel=chance.choice(["shop", None]))


def quote(uow: UnitOfWork, chance: random.Random, order: str, lines: list[Wanted]) -> object:
    wanted = service.Quote(name=f"{order}-{chance.randint(1, 3)}", lines=tuple(lines), lasting=timedelta(hours=1))
    return service.quote(uow, wanted)


def claim(uow: UnitOfWork, chance: random.Random, order: str, lines: list[Wanted]) -> object:
    carts = {order: [f"{order}-{chance.randint(1, 3)}"]}
    return service.reserve_many(uow, [(order, lines)], carts=carts)[0]


def allocate(uow: UnitOfWork, chance: random.Random, order: str, lines: list[Wanted]) -> object:
    return service.allocate(uow, order, at=MORNING + timedelta(minutes=chance.randint(0, 2000)))


def release(uow: UnitOfWork, chance: random.Random, order: str, lines: list[Wanted]) -> object:
    return service.release(uow, order, lines[:1] if chance.random() < 0.5 else None)


def consume(uow: UnitOfWork, chance: random.Random, order: str, lines: list[Wanted]) -> object:
    return service.consume(uow, order, lines[0].line_id, lines[0].quantity, f"s-{chance.randint(1, 4)}")


def fall_short(uow: UnitOfWork, chance: random.Random, order: str, lines: list[Wanted]) -> object:
    return service.fall_short(uow, order, lines[0].line_id, lines[0].quantity, f"r-{chance.randint(1, 4)}")


def expire(uow: UnitOfWork, chance: random.Random, order: str, lines: list[Wanted]) -> object:
    return service.expire_order(uow, order, uow.hub.clock.now())


def move(uow: UnitOfWork, chance: random.Random, order: str, lines: list[Wanted]) -> object:
    place = chance.choice(sorted(PLACES))
    movement = Movement(
        source="wms", key=f"m-{chance.randint(1, 4000)}", sku=lines[0].sku, location=place,
        kind=MovementKind.ADJUSTMENT, quantity=Decimal(chance.choice([-2, -1, 1, 3])),
        at=MORNING + timedelta(minutes=chance.randint(0, 2000)),
    )  # fmt: skip
    return service.move(uow, movement)


def take_stock(uow: UnitOfWork, chance: random.Random, order: str, lines: list[Wanted]) -> object:
    place, sequence = chance.choice(sorted(PLACES)), next(tickets)
    at = MORNING + timedelta(seconds=sequence)
    return count_stock(
        uow, lines[0].sku, chance.randint(-1, 15), location=place, at=at, sequence=sequence, reports=PLACES[place]
    )


DEEDS: list[Step] = [
    reserve, reserve, reserve, adjust, quote, quote, claim, allocate, release, consume, fall_short, expire, move,
    move, take_stock, take_stock,
]  # fmt: skip


def work(hub: Hub, seed: int) -> int:
    """So many transactions of some steps each about two SKUs and an order that has them; how many steps were done."""
    chance, done = random.Random(seed), 0
    for turn in range(TRANSACTIONS):
        pair = sorted(chance.sample(SKUS, 2))
        order = f"o-{'-'.join(pair)}-{chance.randint(1, 2)}"
        with hub.unit_of_work() as uow:
            uow.sql("SELECT pg_advisory_xact_lock(hashtext(%(order)s))", {"order": order})
            service.lock_rows(uow, [f"{sku}|" for sku in pair])
            for _ in range(STEPS):
                lines = [Wanted(line_id=sku, sku=sku, quantity=Decimal(chance.randint(1, 4))) for sku in pair]
                chance.shuffle(lines)
                done += act(uow, chance.choice(DEEDS), chance, order, lines[: chance.randint(1, 2)])
        if turn % 8 == 0:
            assert contradictions(hub) == []
    return done


def act(uow: UnitOfWork, deed: Step, chance: random.Random, order: str, lines: list[Wanted]) -> int:
    """One step; what is refused by name changes nothing, and is a step as well."""
    uow.sql("SAVEPOINT step")
    try:
        deed(uow, chance, order, lines)
    except (Refused, Superseded):
        uow.sql("ROLLBACK TO SAVEPOINT step")
    uow.sql("RELEASE SAVEPOINT step")
    return 1


@pytest.mark.capability("INV-1", "INV-3", "INV-7")
@settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
@given(seed=st.integers(0, 10**6))
def test_ten_thousand_steps_at_once_never_oversell_and_always_add_up(hub: Hub, seed: int) -> None:
    with hub.unit_of_work() as uow:
        uow.sql("INSERT INTO inventory.availability (sku) SELECT unnest(%(skus)s::text[]) ON CONFLICT DO NOTHING",
                {"skus": SKUS})  # fmt: skip
        patient = ChannelPolicy(channel="shop", pattern="SKU-*", backorder_limit=Decimal(3))
        service.set_channel_policy(uow, patient, "ann")
    with ThreadPoolExecutor(THREADS) as threads:
        done = [threads.submit(work, hub, seed * THREADS + n) for n in range(THREADS)]
        assert sum(one.result(PATIENCE_SECONDS) for one in done) == THREADS * TRANSACTIONS * STEPS
    with hub.unit_of_work() as uow:
        assert uow.sql(CONTRADICTIONS).fetchall() == []
        assert service.recount(uow).found == ()
        states = dict(uow.sql("SELECT state, count(*) FROM inventory.reservation GROUP BY state").fetchall())
    assert {"released", "consumed", "expired", "short"} <= states.keys()


def test_the_examples_come_to_ten_thousand_steps() -> None:
    assert THREADS * TRANSACTIONS * STEPS * EXAMPLES == 10_000
