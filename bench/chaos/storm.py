"""One run: orders come in while processes are killed, Redis is emptied and the remotes misbehave; then peace."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

import psycopg
import redis

from app.commands.demo import connect_sandbox, read_books, take_stock
from bench.chaos.house import House, open_house
from bench.chaos.outside import Outside, trouble_at
from bench.chaos.verdict import Verdict, evidence, is_recovered, judge
from bench.ground import Ground, prepared
from bench.trade import SECRET, open_bench_hub

LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 150.0  # the shop repeats a webhook after 0.5, 1, 2 … 64 s; back-offs of the hub are shorter here
EMPTIED = 0.35  # the share of kills before which Redis is emptied, one at least
AWAY = 0.2  # the share of bursts during which Redis does not answer, one at least
ENVIRONMENT = {
    "HUB_DOUBT_SECONDS": "2",  # the sandbox is done with a call whose answer it dropped; a real remote may need ten
    "HUB_WORKERS": "2",
    "HUB_LOG_LEVEL": "INFO",
    "HUB_DEMO_RATE": "0.0001",  # the demo's warehouse works; its customers order once and then for hours nothing
    "HUB_DEMO_TROUBLES": "0",
    "HUB_SANDBOX_SHOP_SECRET": SECRET,
    "HUB_SANDBOX_ERP_TOKEN": "rh_demo_only-this-run-knows-it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done. `orders` are spread evenly over the kills; `tell` is told of each blow."""

    orders: int
    kills: int
    seed: int
    tell: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended. `recovery_seconds` counts from the last kill until all that was there then was done."""

    verdict: Verdict
    kills: int
    recovery_seconds: float
    said: tuple[str, ...]  # what database and logs say of it


def run(plan: Plan) -> Outcome:
    """Start a house, break it as planned, and judge what is left."""
    with prepared(**ENVIRONMENT) as ground, open_house(ground) as house:
        ground.environment["HUB_SANDBOX_HUB_URL"] = f"http://127.0.0.1:{ground.settings.port}"
        ground.environment["HUB_SANDBOX_STORE"] = str(ground.home / "sandbox")
        house.start("sandbox")
        outside = Outside(f"http://127.0.0.1:{ground.settings.sandbox_port}")
        outside.lift_limits()  # a shop of the standard plan would take ten minutes for the shipments of 500 orders
        connect(ground, outside.root)
        house.start("web", "worker", "relay", "scheduler")
        rage(plan, house, outside)
        ended, last_kill = time.monotonic(), datetime.now(UTC)
        outside.calm()
        with psycopg.connect(ground.plain_url, autocommit=True) as line:
            until = ended + PATIENCE_SECONDS
            while not is_recovered(line, outside, last_kill) and time.monotonic() < until:
                time.sleep(LOOK_SECONDS)
            recovery = time.monotonic() - ended
            return Outcome(
                verdict=_final(line, outside, until),
                kills=plan.kills,
                recovery_seconds=recovery,
                said=(*evidence(line), *house.dead(), *house.said("error")),
            )


def connect(ground: Ground, root: str) -> None:
    """Connect the sandbox's shop and ERP and take over its stock, as the demo does."""
    os.environ["HUB_DEMO_SECRET"] = SECRET
    hub = open_bench_hub(ground)
    books = read_books(root)
    with hub.unit_of_work() as uow:
        connect_sandbox(uow, root, books, environment=ground.environment)
    take_stock(hub, books)
    hub.close()


def rage(plan: Plan, house: House, outside: Outside) -> None:
    """A burst of orders, some trouble, a kill; again."""
    random = Random(plan.seed)
    away, emptied = _some_of(plan.kills, AWAY, random), _some_of(plan.kills, EMPTIED, random)
    for n in range(plan.kills):
        outside.trouble(trouble_at(random))
        with _frozen_redis(house.ground) if n in away else nullcontext():
            for number in range(plan.orders * n // plan.kills, plan.orders * (n + 1) // plan.kills):
                outside.place(plan.seed * 1_000_000 + number)
                time.sleep(random.uniform(0, 0.06))
            time.sleep(random.uniform(0, 1.5))
        if n in emptied:
            with redis.Redis.from_url(house.ground.settings.redis_url) as bells:
                bells.flushall()
        beside = (", Redis was away" if n in away else "") + (", Redis emptied" if n in emptied else "")
        plan.tell(f"kill {n + 1}: {house.kill_one(random)}{beside}")


def _some_of(count: int, share: float, random: Random) -> set[int]:
    """A share of so many rounds, one at least."""
    return {random.randrange(count), *(n for n in range(count) if random.random() < share)}


@contextmanager
def _frozen_redis(ground: Ground) -> Iterator[None]:
    """Nobody gets an answer from Redis, which takes connections as before: the worst way to be away."""
    pid = int((ground.home / "redis" / "process").read_text(encoding="ascii").partition(" ")[0])
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _final(line: psycopg.Connection[object], outside: Outside, until: float) -> Verdict:
    """The first moment at which nothing is wrong; where none comes, what is wrong at the end."""
    while not (verdict := judge(line, outside)).is_clean and not verdict.doubled and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    return verdict
