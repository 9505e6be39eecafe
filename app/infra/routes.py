"""Which connections play a role: by company, channel and date. Two rows for one role are two ERPs at once."""

from __future__ import annotations

import threading
from datetime import date, datetime
from time import monotonic

from sqlalchemy import ForeignKey, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import UUID, insert
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base
from app.infra.ids import new_id
from app.infra.outbox import Place
from app.infra.uow import UnitOfWork
from app.kernel.clock import Clock
from app.kernel.events import Fact

FRESH_SECONDS = 1.0  # how old a process' picture of the routes may be


class RouteRow(Base):
    """`connection` plays `role`; an empty company or channel means any."""

    __tablename__ = "route"
    __table_args__ = (UniqueConstraint("role", "connection", "company", "channel"), {"schema": "hub"})

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    role: Mapped[str]
    connection: Mapped[str] = mapped_column(ForeignKey("hub.connection.name"))
    company: Mapped[str] = mapped_column(server_default="")
    channel: Mapped[str] = mapped_column(server_default="")
    from_on: Mapped[date | None]
    until_on: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Routes:
    """This process' picture of the routes, at most a second old."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: list[RouteRow] = []
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def connections(self, uow: UnitOfWork, role: str, fact: Fact) -> tuple[str, ...]:
        """The connections of a role for a fact, by its `company` and `channel` where it has them."""
        company, channel = getattr(fact, "company", ""), getattr(fact, "channel", "")
        return self.find(uow, role, company, channel)

    def find(self, uow: UnitOfWork, role: str, company: str = "", channel: str = "") -> tuple[str, ...]:
        """The most particular rows that fit win: channel before company before any."""
        today = self._clock.now().date()
        fitting = [
            row
            for row in self._all(uow)
            if row.role == role
            and row.company in ("", company)
            and row.channel in ("", channel)
            and (row.from_on is None or row.from_on <= today)
            and (row.until_on is None or today < row.until_on)
        ]
        best = max(((bool(row.channel), bool(row.company)) for row in fitting), default=None)
        return tuple(sorted({row.connection for row in fitting if (bool(row.channel), bool(row.company)) == best}))

    def forget(self) -> None:
        """Read the table again at the next question."""
        self._read_at = float("-inf")

    def _all(self, uow: UnitOfWork) -> list[RouteRow]:
        if monotonic() - self._read_at > FRESH_SECONDS:
            rows = list(uow.session.scalars(select(RouteRow)))
            for row in rows:
                uow.session.expunge(row)
            with self._lock:
                self._rows, self._read_at = rows, monotonic()
        return self._rows


# Deliveries that found no route lie parked at connection '-'. A new route takes them over, in their order.
ADOPT = """
UPDATE hub.delivery d
   SET connection = %(connection)s, state = 'due', code = NULL, next_at = now(),
       lane = replace(d.lane, '|-|', '|' || %(connection)s || '|')
 WHERE d.connection = '-' AND d.state = 'parked' AND d.subscriber = ANY(%(subscribers)s::text[])
RETURNING d.queue
"""


def add_route(uow: UnitOfWork, role: str, connection: str, *, company: str = "", channel: str = "") -> None:
    """Let a connection play a role; work that found nobody to do it goes there, in its order."""
    row = {"id": new_id(), "role": role, "connection": connection, "company": company, "channel": channel}
    uow.session.execute(insert(RouteRow).values(**row).on_conflict_do_nothing())
    waiting = list(uow.hub.outbox.subscribers_of(role))
    rows = uow.sql(ADOPT, {"connection": connection, "subscribers": waiting}).fetchall()
    uow.after_commit(uow.hub.routes.forget)
    uow.after_commit(lambda: uow.hub.bell.ring({Place(row[0], connection) for row in rows}))
