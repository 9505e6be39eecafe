"""Whatever arrives, kept with its raw bytes before anybody acts on it, told once however often it comes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.infra.lines import Lines
from app.infra.outbox import Bell, Place, Subscription
from app.infra.uow import UnitOfWork
from app.kernel.errors import NotFound
from app.kernel.events import Fact, event


@event("hub.notice_received", version=1, key="object_key")
class NoticeReceived(Fact):
    """Something arrived. `object_key` is `<connection>:<kind>:<external object id>`, or the notice's own id."""

    notice_id: int
    connection: str
    topic: str
    object_key: str
    kind: str = ""
    object_id: str = ""


@event("hub.subscriptions_due", version=1, key="connection")
class SubscriptionsDue(Fact):
    """What a connection tells the hub by itself is to be looked after: it is new, was changed, or a day has passed."""

    connection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of an arrival: its notice, or that it had been kept before."""

    notice_id: int | None
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """An arrival whose sender is proved. `external_ids` are the vendor's own, one guard each."""

    connection: str
    topic: str
    external_ids: tuple[str, ...]
    kind: str
    object_id: str
    headers: Mapping[str, str]
    body: bytes
    correlation_id: str
    source: str = "webhook"
    remark: str = ""
    traceparent: str = ""


# One statement, one commit, then the answer. As many guards as the vendor has ids: all must be fresh.
ACCEPT = """
WITH fresh AS (
    INSERT INTO hub.seen (connection, topic, external_id)
    SELECT %(connection)s, %(topic)s, x FROM unnest(%(external_ids)s::text[]) x
    ON CONFLICT DO NOTHING RETURNING 1),
kept AS (
    INSERT INTO hub.notice (connection, topic, kind, object_id, source, external_id, correlation_id, headers, body,
                            verdict, remark)
    SELECT %(connection)s, %(topic)s, %(kind)s, %(object_id)s, %(source)s, %(external_id)s, %(correlation_id)s,
           %(headers)s::jsonb, %(body)s, 'kept', %(remark)s
     WHERE (SELECT count(*) FROM fresh) = %(guards)s
    RETURNING id),
counted AS (
    INSERT INTO hub.tally (name, label, n) SELECT 'notices', %(connection)s, 1 FROM kept),
told AS (
    INSERT INTO hub.event (type, key, payload, origin, correlation_id, traceparent)
    SELECT 'hub.notice_received.v1', 'hub:' || coalesce(%(object_key)s, 'notice:' || kept.id),
           jsonb_build_object('notice_id', kept.id, 'connection', %(connection)s::text, 'topic', %(topic)s::text,
                              'object_key', coalesce(%(object_key)s, 'notice:' || kept.id),
                              'kind', %(kind)s::text, 'object_id', %(object_id)s::text),
           %(connection)s, %(correlation_id)s, %(traceparent)s
      FROM kept
    RETURNING id, key),
given AS (
    INSERT INTO hub.delivery (event_id, subscriber, queue, partition, lane)
    SELECT told.id, s.name, s.queue, hashtextextended(told.key, 0) & %(mask)s, s.lane || '||' || told.key
      FROM told, unnest(%(subscribers)s::text[], %(queues)s::text[], %(lanes)s::text[]) s(name, queue, lane)
    RETURNING queue, partition)
SELECT kept.id, given.queue, given.partition FROM kept LEFT JOIN given ON true
"""


