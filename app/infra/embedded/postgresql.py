"""One PostgreSQL under HUB_HOME: made once, started, taken over from a killed supervisor, stopped cleanly."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from app.infra.embedded import children
from app.infra.embedded.children import Owner
from app.infra.embedded.ground import free_port, full_disk, log_file
from app.settings import CannotStart, kept_secret

START_SECONDS = 60.0  # crash recovery after a killed machine replays at most a gigabyte of log
FAST = (signal.SIGINT, 2.5)  # PostgreSQL's "fast" shutdown: end sessions, write a checkpoint
IMMEDIATE = (signal.SIGQUIT, 1.0)  # without the checkpoint; the next start recovers
SUPERUSER, ROLE, DATABASE = "postgres", "hub", "hub"
STATUS_LINE = 7  # of postmaster.pid: pid, folder, start, port, socket, address, shared memory, status
# What PostgreSQL says while the sessions of a postmaster that was killed are still ending: worth another try.
STILL_ENDING = ("pre-existing shared memory block", "could not create any TCP/IP sockets")
LAUNCHER = "launcher: "
COMPLAINTS = ("FATAL", "PANIC", "error:", LAUNCHER)
FULL = ("No space left on device", "Check free disk space")


@dataclass(kw_only=True)
class PostgreSQL:
    """The server whose files lie in `home`/postgresql; `programs` is the folder of its binaries."""

    home: Path
    programs: Path
    owner: Owner | None = None
    port: int | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _log_from: int = field(default=0, init=False)  # where in its log the last start begins

    @property
    def data(self) -> Path:
        return self.home / "postgresql" / "data"

    def start(self) -> str:
        """Make it where it is not there yet, start it and give the address of the hub's database."""
        password = kept_secret(self.home / "postgresql.password")
        if not self.data.exists():
            self._make(password)
        self.end_leftover()
        deadline = time.monotonic() + START_SECONDS
        while not self._started():
            if time.monotonic() > deadline:
                raise self._failure("PostgreSQL did not start")
        self._make_database(password)
        return self.url(password)

    def url(self, password: str, *, role: str = ROLE, database: str = DATABASE) -> str:
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """Stop within seconds, cleanly if it lets us; nothing happens where it does not run."""
        if self.process is not None:
            children.end(self.process, FAST, IMMEDIATE)
            self.process = None
        self.end_leftover()

    def _make(self, password: str) -> None:
        """initdb beside the final place, so that a killed one leaves nothing that looks like a cluster."""
        folder, fresh = self.data.parent, self.data.with_name("data.new")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        secret = folder / "password"
        secret.write_text(password, encoding="ascii")
        if self.owner:
            for path in (secret, folder):
                os.chown(path, self.owner.uid, self.owner.gid)
        with log_file(self.home, "postgresql") as output:
            self._log_from = output.tell()
            making = children.spawn(
                [str(self.programs / "initdb"), f"--pgdata={fresh}", f"--username={SUPERUSER}", "--encoding=UTF8"]
                + ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
                + ["--auth=scram-sha-256", f"--pwfile={secret}", "--no-instructions"],
                folder=folder,
                output=output,
                death=signal.SIGKILL,
                owner=self.owner,
            )
            failed = _ended(making)
        secret.unlink()
        if failed:
            raise self._failure("PostgreSQL could not make its files")
        fresh.rename(self.data)

    def _started(self) -> bool:
        """Start the server and wait for it; false when it ended for a reason that passes."""
        port = self.port or free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with log_file(self.home, "postgresql") as output:
            self._log_from = output.tell()
            self.process = children.spawn(
                [str(self.programs / "postgres"), "-D", str(self.data), *arguments],
                folder=self.data.parent,
                output=output,
                death=signal.SIGINT,
                owner=self.owner,
            )
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._postmaster()[STATUS_LINE:] == ["ready"]:
                self.port = port
                return True
            time.sleep(children.LOOK_EVERY)
        failure = self._failure("PostgreSQL did not start")
        if self.process.poll() is None or not any(words in failure.message for words in STILL_ENDING):
            self.stop()
            raise failure
        return False

    def _make_database(self, password: str) -> None:
        """The hub's own role and database: it owns what is in it, and is no superuser."""
        with psycopg.connect(
            self.url(password, role=SUPERUSER, database="postgres"), autocommit=True, connect_timeout=5
        ) as session:
            if session.execute("SELECT FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone() is None:
                session.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(
                        sql.Identifier(ROLE), sql.Literal(password)
                    )
                )
            if session.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
                session.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(ROLE))
                )

    def end_leftover(self) -> None:
        """Stop a server of these files that outlived its supervisor, and remove what it left."""
        postmaster = self._postmaster()
        if postmaster:
            pid = int(postmaster[0])
            if _works_in(pid, self.data):
                children.end_stranger(pid, children.birth(pid), FAST, IMMEDIATE, (signal.SIGKILL, 2.0))
            with contextlib.suppress(FileNotFoundError):
                (self.data / "postmaster.pid").unlink()

    def _postmaster(self) -> list[str]:
        """The lines of postmaster.pid; none where the server does not run."""
        try:
            return [line.strip() for line in (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()]
        except FileNotFoundError:
            return []

    def _failure(self, what: str) -> CannotStart:
        """The sentence for a server that ended: what its log said last, and what to do where we know."""
        file = self.home / "postgresql.log"
        lines = file.read_bytes()[self._log_from :].decode(errors="replace").splitlines()
        if any(words in line for line in lines for words in FULL):
            return CannotStart("start.disk", full_disk(self.home))
        said = next((line for line in reversed(lines) if any(word in line for word in COMPLAINTS)), "nothing")
        if said.startswith(LAUNCHER):
            return CannotStart("start.user", said.removeprefix(LAUNCHER))
        last = said.rpartition("FATAL:")[2].strip()
        return CannotStart("start.postgresql", f'{what}: it said "{last}" (see {file}).')


def _ended(making: subprocess.Popen[bytes]) -> int:
    """The status with which it ended; one that takes too long is killed and counts as failed."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return making.wait(START_SECONDS)
    children.end(making)
    return making.returncode


def _works_in(pid: int, folder: Path) -> bool:
    """Whether that process is a PostgreSQL on this folder: it works there, or names it where there is no /proc."""
    if Path("/proc/self/cwd").exists():
        with contextlib.suppress(FileNotFoundError, PermissionError):
            return Path(f"/proc/{pid}/cwd").readlink() == folder.resolve()
        return False
    look = ["ps", "-o", "command=", "-p", str(pid)]
    return str(folder) in subprocess.run(look, capture_output=True, text=True, timeout=5, check=False).stdout
