"""What came back from outside calls: its record and the delivery's end in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar

import structlog

from app.flows.doubting import dedupe_at
from app.flows.runtime import Answered
from app.infra.connections import Connection
from app.infra.db import is_away, is_contention
from app.infra.hub import Hub
from app.infra.locks import hold_place
from app.infra.outbox import Place
from app.infra.remote.shadow import Sent
from app.infra.remote.spec import Dedupe
from app.infra.uow import UnitOfWork
from app.jobs.claims import ATTEMPTS, Claim, end
from app.jobs.rehearsal import end_stopped, keep
from app.jobs.settle import Missed, Reading, Verdict, judge, settle, wake_first

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A planned call and what it came back with: an answer to record, or the error that ended it."""

    held: Claim
    fact: Any
    plan: Any
    started_at: datetime
    ended_at: datetime
    value: Any = None
    error: Exception | None = None
    writes: tuple[Sent, ...] = ()  # of a shadow, and of what is compared with one


T = TypeVar("T")


def by_step(rows: Sequence[T], *, of: Callable[[T], Claim]) -> Iterator[list[T]]:
    """Neighbours of one step together. Their order stays: it is the one in which everybody locks rows."""
    return (list(together) for _, together in groupby(rows, key=lambda row: of(row).step.name))


def decide(hub: Hub, uow: UnitOfWork, place: Place) -> Connection:
    """Become the decider of a connection's queue for milliseconds; replay and dismissal take the same lock."""
    connection = hub.connections.get(uow.session, place.connection)
    hold_place(uow, place.queue, connection.number)
    return connection


class Recorder:
    """Writes answers down."""

    def __init__(self, hub: Hub, worker: int) -> None:
        self._hub, self._worker = hub, worker

    def record(self, uow: UnitOfWork, answers: Sequence[Answer]) -> None:
        if not answers:
            return
        good = [answer for answer in answers if answer.error is None]
        ours = end(uow, [answer.held for answer in good]) if good else set()
        good = [answer for answer in good if answer.held.delivery_id in ours]
        for together in by_step(good, of=lambda answer: answer.held):
            self._record(uow, together)
        lanes = [answer.held.lane for answer in good]
        missed = [answer for answer in answers if answer.error is not None]
        lanes += [answer.held.lane for answer in missed if self._missed(uow, answer)]
        self._keep_attempts(uow, good)
        wake_first(uow, [lane for lane in lanes if lane])

    def _record(self, uow: UnitOfWork, together: Sequence[Answer]) -> None:
        """Answers of one step; a shadow's is kept and has no other effect."""
        real = [answer for answer in together if not answer.held.shadow]
        if real:
            real[0].held.step.records(
                uow,
                [
                    Answered(told=answer.held.told(answer.fact), plan=answer.plan, answer=answer.value)
                    for answer in real
                ],
            )
        for answer in together:
            uow.trail = answer.held.trail
            keep(uow, answer.held, answer.writes)
        uow.tally("deliveries_done", together[0].held.place.queue, len(together))

    def _missed(self, uow: UnitOfWork, answer: Answer) -> bool:
        assert answer.error is not None
        return self.settle(uow, answer, judge(answer.error, answer.held.attempt))

    def settle(self, uow: UnitOfWork, answer: Answer, verdict: Verdict) -> bool:
        """Write the verdict on a call that failed; True where that ended the delivery."""
        held = answer.held
        uow.trail = held.trail
        if held.shadow and verdict.state != "due":
            return end_stopped(uow, held, answer.writes, verdict.reading.code, verdict.reading.said)
        keep(uow, held, answer.writes, failed=True, code=verdict.reading.code, said=verdict.reading.said)
        if verdict.outcome == "bug":
            log.error("step.bug", step=held.step.name, delivery=held.delivery_id, exc_info=answer.error)
        missed = Missed(
            step=held.step, told=held.told(answer.fact), verdict=self._after_doubt(uow, answer, verdict), key=held.key,
            started_at=answer.started_at, fence=held.fence, worker=self._worker,
        )  # fmt: skip
        return settle(uow, missed) and missed.verdict.state == "superseded"

    def _after_doubt(self, uow: UnitOfWork, answer: Answer, verdict: Verdict) -> Verdict:
        """An unanswered write: a person where nobody can look, else a look once the remote can no longer be at it."""
        if not verdict.doubt or verdict.state != "due":
            return verdict
        dedupe = dedupe_at(uow, answer.held.step, answer.held.place.connection)
        if dedupe is Dedupe.NONE:
            reading = Reading(code="hub.in_doubt", said=verdict.reading.said, title=verdict.reading.title)
            return Verdict(reading=reading, state="parked", outcome=verdict.outcome, doubt=True)
        passed = (self._hub.clock.now() - answer.started_at).total_seconds()
        floor = doubt_seconds(self._hub, answer.held) - passed if dedupe is Dedupe.LOOKUP else 0.0
        return Verdict(
            reading=verdict.reading,
            state="due",
            outcome=verdict.outcome,
            doubt=True,
            wait=max(verdict.wait, floor, 0.0),
        )

    def _keep_attempts(self, uow: UnitOfWork, answers: Sequence[Answer]) -> None:
        if not answers:
            return
        given = {
            "worker": self._worker,
            "events": [answer.held.event_id for answer in answers],
            "ids": [answer.held.delivery_id for answer in answers],
            "ns": [answer.held.fence for answer in answers],
            "started": [answer.started_at for answer in answers],
            "ended": [answer.ended_at for answer in answers],
            "outcomes": ["done"] * len(answers),
        }
        uow.sql(ATTEMPTS, given)

    def record_alone(self, answers: Sequence[Answer]) -> None:
        """Each answer in a transaction of its own. The effect has happened: it is never called again for this.

        Raises where the database is away or others are in the way; all may be recorded once more then.
        """
        for answer in answers:
            try:
                self._in_own_transaction(answer)
            except Exception as error:
                if is_away(error) or is_contention(error):
                    raise
                self._unrecorded(answer, error)

    def _in_own_transaction(self, answer: Answer) -> None:
        with self._hub.unit_of_work(answer.held.trail) as uow:
            decide(self._hub, uow, answer.held.place)
            self.record(uow, [answer])

    def _unrecorded(self, answer: Answer, error: Exception) -> None:
        """A record() that fails parks its delivery in doubt: a replay looks, and finds what was done."""
        log.error("step.record_failed", step=answer.held.step.name, delivery=answer.held.delivery_id, exc_info=error)
        verdict = judge(error, 1)
        parked = Verdict(reading=verdict.reading, state="parked", outcome="not recorded", doubt=True)
        with self._hub.unit_of_work(answer.held.trail) as uow:
            decide(self._hub, uow, answer.held.place)
            self.settle(uow, answer, parked)

    def failed(self, held: Claim, error: Exception | None) -> Answer:
        """A delivery that never got as far as its call."""
        now = self._hub.clock.now()
        return Answer(held=held, fact=None, plan=None, started_at=now, ended_at=now, error=error)


def doubt_seconds(hub: Hub, held: Claim) -> float:
    """How long the remote may still be at a call whose answer was lost."""
    connection = hub.connections.known(held.place.connection)
    given = connection.settings.get("doubt_seconds") if connection else None
    return float(given) if given is not None else hub.settings.doubt_seconds
