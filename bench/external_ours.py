"""Our dispatcher's calls: `python -m bench.external_ours` calls for all that is ready, once told to go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from app.flows.runtime import Connected, Steps, Told, step
from app.infra.connections import ConnectionRow
from app.infra.hub import Hub, open_hub
from app.infra.notices import NoticeReceived
from app.infra.outbox import Place
from app.infra.remote.client import Outbound
from app.infra.remote.spec import AdapterSpec, Capability, Dedupe
from app.infra.routes import add_route
from app.infra.uow import UnitOfWork
from app.kernel.events import Fact, event
from app.settings import Settings
from bench.ground import Ground
from bench.ours import TrialSettings, call_all

THREADS, CONCURRENCY = 64, 128  # what suits it best; the peer does less with 64 threads than with its 32
AT_ONCE = 2_000
PLACE = Place("orders", "erp", 0)
LOOK_SECONDS = 0.05


@event("bench.paper_made", version=1, key="paper")
class PaperMade(Fact):
    paper: str


class Sink(Protocol):
    def put(self, key: str) -> int: ...


class TrialSink:
    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    def put(self, key: str) -> int:
        body = {"document": key, "lines": [1, 2, 3]}
        return self._outbound.send("POST", "/papers", writes=True, body=body, headers={"Idempotency-Key": key}).status


def trial_adapter(name: str) -> AdapterSpec:
    def connect(settings: Mapping[str, Any]) -> Outbound:
        return Outbound(system="erp", base_url=settings["base_url"], allow_loopback=settings["allow_loopback"])

    return AdapterSpec(
        name="trial", title="Trial", api_version="1", settings=TrialSettings, connect=connect, contract="unverified",
        capabilities=(Capability(port=Sink, build=lambda remote, _: TrialSink(remote), dedupe=Dedupe.REMOTE_KEY),),
        concurrency=CONCURRENCY,
    )  # fmt: skip


def trial_steps() -> Steps:
    def call(connection: Connected, key: str) -> int:
        return connection.port(Sink).put(key)

    steps = Steps()
    step("bench.hear", on=NoticeReceived, queue="orders", ordered=False, do=lambda uow, told: None, steps=steps)
    step(
        "bench.post", on=PaperMade, queue="orders", at="erp", lane="paper", port=Sink, steps=steps, call=call,
        plan=lambda uow, told: told.fact.paper, record=_record,
    )  # fmt: skip
    return steps


def _record(uow: UnitOfWork, told: Told[PaperMade], key: str, status: int) -> None:
    """Nothing but the delivery's own end, as on the other side."""


def open_trial(settings: Settings) -> tuple[Hub, Steps]:
    steps = trial_steps()
    return open_hub(settings, adapter=trial_adapter, subscriptions=steps.by_event, pool_size=4), steps


def connect(ground: Ground, url: str) -> None:
    """The slow ERP as a connection that plays the role `erp`."""
    hub, _ = open_trial(ground.settings)
    with hub.unit_of_work() as uow:
        uow.session.add(ConnectionRow(name="erp", adapter="trial", title="erp", settings={"base_url": url}))
        uow.session.flush()
        add_route(uow, "erp", "erp")
    hub.close()


def publish(ground: Ground, count: int, mark: str) -> None:
    """Tell of so many papers, each with a key of its own."""
    hub, _ = open_trial(ground.settings)
    for start in range(0, count, AT_ONCE):
        with hub.unit_of_work() as uow:
            for number in range(start, min(start + AT_ONCE, count)):
                uow.publish(PaperMade(paper=f"{mark}-{number}"))
    hub.close()
    with ground.database() as line:
        line.execute("VACUUM ANALYZE hub.delivery")


def main() -> None:
    hub, steps = open_trial(Settings.from_environment())
    call_all(hub, steps, PLACE, threads=THREADS, look_seconds=LOOK_SECONDS)


if __name__ == "__main__":
    main()
