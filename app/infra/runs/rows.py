"""The rows of runs, and what a run set aside or found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, or_, select, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base
from app.infra.uow import UnitOfWork

RUN_STATES = ("waiting", "running", "stopping", "stopped", "done", "failed")
UNDER_WAY = ("waiting", "running", "stopping")


class RunRow(Base):
    """One run: what it is to do (`spec`), how far it is, who wanted it and why."""

    __tablename__ = "run"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in RUN_STATES)})", name="known_state"),
        CheckConstraint("rate > 0", name="rate_above_zero"),
        {"schema": "hub"},
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    kind: Mapped[str]
    connection: Mapped[str] = mapped_column(server_default="")
    title: Mapped[str] = mapped_column(server_default="")
    spec: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    state: Mapped[str] = mapped_column(server_default="waiting")
    turn: Mapped[int] = mapped_column(server_default="1")
    total: Mapped[int | None] = mapped_column(BigInteger)
    done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    set_aside: Mapped[int] = mapped_column(BigInteger, server_default="0")
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    checkpoint: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    rate: Mapped[float | None] = mapped_column(Double)
    who: Mapped[str]
    why: Mapped[str] = mapped_column(server_default="")
    said: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    started_at: Mapped[datetime | None]
    turned_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class RunItemRow(Base):
    """Something that a run set aside or found, once for each key."""

    __tablename__ = "run_item"
    __table_args__ = (CheckConstraint("outcome IN ('set_aside', 'found')", name="known_outcome"), {"schema": "hub"})

    run_id: Mapped[str] = mapped_column(
        UUID(as_uuid=False), ForeignKey("hub.run.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str] = mapped_column(server_default="set_aside")
    code: Mapped[str] = mapped_column(server_default="")
    said: Mapped[str] = mapped_column(server_default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class RunDeliveryRow(Base):
    """A delivery that a replay chose: the state it was in, and whether the replay has set it going."""

    __tablename__ = "run_delivery"
    __table_args__ = ({"schema": "hub"},)

    run_id: Mapped[str] = mapped_column(
        UUID(as_uuid=False), ForeignKey("hub.run.id", ondelete="CASCADE"), primary_key=True
    )
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    delivery: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    was: Mapped[str]
    released: Mapped[bool] = mapped_column(server_default="false")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A thing that a run set aside (`code` and `said` tell why), or `found=True`, and goes on without.

    `facts` are JSON values without secrets.
    """

    key: str
    code: str
    said: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    found: bool = False


KEEP = """
INSERT INTO hub.run_item (run_id, key, outcome, code, said, facts)
SELECT %(run)s, i.key, i.outcome, i.code, i.said, f.facts
  FROM unnest(%(keys)s::text[], %(outcomes)s::text[], %(codes)s::text[], %(said)s::text[])
       WITH ORDINALITY i(key, outcome, code, said, n)
  JOIN jsonb_array_elements(%(facts)s::jsonb) WITH ORDINALITY f(facts, n) USING (n)
ON CONFLICT (run_id, key) DO UPDATE SET outcome = excluded.outcome, code = excluded.code, said = excluded.said,
                                        facts = excluded.facts, at = now()
RETURNING outcome = 'set_aside' AND xmax = 0
"""


def keep_items(uow: UnitOfWork, run_id: str, items: Sequence[Item]) -> int:
    """Keep what a page set aside or found; returns how many were set aside for the first time."""
    unique = {item.key: item for item in items}
    if not unique:
        return 0
    given = {
        "run": run_id,
        "keys": list(unique),
        "outcomes": ["found" if item.found else "set_aside" for item in unique.values()],
        "codes": [item.code for item in unique.values()],
        "said": [item.said[:1000] for item in unique.values()],
        "facts": json.dumps([dict(item.facts) for item in unique.values()], default=str),
    }
    return sum(1 for (fresh,) in uow.sql(KEEP, given).fetchall() if fresh)


def items_of(uow: UnitOfWork, run_id: str, *, most: int = 200) -> list[RunItemRow]:
    """What a run set aside or found, oldest first."""
    wanted = select(RunItemRow).filter_by(run_id=run_id).order_by(RunItemRow.at, RunItemRow.key).limit(most)
    return list(uow.session.scalars(wanted))


def runs(
    uow: UnitOfWork, *, kind: str = "", state: str = "", connection: str = "", before: str = "", most: int = 50
) -> list[RunRow]:
    """Runs, the newest first; `before` is the id of the last one of the page before."""
    wanted = select(RunRow).order_by(RunRow.id.desc()).limit(most)
    for name, value in (("kind", kind), ("state", state)):
        if value:
            wanted = wanted.where(getattr(RunRow, name) == value)
    if connection:
        wanted = wanted.where(or_(RunRow.connection == connection, RunRow.spec["connection"].astext == connection))
    return list(uow.session.scalars(wanted.where(RunRow.id < before) if before else wanted))
