"""One Redis under HUB_HOME, from PATH or from the wheel; it keeps nothing, since PostgreSQL holds every truth."""

from __future__ import annotations

import contextlib
import re
import secrets
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from app.infra.embedded import children
from app.infra.embedded.ground import free_port, log_file
from app.settings import CannotStart

START_SECONDS = 10.0  # it has nothing to load
STOP = ((signal.SIGTERM, 1.0), (signal.SIGKILL, 1.0))
OLDEST = 6  # the client speaks RESP3, which Redis 6 brought


@dataclass(kw_only=True)
class Redis:
    """The server that works in `home`/redis; `program` is its binary."""

    home: Path
    program: Path
    port: int | None = None
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> str:
        """Start it and give its address; a second start uses the same port and password."""
        (self.home / "redis").mkdir(exist_ok=True, mode=0o700)
        self.end_leftover()
        for _ in range(3):  # another program may take a free port between our look and its use
            port = self.port or free_port()
            if self._answers(port):
                self.port = port
                return f"redis://:{self.password}@127.0.0.1:{port}/0"
        raise CannotStart("start.redis", f"Redis did not start: see {self.home / 'redis.log'}.")

    def stop(self) -> None:
        """Stop within seconds; nothing happens where it does not run."""
        if self.process is not None:
            children.end(self.process, *STOP)
            self.process = None
            self._kept.unlink(missing_ok=True)

    @property
    def _kept(self) -> Path:
        return self.home / "redis" / "process"

    def _answers(self, port: int) -> bool:
        """Start it at this port; false when it ended or did not answer in time."""
        with log_file(self.home, "redis") as output:
            self.process = children.spawn(
                [str(self.program), "-"], folder=self.home / "redis", output=output, told=subprocess.PIPE
            )
        self._kept.write_text(f"{self.process.pid} {children.birth(self.process.pid)}", encoding="ascii")
        assert self.process.stdin is not None
        with self.process.stdin as configuration:  # by standard input, since arguments are everybody's to read
            configuration.write(self._configuration(port).encode())
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._pong(port):
                return True
            time.sleep(children.LOOK_EVERY)
        self.stop()
        return False

    def _configuration(self, port: int) -> str:
        lines = (
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {self.password}",
            "daemonize no",
            'save ""',
            "appendonly no",
            "maxmemory-policy noeviction",
            f'dir "{self.home / "redis"}"',
        )
        return "\n".join(lines) + "\n"

    def _pong(self, port: int) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as line:
            line.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            answer = b""
            while (part := line.recv(64)) and answer.count(b"\r\n") < 2:
                answer += part
                if answer == b"+OK\r\n+PONG\r\n":
                    return True
        return False

    def end_leftover(self) -> None:
        """Stop one that outlived its supervisor: its password is lost, so it is of no use to anybody."""
        with contextlib.suppress(FileNotFoundError):
            pid, _, born = self._kept.read_text(encoding="ascii").partition(" ")
            children.end_stranger(int(pid), born, *STOP)


def fitting(candidates: list[Path]) -> Path:
    """The first of the candidates that is a Redis of a version that will do."""
    for candidate in candidates:
        told = subprocess.run([candidate, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
        version = re.search(r"v=(\d+)\.", told)
        if version and int(version[1]) >= OLDEST:
            return candidate
    raise CannotStart(
        "start.redis",
        f"No redis-server {OLDEST} or newer is on PATH and no wheel carries one for this Python: install it "
        "(apt install redis-server, brew install redis), take Python 3.11 or 3.12, or set REDIS_URL.",
    )
