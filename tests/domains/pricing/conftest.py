"""What the tests of prices share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.settings import Settings
from tests.domains.pricing.shop import Shop
from tests.stock import open_books


@pytest.fixture
def shop(database: Engine, settings: Settings) -> Iterator[Shop]:
    """A shop without a price on an empty database."""
    hub = open_books(settings)
    yield Shop(hub)
    hub.close()
