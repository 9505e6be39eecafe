"""What the record tells of things by their keys: facts, deliveries, attempts, cases, deadlines, what was sent."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from app.infra.erasing.terms import Terms
from app.infra.erasing.texts import scrub
from app.infra.uow import UnitOfWork

EVENTS = """
SELECT id FROM hub.event WHERE key = ANY(%(keys)s::text[])
 UNION SELECT id FROM hub.event WHERE correlation_id = ANY(%(stories)s::text[])
"""
# table → which of its rows are about the keys
PLACES = (
    ("hub.event", "t.id = ANY(%(events)s::bigint[])"),
    ("hub.delivery", "t.event_id = ANY(%(events)s::bigint[])"),
    ("hub.attempt", "t.event_id = ANY(%(events)s::bigint[])"),
    ("hub.outgoing", "t.event_id = ANY(%(events)s::bigint[])"),
    ("hub.payload_edit", "t.event_id = ANY(%(events)s::bigint[])"),
    ("hub.deadline", "t.key = ANY(%(keys)s::text[])"),
    ("hub.exception_case", "t.id IN (SELECT i.case_id FROM hub.case_item i WHERE i.key = ANY(%(keys)s::text[]))"),
    ("hub.act", "t.key = ANY(%(ids)s::text[])"),
)
CASES = """
SELECT c.code, c.connection, c.about, c.title, c.said, c.facts, c.opened_at FROM hub.exception_case c
 WHERE c.id IN (SELECT case_id FROM hub.case_item WHERE key = ANY(%(keys)s::text[])) ORDER BY c.opened_at
"""


def erase_record(uow: UnitOfWork, keys: Collection[str], stories: Collection[str], terms: Terms, mark: str) -> int:
    """Rewrite what names the person in the record of these lane keys (`orders:<id>`) and correlation ids."""
    given: dict[str, Any] = {"keys": list(keys), "stories": [story for story in stories if story]}
    given["events"] = [row[0] for row in uow.sql(EVENTS, given)]
    given["ids"] = [key.partition(":")[2] for key in keys]
    return sum(scrub(uow, table, where, given, terms, mark) for table, where in PLACES)


def cases_of(uow: UnitOfWork, keys: Collection[str]) -> list[dict[str, Any]]:
    """The cases about these keys: code, connection, about, title, said, facts, opened_at."""
    names = ("code", "connection", "about", "title", "said", "facts", "opened_at")
    return [dict(zip(names, row, strict=True)) for row in uow.sql(CASES, {"keys": list(keys)})]


def erase_of_connection(uow: UnitOfWork, connection: str, terms: Terms, mark: str) -> int:
    """Rewrite what names these people in cases and refusals of a connection, whatever they are about."""
    where, given = "t.connection = %(connection)s", {"connection": connection}
    return sum(scrub(uow, table, where, given, terms, mark) for table in ("hub.exception_case", "hub.refusal"))
