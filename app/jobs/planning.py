"""What is next at a connection: claim the first of each lane and decide what to call with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.flows.doubting import dedupe_at
from app.flows.runtime import Steps
from app.infra.hub import Hub
from app.infra.outbox import Place
from app.infra.remote.spec import Dedupe
from app.infra.uow import UnitOfWork
from app.jobs.claims import Claim, claim, doubt_left, end, postpone, put_aside
from app.jobs.poison import MOST_DEATHS, Alone
from app.jobs.recording import Answer, Recorder, by_step, doubt_seconds
from app.jobs.rehearsal import keep
from app.jobs.settle import Reading, Verdict, judge, wake_first
from app.jobs.shaping import Shaper
from app.kernel.events import load_as

BUDGET_SECONDS = 60.0  # of one call: several requests of at most 30 s each; beyond it the lease ends
LEASE_SECONDS = BUDGET_SECONDS + 10.0  # every time-out ends before the lease does


# Of these the other side may hold the effect; after a refusal, or a call that never left, it does not.
HAPPENED = """
SELECT 1 FROM hub.attempt WHERE event_id = %(event)s AND delivery = %(id)s
   AND outcome IN ('done', 'no answer', 'not recorded', 'taken over', 'bug') LIMIT 1
"""


def may_have_happened(uow: UnitOfWork, held: Claim) -> bool:
    """Whether an earlier call of this delivery may have had its effect."""
    return uow.sql(HAPPENED, {"event": held.event_id, "id": held.delivery_id}).fetchone() is not None


class Planner:
    """Claims and plans. `again` asks for another round at a place."""

    def __init__(self, hub: Hub, steps: Steps, recorder: Recorder, worker: int, again: Callable[[Place], None]) -> None:
        self._hub, self._steps, self._recorder, self._worker, self._again = hub, steps, recorder, worker, again
        self.alone = Alone()
        self._shaper = Shaper(hub, steps)
        self._latest: dict[str, list[str]] = {}
        for step in steps.by_name.values():
            if step.latest_only:
                self._latest.setdefault(step.queue, []).append(step.name)

    def claim(self, uow: UnitOfWork, place: Place, room: int, *, alone: bool) -> list[Answer]:
        """Take at most `room` deliveries and plan them; `alone` isolates a plan that fails."""
        if room <= 0:
            return []
        latest = self._latest.get(place.queue, [])
        rules = self._shaper.hold_back(uow, place)
        held = claim(uow, place, self._steps, room=room, worker=self._worker, lease=LEASE_SECONDS, latest=latest)
        if len(held) < room:  # what is not first of its lane may stand in the way of the next look
            put_aside(uow, place, latest)
        held = self._shaper.let_through(uow, place, held, rules)
        held, suspects = self.alone.parted(place, held)
        for one in suspects:
            postpone(uow, one, 0.0)
        ready = [one for one in held if self._ready(uow, one)]
        if alone:
            return [answer for one in ready for answer in self._alone(uow, one)]
        return [answer for together in by_step(ready, of=lambda held: held) for answer in self._planned(uow, together)]

    def _ready(self, uow: UnitOfWork, held: Claim) -> bool:
        if held.deaths >= MOST_DEATHS:
            title = "A call was in hand when workers died three times; it is set aside"
            reading = Reading(code="hub.poison", about=f"delivery {held.delivery_id}", title=title)
            self._recorder.settle(
                uow, self._recorder.failed(held, None), Verdict(reading=reading, state="parked", outcome="poison")
            )
            return False
        if not held.in_doubt or held.shadow:
            return True
        dedupe = dedupe_at(uow, held.step, held.place.connection)
        if dedupe is Dedupe.NONE and (held.taken_over or may_have_happened(uow, held)):
            title = "A call that cannot be looked up may have had its effect; a person confirms whether it had"
            reading = Reading(code="hub.in_doubt", title=title)
            outcome = "taken over" if held.taken_over else "asked again"
            verdict = Verdict(reading=reading, state="parked", outcome=outcome)
            self._recorder.settle(uow, self._recorder.failed(held, None), verdict)
            return False
        left = doubt_left(held, LEASE_SECONDS, doubt_seconds(self._hub, held)) if dedupe is Dedupe.LOOKUP else 0.0
        if left > 0:
            postpone(uow, held, left)
            return False
        return True

    def _alone(self, uow: UnitOfWork, held: Claim) -> list[Answer]:
        """Plan one so that its failure is its own: what it told and what was to follow the commit go with its rows."""
        before = uow.attempt()
        try:
            with uow.session.begin_nested():  # a flush that fails ends the innermost transaction of the session
                return self._planned(uow, [held])
        except Exception as error:
            uow.undo(before)
            self._recorder.settle(uow, self._recorder.failed(held, error), judge(error, held.attempt))
            return []

    def _planned(self, uow: UnitOfWork, together: Sequence[Claim]) -> list[Answer]:
        """Decide what to call with, for claims of one step; a plan of None ends its delivery."""
        facts = [load_as(held.step.fact, held.event_type, held.payload) for held in together]
        tolds = [held.told(fact) for held, fact in zip(together, facts, strict=True)]
        plans = together[0].step.plans(uow, tolds)
        now = self._hub.clock.now()
        idle = [held for held, plan in zip(together, plans, strict=True) if plan is None]
        if idle:
            self._end(uow, idle)
        return [
            Answer(held=held, fact=fact, plan=plan, started_at=now, ended_at=now)
            for held, fact, plan in zip(together, facts, plans, strict=True)
            if plan is not None
        ]

    def _end(self, uow: UnitOfWork, idle: Sequence[Claim]) -> None:
        end(uow, idle)
        for held in idle:
            uow.trail = held.trail
            keep(uow, held, ())
            uow.tally("deliveries_done", held.place.queue)
        wake_first(uow, [held.lane for held in idle if held.lane])
        self._again(idle[0].place)
