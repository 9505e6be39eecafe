"""The whole application, as a web process has it, and a person signed in to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis
from flask import Flask
from sqlalchemy import Engine

from app.factory import create_app
from app.infra.hub import Hub
from app.infra.web.wiring import EXTENSION
from app.settings import Settings
from tests.console.browser import Browser, add_person
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
def stranger(app: Flask, hub: Hub) -> Browser:
    """Somebody who has not signed in."""
    return Browser(app)


@pytest.fixture
def signed_in(app: Flask, hub: Hub) -> Callable[[str], Browser]:
    """`signed_in("viewer")` is a person of that role at the console."""

    def enter(role: str = "operator") -> Browser:
        browser = Browser(app)
        browser.come_in_as(add_person(hub, role))
        return browser

    return enter


@pytest.fixture
def operator(signed_in: Callable[[str], Browser]) -> Browser:
    return signed_in("operator")


@pytest.fixture
def admin(signed_in: Callable[[str], Browser]) -> Browser:
    return signed_in("admin")
