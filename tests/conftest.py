"""What every test may ask for: real PostgreSQL and Redis, settings, free ports, the vendors' contracts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import redis
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from app.infra.db import make_engine, make_sessions
from app.infra.embedded import ground
from app.settings import Settings
from tests import capability_report, servers

hypothesis.settings.register_profile("suite", deadline=None)  # two cores that others use too: time says nothing
hypothesis.settings.load_profile("suite")

EVERY_TABLE = """
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'alembic_version'
       AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    report = capability_report.Report(whole=capability_report.runs_everything(config))
    config.pluginmanager.register(report, "capability-report")
    if getattr(config.option, "numprocesses", None):
        servers.start_servers(config)  # before the workers are born, which inherit the addresses


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    capability_report.mark(items)


@pytest.fixture(scope="session")
def database_url(pytestconfig: pytest.Config, worker_id: str) -> str:
    """The address of this worker's own database, at the newest schema."""
    servers.start_servers(pytestconfig)
    return servers.make_database(worker_id)


@pytest.fixture(scope="session")
def redis_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """The address of a database of the Redis that is this worker's alone."""
    servers.start_servers(pytestconfig)
    address = servers.claim_redis()
    yield address
    servers.release_redis(address)


@pytest.fixture(scope="session")
def settings(database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings that a process of this worker would start with."""
    home = tmp_path_factory.mktemp("home")
    given = {
        "DATABASE_URL": servers.through_pooler(database_url),
        "REDIS_URL": redis_url,
        "HUB_HOME": str(home),
        "HUB_SECRET_KEY": "a key that only the tests know, 48 characters xx",
        "HUB_ALLOW_LOOPBACK": "1",
        "HUB_PREPARED": os.environ.get("HUB_PREPARED", "1"),
    }
    return Settings.from_environment(given)


@pytest.fixture(scope="session")
def engine(settings: Settings) -> Iterator[Engine]:
    """The engine of this worker's database; a test that writes also asks for `database`."""
    engine = make_engine(settings.database_url, prepared=settings.prepared)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def sessions(engine: Engine) -> sessionmaker[Session]:
    return make_sessions(engine)


@pytest.fixture(scope="session")
def _every_table(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(text(EVERY_TABLE)))


@pytest.fixture
def database(engine: Engine, _every_table: list[str]) -> Engine:
    """Every table of every schema empty, as the test begins."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))  # a test before left a transaction open
        looks = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in _every_table)
        if looks and (filled := list(connection.scalars(text(looks)))):
            connection.execute(text(f"TRUNCATE {', '.join(filled)} RESTART IDENTITY CASCADE"))
    return engine


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of an empty Redis database."""
    with servers.connect_redis(redis_url) as client:
        client.flushdb()
        yield client


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """`free_port()` is a port on loopback that nobody listens on at that moment."""
    return ground.free_port


@pytest.fixture(scope="session")
def contracts() -> Path:
    """The folder of the vendors' contracts; where it is absent the test is skipped, but fails in CI."""
    folder = Path(os.environ.get("HUB_CONTRACTS") or servers.ROOT.parent / "shared" / "contracts").resolve()
    if not folder.is_dir():
        missing = f"the vendors' contracts are not at {folder}: set HUB_CONTRACTS to where they are"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return folder
