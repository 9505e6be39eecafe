"""A worker for the replayed papers: `python -m bench.replay_ours` turns runs and calls, until it is told to stop."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import Any, Protocol

from app.flows import replaying
from app.flows.running import declare_turns
from app.flows.runtime import Connected, Steps, Told, step
from app.infra.bell import RedisBell
from app.infra.connections import ConnectionRow
from app.infra.hub import Hub, open_hub
from app.infra.notices import NoticeReceived
from app.infra.remote.client import Outbound
from app.infra.remote.spec import AdapterSpec, Capability, Dedupe
from app.infra.routes import add_route
from app.infra.uow import UnitOfWork
from app.jobs.drain import Drain
from app.jobs.relay import sweep
from app.kernel.events import Fact, event
from app.settings import Settings
from bench.ours import TrialSettings, dispatching

THREADS, CONCURRENCY = 32, 64
LOOK_SECONDS = 0.05
assert replaying.page  # importing the flow declares the kind of run


@event("bench.sheet_made", version=1, key="sheet")
class SheetMade(Fact):
    sheet: str


class Sink(Protocol):
    def put(self, key: str, *, again: bool) -> bool: ...


class LookingSink:
    """Looks before it writes where an earlier call may have had its effect."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    def put(self, key: str, *, again: bool) -> bool:
        if again and self._outbound.send("GET", f"/papers/{key}", writes=False, accept=(404,)).ok:
            return False
        self._outbound.send("POST", "/papers", writes=True, body={"paper": key}, headers={"Idempotency-Key": key})
        return True


def trial_adapter(name: str) -> AdapterSpec:
    def connect(settings: Mapping[str, Any]) -> Outbound:
        return Outbound(system="erp", base_url=settings["base_url"], allow_loopback=settings["allow_loopback"])

    return AdapterSpec(
        name="trial", title="Trial", api_version="1", settings=TrialSettings, connect=connect, contract="unverified",
        capabilities=(Capability(port=Sink, build=lambda remote, _: LookingSink(remote), dedupe=Dedupe.LOOKUP),),
        concurrency=CONCURRENCY,
    )  # fmt: skip


def trial_steps() -> Steps:
    def plan(uow: UnitOfWork, told: Told[SheetMade]) -> tuple[str, bool]:
        return told.fact.sheet, told.again

    def call(connection: Connected, asked: tuple[str, bool]) -> bool:
        return connection.port(Sink).put(asked[0], again=asked[1])

    def record(uow: UnitOfWork, told: Told[SheetMade], asked: tuple[str, bool], made: bool) -> None:
        """Nothing but the delivery's own end."""

    steps = Steps()
    declare_turns(steps)
    step("bench.hear", on=NoticeReceived, queue="orders", ordered=False, do=lambda uow, told: None, steps=steps)
    step(
        "bench.sheet", on=SheetMade, queue="orders", at="erp", lane="sheet", port=Sink, steps=steps, plan=plan,
        call=call, record=record,
    )  # fmt: skip
    return steps


def open_trial(settings: Settings) -> tuple[Hub, Steps]:
    steps = trial_steps()
    return open_hub(settings, adapter=trial_adapter, subscriptions=steps.by_event, pool_size=4), steps


def connect(settings: Settings, url: str) -> None:
    """The remote as a connection that plays the role `erp`."""
    hub, _ = open_trial(settings)
    with hub.unit_of_work() as uow:
        uow.session.add(ConnectionRow(name="erp", adapter="trial", title="erp", settings={"base_url": url}))
        uow.session.flush()
        add_route(uow, "erp", "erp")
    hub.close()


def main() -> None:
    hub, steps = open_trial(Settings.from_environment())
    stop = threading.Event()
    with dispatching(hub, steps, THREADS) as (dispatcher, worker):
        drain = Drain(hub, steps, RedisBell(hub.redis, lambda place: None), worker)
        threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
        print("ready", flush=True)
        while not stop.wait(LOOK_SECONDS):
            for place in sweep(hub):
                if place.connection:
                    dispatcher.wake(place)
                else:
                    drain.run(place)


if __name__ == "__main__":
    main()
