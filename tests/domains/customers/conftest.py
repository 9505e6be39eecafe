"""What the tests of customers share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.infra.hub import Hub
from app.settings import Settings
from tests.stock import open_books


@pytest.fixture
def hub(database: Engine, settings: Settings) -> Iterator[Hub]:
    opened = open_books(settings)
    yield opened
    opened.close()
