"""Keep the children running: show what they say, start again what dies, stop all of them within seconds."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from app.commands.processes import Process
from app.infra.embedded import children

TURN = 0.1  # seconds between two looks where nothing happens
GRACE = 5.0  # seconds for the children to end by themselves; with the servers' own it stays below ten
SETTLED = 10.0  # a child that lived this long has started well: its next death starts the back-off anew
BACK_OFF = (0.2, 15.0)  # seconds until the first new start, doubled at each early death up to the last
COLOURS = (36, 32, 33, 35, 34, 96, 92, 93)
ECHO = 1.0
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(kw_only=True)
class Child:
    """One running process under its name, with the rest of a line it has not finished."""

    name: str
    process: Process
    handle: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 0.0
    due: float = 0.0
    rest: bytes = b""

    @property
    def pipe(self) -> int:
        assert self.handle is not None
        assert self.handle.stdout is not None
        return self.handle.stdout.fileno()


@dataclass(kw_only=True)
class Supervisor:
    """Runs processes in `root` with `environment`; what runs is kept in `home`, for the start after a SIGKILL."""

    home: Path
    root: Path
    environment: Mapping[str, str]
    watch: Callable[[], list[str]] = list  # what else to keep running: starts what is dead and names it
    wanted: Callable[[], bool] = lambda: True  # whether who started us still wants us
    stopping: str = field(default="", init=False)  # why we are stopping; nothing while we are not
    _asked_at: float = field(default=0.0, init=False)
    _hurried: bool = field(default=False, init=False)
    _children: dict[str, Child] = field(default_factory=dict, init=False)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector, init=False)

    def __enter__(self) -> Supervisor:
        """Take the signals: ours is an own handler, since a shell may start us with SIGINT ignored."""
        self._woken, waker = socket.socketpair()
        self._waker = waker
        for end in (self._woken, waker):
            end.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        wanted = [kind for kind in STOPPING if not (kind is signal.SIGHUP and _ignored(kind))]  # nohup stays nohup
        self._before = {kind: signal.signal(kind, self._ask) for kind in wanted}
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        signal.set_wakeup_fd(-1)
        for kind, handler in self._before.items():
            signal.signal(kind, handler)
        self._selector.close()
        self._woken.close()
        self._waker.close()

    def start(self, name: str, process: Process) -> None:
        """Start as many of this process as the table says; what is to run for ever starts again when it dies."""
        for number in range(1, process.count + 1):
            child = Child(name=name if process.count == 1 else f"{name}.{number}", process=process)
            self._children[child.name] = child
            self._spawn(child)

    def once(self, name: str, process: Process) -> bool:
        """Run a process to its end, the others meanwhile; true when it ended well."""
        self.start(name, process)
        child = self._children[name]
        self.run(until=lambda: not self.has(name))
        return child.handle is not None and child.handle.returncode == 0

    def has(self, name: str) -> bool:
        """Whether a process of this name runs or is to be started again."""
        return name in self._children

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Go on until the condition holds or a signal asks us to stop."""
        watched = time.monotonic()
        while not self.stopping and not until():
            self._turn(TURN)
            self._bury_and_raise()
            if time.monotonic() - watched > 1.0:
                watched = time.monotonic()
                if not self.wanted():
                    self._stop_for("make, which started us, ends")
                for name in self.watch():
                    say("run", f"{name} had died and was started again")

    def stop(self) -> None:
        """Ask every child to end, then kill what is left of each group; who asks again is not made to wait."""
        for child in self._children.values():
            if child.handle is not None and child.handle.poll() is None:
                child.handle.terminate()
        deadline = time.monotonic() + GRACE
        while not self._hurried and time.monotonic() < deadline and self._alive():
            self._turn(0.05)
        for child in self._children.values():
            self._bury(child)
        self._children.clear()
        self._remember()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._stop_for(signal.Signals(number).name)

    def _stop_for(self, reason: str) -> None:
        """The first reason stops us. A signal soon after is its echo: a group gets it, and make passes it on."""
        now = time.monotonic()
        self._hurried = bool(self.stopping) and now - self._asked_at > ECHO
        self._asked_at = self._asked_at or now
        self.stopping = self.stopping or reason

    def _alive(self) -> bool:
        return any(child.handle is not None and child.handle.poll() is None for child in self._children.values())

    def _turn(self, seconds: float) -> None:
        """Show what the children said since the last look, or wait for it that long."""
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(4096)
            else:
                self._read(key.data)

    def _read(self, child: Child) -> None:
        said = os.read(child.pipe, 65536)
        if not said:
            self._selector.unregister(child.pipe)
            return
        *lines, child.rest = (child.rest + said).split(b"\n")
        for line in lines:
            say(child.name, line.decode(errors="replace").rstrip())

    def _spawn(self, child: Child) -> None:
        child.handle = children.spawn(
            child.process.command, folder=self.root, output=subprocess.PIPE, environment=self.environment
        )
        child.started = time.monotonic()
        os.set_blocking(child.pipe, False)
        self._selector.register(child.pipe, selectors.EVENT_READ, child)
        self._remember()

    def _bury_and_raise(self) -> None:
        """Clear up what has died, and start again what is to run for ever and has waited long enough."""
        now = time.monotonic()
        for child in list(self._children.values()):
            if child.handle is None:
                if now >= child.due:
                    self._spawn(child)
            elif child.handle.poll() is not None:
                self._bury(child)
                if child.process.once:
                    del self._children[child.name]
                    continue
                early = now - child.started < SETTLED
                child.pause = min(child.pause * 2 or BACK_OFF[0], BACK_OFF[1]) if early else BACK_OFF[0]
                child.due = now + child.pause
                say("run", f"{child.name} ended ({_how(child.handle)}); again in {child.pause:.1f} s")
                child.handle = None

    def _bury(self, child: Child) -> None:
        """Kill what is left of a child's group, show its last words and close its pipe."""
        if child.handle is None or child.handle.stdout is None or child.handle.stdout.closed:
            return
        children.kill_group(child.handle.pid)
        child.handle.wait()
        with contextlib.suppress(BlockingIOError, KeyError):
            while self._selector.get_key(child.pipe):
                self._read(child)
        with contextlib.suppress(KeyError):
            self._selector.unregister(child.pipe)
        if child.rest:
            say(child.name, child.rest.decode(errors="replace").rstrip())
            child.rest = b""
        child.handle.stdout.close()

    def _remember(self) -> None:
        """Write down who runs, for the start after a SIGKILL of ours."""
        pids = [child.handle.pid for child in self._children.values() if child.handle is not None]
        kept = {"numbering": children.numbering(), "running": {pid: children.birth(pid) for pid in pids}}
        fresh = _file(self.home).with_suffix(".new")
        fresh.write_text(json.dumps(kept), encoding="ascii")
        fresh.replace(_file(self.home))


