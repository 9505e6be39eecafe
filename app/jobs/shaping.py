"""What a flag closes waits: it is put off, in its place of its lane, and no attempt is counted.

Whoever changes a flag wakes what waits (`app/infra/flagging.py`), under the same lock that a round here holds. So the
rules are read in the round's own transaction, and only where some rule may concern the place at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.flows.runtime import Steps
from app.infra.flagging import WAITS
from app.infra.flags import EVERY_CALL, FLAGS, WHOLE, Rules, Scope, lets, read_rules
from app.infra.hub import Hub
from app.infra.outbox import Place
from app.infra.uow import UnitOfWork
from app.jobs.claims import Claim

LOOK = 2000  # deliveries that one statement reads
PUT_OFF = "1 hour"  # a change of the flag comes first; this is for what slipped through

READY = f"""
SELECT d.event_id, d.id, d.subscriber, e.key, coalesce(e.payload->>'company', ''), coalesce(e.payload->>'channel', '')
  FROM (SELECT event_id, id, subscriber FROM hub.delivery
         WHERE queue = %(queue)s AND connection = %(connection)s AND partition = 0 AND state = 'due'
           AND next_at <= now() AND NOT shadow ORDER BY id LIMIT {LOOK}) d
  JOIN hub.event e ON e.id = d.event_id
"""
HOLD = f"""
UPDATE hub.delivery d
   SET state = 'due', next_at = now() + interval '{PUT_OFF}', code = %(waits)s,
       attempt = attempt - (d.state = 'running')::int
  FROM unnest(%(events)s::bigint[], %(ids)s::bigint[], %(fences)s::int[]) h(event_id, id, fence)
 WHERE d.event_id = h.event_id AND d.id = h.id
   AND (d.state = 'due' AND h.fence IS NULL OR d.state = 'running' AND d.fence = h.fence)
"""


class Shaper:
    """Holds back what flags close at a connection's queue."""

    def __init__(self, hub: Hub, steps: Steps) -> None:
        self._hub = hub
        self._flags: dict[str, tuple[str, ...]] = {}  # step → what closes it
        self._of_queue: dict[str, set[str]] = {}
        for step in steps.by_name.values():
            if step.outside:
                self._flags[step.name] = (EVERY_CALL, step.flag) if step.flag else (EVERY_CALL,)
                self._of_queue.setdefault(step.queue, set()).update(self._flags[step.name])

    def hold_back(self, uow: UnitOfWork, place: Place) -> Rules | None:
        """Put off what is ready here and closed; None where no rule concerns this place."""
        if not self._is_shaped(self._hub.flags.rules(uow.session), place):
            return None
        rules = read_rules(uow.session)
        while True:
            rows = uow.sql(READY, {"queue": place.queue, "connection": place.connection}).fetchall()
            closed = [row for row in rows if not self._passes(rules, place, *row[2:])]
            _hold(uow, [(event_id, delivery_id, None) for event_id, delivery_id, *_ in closed])
            if len(rows) < LOOK or len(closed) < len(rows):
                return rules

    def let_through(self, uow: UnitOfWork, place: Place, held: Sequence[Claim], rules: Rules | None) -> list[Claim]:
        """What was claimed and is open; what came between the look and the claim is put off now."""
        if rules is None:
            return list(held)
        closed = [one for one in held if not one.shadow and not self._passes(rules, place, one.step.name, *_about(one))]
        _hold(uow, [(one.event_id, one.delivery_id, one.fence) for one in closed])
        return [one for one in held if one not in closed]

    def _is_shaped(self, rules: Rules, place: Place) -> bool:
        names = self._of_queue.get(place.queue, set())
        if any(FLAGS[name].default < WHOLE for name in names):
            return True
        scopes = (rule.scope for name in names for rule in rules.get(name, ()))
        return any(scope.connection in ("", place.connection) and scope.domain in ("", place.queue) for scope in scopes)

    def _passes(self, rules: Rules, place: Place, subscriber: str, key: str, company: str, channel: str) -> bool:
        connection = self._hub.connections.known(place.connection)
        region = str(connection.settings.get("region") or "") if connection else ""
        asked = Scope(
            connection=place.connection, domain=place.queue, region=region, channel=channel, company=company
        )  # fmt: skip
        return lets(rules, self._flags.get(subscriber, (EVERY_CALL,)), asked, key)


def _about(held: Claim) -> tuple[str, str, str]:
    return held.key, str(held.payload.get("company") or ""), str(held.payload.get("channel") or "")


def _hold(uow: UnitOfWork, closed: Sequence[tuple[Any, ...]]) -> None:
    if closed:
        events, ids, fences = (list(column) for column in zip(*closed, strict=True))
        uow.sql(HOLD, {"events": events, "ids": ids, "fences": fences, "waits": WAITS})
