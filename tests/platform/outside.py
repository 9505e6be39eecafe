"""What the tests of this room do to other processes: start them without rights, kill them, look at them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import LiteralString

import psycopg

from tests.servers import ROOT

PATIENCE_SECONDS = 15.0  # half as long again as anything may take to end
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


def _hear_hang_ups() -> None:
    """The suite itself may run under nohup, which every process of it would inherit."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Watched:
    """Another process in a session of its own, and every line that it has said so far."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=_hear_hang_ups,
        )  # fmt: skip
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            self.said.extend(line.rstrip() for line in iter(lines.readline, ""))

    @property
    def text(self) -> str:
        return "\n".join(self.said)

    def says(self, pattern: str, *, times: int = 1, seconds: float = 10) -> list[re.Match[str]]:
        """Wait for so many lines that match; gives the matches. It fails when the process ends without them."""

        def found() -> list[re.Match[str]]:
            return [match for line in list(self.said) if (match := re.search(pattern, line))]

        awaited(lambda: len(found()) >= times or self.process.poll() is not None, seconds)
        assert len(found()) >= times, self.text
        return found()

    def ends(self, kind: signal.Signals | None = None, *, group: bool = False) -> float:
        """Send the signal, if any, and wait; gives the seconds until it had ended and all it said was read."""
        began = time.monotonic()
        if kind is not None:
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(self.process.pid, kind)
        self.process.wait(PATIENCE_SECONDS)
        self._reader.join(PATIENCE_SECONDS)
        return time.monotonic() - began


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
