"""`make run`: everything that Roundhouse needs, in one foreground command that leaves nothing behind.

`python -m app.commands.run` starts, `python -m app.commands.run stop` stops what runs in the same HUB_HOME.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO

from dotenv import dotenv_values

from app.commands.gate import preparing
from app.commands.processes import table
from app.commands.supervisor import Supervisor, end_leftovers, say
from app.infra.embedded import servers as embedded
from app.infra.embedded.ground import STOP_SECONDS, full_disk, holder_of, leave, occupy, release, require_port
from app.infra.embedded.servers import Servers
from app.settings import CannotStart, Settings, home_of, kept_secret, reachable, secret_key_file

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = {"HUB_DEMO": "1", "HUB_LOG_FORMAT": "text", "PYTHONUNBUFFERED": "1"}
NOT_YET = {"DATABASE_URL": "postgresql://", "REDIS_URL": "redis://"}  # to read the other settings before servers run
SERVERS = {"DATABASE_URL": "PostgreSQL", "REDIS_URL": "Redis"}
WORKING = ("relay", "worker", "scheduler")


class _Interrupted(BaseException):
    """A signal came while there was no supervisor yet to take it."""


def main(arguments: list[str]) -> int:
    """Run until a signal comes; gives the exit status, and says in one sentence why it could not start."""
    written = {name: value for name, value in dotenv_values(ROOT / ".env").items() if value}
    environment = DEFAULTS | written | dict(os.environ)
    home = home_of(environment)
    try:
        if arguments == ["stop"]:
            _stop(home)
        else:
            _run(home, environment)
    except CannotStart as error:
        print(error.message, file=sys.stderr)
        return 1
    except OSError as error:
        print(_sentence(error, home), file=sys.stderr)
        return 1
    except _Interrupted:
        return 0
    return 0


def _run(home: Path, environment: dict[str, str]) -> None:
    """Hold the folder, check everything that can be checked, start the servers, and supervise."""
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, _interrupt)
    holder = occupy(home)
    try:
        end_leftovers(home)
        environment["HUB_HOME"] = str(home)
        environment["HUB_SECRET_KEY"] = environment.get("HUB_SECRET_KEY") or kept_secret(secret_key_file(home))
        missing = {name: address for name, address in NOT_YET.items() if not environment.get(name)}
        wanted = Settings.from_environment(environment | missing)
        _require_ports(wanted)
        told = {"HUB_ALLOW_LOOPBACK": "1"} if wanted.demo else {}  # the demo's remotes live on this machine
        servers = Servers(home=home, postgresql="DATABASE_URL" in missing, redis="REDIS_URL" in missing, told=told)
        try:
            if missing:
                say("run", f"starting {' and '.join(SERVERS[name] for name in missing)} in {home}")
            environment |= servers.start()
            settings = Settings.from_environment(environment)
            _supervise(settings, environment | _demo(settings), servers, holder)
        finally:
            servers.stop()
    finally:
        release(holder)


def _supervise(settings: Settings, environment: dict[str, str], servers: Servers, holder: IO[str]) -> None:
    """Serve with a supervisor around it; the next start is told as soon as this one is stopping."""
    supervisor = Supervisor(
        home=settings.home, root=ROOT, environment=environment, watch=servers.revive, wanted=_wanted()
    )
    with supervisor:
        try:
            _serve(supervisor, settings)
        finally:
            leave(holder)
            if supervisor.stopping:
                say("run", f"stopping ({supervisor.stopping})")


def _serve(supervisor: Supervisor, settings: Settings) -> None:
    """Prepare the hub, start every process and keep it running until a signal comes.

    The web server loads while the hub is prepared and waits for that, so that whoever is answered at all finds the
    demo's connections; the others come after it, since a first start is as long as what two cores have to load.
    """
    say("run", "bringing the database to the newest schema, then starting every process")
    processes = table(settings)
    preparing(settings.home).touch()
    try:
        if settings.demo:
            supervisor.start("sandbox", processes["sandbox"])
        supervisor.start("web", processes["web"])
        if not supervisor.once("prepare", processes["prepare"]) and not supervisor.stopping:
            raise CannotStart("start.prepare", "The hub could not be prepared: see above what stands against it.")
    finally:
        preparing(settings.home).unlink()
    supervisor.run(until=_answers(settings))
    for name in WORKING:
        if not supervisor.stopping:
            supervisor.start(name, processes[name])
    if not supervisor.stopping:
        _welcome(settings)
    supervisor.run()


def _demo(settings: Settings) -> dict[str, str]:
    """What the sandbox and the demo's two connections share: the same at every start, since the hub keeps it."""
    if not settings.demo:
        return {}
    secret = settings.demo_secret or kept_secret(settings.home / "demo.secret")
    return {
        "HUB_ALLOW_LOOPBACK": "1",
        "HUB_DEMO_SECRET": secret,
        "HUB_DEMO_RATE": str(settings.demo_rate),
        "HUB_SANDBOX_SHOP_SECRET": secret,
        "HUB_SANDBOX_ERP_TOKEN": f"rh_demo_{kept_secret(settings.home / 'demo.token')}",
        "HUB_SANDBOX_HUB_URL": f"http://{reachable(settings.host)}:{settings.port}",
        "HUB_SANDBOX_STORE": str(settings.home / "sandbox"),
    }


