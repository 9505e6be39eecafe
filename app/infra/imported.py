"""What the hub fetched by itself, kept like a notice: with its raw bytes, once for each version of a thing.

It is told on queue `bulk`, so that whatever is imported stays behind what remotes tell at the moment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.infra.uow import Trail, UnitOfWork
from app.kernel.events import Fact, event


@event("hub.notice_imported", version=1, key="object_key")
class NoticeImported(Fact):
    """Something was fetched and kept. `object_key` is `<connection>:<kind>:<external object id>`, as a webhook's."""

    notice_id: int
    connection: str
    topic: str
    object_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One thing at one version. `topic` is that of the adapter's which reads the body."""

    kind: str
    object_id: str
    version: datetime
    topic: str
    body: bytes


# As many guards as things: one that is there already was imported before, and nothing follows from it again.
KEEP = """
WITH given AS (
    SELECT * FROM unnest(%(ids)s::text[], %(kinds)s::text[], %(topics)s::text[], %(guards)s::text[],
                         %(bodies)b::bytea[]) WITH ORDINALITY g(object_id, kind, topic, guard, body, n)),
fresh AS (
    INSERT INTO hub.seen (connection, topic, external_id)
    SELECT %(connection)s, topic, guard FROM given ORDER BY guard
    ON CONFLICT DO NOTHING RETURNING external_id)
INSERT INTO hub.notice (connection, topic, kind, object_id, source, external_id, correlation_id, headers, body, verdict)
SELECT %(connection)s, topic, kind, object_id, %(source)s, guard, %(correlation)s, %(headers)s::jsonb, body, 'kept'
  FROM given JOIN fresh ON fresh.external_id = given.guard ORDER BY n
RETURNING id, topic, kind, object_id
"""


def keep_imported(
    uow: UnitOfWork, connection: str, source: str, things: Sequence[Imported], headers: Mapping[str, str], trail: Trail
) -> int:
    """Keep what was not imported before and tell of it; returns how many were fresh. `headers` hold no secret."""
    unique = {_guard(one): one for one in things}
    if not unique:
        return 0
    rows = uow.sql(
        KEEP,
        {
            "connection": connection,
            "source": source,
            "correlation": trail.correlation_id,
            "headers": json.dumps(dict(headers)),
            "guards": list(unique),
            "ids": [one.object_id for one in unique.values()],
            "kinds": [one.kind for one in unique.values()],
            "topics": [one.topic for one in unique.values()],
            "bodies": [one.body for one in unique.values()],
        },
    ).fetchall()
    for notice_id, topic, kind, object_id in rows:
        key = f"{connection}:{kind}:{object_id}"
        fact = NoticeImported(notice_id=notice_id, connection=connection, topic=topic, object_key=key)
        uow.publish(fact, trail)
    return len(rows)


def _guard(one: Imported) -> str:
    return f"import:{one.kind}:{one.object_id}@{one.version.isoformat()}"