def say(name: str, line: str) -> None:
    """One line under the name of who says it; where nobody reads any more, nothing."""
    colour = COLOURS[sum(name.partition(".")[0].encode()) % len(COLOURS)]
    shown = f"\033[{colour}m{name:<9}\033[0m" if sys.stdout.isatty() else f"{name:<9}"
    with contextlib.suppress(OSError):
        print(f"{shown} | {line}", flush=True)


def end_leftovers(home: Path) -> None:
    """Stop what a supervisor that was killed has left running; who holds `home` may call it."""
    if not _file(home).exists():
        return
    left = json.loads(_file(home).read_text(encoding="ascii"))
    if left["numbering"] == children.numbering():
        _end({int(pid): born for pid, born in left["running"].items() if born})
    _file(home).unlink()


def _end(left: dict[int, str]) -> None:
    """Stop these leaders and what is left of their groups; a number that another process has by now is left alone."""
    ours = {pid: born for pid, born in left.items() if children.birth(pid) in (born, None)}
    for pid, born in ours.items():
        if children.birth(pid) == born:
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    for pid, born in ours.items():
        children.await_end(pid, born, deadline - time.monotonic())
        children.kill_group(pid)
        children.await_end(pid, born, 2.0)


def _ignored(kind: signal.Signals) -> bool:
    return signal.getsignal(kind) is signal.SIG_IGN


def _file(home: Path) -> Path:
    return home / "children.json"


def _how(handle: subprocess.Popen[bytes]) -> str:
    status = handle.returncode
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"
