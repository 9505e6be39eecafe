"""Deadlines: unless something happens by a time, a fact is told. Rows, so they outlive every process.

A flow declares what it expects (`expectation`) and begins to wait for one key (`expect`). A fact of `unless`, told of
the same key, ends the waiting in the transaction that tells it. What comes due is told by whichever relay is first
(`tell_missed`), once: the row's end and the fact stand or fall together. The database's clock alone says what is due,
so a machine with a wrong clock tells nothing early; a clock that is set back finds the row ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

import structlog
from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.acts import record_act
from app.infra.cases import end_for, open_case
from app.infra.db import Base
from app.infra.ids import new_id
from app.infra.uow import Trail, UnitOfWork
from app.kernel import codec
from app.kernel.errors import HubError, Invalid, NotFound, Refused
from app.kernel.events import REGISTRY, UPCASTS, Fact, load_as, newest

STATES = ("waiting", "met", "missed", "late", "called_off")
AT_ONCE = 200  # told in one transaction: a moment's work, so that a restart after a long night begins at once
log = structlog.get_logger()


class DeadlineRow(Base):
    """One thing that is to happen by `due_at`, and the fact that is told unless it does."""

    __tablename__ = "deadline"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in STATES)})", name="known_state"),
        UniqueConstraint("flow", "key", "name", "part", "turn"),
        Index("ix_deadline_key", "key"),
        Index("ix_deadline_state", "state", "due_at"),
        Index("ix_deadline_ended_at", "ended_at", postgresql_where=text("state <> 'waiting'")),
        {"schema": "hub"},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    flow: Mapped[str]
    key: Mapped[str]  # the lane key of its fact, such as orders:<id>
    name: Mapped[str]
    part: Mapped[str] = mapped_column(server_default="")  # one of several that are waited for apart, such as an ERP
    turn: Mapped[int] = mapped_column(server_default="1")  # 2 where it was waited for once more
    due_at: Mapped[datetime]
    fact_type: Mapped[str]
    payload: Mapped[dict[str, object]] = mapped_column(JSONB)
    correlation_id: Mapped[str] = mapped_column(server_default="")
    causation_id: Mapped[int | None] = mapped_column(BigInteger)
    origin: Mapped[str] = mapped_column(server_default="")
    traceparent: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="waiting")
    set_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    moved_by: Mapped[str] = mapped_column(server_default="")
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(server_default="")
    why: Mapped[str] = mapped_column(server_default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a flow waits for. `apart` names the attribute by which several are told apart, such as two ERPs.

    `case` is the code of the case that somebody decides after it was missed; what comes late after all ends it.
    """

    flow: str
    name: str
    otherwise: type[Fact]
    unless: tuple[type[Fact], ...]
    apart: str = ""
    case: str = ""


EXPECTATIONS: dict[tuple[str, str], Expectation] = {}
_AWAITED: dict[str, list[Expectation]] = {}  # by the type of the fact that ends the waiting


def expectation(
    flow: str, name: str, *, otherwise: type[Fact], unless: tuple[type[Fact], ...], apart: str = "", case: str = ""
) -> Expectation:
    """Declare what a flow waits for. Raises TypeError where the facts could not be of one key, or it is there twice."""
    made = Expectation(flow=flow, name=name, otherwise=otherwise, unless=unless, apart=apart, case=case)
    for fact in unless:
        if fact.event_key != otherwise.event_key:
            raise TypeError(f"{flow}.{name}: {fact.event_type} and {otherwise.event_type} have different keys")
    if (flow, name) in EXPECTATIONS:
        raise TypeError(f"{flow}.{name} is expected twice")
    EXPECTATIONS[flow, name] = made
    for fact in unless:
        _AWAITED.setdefault(fact.event_type, []).append(made)
    return made


