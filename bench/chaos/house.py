"""The house's processes one by one, so that any of them can be killed and started again at once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from app.commands.processes import table
from app.infra.embedded import children
from app.settings import Settings
from bench.ground import ROOT, Ground

UP_SECONDS = 60.0  # a process imports everything while all the others work
READY = {"worker": b"worker.started", "relay": b"relay.started", "scheduler": b"schedule.started"}
VICTIMS = ("web", "worker.1", "worker.2", "relay")


@dataclass(slots=True)
class Member:
    """One process of the house under its name; `begun` is where its log says what it says since its last start."""

    name: str
    command: tuple[str, ...]
    port: int
    log: Path
    handle: subprocess.Popen[bytes] | None = None
    begun: int = 0

    @property
    def pid(self) -> int:
        assert self.handle is not None
        return self.handle.pid

    def is_up(self) -> bool:
        """Whether it works by now: it listens, or its log says that it has started."""
        if self.port:
            return is_open(self.port)
        return READY[self.name.partition(".")[0]] in self.log.read_bytes()[self.begun :]

    def start(self, environment: Mapping[str, str], skewed: float = 0.0) -> None:
        """Start it, where `skewed` is not 0 with a clock that is wrong by so many seconds."""
        command = self.command
        if skewed:
            program, _, module, *_ = command
            command = (program, "-m", "bench.chaos.skewed", str(skewed), module)
        with self.log.open("ab") as output:
            self.begun = output.tell()
            self.handle = children.spawn(command, folder=ROOT, output=output, environment=environment)

    def kill(self) -> None:
        """End it and everything it started by SIGKILL."""
        assert self.handle is not None
        children.kill_group(self.handle.pid)
        self.handle.wait()


@dataclass(slots=True)
class House:
    """Every process of the program, each in a group of its own. To be used from one thread, whose end ends them."""

    ground: Ground
    members: dict[str, Member] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)  # what ended by itself, with its last words

    def start(self, *names: str) -> None:
        """Start processes by their name in the program's table, and wait until they work."""
        processes = table(Settings.from_environment(self.ground.environment))
        ports = {"web": self.ground.settings.port, "sandbox": self.ground.settings.sandbox_port}
        made = []
        for name in names:
            for number in range(1, processes[name].count + 1):
                called = name if processes[name].count == 1 else f"{name}.{number}"
                log = self.ground.home / f"{called}.log"
                made.append(Member(called, processes[name].command, ports.get(name, 0), log))
        for member in made:
            self.members[member.name] = member
            member.start(self.ground.environment)
        self.await_up(*(member.name for member in made))

    def await_up(self, *names: str) -> None:
        until = time.monotonic() + UP_SECONDS
        while down := [name for name in names if not self.members[name].is_up()]:
            if time.monotonic() > until:
                said = self.members[down[0]].log.read_text(errors="replace")[-2000:]
                raise TimeoutError(f"{down[0]} is not up after {UP_SECONDS:.0f} s:\n{said}")
            time.sleep(0.05)

    def kill_one(self, random: Random) -> str:
        """Kill a victim that is at work, and start it again at once; gives its name."""
        until = time.monotonic() + UP_SECONDS
        while not (working := [name for name in VICTIMS if self.members[name].is_up()]):
            if time.monotonic() > until:
                raise TimeoutError(f"none of {', '.join(VICTIMS)} is up after {UP_SECONDS:.0f} s")
            time.sleep(0.05)
        name = random.choice(working)
        self.restart(name)
        return name

    def restart(self, name: str, skewed: float = 0.0) -> None:
        """Kill a process and start it again."""
        self.members[name].kill()
        self.members[name].start(self.ground.environment, skewed)

    @contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """A process stands still."""
        pid = self.members[name].pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def revive(self) -> list[str]:
        """Start again what ended by itself, as every supervisor does; gives its names with its last words."""
        found = []
        for name, member in self.members.items():
            if member.handle is not None and (status := member.handle.poll()) is not None:
                said = member.log.read_text(errors="replace").strip().splitlines()[-3:]
                found.append(f"{name} ended by itself with {status}: {' '.join(said)[-300:]}")
                member.start(self.ground.environment)
        self.ended += found
        return found

    def said(self, word: str, most: int = 20) -> list[str]:
        """The last lines of all logs that hold a word, with the name of who said them."""
        found = [
            f"{member.name}: {line}"
            for member in self.members.values()
            for line in member.log.read_text(errors="replace").splitlines()
            if word in line
        ]
        return found[-most:]

    def end(self) -> None:
        for member in self.members.values():
            if member.handle is not None:
                member.kill()


@contextmanager
def open_house(ground: Ground) -> Iterator[House]:
    """A house without processes; at the end all are gone."""
    house = House(ground)
    try:
        yield house
    finally:
        house.end()


def is_open(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
