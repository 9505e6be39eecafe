"""The runtime's tables as row classes, for the console, the API and the drift check. Hot paths use statements."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Integer, LargeBinary, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import BigInteger

from app.infra.db import Base

STATES = ("due", "behind", "running", "parked", "rejected", "done", "dismissed", "superseded")
OPEN = ("due", "running", "behind", "parked", "rejected")
NOW = text("now()")


def listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)


class NoticeRow(Base):
    """What a remote told us, as received."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_object", "object_id", "connection", postgresql_where=text("object_id <> ''")),
        {"schema": "hub", "postgresql_partition_by": "RANGE (received_at)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, server_default=text("nextval('hub.notice_id')"))
    received_at: Mapped[datetime] = mapped_column(primary_key=True, server_default=NOW)
    connection: Mapped[str]
    topic: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="")
    object_id: Mapped[str] = mapped_column(server_default="")
    source: Mapped[str] = mapped_column(server_default="webhook")
    external_id: Mapped[str] = mapped_column(server_default="")
    correlation_id: Mapped[str]
    headers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    verdict: Mapped[str]
    remark: Mapped[str] = mapped_column(server_default="")


class SeenRow(Base):
    """The vendor's ids of what was kept: the dedupe that survives partitioning."""

    __tablename__ = "seen"
    __table_args__ = (Index("ix_seen_received_at", "received_at", postgresql_using="brin"), {"schema": "hub"})

    connection: Mapped[str] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(server_default=NOW)


class RefusalRow(Base):
    """Arrivals that were refused, counted by day and reason; their bodies are not kept."""

    __tablename__ = "refusal"
    __table_args__ = ({"schema": "hub"},)

    connection: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime]
    last_said: Mapped[str] = mapped_column(server_default="")


class EventRow(Base):
    """A fact, as published."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_correlation_id", "correlation_id"),
        Index("ix_event_key", "key"),
        {"schema": "hub", "postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, server_default=text("nextval('hub.event_id')"))
    type: Mapped[str]
    key: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    origin: Mapped[str] = mapped_column(server_default="")
    correlation_id: Mapped[str] = mapped_column(server_default="")
    causation_id: Mapped[int | None] = mapped_column(BigInteger)
    traceparent: Mapped[str] = mapped_column(server_default="")
    at: Mapped[datetime] = mapped_column(server_default=NOW)


class DeliveryRow(Base):
    """One event for one step, and one connection if the step calls outside."""

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint(f"state IN ({listed(STATES)})", name="known_state"),
        Index(
            "ix_delivery_ready", "queue", "connection", "partition", "id",
            postgresql_where=text("state IN ('due', 'running')"),
        ),
        Index("ix_delivery_lane", "lane", "id", postgresql_where=text(f"state IN ({listed(OPEN)})")),
        Index("ix_delivery_behind", "lane", postgresql_where=text("state = 'behind'")),
        Index("ix_delivery_running", "queue", "connection", "holder", postgresql_where=text("state = 'running'")),
        Index("ix_delivery_set_aside", "id", postgresql_where=text("state IN ('parked', 'rejected')")),
        {"schema": "hub", "postgresql_partition_by": "RANGE (event_id)"},
    )  # fmt: skip

    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    subscriber: Mapped[str] = mapped_column(primary_key=True)
    connection: Mapped[str] = mapped_column(primary_key=True, server_default="")
    id: Mapped[int] = mapped_column(BigInteger, server_default=text("nextval('hub.delivery_id')"))
    queue: Mapped[str]
    partition: Mapped[int] = mapped_column(SmallInteger)
    lane: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="due")
    next_at: Mapped[datetime] = mapped_column(server_default=NOW)
    attempt: Mapped[int] = mapped_column(Integer, server_default="0")
    fence: Mapped[int] = mapped_column(Integer, server_default="0")
    deaths: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    holder: Mapped[int | None] = mapped_column(BigInteger)
    in_doubt: Mapped[bool] = mapped_column(server_default="false")
    code: Mapped[str | None]
    done_at: Mapped[datetime | None]
    overtaken_by: Mapped[int | None] = mapped_column(BigInteger)  # the delivery of its lane that went instead
    edited: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # what this delivery runs with instead of the fact
    shadow: Mapped[bool] = mapped_column(server_default="false")  # computes what it would send, and sends nothing
    compared: Mapped[bool] = mapped_column(server_default="false")  # a shadow runs beside it: what it sends is kept


class OutgoingRow(Base):
    """What a delivery sent, or would have sent: its writes, masked, to compare a shadow with the live way."""

    __tablename__ = "outgoing"
    __table_args__ = (
        Index("ix_outgoing_connection", "connection", "at"),
        Index("ix_outgoing_key", "key"),
        {"schema": "hub"},
    )

    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    subscriber: Mapped[str] = mapped_column(primary_key=True)
    connection: Mapped[str] = mapped_column(primary_key=True)
    shadow: Mapped[bool]
    adapter: Mapped[str]
    key: Mapped[str]
    requests: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    outcome: Mapped[str]
    code: Mapped[str] = mapped_column(server_default="")
    said: Mapped[str] = mapped_column(server_default="")
    at: Mapped[datetime] = mapped_column(server_default=NOW)


class AttemptRow(Base):
    """One try of a delivery that called outside or failed, and what the other side said."""

    __tablename__ = "attempt"
    __table_args__ = ({"schema": "hub", "postgresql_partition_by": "RANGE (event_id)"},)

    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    delivery: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    n: Mapped[int] = mapped_column(Integer, primary_key=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str]
    code: Mapped[str] = mapped_column(server_default="")
    said: Mapped[str] = mapped_column(server_default="")
    worker: Mapped[int | None] = mapped_column(BigInteger)


class WorkerRow(Base):
    """A process that beats."""

    __tablename__ = "worker"
    __table_args__ = ({"schema": "hub"},)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str]
    version: Mapped[str]
    host: Mapped[str]
    serves: Mapped[str] = mapped_column(server_default="")
    started_at: Mapped[datetime] = mapped_column(server_default=NOW)
    beat_at: Mapped[datetime]


class CounterRow(Base):
    """A count of everything so far, folded from tallies by the relay."""

    __tablename__ = "counter"
    __table_args__ = ({"schema": "hub"},)

    name: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)
    folded_at: Mapped[datetime] = mapped_column(server_default=NOW)