class Intake:
    """Keeps arrivals. Its subscriptions are those of NoticeReceived, all inside steps."""

    def __init__(self, subscriptions: tuple[Subscription, ...], bell: Bell, mask: int, lines: Lines) -> None:
        if not subscriptions:
            raise ValueError("nobody hears hub.notice_received.v1: load app.flows first")
        self._bell, self._lines = bell, lines
        self._fixed = {
            "mask": mask,
            "subscribers": [subscription.name for subscription in subscriptions],
            "queues": [subscription.queue for subscription in subscriptions],
            "lanes": [subscription.lane for subscription in subscriptions],
        }

    def keep(self, incoming: Incoming) -> Kept:
        """Keep an arrival in a transaction of its own: one statement, and it stands when this returns."""
        kept, places = _outcome(self._lines.run(ACCEPT, self._parameters(incoming)))
        self._bell.ring(places)
        return kept

    def accept(self, uow: UnitOfWork, incoming: Incoming) -> Kept:
        """Keep an arrival in the open unit of work; rings when that has committed."""
        kept, places = _outcome(uow.sql(ACCEPT, self._parameters(incoming)).fetchall())
        uow.after_commit(lambda: self._bell.ring(places))
        return kept

    def _parameters(self, incoming: Incoming) -> dict[str, object]:
        object_key = f"{incoming.connection}:{incoming.kind}:{incoming.object_id}" if incoming.object_id else None
        return {
            **self._fixed,
            "connection": incoming.connection,
            "topic": incoming.topic,
            "external_ids": list(incoming.external_ids),
            "external_id": incoming.external_ids[0] if incoming.external_ids else "",
            "guards": len(incoming.external_ids),
            "kind": incoming.kind,
            "object_id": incoming.object_id,
            "object_key": object_key,
            "source": incoming.source,
            "correlation_id": incoming.correlation_id,
            "traceparent": incoming.traceparent,
            "headers": json.dumps(dict(incoming.headers)),
            "body": incoming.body,
            "remark": incoming.remark,
        }


def _outcome(rows: Sequence[tuple[Any, ...]]) -> tuple[Kept, set[Place]]:
    if not rows:
        return Kept(notice_id=None, repeated=True), set()
    places = {Place(queue, "", partition) for _, queue, partition in rows if queue}
    return Kept(notice_id=rows[0][0], repeated=False), places


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNotice:
    """A kept notice, read back for translation."""

    notice_id: int
    connection: str
    topic: str
    received_at: datetime
    correlation_id: str
    headers: Mapping[str, str]
    body: bytes


def read_notices(uow: UnitOfWork, ids: list[int]) -> dict[int, StoredNotice]:
    """The kept notices with these ids, in one statement."""
    rows = uow.sql(
        "SELECT id, connection, topic, received_at, correlation_id, headers, body FROM hub.notice "
        "WHERE id = ANY(%(ids)s::bigint[])",
        {"ids": ids},
    )
    return {
        row[0]: StoredNotice(
            notice_id=row[0], connection=row[1], topic=row[2], received_at=row[3], correlation_id=row[4],
            headers=row[5], body=bytes(row[6]),
        )
        for row in rows
    }  # fmt: skip


def read_notice(uow: UnitOfWork, notice_id: int) -> StoredNotice:
    """One kept notice. Raises NotFound(`notices.unknown`)."""
    found = read_notices(uow, [notice_id])
    if notice_id not in found:
        raise NotFound("notices.unknown", f"notice {notice_id} is not kept any more", about=str(notice_id))
    return found[notice_id]


KEPT_BEFORE = """
SELECT id FROM hub.notice
 WHERE connection = %(connection)s AND object_id = %(object_id)s AND topic = %(topic)s AND external_id = %(external_id)s
"""


def kept_before(uow: UnitOfWork, incoming: Incoming) -> StoredNotice | None:
    """The notice that a repeat of this one about the same thing was kept as; None where there is none."""
    row = uow.sql(
        KEPT_BEFORE,
        {
            "connection": incoming.connection,
            "object_id": incoming.object_id,
            "topic": incoming.topic,
            "external_id": incoming.external_ids[0],
        },
    ).fetchone()
    return read_notice(uow, row[0]) if row else None


REFUSE = """
INSERT INTO hub.refusal (connection, reason, day, count, last_at, last_said)
VALUES (%(connection)s, %(reason)s, (now() AT TIME ZONE 'UTC')::date, 1, now(), %(said)s)
ON CONFLICT (connection, reason, day)
DO UPDATE SET count = hub.refusal.count + 1, last_at = now(), last_said = excluded.last_said
"""


def refuse(uow: UnitOfWork, connection: str, reason: str, said: str = "") -> None:
    """Count an arrival that was refused; its body is not kept."""
    uow.sql(REFUSE, {"connection": connection, "reason": reason, "said": said[:200]})
