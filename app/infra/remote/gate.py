"""The gate of a connection: every request passes its breaker and takes from its quotas, and tells what became of it.

The dispatcher asks before it claims (`admit`): what may not go out is not claimed, costs no attempt and no thread.
What a call needs beyond what it was admitted with it takes itself; it waits a moment for that, or raises Waits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.infra.remote.breaker import BreakerPolicy, Breakers
from app.infra.remote.permit import Permit
from app.infra.remote.quota import Grant, Ledger, Settled
from app.infra.remote.quotas import Quota, QuotaKind, Report
from app.infra.remote.reply import Reply, retry_after
from app.kernel.errors import Ambiguous, HubError, Transient, Waits

REFUSED_SECONDS = 1.0  # where a 429 does not say when to come back
LEARNING = 0.2  # how much the last call changes what the next is expected to need
OPERATOR = "operator"  # the purpose of what no delivery asks for, such as a connection test
_current = threading.local()


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """How many calls may begin now, or the seconds until one may and why not. `probes` try whether a remote is back."""

    count: int
    seconds: float = 0.0
    why: str = ""
    probes: bool = False
    grant: Grant | None = None
    amounts: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Gate:
    """One connection's breaker and quotas, as one process uses them. Safe to use from any thread."""

    name: str
    breakers: Breakers
    ledger: Ledger
    quotas: tuple[Quota, ...] = ()
    policy: BreakerPolicy = field(default_factory=BreakerPolicy)
    workers: int = 1  # alive, of all machines: what the limits are divided by while Redis is away
    _needs: dict[str, dict[str, float]] = field(default_factory=dict)  # purpose → what a call needs
    _costs: dict[str, float] = field(default_factory=dict)  # operation → what it has to be let in with

    def admit(self, purpose: str, count: int) -> Admission:
        """Ask for up to `count` calls. Each must end as a permit (`permits`), or be given back."""
        allowed, seconds, probes = self.breakers.admit(self.name, count, self.policy)
        if allowed <= 0:
            return Admission(count=0, seconds=seconds, why="breaker")
        if not self.quotas:
            return Admission(count=allowed, probes=probes)
        amounts = self._need(purpose)
        grant = self.ledger.take(self.quotas, purpose, allowed, amounts, workers=self.workers)
        if probes and grant.count < allowed:
            self.breakers.release(self.name, allowed - grant.count, self.policy)
        return Admission(
            count=grant.count, seconds=grant.seconds, why=grant.why, probes=probes, grant=grant, amounts=amounts
        )

    def permits(self, admission: Admission, purpose: str, count: int) -> list[Permit]:
        """Permits for the calls that begin; what is over is given back."""
        made = []
        for _ in range(count):
            permit = Permit(purpose, probe=admission.probes)
            if admission.grant is not None:
                permit.add(admission.grant, admission.amounts)
            made.append(permit)
        over = admission.count - count
        if over > 0 and admission.grant is not None:
            granted = {name: over * amount for name, amount in admission.amounts.items()}
            self.ledger.settle_later(Settled(purpose=purpose, at=admission.grant.at, granted=granted, spent={}))
        if over > 0 and admission.probes:
            self.breakers.release(self.name, over, self.policy)
        return made

    def flush(self) -> None:
        """Settle what has ended, where nobody asks for more that would carry it."""
        self.ledger.flush(self.quotas)

    def close(self, permit: Permit) -> None:
        """A call is over."""
        if permit.probe:  # it said nothing about the remote
            self.breakers.release(self.name, 1, self.policy)
        for settled in permit.settled():
            self.ledger.settle_later(settled)
        if permit.begun and not permit.refused:
            needs = self._need(permit.purpose)
            learned = {n: (1 - LEARNING) * a + LEARNING * permit.peak.get(n, a) for n, a in needs.items()}
            self._needs[permit.purpose] = learned

    def enter(self, operation: str, *, writes: bool) -> Passage:
        """Begin a request. Raises Waits where the breaker is open, or the quota used up for longer than a moment."""
        permit: Permit | None = getattr(_current, "permit", None)
        own = permit is None or _current.gate is not self
        if own or permit is None:
            permit = Permit(OPERATOR, probe=True)  # somebody wants to see whether it answers
        elif not permit.probe:
            allowed, seconds, permit.probe = self.breakers.admit(self.name, 1, self.policy)
            if not allowed:
                why = f"{self.name} does not answer; its breaker is open"
                raise Waits("connections.breaker_open", why, seconds=seconds, about=self.name, wrote=permit.wrote)
        passage = Passage(self, permit, own, writes, operation, self._cost(operation, own))
        self._take(permit, passage.drawn)
        return passage

    def learned(self, operation: str, asked: float) -> None:
        self._costs[operation] = asked

    def _take(self, permit: Permit, amounts: Mapping[str, float]) -> None:
        if not self.quotas or permit.draw(amounts):
            return
        for settled in permit.cut(frozenset(q.name for q in self.quotas if q.kind is QuotaKind.CONCURRENCY)):
            self.ledger.settle_later(settled)
        while not permit.draw(amounts):
            grant = self.ledger.take(
                self.quotas, permit.purpose, 1, amounts, workers=self.workers, under_way=permit.begun
            )
            if grant.count:
                permit.add(grant, amounts)
            elif grant.seconds <= permit.patience:
                permit.patience -= grant.seconds
                threading.Event().wait(grant.seconds)
            else:
                why = f"the quota of {self.name} is used up ({grant.why})"
                raise Waits("connections.quota_used_up", why, seconds=grant.seconds, about=self.name,
                            wrote=permit.wrote)  # fmt: skip

    def _need(self, purpose: str) -> dict[str, float]:
        known = self._needs.get(purpose, {})
        return {quota.name: known.get(quota.name, quota.weight) for quota in self.quotas}

    def _cost(self, operation: str, own: bool) -> dict[str, float]:
        """What a request takes; a place among the calls at once its call has already."""
        return {
            q.name: self._costs.get(operation, q.weight) if q.kind is QuotaKind.GRAPHQL_COST else q.weight
            for q in self.quotas
            if own or q.kind is not QuotaKind.CONCURRENCY
        }