def _welcome(settings: Settings) -> None:
    """The addresses; who may sign in was said above, at the first start only."""
    here = f"http://{reachable(settings.host)}:{settings.port}"
    say("run", "Roundhouse is up; Ctrl-C stops all of it")
    say("run", f"  console   {here}/admin/")
    say("run", f"  API       {here}/api/docs")
    if settings.demo:
        say("run", f"  sandbox   http://127.0.0.1:{settings.sandbox_port}/_books")


def _answers(settings: Settings) -> Callable[[], bool]:
    """Whether the web server answers by now."""

    def look() -> bool:
        line = http.client.HTTPConnection(reachable(settings.host), settings.port, timeout=2)
        try:
            line.request("GET", "/healthz")
            return line.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()

    return look


def _wanted() -> Callable[[], bool]:
    """Whether the make that started us still waits for more than our end.

    GNU make that is interrupted alone, without its group, stops catching the signal, passes nothing on and waits
    for us; one that is killed is no longer our parent.
    """
    parent = os.getppid()
    if "MAKELEVEL" not in os.environ:
        return lambda: True
    caught = _catches_interrupts(parent)
    return lambda: os.getppid() == parent and _catches_interrupts(parent) == caught


def _catches_interrupts(pid: int) -> bool:
    """Whether that process has a handler for SIGINT; false where the system has no /proc to tell."""
    with contextlib.suppress(FileNotFoundError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        if caught := re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.M):
            return bool(int(caught[1], 16) >> (signal.SIGINT - 1) & 1)
    return False


def _require_ports(settings: Settings) -> None:
    require_port(settings.host, settings.port, "HUB_PORT")
    if settings.demo:
        require_port("127.0.0.1", settings.sandbox_port, "HUB_SANDBOX_PORT")


def _stop(home: Path) -> None:
    """Stop the supervisor that holds the folder, or what a killed one has left."""
    deadline = time.monotonic() + STOP_SECONDS
    if (pid := holder_of(home)) is not None:
        os.kill(pid, signal.SIGTERM)
    while holder_of(home) is not None:
        if time.monotonic() > deadline:
            raise CannotStart("start.stop", f"Process {pid} does not stop: end it with kill -9 {pid}, then try again.")
        time.sleep(0.05)
    if home.exists():
        end_leftovers(home)
        embedded.end_leftovers(home)


def _sentence(error: OSError, home: Path) -> str:
    if error.errno == errno.ENOSPC:
        return full_disk(home)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{error.filename or home} cannot be used ({error.strerror}): set HUB_HOME to a folder of yours."
    return f"Roundhouse could not start: {error}."


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise _Interrupted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
