"""The servers that a test run uses, and the databases it makes there: its own, by names no other run has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.engine import make_url

from app.infra.embedded.servers import Servers

ROOT = Path(__file__).resolve().parent.parent
RUN = "HUB_TEST_RUN"  # names this run in every worker; they inherit it
POOLER = "HUB_TEST_POOLER"  # the port of a pooler on this machine that the program, not its tests, shall go through
CLAIM_SECONDS = 1800  # a run that died holds its number of the Redis no longer than this; a run takes a third of it
MIGRATION_SECONDS = 60


def start_servers(config: pytest.Config) -> None:
    """Start what no variable of the environment points to, for the whole run; workers inherit the addresses."""
    if RUN in os.environ:
        return
    missing = {name for name in ("DATABASE_URL", "REDIS_URL") if not os.environ.get(name)}
    if missing:
        home = Path(tempfile.mkdtemp(prefix="hub-tests-"))
        config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
        servers = Servers(home=home, postgresql="DATABASE_URL" in missing, redis="REDIS_URL" in missing)
        config.add_cleanup(servers.stop)
        os.environ.update(servers.start())
    os.environ[RUN] = str(os.getpid())
    config.add_cleanup(_drop_databases)


def make_database(worker: str) -> str:
    """A database for one worker, copied from one that was migrated once; gives its address."""
    template, name = _name("template"), _name(worker)
    with _session() as session:
        session.execute("SELECT pg_advisory_lock(hashtext(%s))", (template,))  # one worker migrates, the others wait
        if session.execute("SELECT FROM pg_database WHERE datname = %s", (template,)).fetchone() is None:
            fresh = sql.Identifier(_name("fresh"))
            session.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(fresh))
            session.execute(sql.SQL("CREATE DATABASE {}").format(fresh))
            _migrate(_address(_name("fresh")))
            session.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(fresh, sql.Identifier(template)))
        session.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    return _address(name)


def through_pooler(address: str) -> str:
    """The address as the program shall have it: a database's own, or the same by way of a pooler."""
    port = os.environ.get(POOLER)
    return make_url(address).set(port=int(port)).render_as_string(hide_password=False) if port else address


def claim_redis() -> str:
    """The address of a database of the Redis that nobody uses and no other run or worker has claimed."""
    parts = urlsplit(os.environ["REDIS_URL"])
    address = f"{parts.scheme}://{parts.netloc}"
    for number in range(1, 16):
        with connect_redis(f"{address}/0") as directory, connect_redis(f"{address}/{number}") as candidate:
            if directory.set(f"hub_test:{number}", os.environ[RUN], nx=True, ex=CLAIM_SECONDS):
                if candidate.dbsize() == 0:
                    return f"{address}/{number}"
                directory.delete(f"hub_test:{number}")
    pytest.fail("all databases of this Redis are in use: empty one, or leave REDIS_URL unset to start another Redis")


def release_redis(address: str) -> None:
    """Empty the database and let another run have it."""
    with connect_redis(address) as ours, connect_redis(f"{address.rpartition('/')[0]}/0") as directory:
        ours.flushdb()
        directory.delete(f"hub_test:{address.rpartition('/')[2]}")


def connect_redis(address: str) -> redis.Redis:
    """A client that never sends a command twice, and gives up soon."""
    return redis.Redis.from_url(
        address, retry=Retry(NoBackoff(), 0), socket_timeout=5, socket_connect_timeout=5, decode_responses=False
    )


def _migrate(address: str) -> None:
    """Bring an empty database to the newest schema by the command that an operator uses."""
    environment = {**os.environ, "DATABASE_URL": address, "HUB_SECRET_KEY": "k" * 48}
    command = [sys.executable, "-m", "alembic", "upgrade", "head"]
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=MIGRATION_SECONDS, check=False
    )
    if ran.returncode:
        pytest.fail(f"alembic upgrade head failed:\n{ran.stdout}{ran.stderr}", pytrace=False)


def _drop_databases() -> None:
    with _session() as session:
        names = session.execute("SELECT datname FROM pg_database WHERE datname ^@ %s", (_name(""),)).fetchall()
        for (name,) in names:
            session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _session() -> psycopg.Connection:
    return psycopg.connect(_plain(os.environ["DATABASE_URL"]), autocommit=True, connect_timeout=5)


def _name(part: str) -> str:
    return f"hub_test_{os.environ[RUN]}_{part}"


def _address(database: str) -> str:
    address = make_url(_plain(os.environ["DATABASE_URL"])).set(database=database)
    return address.render_as_string(hide_password=False)


def _plain(address: str) -> str:
    """The address as libpq reads it, without SQLAlchemy's name of a driver."""
    return "postgresql://" + address.partition("://")[2]
