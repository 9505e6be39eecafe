"""Folders to start servers in, and starting them so that a failed test leaves none behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.infra.embedded import servers as embedded
from app.infra.embedded.servers import Servers


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder as `make run` makes it; whatever runs in it ends with the test."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o711)
    yield folder
    embedded.end_leftovers(folder)


@pytest.fixture
def servers_of() -> Iterator[Callable[..., Servers]]:
    """`servers_of(home)` has not started yet and is stopped with the test; `redis=False` leaves Redis out."""
    made: list[Servers] = []

    def make(home: Path, *, redis: bool = True) -> Servers:
        made.append(Servers(home=home, redis=redis))
        return made[-1]

    yield make
    for servers in made:
        servers.stop()
