"""What the web application was wired with, as views see it: `hub()` wherever a request is being answered."""

from __future__ import annotations

from typing import Any, Protocol, cast

from flask import Flask, current_app
from redis import Redis
from sqlalchemy.orm import Session, sessionmaker

from app.infra.connections import Connections
from app.infra.uow import Trail, UnitOfWork
from app.settings import Settings

EXTENSION = "hub"


class Hub(Protocol):
    """The wired program; `app.factory.Hub` is the one there is."""

    settings: Settings
    sessions: sessionmaker[Session]
    connections: Connections
    redis: Redis
    registry: Any

    def unit_of_work(self, trail: Trail | None = None) -> UnitOfWork: ...


def wire(app: Flask, hub: Hub) -> None:
    """Make `hub()` answer inside this application."""
    app.extensions[EXTENSION] = hub


def hub() -> Hub:
    """The hub that the current application was wired with."""
    return cast(Hub, current_app.extensions[EXTENSION])
