"""What an order costs each process: `python -m bench.cost [orders]` prints CPU, memory and connections, a line each.

CPU time is counted by the kernel (utime + stime of /proc), so that other work on the machine spoils it little. The
sandbox, which plays the vendors, is left out. docs/operate/scale.md has the arithmetic.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bench.orders import House, house, post

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
WARM_UP, ORDERS = 200, 1000
KINDS = {
    "wsgi:application": "web",
    "app.jobs.worker": "worker",
    "app.jobs.relay": "relay",
    "app.jobs.schedule": "scheduler",
}
IDLE_SECONDS = 20.0
WAITING = "SELECT count(*) FROM hub.delivery WHERE state IN ('due', 'running', 'behind') AND next_at <= now()"


def processes(home: Path) -> Iterator[tuple[int, str]]:
    """Every process of a run and its kind: by the folder that it was told, or works in."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            where = os.readlink(folder / "cwd")
            if where.startswith(f"{home}/postgresql"):
                yield int(folder.name), "postgresql"
            elif where.startswith(f"{home}/redis"):
                yield int(folder.name), "redis"
            elif f"HUB_HOME={home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found = next((kind for mark, kind in KINDS.items() if mark in words and "sandbox" not in words), "")
                if found:
                    yield int(folder.name), found


def spent(home: Path) -> dict[str, float]:
    """Milliseconds of CPU by kind so far, of processes that live and of their children that have ended."""
    used: dict[str, float] = {}
    for pid, kind in processes(home):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            reaped = fields[13:15] if kind == "postgresql" else ["0"]
            used[kind] = used.get(kind, 0.0) + TICK_MS * sum(int(one) for one in (*fields[11:13], *reaped))
    return used


def memory(home: Path) -> dict[str, list[float]]:
    """Megabytes that each process holds for itself, by kind; PostgreSQL's shared buffers count for none."""
    held: dict[str, list[float]] = {}
    for pid, kind in processes(home):
        with suppress(OSError):
            resident, shared = Path(f"/proc/{pid}/statm").read_text().split()[1:3]
            own = (int(resident) - (int(shared) if kind == "postgresql" else 0)) * PAGE_MB
            held.setdefault(kind, []).append(round(own))
    return held


def connections(made: House) -> int:
    with made.ground.database() as line:
        row = line.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name <> '' OR client_port > 0"
        ).fetchone()
    return int(str(row[0])) - 1 if row else 0


def await_rest(made: House) -> None:
    """Until nothing is left that could run now."""
    with made.ground.database() as line:
        while line.execute(WAITING).fetchone() != (0,):
            time.sleep(0.2)


def main(orders: int) -> None:
    """Do nothing for a while, then run so many orders through, and print what each cost."""
    with house() as made, made.ground.process("scheduler"):
        home = made.ground.home
        bodies = made.place(WARM_UP + orders)
        post(made, bodies[:WARM_UP])
        made.await_shown(WARM_UP)
        await_rest(made)
        still = spent(home)
        time.sleep(IDLE_SECONDS)
        before = spent(home)
        idle = {kind: (used - still.get(kind, 0.0)) / IDLE_SECONDS for kind, used in before.items()}
        began = time.monotonic()
        post(made, bodies[WARM_UP:])
        made.await_shown(WARM_UP + orders)
        await_rest(made)
        after, seconds = spent(home), time.monotonic() - began
        lines, held = connections(made), memory(home)
    for kind in sorted(after):
        cost = (after[kind] - before.get(kind, 0.0) - idle.get(kind, 0.0) * seconds) / orders
        print(
            json.dumps(
                {
                    "process": kind,
                    "ms_per_order": round(cost, 2),
                    "idle_ms_per_second": round(idle[kind], 1),
                    "mb": held[kind],
                }
            )
        )
    print(json.dumps({"orders": orders, "seconds": round(seconds, 1), "database_connections": lines}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ORDERS)
