"""A long flow that ends its own process at each of its named points, and goes on in the next one.

`python -m tests.chaos.long_flow HOME`: for each point a thing is made, posted, waited for, missed, asked about, decided
and undone at its remote; whoever comes to the point the first time is killed there. It prints how often each died.
The process imports once and forks for every life, so that a life costs a tenth of a second.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.flows.runtime import Connected, Steps, Told, step
from app.infra.deadlines import expect, expectation, tell_missed
from app.infra.decisions import Choice, ask, choose
from app.infra.notices import NoticeReceived
from app.infra.remote.spec import Dedupe
from app.infra.uow import UnitOfWork
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.events import Fact, event
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import Sink, spec

POINTS = (
    "begin", "begun", "plan", "before call", "after call", "record", "recorded", "relay", "relayed", "ask", "asked",
    "choose", "chosen", "before undo", "after undo",
)  # fmt: skip
MOST_LIVES = 4


@event("chaos.thing_begun", version=1, key="thing")
class Begun(Fact):
    thing: str


@event("chaos.thing_posted", version=1, key="thing")
class Posted(Fact):
    thing: str


@event("chaos.thing_sent", version=1, key="thing")
class Sent(Fact):
    thing: str


@event("chaos.thing_missed", version=1, key="thing")
class Missed(Fact):
    thing: str


@event("chaos.undo_decided", version=1, key="thing")
class UndoDecided(Fact):
    thing: str
    decided_by: str = ""


SENT = expectation("chaos", "sent", otherwise=Missed, unless=(Sent,))


class Flow:
    """The steps of the flow. `at(point, thing)` is where a process may end."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def at(self, point: str, thing: str) -> None:
        """Die here, the first time that the thing of this name comes by."""
        mark = self._home / f"died {point}"
        if thing == point and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def after(self, uow: UnitOfWork, point: str, thing: str) -> None:
        uow.after_commit(lambda: self.at(point, thing))

    def note(self, uow: UnitOfWork, thing: str, what: str) -> None:
        uow.sql("INSERT INTO public.trial (thing, what) VALUES (%(thing)s, %(what)s)", {"thing": thing, "what": what})

    def begin(self, uow: UnitOfWork, told: Told[Begun]) -> None:
        thing = told.fact.thing
        self.note(uow, thing, "begun")
        expect(uow, SENT, Missed(thing=thing), SYSTEM_CLOCK.now() - timedelta(seconds=1))
        uow.publish(Posted(thing=thing), told.trail)
        self.at("begin", thing)
        self.after(uow, "begun", thing)

    def plan(self, uow: UnitOfWork, told: Told[Any]) -> tuple[str, bool]:
        undo = isinstance(told.fact, UndoDecided)
        self.at("" if undo else "plan", told.fact.thing)
        return f"undo {told.fact.thing}" if undo else told.fact.thing, told.again

    def call(self, connection: Connected, plan: tuple[str, bool]) -> str:
        key, again = plan
        undo, thing = key.startswith("undo "), key.removeprefix("undo ")
        self.at("before undo" if undo else "before call", thing)
        made = connection.port(Sink).put(key.replace(" ", "-"), "1", again=again)
        self.at("after undo" if undo else "after call", thing)
        return made

    def record(self, uow: UnitOfWork, told: Told[Any], plan: tuple[str, bool], answer: str) -> None:
        undo, thing = isinstance(told.fact, UndoDecided), told.fact.thing
        self.note(uow, thing, "undone" if undo else "posted")
        self.at("" if undo else "record", thing)
        if not undo:
            self.after(uow, "recorded", thing)

    def ask(self, uow: UnitOfWork, told: Told[Missed]) -> None:
        thing = told.fact.thing
        choice = Choice(name="undo", title="Take it back", small="", fact=UndoDecided(thing=thing))
        ask(uow, code="chaos.missed", title="Where is it?", about=thing, key=told.fact.lane_key, choices=[choice])
        self.note(uow, thing, "asked")
        self.at("ask", thing)
        self.after(uow, "asked", thing)

    def steps(self) -> Steps:
        steps = Steps()
        step("chaos.hear", on=NoticeReceived, queue="orders", ordered=False, do=lambda uow, told: None, steps=steps)
        step("chaos.begin", on=Begun, queue="orders", do=self.begin, steps=steps)
        step("chaos.ask", on=Missed, queue="orders", do=self.ask, steps=steps)
        outside: dict[str, Any] = {"plan": self.plan, "call": self.call, "record": self.record, "port": Sink}
        step("chaos.post", on=Posted, queue="orders", at="erp", lane="document", steps=steps, **outside)
        step("chaos.undo", on=UndoDecided, queue="orders", at="erp", lane="document", steps=steps, **outside)
        return steps


def live(settings: Settings, flow: Flow, thing: str) -> None:
    """One life of a process: go on with the thing wherever it stands until it is undone."""
    crank = Crank(settings, adapter=lambda _: spec(Dedupe.LOOKUP), steps=flow.steps())
    if not crank.rows("SELECT 1 FROM hub.event WHERE key = %(key)s", key=f"chaos:{thing}"):
        with crank.uow() as uow:
            uow.publish(Begun(thing=thing))
    while not crank.rows("SELECT 1 FROM public.trial WHERE thing = %(thing)s AND what = 'undone'", thing=thing):
        crank.settle()
        with crank.uow() as uow:
            if tell_missed(uow):
                flow.at("relay", thing)
                flow.after(uow, "relayed", thing)
        crank.settle()
        decide(crank, flow, thing)
        crank.dispatcher.heard(0.1)
    crank.settle()
    crank.close()


def decide(crank: Crank, flow: Flow, thing: str) -> None:
    """A person takes it back, once it was posted and asked about."""
    posted = crank.rows("SELECT 1 FROM public.trial WHERE thing = %(thing)s AND what = 'posted'", thing=thing)
    asked = crank.rows("SELECT id::text FROM hub.exception_case WHERE about = %(t)s AND state = 'new'", t=thing)
    if posted and asked:
        with crank.uow() as uow:
            choose(uow, asked[0][0], "undo", "dana")
            flow.at("choose", thing)
            flow.after(uow, "chosen", thing)


def main() -> None:
    settings, flow = Settings.from_environment(), Flow(Path(sys.argv[1]))
    deaths = {}
    for thing in POINTS:
        deaths[thing] = 0
        while (child := os.fork()) and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            deaths[thing] += 1
            if deaths[thing] > MOST_LIVES:
                raise SystemExit(f"{thing} never came to its end")
        if not child:
            live(settings, flow, thing)
            os._exit(0)
    sys.stdout.write(f"{json.dumps(deaths)}\n")


if __name__ == "__main__":
    main()
