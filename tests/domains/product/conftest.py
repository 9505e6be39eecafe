"""What the tests of the catalogue share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.infra.hub import Hub
from app.settings import Settings
from tests.domains.product.shelves import Shelves
from tests.stock import open_books


@pytest.fixture
def shelves(database: Engine, settings: Settings) -> Iterator[Shelves]:
    """A catalogue without a product."""
    opened: Hub = open_books(settings)
    yield Shelves(opened)
    opened.close()
