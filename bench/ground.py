"""Where figures are taken: embedded servers in a folder of their own, a migrated database, processes of the program."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from app.commands.processes import table
from app.infra.embedded import ground
from app.infra.embedded.servers import Servers
from app.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0


@dataclass(slots=True)
class Ground:
    """Servers for one run. `environment` is what a process of the program is started with."""

    home: Path
    environment: dict[str, str]
    settings: Settings
    servers: Servers | None = None

    def database(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.plain_url, autocommit=True)

    @property
    def plain_url(self) -> str:
        return self.settings.database_url.replace("postgresql+psycopg://", "postgresql://")

    @contextmanager
    def process(self, name: str, count: int = 0, **variables: str) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Processes of the program by their name in its own table; killed at the end."""
        given = {**self.environment, **variables}
        kind = table(Settings.from_environment(given))[name]
        with self.command(kind.command, count or kind.count, given) as children:
            yield children

    @contextmanager
    def command(
        self, command: tuple[str, ...], count: int = 1, environment: Mapping[str, str] | None = None
    ) -> Iterator[list[subprocess.Popen[bytes]]]:
        log = (self.home / "children.log").open("ab")
        children = [
            subprocess.Popen(command, cwd=ROOT, env=dict(environment or self.environment), stdout=log, stderr=log)
            for _ in range(count)
        ]
        try:
            yield children
        finally:
            for child in children:
                child.terminate()
            for child in children:
                try:
                    child.wait(10)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait(5)
            log.close()


@contextmanager
def prepared(**variables: str) -> Iterator[Ground]:
    """A ground with a migrated database. DATABASE_URL and REDIS_URL of the caller are not used."""
    home = Path(tempfile.mkdtemp(prefix="hub-bench-"))
    servers = Servers(home=home)
    try:
        addresses = servers.start()
        given = {
            **os.environ,
            **addresses,
            "HUB_HOME": str(home),
            "HUB_SECRET_KEY": "a key that only this run knows, forty characters",
            "HUB_ALLOW_LOOPBACK": "1",
            "HUB_PORT": str(ground.free_port()),
            "HUB_SANDBOX_PORT": str(ground.free_port()),
            "HUB_LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(ROOT),
            **variables,
        }
        subprocess.run([sys.executable, "-m", "alembic", "upgrade", "head"], cwd=ROOT, env=given, check=True)
        yield Ground(home, given, Settings.from_environment(given), servers)
    except BaseException:
        log = home / "children.log"
        print(log.read_text(errors="replace")[-4000:] if log.exists() else "no process had started", file=sys.stderr)
        raise
    finally:
        servers.stop()
        shutil.rmtree(home, ignore_errors=True)


def await_port(port: int, seconds: float = START_SECONDS) -> None:
    """Wait until somebody listens on a port of this machine."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nobody listens on port {port} after {seconds} s")
