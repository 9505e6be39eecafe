"""A worker, or a web process, of a pretend trade that ends or freezes itself where it is told to.

`python -m tests.chaos.trial worker HOME URL`. Its effects are rows of public.trial and documents at the remote.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.flows.runtime import Connected, Steps, Told, step
from app.infra.hub import open_hub
from app.infra.ids import new_id
from app.infra.notices import Incoming, NoticeReceived
from app.infra.outbox import Place
from app.infra.remote.spec import Dedupe
from app.infra.uow import UnitOfWork
from app.kernel.errors import Waits
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import LevelChanged, Sink, ThingCounted, ThingMade, spec

TOGETHER = 0.3  # seconds in which what is called beside a deadly call surely began, and has not ended
KILLED = "killed"  # the file that says that a worker was killed where that happens once
REFUSED = "refused"  # the file that a frozen worker writes when it was kept from sending
BEATS_AGAIN = 1.5  # seconds after a thaw in which the heart surely beat: three times as long as between two beats


def end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def trial_steps(home: Path) -> Steps:
    """What to do stands in the fact: `kill`, `kill once`, `kill call` in every call, `kill after`
    the first, `freeze` before it, `kill read` in the first call that only reads."""
    steps = Steps()

    def hear(uow: UnitOfWork, told: Told[NoticeReceived]) -> None:
        note(uow, "notice", told.fact.object_id)

    def count(uow: UnitOfWork, told: Told[ThingMade]) -> None:
        note(uow, told.fact.thing, told.fact.what)
        if told.fact.what == "kill":
            end()
        if told.fact.what == "kill once" and not (home / KILLED).exists():
            (home / KILLED).touch()
            end()

    def plan(uow: UnitOfWork, told: Told[ThingCounted]) -> dict[str, Any]:
        return {"key": told.fact.thing, "what": told.fact.what, "again": told.again}

    def call(connection: Connected, given: dict[str, Any]) -> str:
        first = not given["again"]
        if given["what"] == "kill call":
            threading.Event().wait(TOGETHER)
            end()
        if given["what"] == "freeze" and first:
            os.kill(os.getpid(), signal.SIGSTOP)
            threading.Event().wait(BEATS_AGAIN)
        try:
            made = connection.port(Sink).put(given["key"], given["what"], again=given["again"])
        except Waits as refused:
            (home / REFUSED).write_text(refused.code)
            raise
        if given["what"] == "kill after" and first:
            end()
        return made

    def record(uow: UnitOfWork, told: Told[ThingCounted], given: dict[str, Any], answer: str) -> None:
        note(uow, told.fact.thing, answer)

    def call_read(connection: Connected, given: dict[str, Any]) -> str:
        found = connection.port(Sink).put(given["key"], given["what"], again=True)
        if given["what"] == "kill read" and not (home / KILLED).exists():
            (home / KILLED).touch()
            end()
        return found

    step("trial.hear", on=NoticeReceived, queue="orders", ordered=False, do=hear, steps=steps)
    step("trial.count", on=ThingMade, queue="orders", do=count, steps=steps)
    step(
        "trial.post", on=ThingCounted, queue="orders", at="erp", lane="trial_document", plan=plan, call=call,
        record=record, port=Sink, steps=steps,
    )  # fmt: skip
    step(
        "trial.read", on=LevelChanged, queue="orders", at="erp", latest_only=True, reads=True, plan=plan,
        call=call_read, record=record, port=Sink, steps=steps,
    )  # fmt: skip
    return steps


def note(uow: UnitOfWork, thing: str, what: str) -> None:
    uow.sql("INSERT INTO public.trial (thing, what) VALUES (%(thing)s, %(what)s)", {"thing": thing, "what": what})


class DeadlyBell:
    """Ends its process when it would ring: the commit is behind it, the bell before it."""

    def ring(self, places: Iterable[Place]) -> None:
        end()


def work(settings: Settings, home: Path) -> None:
    crank = Crank(settings, adapter=lambda _: spec(Dedupe.LOOKUP), steps=trial_steps(home))
    while True:
        crank.settle()
        crank.dispatcher.heard(0.05)


def hear(settings: Settings, home: Path) -> None:
    steps = trial_steps(home)
    hub = open_hub(
        settings, adapter=lambda _: spec(Dedupe.LOOKUP), subscriptions=steps.by_event, bell=lambda _: DeadlyBell()
    )
    with hub.unit_of_work() as uow:
        incoming = Incoming(
            connection="erp", topic="trial", external_ids=("webhook:1",), kind="order", object_id="1", headers={},
            body=b"{}", correlation_id=new_id(),
        )  # fmt: skip
        hub.intake.accept(uow, incoming)


if __name__ == "__main__":
    {"worker": work, "web": hear}[sys.argv[1]](Settings.from_environment(), Path(sys.argv[2]))
