"""The whole application, as a web process has it, and keys to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app.factory import create_app
from app.infra.hub import Hub
from app.infra.web.auth import create_key
from app.infra.web.wiring import EXTENSION
from app.settings import Settings
from tests.hub import forget_all


@pytest.fixture(scope="module")
def app(settings: Settings) -> Iterator[Flask]:
    """One application for a file of tests: making it takes longer than a test."""
    made = create_app(settings)
    yield made
    made.extensions[EXTENSION].close()


@pytest.fixture
def hub(app: Flask, database: Engine, redis_client: redis.Redis) -> Hub:
    """The application's hub on an empty database, with nothing remembered of the test before."""
    found: Hub = app.extensions[EXTENSION]
    forget_all(found)
    return found


@pytest.fixture
def client(app: Flask, hub: Hub) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def key(hub: Hub) -> Callable[..., dict[str, str]]:
    """`key("scope", connection="…")` is the header of a new key."""

    def make(*scopes: str, connection: str = "") -> dict[str, str]:
        with hub.unit_of_work() as uow:
            _, whole = create_key(uow, name="a program", scopes=scopes, connection=connection)
        return {"Authorization": f"Bearer {whole}"}

    return make
