"""What a person must decide. One case for each (code, connection, what it is about), however much waits for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.acts import record_act
from app.infra.db import Base
from app.infra.ids import new_id
from app.infra.uow import UnitOfWork
from app.kernel.errors import NotFound, Refused

CASE_STATES = ("new", "working", "held", "flowing", "resolved", "dismissed")
CLOSED = ("resolved", "dismissed")


class ExceptionCase(Base):
    """A problem that a person must decide."""

    __tablename__ = "exception_case"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in CASE_STATES)})", name="known_state"),
        Index(
            "uq_exception_case_open", "code", "connection", "about", unique=True,
            postgresql_where=text("state NOT IN ('resolved', 'dismissed')"),
        ),
        Index("ix_exception_case_state", "state", "opened_at"),
        {"schema": "hub"},
    )  # fmt: skip

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    code: Mapped[str]
    connection: Mapped[str] = mapped_column(server_default="")
    about: Mapped[str] = mapped_column(server_default="")
    title: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    said: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="new")
    assignee: Mapped[str] = mapped_column(server_default="")
    opened_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    last_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")
    count: Mapped[int] = mapped_column(server_default="1")


class CaseItem(Base):
    """Something that waits for a case: a lane key, and the delivery that gave up where there is one."""

    __tablename__ = "case_item"
    __table_args__ = (
        Index("ix_case_item_key", "key"),
        Index("ix_case_item_delivery", "delivery"),
        {"schema": "hub"},
    )

    case_id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("hub.exception_case.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, server_default="0")
    delivery: Mapped[int] = mapped_column(BigInteger, primary_key=True, server_default="0")
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))


OPEN_CASE = """
WITH opened AS (
    INSERT INTO hub.exception_case (id, code, connection, about, title, facts, said)
    VALUES (%(id)s, %(code)s, %(connection)s, %(about)s, %(title)s, %(facts)s::jsonb, %(said)s)
    ON CONFLICT (code, connection, about) WHERE state NOT IN ('resolved', 'dismissed')
    DO UPDATE SET last_at = now(), count = hub.exception_case.count + 1, said = excluded.said, facts = excluded.facts
    RETURNING id)
INSERT INTO hub.case_item (case_id, key, event_id, delivery)
SELECT id, %(key)s, %(event_id)s, %(delivery)s FROM opened
ON CONFLICT (case_id, key, delivery) DO UPDATE SET at = now()
RETURNING case_id
"""


def open_case(
    uow: UnitOfWork, *, code: str, title: str, connection: str = "", about: str = "",
    facts: Mapping[str, Any] | None = None, said: str = "", key: str = "", event_id: int = 0, delivery: int = 0,
) -> str:  # fmt: skip
    """Open a case, or add to the open one of the same identity. `facts` are JSON values without secrets."""
    row = uow.sql(
        OPEN_CASE,
        {
            "id": new_id(), "code": code, "connection": connection, "about": about, "title": title[:500],
            "facts": json.dumps(dict(facts or {}), default=str), "said": said[:4000], "key": key,
            "event_id": event_id, "delivery": delivery,
        },
    ).fetchone()  # fmt: skip
    assert row is not None
    return str(row[0])


def waiting(uow: UnitOfWork, case_id: str) -> list[int]:
    """The set-aside deliveries that wait for a case, oldest first."""
    rows = uow.sql(
        "SELECT d.id FROM hub.case_item i JOIN hub.delivery d ON d.event_id = i.event_id AND d.id = i.delivery "
        "WHERE i.case_id = %(case)s AND d.state IN ('parked', 'rejected') ORDER BY d.id",
        {"case": case_id},
    )
    return [row[0] for row in rows]


def close(uow: UnitOfWork, case_id: str, state: str, who: str, why: str) -> ExceptionCase:
    """End a case. Raises NotFound, or Refused where it is closed already or waits for a choice (infra/decisions.py)."""
    row = uow.session.get(ExceptionCase, case_id, with_for_update=True)
    if row is None:
        raise NotFound("cases.unknown", f"there is no case {case_id}", about=case_id)
    if row.state in CLOSED:
        raise Refused("cases.closed", f"the case is {row.state} already", about=case_id)
    if state == "resolved" and (choices := row.facts.get("choices")):
        names = ", ".join(one["name"] for one in choices)
        raise Refused("cases.choice_needed", f"this case asks for a choice: {names}; or dismiss it", about=case_id)
    row.state, row.closed_by, row.reason = state, who, why
    row.closed_at = uow.sql("SELECT now()").fetchone()[0]  # type: ignore[index]
    record_act(uow, who, f"{state} a case", kind="case", key=case_id, why=why, facts={"code": row.code})
    return row


END_CASES = """
UPDATE hub.exception_case SET state = 'resolved', closed_at = now(), closed_by = %(who)s, reason = %(why)s
 WHERE code = ANY(%(codes)s::text[]) AND connection = %(connection)s AND about = %(about)s
   AND state NOT IN ('resolved', 'dismissed')
"""


def end_cases(uow: UnitOfWork, codes: list[str], connection: str, about: str, who: str, why: str) -> None:
    """What these cases were opened for is over; nothing waits for them."""
    uow.sql(END_CASES, {"codes": codes, "connection": connection, "about": about, "who": who, "why": why})


def settle_of(uow: UnitOfWork, delivery_ids: list[int], who: str) -> None:
    """Close the cases that no set-aside delivery and no other thing waits for any more."""
    uow.sql(
        """
        UPDATE hub.exception_case c SET state = 'resolved', closed_at = now(), closed_by = %(who)s
          FROM (SELECT DISTINCT case_id FROM hub.case_item WHERE delivery = ANY(%(ids)s::bigint[])) touched
         WHERE c.id = touched.case_id AND c.state NOT IN ('resolved', 'dismissed')
           AND NOT EXISTS (SELECT FROM hub.case_item i LEFT JOIN hub.delivery d
                                    ON d.event_id = i.event_id AND d.id = i.delivery
                            WHERE i.case_id = c.id AND (i.delivery = 0 OR d.state IN ('parked', 'rejected')))
        """,
        {"ids": delivery_ids, "who": who},
    )


def end_for(uow: UnitOfWork, code: str, key: str, why: str) -> int:
    """What a thing's open cases of one code asked has settled itself: end them; returns how many."""
    return uow.sql(
        """
        UPDATE hub.exception_case c SET state = 'resolved', closed_at = now(), closed_by = 'hub', reason = %(why)s
         WHERE c.code = %(code)s AND c.state NOT IN ('resolved', 'dismissed')
           AND c.id IN (SELECT case_id FROM hub.case_item WHERE key = %(key)s)
        """,
        {"code": code, "key": key, "why": why},
    ).rowcount
