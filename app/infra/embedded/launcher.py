"""Become another user where asked, end when the parent ends, and turn into the program that is to run.

A script of its own, run with `python -IS`:
`launcher.py <parent's pid> <signal> <uid:gid|-> <capability,…|-> <program> <argument>…`.

PostgreSQL refuses to run as root; under another uid it passes a private folder only with one capability, which is
kept over the exec as an ambient one (capabilities(7)). The parent-death signal (prctl(2), Linux) makes the program
stop by itself when its supervisor is killed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522
SECBIT_NO_SETUID_FIXUP = 1 << 2
ADVICE = ": run as a plain user, put the folder where others may pass, or set DATABASE_URL to a server of yours."


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def main(parent: int, death: int, owner: str, capabilities: str, command: list[str]) -> None:
    """Never returns: execs the command, or ends with a status of 126 and one line on standard error."""
    linux = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    try:
        if owner != "-":
            uid, gid = (int(part) for part in owner.split(":"))
            _become(linux, uid, gid, [] if capabilities == "-" else [int(number) for number in capabilities.split(",")])
        if linux is not None:
            linux.prctl(PR_SET_PDEATHSIG, death, 0, 0, 0)
            if os.getppid() != parent:  # it died before the signal was asked for
                return
        for kind in (signal.SIGINT, signal.SIGPIPE):  # Python ignores the latter, a shell's background the former
            signal.signal(kind, signal.SIG_DFL)
        os.execv(command[0], command)
    except OSError as error:
        sys.stderr.write(f"launcher: {command[0]} cannot be run as another user ({error.strerror}){ADVICE}\n")
        raise SystemExit(126) from error


def _become(linux: ctypes.CDLL | None, uid: int, gid: int, wanted: list[int]) -> None:
    """Give up root for good, keeping the first of the wanted capabilities that can be kept, and no other."""
    if (
        linux is not None and wanted
    ):  # so that leaving root keeps them, and access(2) counts them for one who is not root
        linux.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if linux is None or not wanted:
        return
    for number in wanted:
        if _set(linux, 1 << number) and linux.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) == 0:
            return
    raise PermissionError(0, "no capability to pass a private folder is to be had")


def _set(linux: ctypes.CDLL, mask: int) -> bool:
    """Make the mask the permitted, effective and inheritable set; false where it is not permitted."""
    header = _Header(CAPABILITY_VERSION_3, 0)
    sets = (_Sets * 2)()
    linux.capget(ctypes.byref(header), sets)
    kept = sets[0].permitted  # a failed try must not give up what the next one needs
    if not kept & mask:
        return False
    sets[0] = _Sets(mask, kept, mask)
    return bool(linux.capset(ctypes.byref(header), sets) == 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:])
