"""Messages of a person: found by what they are about, or by what they say; their bodies and headers go, whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from app.infra.erasing.terms import Terms
from app.infra.uow import UnitOfWork

ERASED = b'{"erased":true}'
GONE = "personal data was erased"
OPEN = "'due', 'running', 'behind', 'parked', 'rejected'"
ABOUT = """
SELECT n.id FROM hub.notice n
  JOIN unnest(%(connections)s::text[], %(objects)s::text[]) w(connection, object_id)
    ON n.object_id = w.object_id AND n.connection = w.connection
 WHERE n.kind = ANY(%(kinds)s::text[])
 UNION
SELECT id FROM hub.notice WHERE id = ANY(%(ids)s::bigint[])
 ORDER BY 1
"""
BLANK = """
UPDATE hub.notice SET body = %(erased)s, headers = '{}', remark = %(gone)s
 WHERE id = ANY(%(ids)s::bigint[]) AND body <> %(erased)s
"""
STRETCH = 5_000  # ids of one transaction
OF_CONNECTION = f"""
SELECT n.id FROM hub.notice n
 WHERE n.id > %(after)s AND n.id <= %(until)s AND n.connection = %(connection)s AND n.body <> %(erased)s
   AND NOT EXISTS (SELECT FROM hub.event e JOIN hub.delivery d ON d.event_id = e.id
                    WHERE e.key = 'hub:' || CASE n.object_id WHEN '' THEN 'notice:' || n.id
                                            ELSE n.connection || ':' || n.kind || ':' || n.object_id END
                      AND (e.payload ->> 'notice_id')::bigint = n.id AND d.state IN ({OPEN}))
"""
READ = """
SELECT id, received_at, connection, topic, headers, body FROM hub.notice WHERE id = ANY(%(ids)s::bigint[]) ORDER BY id
"""
# What nobody has acted on yet is left alone: it may be an order. So is what is about an order that the hub holds, since
# an order's own messages go with it and a stranger's order may name the person as who receives it.
SAYING = f"""
SELECT n.id, EXISTS (
         SELECT FROM hub.event e JOIN hub.delivery d ON d.event_id = e.id
          WHERE e.key = 'hub:' || CASE n.object_id WHEN '' THEN 'notice:' || n.id
                                  ELSE n.connection || ':' || n.kind || ':' || n.object_id END
            AND (e.payload ->> 'notice_id')::bigint = n.id AND d.state IN ({OPEN}))
  FROM {{table}} n
 WHERE n.ctid >= %(low)s::tid AND n.ctid < %(high)s::tid AND n.body <> %(erased)s
   AND EXISTS (SELECT FROM unnest(%(terms)s::bytea[]) t(term) WHERE position(t.term IN n.body) > 0)
   AND NOT (n.kind = 'order' AND EXISTS (
         SELECT FROM hub.binding b
          WHERE b.connection = n.connection AND b.kind = 'order' AND b.external_id = n.object_id))
"""


def messages_about(
    uow: UnitOfWork, about: Collection[tuple[str, str]], ids: Collection[int] = (), kinds: Collection[str] = ("order",)
) -> list[int]:
    """The notices about these (connection, object id) of these kinds, and those with these ids; oldest first."""
    given = {
        "connections": [name for name, _ in about], "objects": [key for _, key in about], "ids": list(ids),
        "kinds": list(kinds),
    }  # fmt: skip
    return [row[0] for row in uow.sql(ABOUT, given)]


def read_messages(uow: UnitOfWork, ids: Collection[int]) -> list[Mapping[str, Any]]:
    """Notices as they arrived: id, received_at, connection, topic, headers, body."""
    names = ("id", "received_at", "connection", "topic", "headers", "body")
    return [dict(zip(names, row, strict=True)) for row in uow.sql(READ, {"ids": list(ids)})]


def blank_messages(uow: UnitOfWork, ids: Collection[int]) -> int:
    """Take body and headers away; that something arrived, when and about what stays. Returns how many had one."""
    return uow.sql(BLANK, {"ids": list(ids), "erased": ERASED, "gone": GONE}).rowcount


def blank_saying(uow: UnitOfWork, table: str, low: str, high: str, terms: Terms) -> tuple[int, int]:
    """Blank the messages of a stretch of a partition that say an address of the person: (blanked, left for later)."""
    spelt = {text for term in terms.addresses.all for text in (term, term.lower())}
    if not spelt:
        return 0, 0
    given = {"low": low, "high": high, "erased": ERASED, "terms": [text.encode() for text in sorted(spelt)]}
    rows = uow.sql(SAYING.format(table=table), given).fetchall()
    return blank_messages(uow, [number for number, waits in rows if not waits]), sum(waits for _, waits in rows)


def blank_of(uow: UnitOfWork, connection: str, after: int) -> tuple[int | None, int]:
    """Blank the messages of a connection in the next ids: the id to go on after, None at the end; and how many."""
    row = uow.sql("SELECT max(id) FROM hub.notice").fetchone()
    newest = int(row[0] or 0) if row else 0
    until = after + STRETCH
    given = {"connection": connection, "after": after, "until": until, "erased": ERASED}
    blanked = blank_messages(uow, [number for (number,) in uow.sql(OF_CONNECTION, given)])
    return (until if until < newest else None), blanked
