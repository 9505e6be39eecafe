"""What the tests of stock share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.infra.hub import Hub
from app.settings import Settings
from tests.stock import contradictions, open_books


@pytest.fixture
def hub(database: Engine, settings: Settings) -> Iterator[Hub]:
    """A hub on an empty database; whatever the test did, its books agree at the end."""
    opened = open_books(settings)
    yield opened
    found = contradictions(opened)
    opened.close()
    assert found == []