# The same again is one; a newer time counts while it is waited for, unless a person has moved it.
EXPECT = """
INSERT INTO hub.deadline AS d (id, flow, key, name, part, turn, due_at, fact_type, payload, correlation_id,
                               causation_id, origin, traceparent)
SELECT id, %(flow)s, key, %(name)s, part, %(turn)s, due_at, type, payload, %(correlation)s, %(cause)s, %(origin)s,
       %(trace)s
  FROM unnest(%(ids)s::uuid[], %(keys)s::text[], %(parts)s::text[], %(dues)s::timestamptz[], %(types)s::text[],
              %(payloads)s::jsonb[]) g(id, key, part, due_at, type, payload)
ON CONFLICT (flow, key, name, part, turn)
DO UPDATE SET due_at = excluded.due_at, payload = excluded.payload
 WHERE d.state = 'waiting' AND d.moved_by = '' AND d.due_at <> excluded.due_at
"""

ANSWERED = """
UPDATE hub.deadline d SET state = CASE d.state WHEN 'waiting' THEN 'met' ELSE 'late' END, ended_at = now(),
       ended_by = g.type
  FROM unnest(%(flows)s::text[], %(names)s::text[], %(keys)s::text[], %(parts)s::text[], %(types)s::text[])
       g(flow, name, key, part, type)
 WHERE d.key = g.key AND d.flow = g.flow AND d.name = g.name AND (g.part = '' OR d.part = g.part)
   AND d.state IN ('waiting', 'missed')
RETURNING d.flow, d.name, d.key, d.state
"""

MISSED = """
UPDATE hub.deadline d SET state = 'missed', ended_at = now(), ended_by = 'hub'
  FROM (SELECT id FROM hub.deadline
         WHERE state = 'waiting' AND due_at <= coalesce(%(now)s, now()) AND fact_type = ANY(%(known)s::text[])
         ORDER BY due_at LIMIT %(most)s FOR UPDATE SKIP LOCKED) due
 WHERE d.id = due.id
RETURNING d.due_at, d.id::text, d.fact_type, d.payload, d.correlation_id, d.causation_id, d.origin, d.traceparent,
          d.key, d.name
"""


def expect(
    uow: UnitOfWork, what: Expectation, otherwise: Fact, by: datetime, *, turn: int = 1, trail: Trail | None = None
) -> None:
    """Tell `otherwise` at `by`, unless what is expected happens before. The key is that of `otherwise`.

    The caller holds the row of the thing itself, as whoever tells what is expected does. Raises TypeError for another
    fact than was declared, ValueError for a time without its zone.
    """
    expect_many(uow, what, [(otherwise, by)], turn=turn, trail=trail)


def expect_many(
    uow: UnitOfWork, what: Expectation, waits: Sequence[tuple[Fact, datetime]], *, turn: int = 1,
    trail: Trail | None = None,
) -> None:  # fmt: skip
    """The same for many keys in one statement, each key once."""
    for otherwise, by in waits:
        if not isinstance(otherwise, what.otherwise):
            raise TypeError(f"{what.flow}.{what.name} tells {what.otherwise.event_type}")
        if by.tzinfo is None:
            raise ValueError(f"{by}: a deadline needs its zone")
    trail = trail or uow.trail
    uow.sql(
        EXPECT,
        {
            "flow": what.flow, "name": what.name, "turn": turn, "correlation": trail.correlation_id,
            "cause": trail.causation_id, "origin": trail.origin, "trace": trail.traceparent,
            "ids": [new_id() for _ in waits], "keys": [fact.lane_key for fact, _ in waits],
            "parts": [_part(what, fact) for fact, _ in waits], "dues": [by for _, by in waits],
            "types": [fact.event_type for fact, _ in waits],
            "payloads": [json.dumps(codec.dump(fact)) for fact, _ in waits],
        },
    )  # fmt: skip