@dataclass(slots=True)
class Passage:
    """One request on its way."""

    gate: Gate
    permit: Permit
    own: bool  # it came without a call: its permit ends with it
    writes: bool
    operation: str
    drawn: dict[str, float]

    def lost(self, error: HubError) -> None:
        """No answer came."""
        if isinstance(error, Transient | Ambiguous):
            self.gate.breakers.failed(self.gate.name, error.code, self.gate.policy, probe=self.permit.probe)
            self.permit.probe = False
            self.permit.wrote = self.permit.wrote or self.writes
        self._over(self.drawn)

    def answered(self, reply: Reply, verdict: HubError | None, reports: Sequence[Report]) -> None:
        """An answer came, with this verdict on it and what it reports of the quotas."""
        gate, permit = self.gate, self.permit
        if _says_not_now(reply, verdict):
            why = verdict.code if verdict else f"http_{reply.status}"
            gate.breakers.failed(gate.name, why, gate.policy, probe=permit.probe)
        else:
            gate.breakers.answered(gate.name, gate.policy, probe=permit.probe)
        permit.probe = False
        known = {quota.name for quota in gate.quotas}
        told = {report.quota: report for report in reports if report.quota in known}
        permit.reports |= told
        for report in told.values():
            if report.asked is not None:
                gate.learned(self.operation, report.asked)
        if reply.status != 429 and not isinstance(verdict, Waits):
            permit.wrote = permit.wrote or self.writes
            costs = {name: report.cost for name, report in told.items() if report.cost is not None}
            self._over({name: costs.get(name, amount) for name, amount in self.drawn.items()})
            return
        if verdict is not None:
            verdict.facts["wrote"] = permit.wrote
        if not any(report.available is not None for report in told.values()):
            permit.refused = True
            after = retry_after(reply)
            permit.after = REFUSED_SECONDS if after is None else after
        self._over({})

    def _over(self, spent: Mapping[str, float]) -> None:
        if self.gate.quotas:
            self.permit.took(self.drawn, spent)
        if self.own:
            self.gate.close(self.permit)
            self.gate.flush()


@contextmanager
def under(gate: Gate | None, permit: Permit | None) -> Iterator[None]:
    """What this thread sends to the gate's connection meanwhile belongs to the permit."""
    _current.gate, _current.permit = gate, permit
    try:
        yield
    finally:
        _current.gate = _current.permit = None
        if gate is not None and permit is not None:
            gate.close(permit)


def _says_not_now(reply: Reply, verdict: HubError | None) -> bool:
    """Whether an answer is the remote's own trouble: never what it thinks of a request, never its quota."""
    if reply.status >= 500 or reply.status == 408:
        return True
    return reply.status < 400 and isinstance(verdict, Transient | Ambiguous)
