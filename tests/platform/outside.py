"""What the tests of this room do to other processes: start them without rights, kill them, look at them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import LiteralString

import psycopg

from tests.servers import ROOT

# Starts the servers of a folder, says where, and waits to be killed or told to stop.
HOLDER = """
    import sys
    from pathlib import Path
    from app.infra.embedded.servers import Servers
    from app.settings import CannotStart
    servers = Servers(home=Path(sys.argv[1]))
    try:
        print(servers.start()["DATABASE_URL"], flush=True)
        sys.stdin.readline()
    except CannotStart as error:
        print(error.message, flush=True)
    finally:
        servers.stop()
"""


@contextlib.contextmanager
def holder(home: Path, *before: str, packages: Path | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that starts the servers, perhaps through a program that takes rights away; and what it said."""
    path = os.pathsep.join(str(folder) for folder in (packages, ROOT) if folder)
    with subprocess.Popen(
        [*before, sys.executable, "-c", textwrap.dedent(HOLDER), str(home)],
        cwd="/",
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.communicate(input="stop\n", timeout=20)


def awaited(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether the condition came to hold in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def postmaster(home: Path) -> int:
    """The process of the PostgreSQL that runs in this folder."""
    return int((home / "postgresql" / "data" / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])


def rights(home: Path) -> int:
    """The effective capabilities of the PostgreSQL of this folder, as a mask."""
    status = Path(f"/proc/{postmaster(home)}/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff")), 16)


def answer(address: str, question: LiteralString) -> object:
    """The first value that the database at this address answers."""
    with psycopg.connect(address, connect_timeout=5, autocommit=True) as session:
        row = session.execute(question).fetchone()
        return row[0] if row else None
