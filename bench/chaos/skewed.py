"""A process of the program whose clock is wrong: `python -m bench.chaos.skewed SECONDS MODULE`.

Nothing asks the machine for the time but one class, which is wrong here; the database's clock stays right.
"""

from __future__ import annotations

import runpy
import sys
from datetime import UTC, datetime, timedelta

from app.kernel.clock import SystemClock


def main(seconds: float, module: str) -> None:
    """Become the module, with a clock that is ahead by so many seconds, or behind."""
    by = timedelta(seconds=seconds)

    def now(_: SystemClock) -> datetime:
        return datetime.now(UTC) + by

    setattr(SystemClock, "now", now)  # noqa: B010  a method may not be assigned to
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2])