def answered(uow: UnitOfWork, facts: Iterable[Fact]) -> None:
    """End what these facts were awaited for; called with every fact that is told, in its transaction."""
    found = [(what, fact) for fact in facts for what in _AWAITED.get(fact.event_type, ())]
    if not found:
        return
    given = {
        "flows": [what.flow for what, _ in found],
        "names": [what.name for what, _ in found],
        "keys": [fact.lane_key for _, fact in found],
        "parts": [_part(what, fact) for what, fact in found],
        "types": [fact.event_type for _, fact in found],
    }
    for flow, name, key, state in uow.sql(ANSWERED, given).fetchall():
        what = EXPECTATIONS[flow, name]
        if state == "late" and what.case:
            end_for(uow, what.case, key, "it came after all")


def tell_missed(uow: UnitOfWork, now: datetime | None = None) -> int:
    """Tell the facts of what has come due, oldest first; returns how many. Any number of relays may do so at once.

    `now` stands for the database's own clock. A fact that this release does not know is left to one that does.
    """
    rows = uow.sql(MISSED, {"now": now, "known": [*REGISTRY, *UPCASTS], "most": AT_ONCE}).fetchall()
    for _, id_, fact_type, payload, correlation, cause, origin, trace, key, name in sorted(rows, key=itemgetter(0)):
        trail = Trail(correlation_id=correlation, causation_id=cause, origin=origin, traceparent=trace)
        try:
            uow.publish(_stored(fact_type, payload), trail)
        except HubError as unreadable:
            _unreadable(uow, id_, key, name, unreadable)
    return len(rows)


def _stored(fact_type: str, payload: Mapping[str, object]) -> Fact:
    kind = newest(fact_type)
    assert kind is not None
    return load_as(kind, fact_type, payload)


def _unreadable(uow: UnitOfWork, id_: str, key: str, name: str, error: HubError) -> None:
    log.error("deadline.unreadable", deadline=id_, code=error.code)
    open_case(
        uow, code="hub.deadline_unreadable", about=f"deadline {id_}", key=key, said=error.message,
        title=f"{name} of {key} was missed, and the fact that would tell so does not load any more",
    )  # fmt: skip


def _part(what: Expectation, fact: Fact) -> str:
    """By which part a fact is told apart; a fact without that attribute speaks of all."""
    return str(getattr(fact, what.apart, "")) if what.apart else ""


def move(uow: UnitOfWork, deadline_id: str, to: datetime, who: str, why: str) -> DeadlineRow:
    """A person gives something more time, or less. Raises Refused where it has ended, Invalid for a time gone by."""
    row = _waiting(uow, deadline_id, who, why)
    if to.tzinfo is None or to <= uow.hub.clock.now():
        raise Invalid("deadlines.past", "give a time to come, with its zone", about="to")
    facts = {"from": row.due_at.isoformat(), "to": to.isoformat(), **_facts(row)}
    row.due_at, row.moved_by, row.why = to, who, why
    record_act(uow, who, "moved a deadline", kind="deadline", key=row.id, why=why, facts=facts)
    return row


def call_off(uow: UnitOfWork, deadline_id: str, who: str, why: str) -> DeadlineRow:
    """A person no longer waits for something: nothing is told. Raises Refused where it has ended."""
    row = _waiting(uow, deadline_id, who, why)
    row.state, row.ended_by, row.why = "called_off", who, why
    row.ended_at = uow.hub.clock.now()
    record_act(uow, who, "called off a deadline", kind="deadline", key=row.id, why=why, facts=_facts(row))
    return row


def _waiting(uow: UnitOfWork, deadline_id: str, who: str, why: str) -> DeadlineRow:
    if not who.strip() or not why.strip():
        raise Invalid("deadlines.reason_missing", "say why; it is kept with your name", about="why")
    row = uow.session.get(DeadlineRow, deadline_id, with_for_update=True)
    if row is None:
        raise NotFound("deadlines.unknown", f"there is no deadline {deadline_id}", about=deadline_id)
    if row.state != "waiting":
        raise Refused("deadlines.ended", f"nobody waits for it any more: it is {row.state}", about=deadline_id)
    return row


def _facts(row: DeadlineRow) -> Mapping[str, str]:
    return {"flow": row.flow, "name": row.name, "about": row.key}
