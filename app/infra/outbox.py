"""Facts and their deliveries: written in one statement with the change they tell of, heard through a bell.

The rules stand in docs/runtime.md. PostgreSQL holds the work; Redis only rings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from app.infra.deadlines import answered
from app.infra.routing import Target
from app.infra.uow import Trail, UnitOfWork
from app.kernel import codec
from app.kernel.events import Fact
from app.kernel.queues import QUEUES as QUEUES  # the queues are named here for everybody above

QUEUE_NUMBERS = {queue: n + 1 for n, queue in enumerate(QUEUES)}
MOST_PARTITIONS = 64  # lock numbers 0-63 are partitions, connections begin at 64
INSIDE = (Target(connection=""),)
SHADOW_LANE = "shadow:"
NOWHERE = "-"  # the connection of a delivery that no route leads anywhere yet

PUBLISH = """
WITH fact AS MATERIALIZED (
    SELECT nextval('hub.event_id') AS id, f.type, f.key, p.payload, f.origin, f.correlation_id, f.causation_id,
           f.traceparent, f.n
      FROM unnest(%(types)s::text[], %(keys)s::text[], %(origins)s::text[], %(correlations)s::text[],
                  %(causes)s::bigint[], %(traces)s::text[])
           WITH ORDINALITY f(type, key, origin, correlation_id, causation_id, traceparent, n)
      JOIN jsonb_array_elements(%(payloads)s::jsonb) WITH ORDINALITY p(payload, n) USING (n) ORDER BY f.n),
told AS (
    INSERT INTO hub.event (id, type, key, payload, origin, correlation_id, causation_id, traceparent)
    SELECT id, type, key, payload, origin, correlation_id, causation_id, traceparent FROM fact ORDER BY n)
INSERT INTO hub.delivery (event_id, subscriber, connection, queue, partition, lane, state, code, shadow, compared)
SELECT fact.id, s.subscriber, s.connection, s.queue,
       CASE s.connection WHEN '' THEN hashtextextended(fact.key, 0) & %(mask)s ELSE 0 END,
       s.lane || '|' || s.connection || '|' || fact.key,
       CASE s.connection WHEN '-' THEN 'parked' ELSE 'due' END,
       CASE s.connection WHEN '-' THEN 'routes.no_connection' END, s.mode = 's', s.mode = 'c'
  FROM fact JOIN unnest(%(n)s::int[], %(subscribers)s::text[], %(connections)s::text[], %(queues)s::text[],
                        %(lanes)s::text[], %(modes)s::text[])
                 WITH ORDINALITY s(n, subscriber, connection, queue, lane, mode, m) USING (n)
 ORDER BY fact.n, s.m
