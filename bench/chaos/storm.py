"""One run: orders come in while everything is struck that the house stands on; then peace."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from urllib.parse import urlsplit

import psycopg
import urllib3

from app.commands.demo import connect_sandbox, read_books, take_stock
from bench.chaos.faults import BESIDE, FAULTS, Field
from bench.chaos.house import open_house
from bench.chaos.outside import Outside
from bench.chaos.proxy import Proxy
from bench.chaos.verdict import OPEN, Verdict, evidence, is_recovered, judge
from bench.chaos.watch import Blow, Watch
from bench.ground import Ground, prepared
from bench.trade import SECRET, open_bench_hub

LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 240.0  # the shop repeats a webhook after 0.5, 1, 2 … 64 s, the last after 127; then the work begins
STIR = f"SELECT count(*) > 0 AND count(*) FILTER (WHERE {OPEN}) = 0 FROM hub.delivery"
PACE = (0.0, 0.12)  # seconds between two orders
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
    """What is done: `kills` kills and every other fault of `faults` so many `times`, spread evenly over `orders`."""

    orders: int
    kills: int
    times: int
    faults: Sequence[str]
    seed: int
    tell: Callable[[str], None]

    def blows(self, random: Random) -> list[str]:
        """The faults in the order in which they strike."""
        others = [name for name in self.faults if name != "kill"] * self.times
        blows = others + ["kill"] * (self.kills if "kill" in self.faults else 0)
        random.shuffle(blows)
        return blows


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended. `recovery_seconds` counts from the end of the last blow until what was there then was done."""

    verdict: Verdict
    blows: Sequence[Blow]
    recovery_seconds: float
    said: tuple[str, ...]  # what database and logs say of it

    @property
    def kills(self) -> int:
        return sum(blow.fault == "kill" for blow in self.blows)


@dataclass(slots=True)
class Customers:
    """They order at their own pace, from a thread, whatever else happens."""

    outside: Outside
    orders: int
    seed: int
    placed: int = 0
    failed: list[Exception] = field(default_factory=list)
    thread: threading.Thread | None = None

    def start(self) -> None:
        self.thread = threading.Thread(target=self._run, name="customers", daemon=True)
        self.thread.start()

    def await_placed(self, count: int) -> None:
        """Wait until so many have ordered."""
        while self.placed < count:
            if self.failed:
                raise self.failed[0]
            time.sleep(0.01)

    def _run(self) -> None:
        random = Random(self.seed)
        try:
            for number in range(self.orders):
                self.outside.place(self.seed * 1_000_000 + number)
                self.placed += 1
                time.sleep(random.uniform(*PACE))
        except (RuntimeError, urllib3.exceptions.HTTPError) as error:
            self.failed.append(error)


def run(plan: Plan) -> Outcome:
    """Start a house, break it as planned, and judge what is left."""
    with prepared(**ENVIRONMENT) as ground, open_house(ground) as house:
        ground.environment["HUB_SANDBOX_HUB_URL"] = f"http://127.0.0.1:{ground.settings.port}"
        ground.environment["HUB_SANDBOX_STORE"] = str(ground.home / "sandbox")
        house.start("sandbox")
        outside = Outside(f"http://127.0.0.1:{ground.settings.sandbox_port}")
        outside.lift_limits()  # a shop of the standard plan would take ten minutes for the shipments of 500 orders
        database, bells = _between(ground, "DATABASE_URL"), _between(ground, "REDIS_URL")
        remotes = Proxy(ground.settings.sandbox_port).start()
        connect(ground, f"http://127.0.0.1:{remotes.port}")
        house.start("web", "worker", "relay", "scheduler")
        there = Field(
            house=house, outside=outside, database=database, bells=bells, remotes=remotes, random=Random(plan.seed)
        )
        await_calm(ground)  # a shop that has not heard yet where its webhooks go tells nobody of what is ordered
        watch = Watch(ground.plain_url)
        rage(plan, there, watch)
        outcome = _peace(there, watch)
        for proxy in (database, bells, remotes):
            proxy.stop()
        return outcome


def _between(ground: Ground, variable: str) -> Proxy:
    """A proxy before one of the servers, of which the house's processes know nothing else."""
    address = ground.environment[variable]
    port = urlsplit(address).port
    assert port is not None
    proxy = Proxy(port).start()
    ground.environment[variable] = address.replace(f":{port}/", f":{proxy.port}/")
    return proxy


def connect(ground: Ground, root: str) -> None:
    """Connect the sandbox's shop and ERP and take over its stock, as the demo does."""
    os.environ["HUB_DEMO_SECRET"] = SECRET
    hub = open_bench_hub(ground)
    books = read_books(root)
    with hub.unit_of_work() as uow:
        connect_sandbox(uow, root, books, environment=ground.environment)
    take_stock(hub, books)
    hub.close()


def await_calm(ground: Ground) -> None:
    """Wait until nothing is open: the subscriptions are made, and the demo's first order is through."""
    until = time.monotonic() + PATIENCE_SECONDS
    with psycopg.connect(ground.plain_url, autocommit=True) as line:
        while line.execute(STIR).fetchone() != (True,):
            if time.monotonic() > until:
                raise TimeoutError("\n".join(evidence(line)))
            time.sleep(LOOK_SECONDS / 5)


def rage(plan: Plan, there: Field, watch: Watch) -> None:
    """Some orders, a blow, with some trouble at the remotes beside it; again."""
    random = there.random
    blows, beside = plan.blows(random), [name for name in BESIDE if name in plan.faults]
    customers = Customers(there.outside, plan.orders, plan.seed)
    began = time.monotonic()
    customers.start()
    watch.start()
    for n, name in enumerate(blows):
        customers.await_placed(plan.orders * (n + 1) // (len(blows) + 1))
        if beside and random.random() < 0.5:
            FAULTS[random.choice(beside)](there)
        at = time.monotonic() - began
        what = FAULTS[name](there)
        there.house.revive()
        watch.blows.append(Blow(fault=name, what=what, at=at, over=datetime.now(UTC)))
        plan.tell(f"{at:6.1f} s  {name} {what}")
        time.sleep(random.uniform(0, 0.5))
    customers.await_placed(plan.orders)


def _peace(there: Field, watch: Watch) -> Outcome:
    """Nothing more goes wrong: wait until all is well, or patience ends."""
    there.outside.calm()
    there.remotes.doubling = 0
    last = watch.blows[-1].over if watch.blows else datetime.now(UTC)
    until = time.monotonic() + PATIENCE_SECONDS
    with psycopg.connect(there.house.ground.plain_url, autocommit=True) as line:
        while not is_recovered(line, there.outside, last) and time.monotonic() < until:
            there.house.revive()
            time.sleep(LOOK_SECONDS)
        recovery = (datetime.now(UTC) - last).total_seconds()
        verdict = _final(line, there.outside, until)
        watch.stop()
        said = (*evidence(line), *there.house.ended, *there.house.said("error"))
        return Outcome(verdict=verdict, blows=watch.blows, recovery_seconds=recovery, said=said)


def _final(line: psycopg.Connection[object], outside: Outside, until: float) -> Verdict:
    """The first moment at which nothing is wrong; where none comes, what is wrong at the end."""
    while not (verdict := judge(line, outside)).is_clean and not verdict.doubled and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    return verdict
