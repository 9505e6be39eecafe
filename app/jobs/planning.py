"""What is next at a connection: claim the first of each lane and decide what to call with."""

from __future__ import annotations

from collections.abc import Callable

from app.flows.runtime import Steps
from app.infra.hub import Hub
from app.infra.outbox import Place
from app.infra.remote.spec import Dedupe
from app.infra.uow import UnitOfWork
from app.jobs.claims import Claim, claim, doubt_until, end, postpone, put_aside
from app.jobs.poison import MOST_DEATHS
from app.jobs.recording import Answer, Recorder, dedupe_of, doubt_seconds
from app.jobs.settle import Reading, Verdict, judge, wake_first
from app.kernel import codec

BUDGET_SECONDS = 60.0  # of one call: several requests of at most 30 s each; beyond it the lease ends
LEASE_SECONDS = BUDGET_SECONDS + 10.0  # every time-out ends before the lease does


class Planner:
    """Claims and plans. `again` asks for another round at a place."""

    def __init__(self, hub: Hub, steps: Steps, recorder: Recorder, worker: int, again: Callable[[Place], None]) -> None:
        self._hub, self._steps, self._recorder, self._worker, self._again = hub, steps, recorder, worker, again
        self._latest: dict[str, list[str]] = {}
        for step in steps.by_name.values():
            if step.latest_only:
                self._latest.setdefault(step.queue, []).append(step.name)

    def claim(self, uow: UnitOfWork, place: Place, room: int, *, alone: bool) -> list[Answer]:
        """Take at most `room` deliveries and plan them; `alone` isolates a plan that fails."""
        if room <= 0:
            return []
        latest = self._latest.get(place.queue, [])
        held = claim(uow, place, self._steps, room=room, worker=self._worker, lease=LEASE_SECONDS, latest=latest)
        if len(held) < room:  # what is not first of its lane may stand in the way of the next look
            put_aside(uow, place, latest)
        planned = (self._plan(uow, one, alone=alone) for one in held if self._ready(uow, one))
        return [answer for answer in planned if answer is not None]

    def _ready(self, uow: UnitOfWork, held: Claim) -> bool:
        if held.deaths >= MOST_DEATHS:
            title = "A call was in hand when workers died three times; it is set aside"
            reading = Reading(code="hub.poison", about=f"delivery {held.delivery_id}", title=title)
            self._recorder.settle(
                uow, self._recorder.failed(held, None), Verdict(reading=reading, state="parked", outcome="poison")
            )
            return False
        if not held.taken_over:
            return True
        dedupe = dedupe_of(self._hub, uow, held)
        if dedupe is Dedupe.NONE:
            title = "A worker died during a call that cannot be looked up; a person confirms whether it had its effect"
            reading = Reading(code="hub.in_doubt", title=title)
            self._recorder.settle(
                uow, self._recorder.failed(held, None), Verdict(reading=reading, state="parked", outcome="taken over")
            )
            return False
        until = doubt_until(held, LEASE_SECONDS, doubt_seconds(self._hub, held)) if dedupe is Dedupe.LOOKUP else None
        if until is not None and until > self._hub.clock.now():
            postpone(uow, held, until)
            return False
        return True

    def _plan(self, uow: UnitOfWork, held: Claim, *, alone: bool) -> Answer | None:
        """Decide what to call with; a plan of None ends the delivery. `alone` isolates a plan that fails."""
        if not alone:
            return self._planned(uow, held)
        try:
            with uow.session.begin_nested():
                return self._planned(uow, held)
        except Exception as error:
            self._recorder.settle(uow, self._recorder.failed(held, error), judge(error, held.attempt))
            return None

    def _planned(self, uow: UnitOfWork, held: Claim) -> Answer | None:
        uow.trail = held.trail
        fact = codec.load(held.step.fact, held.payload)
        assert held.step.plan is not None
        plan = held.step.plan(uow, held.told(fact))
        if plan is None:
            end(uow, [held])
            uow.tally("deliveries_done", held.place.queue)
            wake_first(uow, [held.lane] if held.lane else [])
            self._again(held.place)
            return None
        now = self._hub.clock.now()
        return Answer(held=held, fact=fact, plan=plan, started_at=now, ended_at=now)