RETURNING queue, connection, partition
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Who hears a fact. `role` or `connection_from` (a fact's attribute) make it an outside step.

    With both, those that the fact names get it; where it names none, those that play the role. `lane` is None for an
    unordered step. `optional` steps have no delivery where no route leads anywhere. `domain` is what routes may tell
    apart within a role; `flag` is what an operator closes this step with; one that only `reads` goes to a shadow live.
    """

    name: str
    event_type: str
    queue: str
    lane: str | None
    role: str = ""
    connection_from: str = ""
    optional: bool = False
    latest_only: bool = False
    domain: str = ""
    flag: str = ""
    reads: bool = False

    @property
    def outside(self) -> bool:
        return bool(self.role or self.connection_from)


class Routing(Protocol):
    """Which connections play a role for a fact, today."""

    def targets(self, uow: UnitOfWork, role: str, domain: str, fact: Fact, *, reads: bool) -> tuple[Target, ...]: ...


class Bell(Protocol):
    """Wakes whoever works on a place: (queue, partition) inside, (queue, connection) outside."""

    def ring(self, places: Iterable[Place]) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where work lies: a partition of a queue for inside steps, a connection of a queue for outside steps."""

    queue: str
    connection: str = ""
    partition: int = 0


class PostgresOutbox:
    """Writes facts; refuses to exist without subscriptions, since a fact that nobody can hear is lost."""

    def __init__(
        self, subscriptions: Mapping[str, Sequence[Subscription]], routing: Routing, bell: Bell, partitions: int
    ) -> None:
        if not any(subscriptions.values()):
            raise ValueError("no subscriptions: load app.flows before the first unit of work")
        self._subscriptions, self._routing, self._bell = subscriptions, routing, bell
        self._mask = partition_mask(partitions)

    def publish(self, uow: UnitOfWork, told: Sequence[tuple[Fact, Trail]]) -> Callable[[], None]:
        """Insert the facts with their deliveries; the returned function rings for them."""
        wanted = [
            (n, subscription, target)
            for n, (fact, _) in enumerate(told, 1)
            for subscription in self._subscriptions.get(fact.event_type, ())
            for target in self._where(uow, subscription, fact)
        ]
        facts = [fact for fact, _ in told]
        answered(uow, facts)
        trails = [trail for _, trail in told]
        places = uow.sql(
            PUBLISH,
            {
                "mask": self._mask,
                "types": [fact.event_type for fact in facts],
                "keys": [fact.lane_key for fact in facts],
                "payloads": json.dumps([codec.dump(fact) for fact in facts]),
                "origins": [trail.origin for trail in trails],
                "correlations": [trail.correlation_id for trail in trails],
                "causes": [trail.causation_id for trail in trails],
                "traces": [trail.traceparent for trail in trails],
                "n": [n for n, _, _ in wanted],
                "subscribers": [subscription.name for _, subscription, _ in wanted],
                "connections": [target.connection for _, _, target in wanted],
                "queues": [subscription.queue for _, subscription, _ in wanted],
                "lanes": [_lane(subscription, target) for _, subscription, target in wanted],
                "modes": ["s" if target.shadow else "c" if target.compared else "" for _, _, target in wanted],
            },
        )
        rung = {Place(*row) for row in places}
        return lambda: self._bell.ring(rung)

    def subscribers_of(self, role: str, domain: str = "") -> tuple[str, ...]:
        """The steps that call whoever plays a role: a new route takes over the work that waits for it."""
        heard = (one for several in self._subscriptions.values() for one in several)
        return tuple(one.name for one in heard if one.role == role and domain in ("", one.domain))

    @property
    def roles(self) -> dict[str, tuple[str, ...]]:
        """Every role that a step asks for, with the domains in which it does."""
        found: dict[str, set[str]] = {}
        for heard in self._subscriptions.values():
            for subscription in heard:
                if subscription.role:
                    found.setdefault(subscription.role, set()).add(subscription.domain)
        return {role: tuple(sorted(domains)) for role, domains in sorted(found.items())}

    def names(self) -> frozenset[str]:
        """Every step there is."""
        return frozenset(one.name for heard in self._subscriptions.values() for one in heard)

    def types(self) -> frozenset[str]:
        """Every type of fact that a step hears."""
        return frozenset(type_ for type_, heard in self._subscriptions.items() if heard)

    def _where(self, uow: UnitOfWork, subscription: Subscription, fact: Fact) -> tuple[Target, ...]:
        if not subscription.outside:
            return INSIDE
        found = named(fact, subscription.connection_from)
        if not found and subscription.role:
            found = self._routing.targets(uow, subscription.role, subscription.domain, fact, reads=subscription.reads)
        if not found:
            return () if subscription.optional else (Target(connection=NOWHERE),)
        if subscription.reads:
            return found
        known = uow.hub.connections.all(uow.session)
        shadows = {name for name in (target.connection for target in found) if name in known and known[name].shadow}
        if not shadows:
            return found
        return tuple(
            replace(target, shadow=True, compared=False) if target.connection in shadows else target for target in found
        )


def named(fact: Fact, attribute: str) -> tuple[Target, ...]:
    """The connections that a fact itself names in an attribute: one, or several."""
    value = getattr(fact, attribute, ()) if attribute else ()
    return tuple(Target(connection=name) for name in ((value,) if isinstance(value, str) else value))


def _lane(subscription: Subscription, target: Target) -> str | None:
    """A shadow has lanes of its own: what is only tried holds nothing up that is sent."""
    return f"{SHADOW_LANE}{subscription.lane}" if target.shadow and subscription.lane else subscription.lane


def partition_mask(partitions: int) -> int:
    """What a key's hash is masked with; the number of partitions is a power of two, at most 64."""
    if not 1 <= partitions <= MOST_PARTITIONS or partitions & (partitions - 1):
        raise ValueError(f"HUB_PARTITIONS is {partitions}; use a power of two from 1 to {MOST_PARTITIONS}")
    return partitions - 1
