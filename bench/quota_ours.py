"""One process that calls a vendor: `python -m bench.quota_ours VENDOR` calls for all that is ready, once told to."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Protocol

from app.adapters.shopify.client import cost_of, judge
from app.flows.runtime import Connected, Steps, Told, step
from app.infra.connections import ConnectionRow
from app.infra.hub import Hub, open_hub
from app.infra.notices import NoticeReceived
from app.infra.outbox import Place
from app.infra.remote.client import Outbound
from app.infra.remote.quotas import Quota, QuotaKind
from app.infra.remote.spec import AdapterSpec, Capability, Dedupe
from app.infra.routes import add_route
from app.infra.uow import UnitOfWork
from app.kernel.events import Fact, event
from app.settings import Settings
from bench.ground import Ground
from bench.ours import TrialSettings, call_all
from bench.quota_limits import POINTS, WINDOW

THREADS = 16
AT_ONCE = 1000
RING_SECONDS = 1.0  # as often as a relay
QUOTAS = {
    "window": Quota(
        name="requests", kind=QuotaKind.SLIDING_WINDOW, limit=WINDOW["requests"], window=WINDOW["seconds"]
    ),
    "points": Quota(
        name="points", kind=QuotaKind.GRAPHQL_COST, limit=POINTS["maximum"],
        window=POINTS["maximum"] / POINTS["restore"], weight=10,
    ),
}  # fmt: skip


@event("bench.call_due", version=1, key="number")
class CallDue(Fact):
    number: str
    vendor: str


class Sink(Protocol):
    def put(self) -> int: ...


class TrialSink:
    def __init__(self, outbound: Outbound, path: str) -> None:
        self._outbound, self._path = outbound, path

    def put(self) -> int:
        return self._outbound.send("POST", self._path, writes=True, body={}, operation="document").status


def trial_adapter(name: str) -> AdapterSpec:
    def connect(settings: Mapping[str, Any]) -> Outbound:
        made = Outbound(system=name, base_url=settings["base_url"], allow_loopback=settings["allow_loopback"])
        if name == "points":
            made.judge, made.report = judge, cost_of
        return made

    return AdapterSpec(
        name=name, title=name, api_version="1", settings=TrialSettings, connect=connect, contract="unverified",
        capabilities=(
            Capability(port=Sink, build=lambda remote, _: TrialSink(remote, f"/{name}"), dedupe=Dedupe.REMOTE_KEY),
        ),
        concurrency=100, quotas=(QUOTAS[name],),
    )  # fmt: skip


def trial_steps() -> Steps:
    def call(connection: Connected, number: str) -> int:
        return connection.port(Sink).put()

    steps = Steps()
    step("bench.hear", on=NoticeReceived, queue="orders", ordered=False, do=lambda uow, told: None, steps=steps)
    step(
        "bench.call", on=CallDue, queue="orders", at_fact="vendor", lane="call", port=Sink, steps=steps, call=call,
        plan=lambda uow, told: told.fact.number, record=_record,
    )  # fmt: skip
    return steps


def _record(uow: UnitOfWork, told: Told[CallDue], number: str, status: int) -> None:
    """Nothing but the delivery's own end."""


def open_trial(settings: Settings) -> tuple[Hub, Steps]:
    steps = trial_steps()
    return open_hub(settings, adapter=trial_adapter, subscriptions=steps.by_event, pool_size=4), steps


def connect(ground: Ground, url: str) -> None:
    """Both vendors as connections."""
    hub, _ = open_trial(ground.settings)
    with hub.unit_of_work() as uow:
        for vendor in QUOTAS:
            uow.session.add(ConnectionRow(name=vendor, adapter=vendor, title=vendor, settings={"base_url": url}))
            uow.session.flush()
            add_route(uow, vendor, vendor)
    hub.close()


def publish(ground: Ground, vendor: str, count: int) -> None:
    """Tell of so many calls, each with a lane of its own."""
    hub, _ = open_trial(ground.settings)
    for start in range(0, count, AT_ONCE):
        with hub.unit_of_work() as uow:
            for number in range(start, min(start + AT_ONCE, count)):
                uow.publish(CallDue(number=f"{vendor}-{number}", vendor=vendor))
    hub.close()
    with ground.database() as line:
        line.execute("VACUUM ANALYZE hub.delivery")


def main(vendor: str) -> None:
    hub, steps = open_trial(Settings.from_environment())
    call_all(hub, steps, Place("orders", vendor, 0), threads=THREADS, look_seconds=RING_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
