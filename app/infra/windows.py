"""Scheduled windows: a run is a row unique on (window, business instant); whoever inserts it tells of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text
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
