"""The processes that Roundhouse is made of: the one table that `make run`, docker-compose.yml and the tests read.

`python -m app.commands.processes web` becomes that process; containers start so.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from app.settings import CannotStart, Settings

# Granian waits this long for requests under way before it kills its own worker; the supervisor waits a little longer.
WEB_DRAIN = "4s"


@dataclass(frozen=True, kw_only=True)
class Process:
    """One kind of process: its command line, how many run, and whether it runs once or for ever."""

    command: tuple[str, ...]
    count: int = 1
    once: bool = False


def table(settings: Settings) -> dict[str, Process]:
    """Every process by name, in the order in which they start."""
    return {
        "migrate": Process(command=_python("alembic", "upgrade", "head"), once=True),
        "sandbox": Process(
            command=_granian("app.sandbox.wsgi:application", port=settings.sandbox_port, processes=1, threads=32)
        ),
        "web": Process(
            command=_granian(
                "wsgi:application",
                host=settings.host,
                port=settings.port,
                processes=settings.web_processes,
                threads=settings.web_threads,
            )
        ),
        "worker": Process(command=_python("app.jobs.worker"), count=settings.workers),
        "relay": Process(command=_python("app.jobs.relay")),
        "scheduler": Process(command=_python("app.jobs.schedule")),
        "prepare": Process(command=_python("app.commands.prepare"), once=True),
    }


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _granian(application: str, *, port: int, processes: int, threads: int, host: str = "127.0.0.1") -> tuple[str, ...]:
    """Granian's command line; a lone process that dies ends the server, and its supervisor starts it afresh."""
    where = ("--interface", "wsgi", "--host", host, "--port", str(port))
    size = ("--workers", str(processes), "--blocking-threads", str(threads), "--workers-kill-timeout", WEB_DRAIN)
    return _python("granian", *where, *size, "--no-ws", "--log-level", "error", application)


def become(name: str, environment: Mapping[str, str]) -> None:
    """Turn into the process of this name; never returns. CannotStart names the choices where there is none."""
    processes = table(Settings.from_environment(environment))
    if name not in processes:
        raise CannotStart("start.process", f"There is no process {name!r}: give one of {', '.join(processes)}.")
    command = processes[name].command
    os.execve(command[0], command, dict(environment))


if __name__ == "__main__":
    try:
        become(sys.argv[1] if len(sys.argv) == 2 else "", os.environ)
    except CannotStart as error:
        sys.exit(error.message)
