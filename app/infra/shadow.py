"""Shadows: what deliveries sent, or would have sent, and the comparison of the two for the same fact and step.

Bodies are masked before they are kept. A masked text carries a sign of its own under the hub's key, so that a
difference in a name is seen though the name is not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.infra.acts import record_act
from app.infra.connections import ConnectionRow
from app.infra.differing import FieldDifference, differences, resource
from app.infra.masking import masked_document, signed
from app.infra.outbox import QUEUES
from app.infra.remote.shadow import Sent
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound, Refused

SENT, FAILED, WOULD, NOTHING, STOPPED = "sent", "failed", "would send", "nothing to send", "would stop"
EQUAL, DIFFERENT, MISSING, ALONE = "equal", "different", "missing", "alone"
MOST = 1000  # pairs that a report reads: the newest

KEEP = """
INSERT INTO hub.outgoing AS o (event_id, subscriber, connection, shadow, adapter, key, requests, outcome, code, said)
VALUES (%(event_id)s, %(subscriber)s, %(connection)s, %(shadow)s, %(adapter)s, %(key)s, %(requests)s::jsonb,
        %(outcome)s, %(code)s, %(said)s)
ON CONFLICT (event_id, subscriber, connection) DO UPDATE
   SET outcome = excluded.outcome, code = excluded.code, said = excluded.said, at = now(),
       requests = CASE WHEN excluded.requests = '[]' THEN o.requests ELSE excluded.requests END
