"""A guard against two systems that keep changing one field back and forth: after some turns the hub takes no more.

Each time a system puts back what another one had just changed is a turn. At `HUB_PING_PONG_TURNS` turns within
`HUB_PING_PONG_HOURS` the value stays as it is, nothing of it is told on, and a case names both systems, the field and
their values: one case for a group of fields and a pair of systems, however many objects they fight over. It goes on
once the case is closed; an owner that is named for the group closes it, and ends the fight.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.cases import end_for, open_case
from app.infra.db import Base
from app.infra.uow import UnitOfWork

CASE = "sync.ping_pong"
SHOWN = 200  # signs of a value in a case


class TurnRow(Base):
    """`source` told this group of `key` last, after `rival`; so many `turns` went back and forth since `since`."""

    __tablename__ = "turn"
    __table_args__ = (
        CheckConstraint("turns > 0", "some_turns"),
        Index("ix_turn_last_at", "last_at"),
        {"schema": "hub"},
    )

    entity: Mapped[str] = mapped_column(primary_key=True)
    company: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    field_group: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str]
    rival: Mapped[str]
    said: Mapped[str]  # what `source` told, cut where it is long
    rival_said: Mapped[str] = mapped_column(server_default="")
    turns: Mapped[int] = mapped_column(server_default="1")
    since: Mapped[datetime]
    last_at: Mapped[datetime]
    case_id: Mapped[str | None] = mapped_column(UUID(as_uuid=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A source wants to change a group of an object; `last` told it before, `value` is JSON of what it says now."""

    company: str
    key: str
    group: str
    last: str
    value: Any = field(compare=False)

    @property
    def place(self) -> tuple[str, str, str]:
        return self.company, self.key, self.group


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """How a group of an object was told, turn by turn."""

    source: str
    rival: str
    said: str
    rival_said: str
    turns: int
    since: datetime
    case_id: str | None = None  # of a case that is open: the guard holds it


def next_turn(before: Turn | None, change: Change, source: str, now: datetime, window: timedelta) -> Turn | None:
    """What a change makes of it; None where the same system told it last and nothing else is known.

    A turn more is what puts back, within the window, what its own rival had changed.
    """
    said = shown(change.value)
    if before is None:
        if change.last in ("", source):
            return None
        return Turn(source=source, rival=change.last, said=said, rival_said="", turns=1, since=now)
    if before.source == source:
        return replace(before, said=said)
    back = before.rival == source and before.rival_said in ("", said) and now - before.since <= window
    return Turn(
        source=source, rival=before.source, said=said, rival_said=before.said,
        turns=before.turns + 1 if back else 1, since=before.since if back else now,
    )  # fmt: skip


def shown(value: Any) -> str:
    """A value as people read it and as two are compared: a long one is cut, and its digest is at the end."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({sha256(text.encode()).hexdigest()[:16]})"


READ = """
SELECT t.company, t.key, t.field_group, t.source, t.rival, t.said, t.rival_said, t.turns, t.since, c.id::text,
       t.case_id IS NOT NULL AND c.id IS NULL
  FROM unnest(%(companies)s::text[], %(keys)s::text[], %(groups)s::text[]) g(company, key, field_group)
  JOIN hub.turn t ON t.entity = %(entity)s AND (t.company, t.key, t.field_group) = (g.company, g.key, g.field_group)
  LEFT JOIN hub.exception_case c ON c.id = t.case_id AND c.state NOT IN ('resolved', 'dismissed')
"""
WRITE = """
INSERT INTO hub.turn AS t
       (entity, company, key, field_group, source, rival, said, rival_said, turns, since, last_at, case_id)
SELECT %(entity)s, company, key, field_group, source, rival, said, rival_said, turns, since, %(now)s, case_id
  FROM unnest(%(companies)s::text[], %(keys)s::text[], %(groups)s::text[], %(sources)s::text[], %(rivals)s::text[],
              %(saids)s::text[], %(rival_saids)s::text[], %(turns)s::int[], %(sinces)s::timestamptz[],
              %(cases)s::uuid[])
       g(company, key, field_group, source, rival, said, rival_said, turns, since, case_id)
 ORDER BY company, key, field_group
    ON CONFLICT (entity, company, key, field_group) DO UPDATE
   SET source = excluded.source, rival = excluded.rival, said = excluded.said, rival_said = excluded.rival_said,
       turns = excluded.turns, since = excluded.since, last_at = excluded.last_at, case_id = excluded.case_id
