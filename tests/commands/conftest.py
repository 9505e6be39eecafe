"""`flask …` as an operator types it, on the whole application."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from click.testing import Result
from flask import Flask
from sqlalchemy import Engine

from app.factory import create_app
from app.infra.hub import Hub
from app.infra.web.wiring import EXTENSION
from app.settings import Settings
from tests.hub import forget_all


@pytest.fixture(scope="module")
def app(settings: Settings) -> Iterator[Flask]:
    made = create_app(settings)
    yield made
    made.extensions[EXTENSION].close()


@pytest.fixture
def hub(app: Flask, database: Engine, redis_client: redis.Redis) -> Hub:
    found: Hub = app.extensions[EXTENSION]
    forget_all(found)
    return found


@pytest.fixture
def flask(app: Flask, hub: Hub) -> Callable[..., Result]:
    """`flask("user", "list")` runs a command."""
    return lambda *words, **given: app.test_cli_runner().invoke(args=list(words), **given)


@pytest.fixture
def answer(flask: Callable[..., Result]) -> Callable[..., Any]:
    """`answer("user", "list")` is what a command says with --json."""

    def ask(*words: str, **given: Any) -> Any:
        result = flask(*words, "--json", **given)
        assert result.exit_code == 0, result.output
        return json.loads(result.output)

    return ask
