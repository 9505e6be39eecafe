"""Child processes that end with their parent, whole groups of them, and what outlived a parent that was killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LAUNCHER = Path(__file__).with_name("launcher.py")
LOOK_EVERY = 0.01  # seconds between two looks at a child that is ending or starting


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Another user to run as, and the capabilities (capabilities(7)) of which it keeps the first that can be kept."""

    uid: int
    gid: int
    capabilities: tuple[int, ...] = ()


def spawn(
    command: Sequence[str],
    *,
    folder: Path,
    output: IO[bytes] | int,
    environment: Mapping[str, str] | None = None,
    told: IO[bytes] | int = subprocess.DEVNULL,
    death: signal.Signals = signal.SIGTERM,
    owner: Owner | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program as the leader of its own session; it gets `death` when this thread ends (Linux).

    Standard output and error go to `output`, standard input comes from `told`.
    """
    user = f"{owner.uid}:{owner.gid}" if owner else "-"
    capabilities = ",".join(map(str, owner.capabilities)) if owner else ""
    launch = [sys.executable, "-IS", str(LAUNCHER), str(os.getpid()), str(int(death)), user, capabilities or "-"]
    return subprocess.Popen(
        [*launch, *command],
        cwd=folder,
        env=environment,
        stdin=told,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def end(child: subprocess.Popen[bytes], *signals: tuple[signal.Signals, float]) -> None:
    """Stop a child by one signal after the other, each with its seconds, then kill what is left of its group."""
    for kind, seconds in signals:
        if child.poll() is not None:
            break
        child.send_signal(kind)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
    kill_group(child.pid)
    child.wait()


def kill_group(leader: int) -> None:
    """Kill every process of the group that `leader` led; nothing happens where none is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def birth(pid: int) -> str | None:
    """When the process of this number began, in the system's own words; None where there is none.

    A number and its birth together name a process, since numbers come again.
    """
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _birth_by_ps(pid)
    state, *others = status.rpartition(")")[2].split()  # field 3 and on, proc_pid_stat(5)
    return None if state == "Z" else others[18]


def _birth_by_ps(pid: int) -> str | None:
    """The same where there is no /proc, as on macOS."""
    seen = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=5, check=False
    )
    return seen.stdout.strip() or None


def numbering() -> str:
    """Names the time and place in which process numbers mean what they mean now: this boot, this container."""
    boot, space = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    return f"{boot.read_text(encoding='ascii').strip()} {space.readlink()}" if boot.exists() else ""


def end_stranger(pid: int, born: str | None, *signals: tuple[signal.Signals, float]) -> bool:
    """Stop a process that is not our child, as `end` does; false where it is gone or its number is another's now."""
    if born is None or birth(pid) != born:
        return False
    for kind, seconds in signals:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, kind)
        if await_end(pid, born, seconds):
            return True
    return True


def await_end(pid: int, born: str, seconds: float) -> bool:
    """Wait until the process is gone; false when it is still there after `seconds`."""
    deadline = time.monotonic() + seconds
    while birth(pid) == born:
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY)
    return True
