"""`make run`, the whole of it: up from an empty folder, stopped, killed, started again, refused where it must be."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.commands.supervisor import end_leftovers
from app.infra.embedded import children
from app.infra.embedded import servers as embedded
from tests.platform.outside import Watched, awaited, postmaster

STOP_SECONDS = 10.0  # what `make run` promises
UP_SECONDS = 120.0  # on two cores that others use too
SETTINGS = ("HUB_", "DATABASE_URL", "REDIS_URL")
DIRECT = (sys.executable, "-m", "app.commands.run")


class Hub(Watched):
    """A hub that somebody started, as that person sees it."""

    def __init__(self, home: Path, ports: tuple[int, int], *command: str, demo: str = "0") -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
        places = {"HUB_HOME": str(home), "HUB_PORT": str(ports[0]), "HUB_SANDBOX_PORT": str(ports[1])}
        super().__init__(command or DIRECT, inherited | places | {"HUB_DEMO": demo})
        self.home, self.address = home, f"http://127.0.0.1:{ports[0]}"

    def comes_up(self) -> None:
        self.says("Roundhouse is up", seconds=UP_SECONDS)
        with urllib.request.urlopen(f"{self.address}/healthz", timeout=5) as answered:
            assert answered.status == 200

    def refuses(self, path: str, body: bytes) -> int:
        """The status that whoever posts this hears after all of it was sent."""
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(f"{self.address}{path}", data=body), timeout=20)
        with refused.value as answered:
            return answered.code

    def members(self) -> dict[int, str | None]:
        """Every process that it started, with its birth."""
        running = json.loads((self.home / "children.json").read_text(encoding="ascii"))["running"]
        return {pid: children.birth(pid) for pid in [*map(int, running), postmaster(self.home)]}


def gone(members: dict[int, str | None]) -> bool:
    return awaited(lambda: not any(born and children.birth(pid) == born for pid, born in members.items()))


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


@pytest.fixture
def start(ports: tuple[int, int]) -> Iterator[Callable[..., Hub]]:
    """`start(home, …)` starts a hub that ends with the test."""
    hubs: list[Hub] = []

    def make(home: Path, *command: str, demo: str = "0") -> Hub:
        hubs.append(Hub(home, ports, *command, demo=demo))
        return hubs[-1]

    yield make
    for hub in hubs:
        hub.ends(signal.SIGKILL, group=True)
        end_leftovers(hub.home)
        embedded.end_leftovers(hub.home)


class TestRun:
    def test_it_comes_up_stops_is_killed_and_comes_up_again(self, start: Callable[..., Hub], tmp_path: Path) -> None:
        private = tmp_path / "private"
        private.mkdir(mode=0o700)
        home = private / "var"

        first = start(home, "make", "run")
        first.comes_up()
        assert re.search(r"password \S{12,}", first.text)
        assert f"{first.address}/admin/" in first.text
        assert first.refuses("/webhooks/nobody/orders/create", bytes(20_000_000)) == 404
        second = start(home)
        second.ends()
        assert second.process.returncode == 1
        assert re.fullmatch(rf"Roundhouse already runs in {home} \(process \d+\): stop that one, .*", second.text)
        members = first.members()
        assert first.ends(signal.SIGINT) < STOP_SECONDS  # make alone, which passes nothing on
        assert gone(members)

        third = start(home)
        third.comes_up()
        assert "password" not in third.text
        members = third.members()
        third.ends(signal.SIGKILL)
        fourth = start(home)
        fourth.comes_up()
        assert gone(members)
        members = fourth.members()
        for _ in range(2):  # the second finds nothing to stop, which is as good
            stopper = start(home, *DIRECT, "stop")
            assert stopper.ends() < STOP_SECONDS
            assert (stopper.process.returncode, stopper.text) == (0, "")
            assert (fourth.process.wait(1), gone(members)) == (0, True)
        assert {path.name for path in private.iterdir()} == {"var"}
        assert private.stat().st_mode & 0o777 == 0o700

    def test_a_port_that_is_taken_stops_it_before_anything_is_made(
        self, start: Callable[..., Hub], tmp_path: Path, ports: tuple[int, int]
    ) -> None:
        for port, variable, demo in ((ports[0], "HUB_PORT", "0"), (ports[1], "HUB_SANDBOX_PORT", "1")):
            with socket.create_server(("127.0.0.1", port)):
                hub = start(tmp_path / "var", demo=demo)
                assert hub.process.wait(20) == 1
                hub.ends(signal.SIGTERM) if hub.process.poll() is None else hub._reader.join()
            assert re.fullmatch(
                rf"Port {port} on 127\.0\.0\.1 cannot be used .* as in {variable}=\d+ make run\.", hub.text
            )
            assert not (tmp_path / "var" / "postgresql").exists()
