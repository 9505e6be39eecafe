"""For a probe: does a process of this kind on this host still beat? `python -m app.jobs.alive worker`

Ends with 0 while it does, and while the database cannot be asked: to restart every process because the database is
away would mend nothing. Ends with 1 where the beat is silent, 2 where the question is wrong.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping

import psycopg

from app.settings import DRIVER, CannotStart, Settings

KINDS = ("worker", "relay", "scheduler")
SILENT_SECONDS = 15.0  # thirty beats; a machine that swaps or a database that fails over is back within this
PATIENCE_SECONDS = 3
BEAT = """
SELECT extract(epoch FROM now() - max(beat_at))::float8 FROM hub.worker WHERE kind = %(kind)s AND host = %(host)s
"""


def look(database_url: str, kind: str, host: str) -> tuple[int, str]:
    """The exit status, and one sentence for whoever reads the probe's output."""
    address = database_url.replace(DRIVER, "postgresql://")
    try:
        with psycopg.connect(
            address, autocommit=True, connect_timeout=PATIENCE_SECONDS, prepare_threshold=None
        ) as line:
            row = line.execute(BEAT, {"kind": kind, "host": host}).fetchone()
    except psycopg.Error as away:
        return 0, f"the database cannot be asked ({type(away).__name__}); nothing speaks against this {kind}"
    age = row[0] if row else None
    if age is None:
        return 1, f"no {kind} on {host} has shown that it lives"
    if age > SILENT_SECONDS:
        return 1, f"the {kind} on {host} has not shown that it lives for {age:.0f} s"
    return 0, f"the {kind} on {host} showed {age:.1f} s ago that it lives"


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """What a probe runs."""
    if len(arguments) != 1 or arguments[0] not in KINDS:
        sys.stderr.write(f"give one of {', '.join(KINDS)}\n")
        return 2
    try:
        settings = Settings.from_environment(environment)
    except CannotStart as error:
        sys.stderr.write(f"{error.message}\n")
        return 2
    status, said = look(settings.database_url, arguments[0], socket.gethostname())
    sys.stdout.write(f"{said}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
