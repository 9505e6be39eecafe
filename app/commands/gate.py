"""Between what prepares the hub and the web server, which loads meanwhile and answers nobody before."""

from __future__ import annotations

from pathlib import Path
from time import monotonic, sleep

PATIENCE_SECONDS = 60.0  # for a preparation that was killed and left its mark
LOOK_SECONDS = 0.01


def preparing(home: Path) -> Path:
    """The mark that lies in `home` while the hub is prepared; `make run` makes it and takes it away."""
    return home / "preparing"


def await_prepared(home: Path) -> None:
    """Wait until the hub is prepared."""
    until = monotonic() + PATIENCE_SECONDS
    while preparing(home).exists() and monotonic() < until:
        sleep(LOOK_SECONDS)