"""


def stopped(uow: UnitOfWork, entity: str, source: str, changes: Sequence[Change]) -> set[tuple[str, str, str]]:
    """The (company, key, group) of these changes that are not to be carried out; the others are noted.

    The caller holds the objects, so that their changes come one after the other.
    """
    if not changes:
        return set()
    known = _read(uow, entity, changes)
    now, settings = uow.hub.clock.now(), uow.hub.settings
    window = timedelta(hours=settings.ping_pong_hours)
    held, kept = set[tuple[str, str, str]](), list[tuple[Change, Turn]]()
    for change in changes:
        before = known.get(change.place)
        if before is not None and before.case_id is not None:
            held.add(change.place)
            continue
        turn = next_turn(before, change, source, now, window)
        if turn is None:
            continue
        if turn.turns >= settings.ping_pong_turns:
            turn = replace(turn, case_id=_open(uow, entity, change, turn, settings.ping_pong_hours))
            held.add(change.place)
        kept.append((change, turn))
    _write(uow, entity, kept, now)
    return held


def _read(uow: UnitOfWork, entity: str, changes: Collection[Change]) -> dict[tuple[str, str, str], Turn]:
    given = {
        "entity": entity, "companies": [one.company for one in changes], "keys": [one.key for one in changes],
        "groups": [one.group for one in changes],
    }  # fmt: skip
    names = ("source", "rival", "said", "rival_said", "turns", "since", "case_id")
    return {
        (row[0], row[1], row[2]): Turn(**dict(zip(names, row[3:10], strict=True)))
        for row in uow.sql(READ, given).fetchall()
        if not row[10]  # its case was closed: it begins anew
    }


def _write(uow: UnitOfWork, entity: str, kept: Sequence[tuple[Change, Turn]], now: datetime) -> None:
    if not kept:
        return
    uow.sql(
        WRITE,
        {
            "entity": entity, "now": now, "companies": [one.company for one, _ in kept],
            "keys": [one.key for one, _ in kept], "groups": [one.group for one, _ in kept],
            "sources": [turn.source for _, turn in kept], "rivals": [turn.rival for _, turn in kept],
            "saids": [turn.said for _, turn in kept], "rival_saids": [turn.rival_said for _, turn in kept],
            "turns": [turn.turns for _, turn in kept], "sinces": [turn.since for _, turn in kept],
            "cases": [turn.case_id for _, turn in kept],
        },
    )  # fmt: skip


def _open(uow: UnitOfWork, entity: str, change: Change, turn: Turn, hours: float) -> str:
    """One case for a group and a pair of systems; its facts show the newest object they fought over."""
    one, other = sorted((turn.source, turn.rival))
    what = f"{entity} {change.group}"
    return open_case(
        uow, code=CASE, about=f"{what}: {one} and {other}", key=_key(entity, change.group),
        title=f"{one} and {other} keep changing the {change.group} of {change.key} back and forth",
        facts={
            "systems": [one, other], "field": f"{entity}.{change.group}", "object": change.key,
            "company": change.company, "turns": turn.turns, "within_hours": hours,
            "values": {turn.source: turn.said, turn.rival: turn.rival_said},
            "fix": f"name the owner: flask owner set {entity} {change.group} {one}, or {other}",
        },
    )  # fmt: skip


def settle(uow: UnitOfWork, entity: str, group: str, why: str) -> None:
    """An owner is named: who may write is decided, and nobody fights any more. No group is every one."""
    groups = [group] if group else _groups_at_odds(uow, entity)
    for one in groups:
        end_for(uow, CASE, _key(entity, one), why)


def _groups_at_odds(uow: UnitOfWork, entity: str) -> list[str]:
    rows = uow.sql(
        "SELECT DISTINCT field_group FROM hub.turn WHERE entity = %(e)s AND case_id IS NOT NULL", {"e": entity}
    )
    return [row[0] for row in rows]


FORGET = """
DELETE FROM hub.turn t WHERE last_at < %(until)s
   AND NOT EXISTS (SELECT FROM hub.exception_case c
                    WHERE c.id = t.case_id AND c.state NOT IN ('resolved', 'dismissed'))
"""


def forget(uow: UnitOfWork) -> int:
    """Take away turns that are older than the window; returns how many."""
    until = uow.hub.clock.now() - timedelta(hours=uow.hub.settings.ping_pong_hours)
    return uow.sql(FORGET, {"until": until}).rowcount


def _key(entity: str, group: str) -> str:
    return f"ping_pong:{entity}.{group}"
