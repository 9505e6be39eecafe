"""Scheduled windows: a run is a row unique on (window, business instant); whoever inserts it tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base
from app.infra.uow import UnitOfWork
from app.kernel.events import Fact, event


@event("hub.window_opened", version=1, key="name")
class WindowOpened(Fact):
    """A window's time has come. `instant` is the business instant it stands for."""

    name: str
    instant: datetime


class WindowRun(Base):
    """One run of a window."""

    __tablename__ = "window_run"
    __table_args__ = ({"schema": "hub"},)

    name: Mapped[str] = mapped_column(primary_key=True)
    instant: Mapped[datetime] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(server_default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


def open_window(uow: UnitOfWork, name: str, instant: datetime) -> bool:
    """Open a window for its instant; False where another process has."""
    row = uow.session.execute(
        insert(WindowRun)
        .values(name=name, instant=instant)
        .on_conflict_do_nothing(index_elements=["name", "instant"])
        .returning(WindowRun.name)
    ).scalar_one_or_none()
    if row is None:
        return False
    uow.publish(WindowOpened(name=name, instant=instant))
    return True


def unended_window(uow: UnitOfWork, name: str, *, since: datetime) -> datetime | None:
    """The latest instant from `since` on whose run of a window has not ended; None where there is none."""
    statement = select(WindowRun.instant).where(
        WindowRun.name == name, WindowRun.instant >= since, WindowRun.ended_at.is_(None)
    )
    return uow.session.scalar(statement.order_by(WindowRun.instant.desc()).limit(1))


def window_before(uow: UnitOfWork, name: str, instant: datetime) -> datetime | None:
    """The instant of the run of a window before this one; None where it is the first."""
    statement = select(WindowRun.instant).where(WindowRun.name == name, WindowRun.instant < instant)
    return uow.session.scalar(statement.order_by(WindowRun.instant.desc()).limit(1))


def end_window(uow: UnitOfWork, name: str, instant: datetime, outcome: str, facts: Mapping[str, Any]) -> None:
    """Keep how a run ended, and that it has; of a run that retention took meanwhile nothing is left to keep."""
    row = uow.session.get(WindowRun, (name, instant))
    if row is None:
        return
    row.ended_at, row.outcome, row.facts = uow.hub.clock.now(), outcome, dict(facts)
