from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import urllib3

from app.sandbox.assembly import create_sandbox
from app.sandbox.serving import Served
from app.sandbox.settings import Settings


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Serve sandboxes on loopback until the test ends: `serve(Settings(...))`."""
    with ExitStack() as stack:

        def serve_one(settings: Settings | None = None) -> Served:
            return stack.enter_context(Served(create_sandbox(settings or Settings())))

        yield serve_one


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    """A client that never retries, so that a lost answer is seen as one."""
    with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(5)) as pool:
        yield pool
