"""What the servers stand on: a folder that is ours alone, room on its disk, free ports, a user that is not root."""

from __future__ import annotations

import fcntl
import os
import pwd
import re
import shutil
import socket
import stat
import time
from pathlib import Path
from typing import IO

from app.infra.embedded.children import Owner
from app.settings import CannotStart

ROOM = 256 * 1024 * 1024  # a new cluster takes 40 MB and its log grows by 16 MB a file; below this it stops soon
LOG_KEPT = 8 * 1024 * 1024  # a log beyond this begins anew, and the old one is kept beside it
DAC_OVERRIDE, DAC_READ_SEARCH = 1, 2  # linux/capability.h
STOP_SECONDS = 12.0  # a supervisor stops within ten
NOTICE_SECONDS = 1.5  # until a supervisor whose make was killed has noticed it
RIGHTS = {"CHOWN": 0, "DAC_OVERRIDE": DAC_OVERRIDE, "KILL": 5, "SETGID": 6, "SETUID": 7}  # what our root needs of root
LESS_THAN_ROOT = ("nobody", "daemon")  # initdb wants a user that has a name


def occupy(home: Path) -> IO[str]:
    """Make the folder and hold it for this process alone, until `release` or the process ends.

    Waits for a holder that is stopping, and a moment for one that is about to.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o711)  # others may pass, as PostgreSQL's user must, and not look
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC  # a child that inherited it would hold the folder too
    holder = os.fdopen(os.open(home / "lock", flags, 0o644), "a+", encoding="ascii")
    began = time.monotonic()
    while not _locked(holder):
        pid, stopping = _told(holder)
        if time.monotonic() - began > (STOP_SECONDS if stopping else NOTICE_SECONDS):
            holder.close()
            raise CannotStart(
                "start.running",
                f"Roundhouse already runs in {home} (process {pid}): stop that one, "
                "or give this one its own HUB_HOME, HUB_PORT and HUB_SANDBOX_PORT.",
            )
        time.sleep(0.05)
    _tell(holder, str(os.getpid()))
    return holder


def leave(holder: IO[str]) -> None:
    """Say that this process is stopping, so that the next start waits for it."""
    _tell(holder, f"{os.getpid()} stopping")


def release(holder: IO[str]) -> None:
    """Let the folder go; who comes next finds no number of a process that ended."""
    _tell(holder, "")
    holder.close()


def holder_of(home: Path) -> int | None:
    """The process that holds the folder; None where nobody does."""
    if not (home / "lock").exists():
        return None
    with open(home / "lock", encoding="ascii") as look:
        return None if _locked(look, kind=fcntl.LOCK_SH) else _told(look)[0]


def _locked(file: IO[str], *, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _told(file: IO[str]) -> tuple[int | None, bool]:
    """Who holds the folder, as far as it has said so by now, and whether it is stopping."""
    file.seek(0)
    pid, _, stopping = file.read().partition(" ")
    return (int(pid) if pid else None), bool(stopping)


def _tell(holder: IO[str], words: str) -> None:
    holder.truncate(0)
    holder.write(words)
    holder.flush()


def full_disk(folder: Path) -> str:
    """The sentence for a disk with no room left."""
    return f"The disk under {folder} is full: free some space, or set HUB_HOME to a folder on another disk."


def require_room(folder: Path, *, room: int = ROOM) -> None:
    """Refuse to start where the disk is nearly full, since PostgreSQL would stop in the middle of work."""
    free = shutil.disk_usage(folder).free
    if free < room:
        raise CannotStart(
            "start.disk",
            f"Only {free // 1_000_000} MB are free under {folder}: free some, or set HUB_HOME to a folder "
            f"on another disk; {room // 1_000_000} MB are needed.",
        )


def require_port(host: str, port: int, variable: str) -> None:
    """Refuse to start where another program listens already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(
                "start.port",
                f"Port {port} on {host} cannot be used ({os.strerror(error.errno or 0)}): "
                f"stop the program that has it, or choose another, as in {variable}={port + 100} make run.",
            ) from error


def free_port() -> int:
    """A port on loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def log_file(home: Path, name: str) -> IO[bytes]:
    """The log of one server, to append to; a long one is put aside first."""
    file = home / f"{name}.log"
    if file.exists() and file.stat().st_size > LOG_KEPT:
        file.replace(file.with_suffix(".log.1"))
    return open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def other_user(data: Path, programs: Path) -> Owner | None:
    """Who PostgreSQL runs as: None where we are not root; else who owns `data`, or a user that may do little.

    That user gets no right to any folder: it keeps one capability where a folder on its way is closed to it.
    """
    if os.geteuid() != 0:
        return None
    _require_rights()
    if data.exists() and (made_by := data.stat()).st_uid:
        uid, gid = made_by.st_uid, made_by.st_gid
    else:
        known = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid}
        entry = next((known[name] for name in LESS_THAN_ROOT if name in known), next(iter(known.values()), None))
        if entry is None:
            raise CannotStart(
                "start.user",
                "PostgreSQL does not run as root and this machine has no other user: "
                "make one and run as that one, or set DATABASE_URL to a server of yours.",
            )
        uid, gid = entry.pw_uid, entry.pw_gid
    return Owner(uid=uid, gid=gid, capabilities=_needed(data, programs))


def _require_rights(status: Path = Path("/proc/self/status")) -> None:
    """Refuse where root has been stripped of what it takes to give the files to another user and to stop its server."""
    effective = (
        re.search(r"^CapEff:\s*([0-9a-f]+)$", status.read_text(encoding="ascii"), re.M) if status.exists() else None
    )
    missing = [name for name, number in RIGHTS.items() if effective and not int(effective[1], 16) >> number & 1]
    if missing:
        raise CannotStart(
            "start.user",
            f"PostgreSQL does not run as root, and this root lacks CAP_{', CAP_'.join(missing)} to run it as another: "
            "run as a plain user, or set DATABASE_URL to a server of yours.",
        )


def _needed(data: Path, programs: Path) -> tuple[int, ...]:
    """Which capabilities would let another user reach both folders, the lesser first; none where all is open."""
    way = {parent for path in (data, programs) for parent in path.resolve().parents if parent.exists()}
    files = [programs, *programs.iterdir()]
    if not all(path.stat().st_mode & stat.S_IXOTH for path in files):
        return (DAC_OVERRIDE,)  # no other passes an execute bit that is missing
    if all(path.stat().st_mode & stat.S_IXOTH for path in way):
        return ()
    return (DAC_READ_SEARCH, DAC_OVERRIDE)
