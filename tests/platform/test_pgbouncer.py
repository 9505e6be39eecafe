"""The program behind PgBouncer in transaction mode: each transaction may meet another server connection."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from tests import servers
from tests.servers import ROOT

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
PREPARES = (1, 22)  # the first release that keeps prepared statements over its connections
PATIENCE_SECONDS = 10.0
PART = "tests/runtime"
PART_SECONDS = 400.0  # alone it takes half a minute; a machine that others use too may take ten times as long
LONG = "thousand or twelfth"  # they repeat what others show, many times
NOT_IN_A_POOL = re.compile(
    r"pg_(?:try_)?advisory_lock|\bLISTEN\s+\w|\bCREATE\s+TEMP(?!\s+TABLE\s+\w+\s+ON\s+COMMIT\s+DROP)|\bpg_notify\b"
    r"|\"SET\s+(?!LOCAL|TRANSACTION)\w+\b(?!\s*=\s*excluded)|\bSET\s+SESSION\b|WITH\s+HOLD\b|set_config\([^)]*false\)"
)


def release() -> tuple[int, ...]:
    """The release of the PgBouncer on this machine."""
    said = subprocess.run([str(PROGRAM), "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    found = re.search(r"PgBouncer (\d+)\.(\d+)", said)
    assert found is not None
    return tuple(int(part) for part in found.groups())


def test_no_statement_of_the_program_needs_a_session_of_its_own() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in sorted((ROOT / "app").rglob("*.py"))
        for match in NOT_IN_A_POOL.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "statement",
    ['"SELECT pg_advisory_lock(1)"', '"LISTEN bells"', '"CREATE TEMP TABLE t ()"', '"SET statement_timeout = 1"'],
)
def test_the_look_for_such_statements_finds_them(statement: str) -> None:
    assert NOT_IN_A_POOL.search(statement)


@pytest.fixture
def pooler(database_url: str, free_port: Callable[[], int]) -> Iterator[int]:
    """The port of a PgBouncer in transaction mode before the tests' PostgreSQL."""
    if PROGRAM is None:
        pytest.skip("no pgbouncer on PATH: `apt-get install pgbouncer` has it")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="hub-pooler-") as made:
        folder = Path(made)
        _configure(folder, port, make_url(database_url))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([PROGRAM, str(folder / "conf")], stderr=log)
        try:
            _await_port(port, folder / "log")
            yield port
        finally:
            process.kill()
            process.wait(5)


def _configure(folder: Path, port: int, server: URL) -> None:
    """Write its files; as root it becomes somebody else, who must read them."""
    (folder / "users").write_text(f'"{server.username}" "{server.password}"\n', encoding="ascii")
    lines = [
        "[databases]", f"* = host={server.host} port={server.port}",
        "[pgbouncer]", "listen_addr = 127.0.0.1", f"listen_port = {port}", "unix_socket_dir =",
        "auth_type = trust", f"auth_file = {folder / 'users'}", "pool_mode = transaction",
        "default_pool_size = 20", "max_client_conn = 300", "server_round_robin = 1",
    ]  # fmt: skip
    if release() >= PREPARES:
        lines.append("max_prepared_statements = 200")
    if os.getuid() == 0:
        lines.append("user = nobody")
        for path in (folder, folder / "users"):
            shutil.chown(path, "nobody")
    (folder / "conf").write_text("\n".join(lines) + "\n", encoding="ascii")


def _await_port(port: int, log: Path) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.02)  # between two looks at another process


def test_a_pool_does_hand_out_other_connections(pooler: int, database_url: str) -> None:
    """Else the test below would show nothing."""
    address = make_url(database_url).set(port=pooler, drivername="postgresql").render_as_string(hide_password=False)
    with (
        psycopg.connect(address, autocommit=True, prepare_threshold=None) as one,
        psycopg.connect(address, autocommit=True, prepare_threshold=None) as other,
    ):
        with one.transaction():
            first = one.execute("SELECT pg_backend_pid()").fetchone()
            other.execute("SELECT 1")
        met = {one.execute("SELECT pg_backend_pid()").fetchone() for _ in range(4)}
    assert len(met | {first}) > 1


@pytest.mark.capability("RT-3", "RT-4")
def test_the_runtimes_part_of_the_suite_passes_through_it(pooler: int) -> None:
    given = {
        **os.environ,
        servers.RUN: f"{os.environ[servers.RUN]}_pooled",
        servers.POOLER: str(pooler),
        "HUB_PREPARED": str(int(release() >= PREPARES)),
    }
    given.pop("PYTEST_XDIST_WORKER", None)
    given.pop("PYTEST_ADDOPTS", None)
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "-k", f"not ({LONG})", PART]
    ran = subprocess.run(
        command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=PART_SECONDS, check=False
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert "skipped" not in ran.stdout
