"""Deliveries that this release cannot run: of a step, or of a version of a fact, that it does not know.

In a rolling deploy they are the newer release's, and are left to it. A step that was declared retired ends them. What
is left, once a deploy is surely over and nothing newer beats, is of a step that was renamed or removed: it is parked
with a case for each step, neither lost nor tried for ever.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from app.flows.runtime import Steps
from app.infra.cases import open_case
from app.infra.outbox import Place
from app.infra.uow import UnitOfWork
from app.jobs.settle import wake_first, wake_run
from app.kernel.events import reads
from app.kernel.version import VERSION

CODE = "hub.unknown_step"
RETIRED = "hub.retired_step"
LEFT_SECONDS = 5.0  # until anybody looks at it again: old workers must not spend their time on what is not theirs
DEPLOY_SECONDS = 600.0  # in a rolling deploy a newer web process may tell facts minutes before a newer worker beats
WOKEN = 100  # of a lane, where a retired step's delivery ended
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A delivery whose step, or whose fact's version, this release does not know."""

    event_id: int
    delivery_id: int
    subscriber: str


def knows(steps: Steps, subscriber: str, event_type: str) -> bool:
    """Whether this release can run a delivery of this step with a fact of this type."""
    step = steps.by_name.get(subscriber)
    return step is not None and reads(step.fact, event_type)


# An outside delivery is `running` here, claimed in this very transaction: its attempt is given back.
LEAVE = """
UPDATE hub.delivery d SET state = 'due', next_at = now() + make_interval(secs => %(seconds)s),
       attempt = d.attempt - (d.state = 'running')::int
  FROM unnest(%(events)s::bigint[], %(ids)s::bigint[]) s(event_id, id)
 WHERE d.event_id = s.event_id AND d.id = s.id AND d.state IN ('due', 'running')
"""

PARK = """
UPDATE hub.delivery d SET state = 'parked', code = %(code)s, attempt = d.attempt - (d.state = 'running')::int
  FROM unnest(%(events)s::bigint[], %(ids)s::bigint[]) s(event_id, id) JOIN hub.event e ON e.id = s.event_id
 WHERE d.event_id = s.event_id AND d.id = s.id AND d.state IN ('due', 'running')
   AND e.at < now() - make_interval(secs => %(deploy)s)
RETURNING d.event_id, d.id, d.subscriber, e.key, e.type
"""

END = """
UPDATE hub.delivery d SET state = 'superseded', code = %(code)s, done_at = now()
  FROM unnest(%(events)s::bigint[], %(ids)s::bigint[]) s(event_id, id)
 WHERE d.event_id = s.event_id AND d.id = s.id AND d.state IN ('due', 'running')
RETURNING d.lane
"""

BEATING = "SELECT DISTINCT version FROM hub.worker WHERE beat_at > now() - interval '10 s'"


def leave(uow: UnitOfWork, place: Place, steps: Steps, strangers: Sequence[Stranger]) -> None:
    """Leave them to a newer release, end those of retired steps, or park what nobody will ever run."""
    retired = [one for one in strangers if one.subscriber in steps.retired]
    strangers = [one for one in strangers if one.subscriber not in steps.retired]
    if retired:
        lanes = [row[0] for row in uow.sql(END, {**_pairs(retired), "code": RETIRED}) if row[0]]
        uow.tally("deliveries_superseded", place.queue, len(retired))
        _ = wake_first(uow, lanes) if place.connection else wake_run(uow, lanes, WOKEN)
    if not strangers:
        return
    parked: set[int] = set()
    if not newer_beats(uow):
        parked = _park(uow, place, strangers)
    left = [one for one in strangers if one.delivery_id not in parked]
    if left:
        uow.sql(LEAVE, {**_pairs(left), "seconds": LEFT_SECONDS})


def newer_beats(uow: UnitOfWork, version: str = VERSION) -> bool:
    """Whether a process of a newer release is alive."""
    return any(_number(row[0]) > _number(version) for row in uow.sql(BEATING))


def _park(uow: UnitOfWork, place: Place, strangers: Sequence[Stranger]) -> set[int]:
    rows = uow.sql(PARK, {**_pairs(strangers), "code": CODE, "deploy": DEPLOY_SECONDS}).fetchall()
    for event_id, delivery_id, subscriber, key, event_type in rows:
        open_case(
            uow, code=CODE, connection=place.connection, about=f"step {subscriber}", key=key, event_id=event_id,
            delivery=delivery_id, facts={"step": subscriber, "fact": event_type, "release": VERSION},
            title=f"No process that runs knows the step {subscriber} for {event_type}: its work is set aside",
        )  # fmt: skip
    if rows:
        log.error("strangers.parked", steps=sorted({row[2] for row in rows}), count=len(rows))
        uow.tally("deliveries_parked", place.queue, len(rows))
    return {row[1] for row in rows}


def _pairs(strangers: Sequence[Stranger]) -> dict[str, list[int]]:
    return {"events": [one.event_id for one in strangers], "ids": [one.delivery_id for one in strangers]}


def _number(version: str) -> tuple[int, ...]:
    """A version as numbers; one without any is older than all."""
    return tuple(int(part) for part in re.findall(r"\d+", version))
