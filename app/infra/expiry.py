"""What runs out on a known day: a secret, a certificate, a key, a subscription. Told 30, 7 and 1 days ahead.

Dates are noted where they are learnt (a connection's settings, its test, its subscriptions); API keys carry their own.
Each thing is one case, however often it is told; what was renewed ends its case by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.cases import end_cases, open_case
from app.infra.db import Base
from app.infra.uow import UnitOfWork

AHEAD = (30, 7, 1, 0)  # days: time to order a certificate, to remind, to act, and it is over
RENEWED = {"subscription": (1, 0)}  # what the hub renews itself in its last days, and tells of only where that failed
CODE = "connections.expires"
KINDS = {
    "secret": ("its secret", "Make a new one there and enter it under New secrets; then say when that one ends."),
    "certificate": ("its TLS certificate", "Whoever runs that system renews it; then test the connection."),
    "key": ("the API key", "Make a new key, give it to whoever uses this one, then revoke this one."),
    "subscription": ("its subscription", "The hub renews it by itself; if this stays, look at the connection."),
    "token": ("its token", "Authorise the connection again."),
}


class ExpiryRow(Base):
    """One date on which something runs out. `warned` is the last number of days ahead at which it was told."""

    __tablename__ = "expiry"
    __table_args__ = ({"schema": "hub"},)

    connection: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True, server_default="")
    ends_at: Mapped[datetime]
    noted_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    warned: Mapped[int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Something with its last moment."""

    kind: str
    ends_at: datetime
    name: str = ""


NOTE = """
INSERT INTO hub.expiry (connection, kind, name, ends_at) VALUES (%(connection)s, %(kind)s, %(name)s, %(ends_at)s)
ON CONFLICT (connection, kind, name) DO UPDATE SET ends_at = excluded.ends_at, noted_at = now(),
    warned = CASE WHEN excluded.ends_at > hub.expiry.ends_at THEN NULL ELSE hub.expiry.warned END
"""
FORGET = """
DELETE FROM hub.expiry WHERE connection = %(connection)s AND kind = %(kind)s AND name <> ALL(%(names)s::text[])
RETURNING name
"""
KEYS = """
SELECT connection, name || ' (' || prefix || ')', expires_at FROM hub.api_key
 WHERE expires_at IS NOT NULL AND revoked_at IS NULL
"""


def note(uow: UnitOfWork, connection: str, kind: str, endings: Iterable[Ending]) -> None:
    """Keep when things of one kind end at a connection: these and no others of that kind."""
    kept = list(endings)
    given = {"connection": connection, "kind": kind, "names": [one.name for one in kept]}
    for (name,) in uow.sql(FORGET, given).fetchall():
        end_cases(uow, [CODE], connection, about_of(kind, name), "hub", "it is not used any more")
    for one in kept:
        uow.sql(NOTE, {"connection": connection, "kind": kind, "name": one.name, "ends_at": one.ends_at})


def due_mark(ends_at: datetime, now: datetime, kind: str = "") -> int | None:
    """The smallest of 30, 7, 1 and 0 days that has been reached; None where it is further away."""
    reached = [days for days in RENEWED.get(kind, AHEAD) if ends_at - now <= timedelta(days=days)]
    return min(reached) if reached else None


def warn(uow: UnitOfWork, now: datetime) -> int:
    """Open or renew a case for what has come nearer since it was last told; end those whose date moved away."""
    _note_keys(uow)
    told = 0
    for row in uow.session.scalars(select(ExpiryRow).order_by(ExpiryRow.ends_at).with_for_update()):
        mark = due_mark(row.ends_at, now, row.kind)
        if mark is None:
            row.warned = None
            end_cases(uow, [CODE], row.connection, about_of(row.kind, row.name), "hub", "it was renewed")
        elif row.warned is None or mark < row.warned:
            _tell(uow, row, now)
            row.warned = mark
            told += 1
    return told


def _note_keys(uow: UnitOfWork) -> None:
    """API keys say themselves when they end."""
    by_connection: dict[str, list[Ending]] = {}
    known = select(ExpiryRow.connection).filter_by(kind="key").distinct()
    for connection in uow.session.scalars(known):
        by_connection[connection] = []
    for connection, name, ends_at in uow.sql(KEYS).fetchall():
        by_connection.setdefault(connection, []).append(Ending(kind="key", name=name, ends_at=ends_at))
    for connection, endings in by_connection.items():
        note(uow, connection, "key", endings)
    uow.session.expire_all()


def about_of(kind: str, name: str) -> str:
    """What a case about it is about."""
    return f"{kind} {name}".strip()


def _tell(uow: UnitOfWork, row: ExpiryRow, now: datetime) -> None:
    what, remedy = KINDS[row.kind]
    whose = f"{row.connection}: " if row.connection else ""
    days = (row.ends_at - now).days
    when = f"ends on {row.ends_at:%Y-%m-%d}" if row.ends_at > now else f"ended on {row.ends_at:%Y-%m-%d}"
    open_case(
        uow, code=CODE, connection=row.connection, about=about_of(row.kind, row.name),
        title=f"{whose}{what} {row.name}".strip() + f" {when}. {remedy}",
        said=f"{max(0, days)} days are left" if row.ends_at > now else "it is over",
        facts={"ends_at": row.ends_at.isoformat(), "kind": row.kind, "name": row.name},
    )  # fmt: skip
