from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import urllib3

from app.sandbox.assembly import create_sandbox
from app.sandbox.companies import vat_company
from app.sandbox.serving import Served
from app.sandbox.settings import Settings
from tests.sandbox.erp_client import Erp
from tests.sandbox.shop_client import Merchant


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


@pytest.fixture
def erp(serve: Callable[..., Served], http: urllib3.PoolManager) -> Erp:
    """A client of the demo's company in US dollars with Sales Tax."""
    return Erp(serve(), http)


@pytest.fixture
def vat(serve: Callable[..., Served], http: urllib3.PoolManager) -> Erp:
    """A client of a company in euros with VAT of 19 and 7 percent."""
    return Erp(serve(Settings(companies=(vat_company(),))), http)


@pytest.fixture
def merchant(serve: Callable[..., Served], http: urllib3.PoolManager) -> Merchant:
    """An app of the demo's shop, and the shop's own people."""
    return Merchant(serve(), http)