"""


def keep_outgoing(
    uow: UnitOfWork, *, event_id: int, subscriber: str, connection: str, shadow: bool, adapter: str, key: str,
    writes: Sequence[Sent], outcome: str, code: str = "", said: str = "",
) -> None:  # fmt: skip
    """Keep what one delivery wrote, or would have. A later attempt that found all done leaves the earlier's writes."""
    mark = signed(uow.hub.settings.secret_key)
    requests = [
        {
            "method": sent.method, "path": sent.path, "imagined": sent.imagined,
            "body": masked_document(sent.body, mark=mark),
        }
        for sent in writes
    ]  # fmt: skip
    uow.sql(
        KEEP,
        {
            "event_id": event_id, "subscriber": subscriber, "connection": connection, "shadow": shadow,
            "adapter": adapter, "key": key, "requests": json.dumps(requests, default=str), "outcome": outcome,
            "code": code, "said": said[:2000],
        },
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What one side sent or would send."""

    connection: str
    adapter: str
    requests: tuple[dict[str, Any], ...]
    outcome: str
    code: str
    said: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One fact at one step: what the shadow would send, what the live way sent, and what came of the comparison.

    `missing`: the live way has sent nothing yet, or never will. `alone`: no live connection had this fact.
    """

    event_id: int
    subscriber: str
    key: str
    shadow: Kept
    live: Kept | None
    verdict: str
    differences: tuple[FieldDifference, ...] = ()


PAIRS = """
SELECT s.event_id, s.subscriber, s.key, s.connection, s.adapter, s.requests, s.outcome, s.code, s.said, s.at,
       l.connection, l.adapter, l.requests, l.outcome, l.code, l.said, l.at,
       EXISTS (SELECT FROM hub.delivery d WHERE d.event_id = s.event_id AND d.subscriber = s.subscriber AND d.compared)
  FROM hub.outgoing s
  LEFT JOIN LATERAL (SELECT * FROM hub.outgoing o WHERE o.event_id = s.event_id AND o.subscriber = s.subscriber
                        AND NOT o.shadow ORDER BY o.connection LIMIT 1) l ON true
 WHERE s.shadow AND %(connection)s IN ('', s.connection) AND s.at >= %(since)s AND %(key)s IN ('', s.key)
   AND (%(event_id)s = 0 OR s.event_id = %(event_id)s AND s.subscriber = %(subscriber)s)
 ORDER BY s.at DESC, s.event_id DESC LIMIT %(most)s
"""


def pairs(
    uow: UnitOfWork, connection: str, since: datetime, *, key: str = "", event_id: int = 0, subscriber: str = "",
    most: int = MOST,
) -> list[Pair]:  # fmt: skip
    """What shadows would have sent since then, each compared with the live way; the newest first, at most `most`."""
    given = {
        "connection": connection, "since": since, "key": key, "event_id": event_id, "subscriber": subscriber,
        "most": most,
    }  # fmt: skip
    return [_pair(row) for row in uow.sql(PAIRS, given)]


def _pair(row: tuple[Any, ...]) -> Pair:
    shadow = _kept(row[3:10])
    live = _kept(row[10:17]) if row[10] is not None else None
    verdict, told = compare(shadow, live, expected=row[17])
    return Pair(
        event_id=row[0], subscriber=row[1], key=row[2], shadow=shadow, live=live, verdict=verdict,
        differences=tuple(told),
    )  # fmt: skip


def _kept(row: Sequence[Any]) -> Kept:
    connection, adapter, requests, outcome, code, said, at = row
    return Kept(
        connection=connection, adapter=adapter, requests=tuple(requests), outcome=outcome, code=code, said=said, at=at
    )


def compare(shadow: Kept, live: Kept | None, *, expected: bool) -> tuple[str, list[FieldDifference]]:
    """Equal where each write of the shadow is one of the live way's, up to where the shadow had to stop.

    A write that the adapter imagined the answer of (a customer that is new there) counts only where the live way has
    one too. Two adapters write two languages: of those only the outcome is compared.
    """
    if live is None:
        return (MISSING if expected else ALONE), []
    if shadow.code != live.code:
        told = FieldDifference(field="outcome", live=_outcome(live), shadow=_outcome(shadow))
        return DIFFERENT, [told]
    if shadow.adapter != live.adapter:
        return EQUAL if bool(shadow.requests) == bool(live.requests) else DIFFERENT, []
    told_all: list[FieldDifference] = []
    left = list(live.requests)
    for request in shadow.requests:
        mine = (request["method"], resource(request["path"]))
        other = next((one for one in left if (one["method"], resource(one["path"])) == mine), None)
        if other is not None:
            left.remove(other)
            told_all += differences(other["body"], request["body"])
        elif not request["imagined"]:
            told_all.append(FieldDifference(field=" ".join(mine), live="not sent", shadow="would be sent"))
    if not shadow.requests and live.requests:
        first = live.requests[0]
        what = f"{first['method']} {resource(first['path'])}"
        told_all.append(FieldDifference(field=what, live="sent", shadow="would not be sent"))
    return (DIFFERENT if told_all else EQUAL), told_all


def _outcome(kept: Kept) -> str:
    return f"{kept.outcome}: {kept.code}" if kept.code else kept.outcome


def switch(uow: UnitOfWork, name: str, who: str, why: str, *, on: bool) -> None:
    """Make a connection a shadow, or end that. What was published for a shadow is never sent, whenever it ends.

    Raises NotFound, Invalid without a reason, or Refused (`shadow.work_waits`) where work waits that was to be sent.
    """
    row = uow.session.get(ConnectionRow, name, with_for_update=True)
    if row is None:
        raise NotFound("connections.unknown", f"there is no connection {name!r}", about=name)
    if row.shadow == on:
        raise Refused("shadow.as_it_is", f"{name} {'is a shadow' if on else 'sends'} already", about=name)
    if not why.strip():
        raise Invalid("shadow.reason_missing", "say why: somebody else will wonder")
    if on and (waits := _to_be_sent(uow, name)):
        raise Refused(
            "shadow.work_waits",
            f"{waits} deliveries wait to be sent to {name}: drain it first, or move them to another connection",
            about=name,
        )
    row.shadow = on
    record_act(uow, who, f"{'began' if on else 'ended'} a shadow", kind="connection", key=name, why=why.strip())
    uow.after_commit(uow.hub.connections.forget)


TO_BE_SENT = """
SELECT count(*) FROM (SELECT FROM hub.delivery WHERE queue = ANY(%(queues)s::text[]) AND connection = %(name)s
   AND partition = 0 AND state IN ('due', 'running') AND NOT shadow LIMIT 1000) w
"""


def _to_be_sent(uow: UnitOfWork, name: str) -> int:
    row = uow.sql(TO_BE_SENT, {"queues": list(QUEUES), "name": name}).fetchone()
    return int(row[0]) if row else 0


TRIED = """
SELECT EXISTS (SELECT FROM hub.outgoing WHERE key = %(key)s AND subscriber = %(step)s AND connection = %(connection)s
                  AND shadow)
"""


def has_shadow(uow: UnitOfWork, step: str, key: str, connection: str) -> bool:
    """Whether a step's work for a key was tried at a connection as a shadow."""
    row = uow.sql(TRIED, {"key": key, "step": step, "connection": connection}).fetchone()
    return bool(row and row[0])
