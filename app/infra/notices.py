"""Whatever arrives, kept with its raw bytes before anybody acts on it, told once however often it comes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.infra.arrays import array_text
from app.infra.lines import Lines, Sealed
from app.infra.outbox import Bell, Place, Subscription
from app.infra.uow import UnitOfWork
from app.infra.whereabouts import not_here
from app.kernel.errors import Invalid, NotFound
from app.kernel.events import Fact, event

PLAIN = re.compile(r"[a-z0-9_.]+")


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
    queue: str = "orders"  # whose work it makes
    remark: str = ""
    traceparent: str = ""


# One statement, one commit, then the answer. As many guards as the vendor has ids: all must be fresh. What is the same
# for every arrival stands in the text, since each parameter costs the hot path its share.
ACCEPT = """
WITH fresh AS (
    INSERT INTO hub.seen (connection, topic, external_id)
    SELECT %(connection)s::text, %(topic)s::text, x FROM unnest(%(external_ids)s::text[]) x
    ON CONFLICT DO NOTHING RETURNING 1),
kept AS (
    INSERT INTO hub.notice (connection, topic, kind, object_id, source, external_id, correlation_id, headers, body,
                            verdict, remark)
    SELECT %(connection)s::text, %(topic)s::text, %(kind)s::text, %(object_id)s::text, %(source)s::text,
           coalesce((%(external_ids)s::text[])[1], ''), %(correlation_id)s::text, %(headers)s::jsonb, %(body)s::bytea,
           'kept', %(remark)s::text
     WHERE (SELECT count(*) FROM fresh) = cardinality(%(external_ids)s::text[])
    RETURNING id, 'hub:' || coalesce(nullif(%(object_key)s::text, ''), 'notice:' || id) AS key),
counted AS (
    INSERT INTO hub.tally (name, label, n) SELECT 'notices', %(connection)s::text, 1 FROM kept),
told AS (
    INSERT INTO hub.event (type, key, payload, origin, correlation_id, traceparent)
    SELECT 'hub.notice_received.v1', key,
           jsonb_build_object('notice_id', kept.id, 'connection', %(connection)s::text, 'topic', %(topic)s::text,
                              'object_key', substr(key, 5), 'kind', %(kind)s::text, 'object_id', %(object_id)s::text),
           %(connection)s::text, %(correlation_id)s::text, %(traceparent)s::text
      FROM kept
    RETURNING id, key),
given AS (
    INSERT INTO hub.delivery (event_id, subscriber, queue, partition, lane)
    SELECT told.id, s.name, s.queue, hashtextextended(told.key, 0) & {mask}, s.lane || '||' || told.key
      FROM told, (VALUES {subscribers}) s(name, queue, lane)
    RETURNING queue, partition)
SELECT kept.id, given.queue, given.partition FROM kept LEFT JOIN given ON true
"""


def accept_statement(subscriptions: Sequence[Subscription], mask: int) -> str:
    """The statement of intake for these subscribers; raises ValueError for a name that is not plain."""
    rows = []
    for one in subscriptions:
        if not all(PLAIN.fullmatch(name) for name in (one.name, one.queue, one.lane or one.name)):
            raise ValueError(f"{one.name}, {one.queue}, {one.lane}: use letters, digits, points and underscores")
        lane = f"'{one.lane}'" if one.lane else "NULL::text"
        rows.append(f"('{one.name}', '{one.queue}', {lane})")
    return ACCEPT.format(mask=mask, subscribers=", ".join(rows))


class Intake:
    """Keeps arrivals. Its subscriptions are those of NoticeReceived, all inside steps.

    What an arrival makes goes to the subscriptions of its own queue, or where that has none, to those of the first's.
    """

    def __init__(self, subscriptions: tuple[Subscription, ...], bell: Bell, mask: int, lines: Lines) -> None:
        if not subscriptions:
            raise ValueError("nobody hears hub.notice_received.v1: load app.flows first")
        self._bell, self._lines = bell, lines
        self._usual = subscriptions[0].queue
        self._statements = {
            queue: accept_statement([one for one in subscriptions if one.queue == queue], mask)
            for queue in {one.queue for one in subscriptions}
        }
        self._sealed = {
            queue: Sealed.of(f"hub_accept_{queue}", statement, binary=frozenset({"body"}))
            for queue, statement in self._statements.items()
        }

    def keep(self, incoming: Incoming) -> Kept:
        """Keep an arrival in a transaction of its own: one statement, and it stands when this returns."""
        rows = self._lines.execute(self._sealed[self._queue(incoming)], _values(incoming))
        kept, places = _outcome([(int(n or 0), (queue or b"").decode(), int(part or 0)) for n, queue, part in rows])
        self._bell.ring(places)
        return kept

    def accept(self, uow: UnitOfWork, incoming: Incoming) -> Kept:
        """Keep an arrival in the open unit of work; rings when that has committed."""
        given = {name: value if name == "body" else value.decode() for name, value in _values(incoming).items()}
        kept, places = _outcome(uow.sql(self._statements[self._queue(incoming)], given).fetchall())
        uow.after_commit(lambda: self._bell.ring(places))
        return kept

    def _queue(self, incoming: Incoming) -> str:
        return incoming.queue if incoming.queue in self._statements else self._usual


def _values(incoming: Incoming) -> dict[str, bytes]:
    """The parameters of intake's statement, as PostgreSQL reads them. Raises Invalid for a NUL, which no text holds."""
    key = f"{incoming.connection}:{incoming.kind}:{incoming.object_id}" if incoming.object_id else ""
    if "\0" in key or "\0" in incoming.topic or any("\0" in word for word in incoming.external_ids):
        raise Invalid("notices.nul_character", "a topic, an id or a key holds a NUL character: send it without")
    return {
        "connection": incoming.connection.encode(),
        "topic": incoming.topic.encode(),
        "external_ids": array_text(incoming.external_ids).encode(),
        "kind": incoming.kind.encode(),
        "object_id": incoming.object_id.encode(),
        "object_key": key.encode(),
        "source": incoming.source.encode(),
        "correlation_id": incoming.correlation_id.encode(),
        "traceparent": incoming.traceparent.encode(),
        "headers": json.dumps(incoming.headers).encode(),
        "body": incoming.body,
        "remark": incoming.remark.encode(),
    }


def _outcome(rows: Sequence[tuple[int, str | None, int | None]]) -> tuple[Kept, set[Place]]:
    if not rows:
        return Kept(notice_id=None, repeated=True), set()
    places = {Place(queue, "", partition or 0) for _, queue, partition in rows if queue}
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
        unknown = NotFound("notices.unknown", f"notice {notice_id} is not kept any more", about=str(notice_id))
        raise not_here(uow, "notice", notice_id, unknown)
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
