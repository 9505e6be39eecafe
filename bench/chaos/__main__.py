"""`python -m bench.chaos`: one JSON line a figure; 1 where orders were lost or doubled, work is stuck, stock is off."""

from __future__ import annotations

import argparse
import json
import random
import sys

from bench.chaos.storm import ENVIRONMENT, Outcome, Plan, run
from bench.figures import Figure, Measured, less, more

RECOVERY_SECONDS = 60.0
SHOWN = 15  # lines of each kind of wrong; the figures count all


def figures_of(outcome: Outcome, orders: int, kills: int) -> list[tuple[Figure, Measured]]:
    """Every figure with its value."""
    verdict = outcome.verdict
    return [
        (more("chaos_orders", "orders", orders), Measured(value=verdict.orders)),
        (more("chaos_kills", "kills", kills), Measured(value=outcome.kills)),
        (less("chaos_lost", "orders", 0), Measured(value=len(verdict.lost))),
        (less("chaos_duplicates", "orders", 0), Measured(value=len(verdict.doubled))),
        (less("chaos_stuck", "deliveries", 0), Measured(value=len(verdict.stuck))),
        (less("chaos_stock_off", "levels", 0), Measured(value=len(verdict.stock))),
        (less("chaos_recovery_seconds", "s", RECOVERY_SECONDS), Measured(value=outcome.recovery_seconds)),
    ]


def main(arguments: list[str]) -> int:
    """Run once; blows and what was wrong go to standard error."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1000))
    given = parser.parse_args(arguments)
    say(f"seed {given.seed}, HUB_DOUBT_SECONDS={ENVIRONMENT['HUB_DOUBT_SECONDS']}")
    outcome = run(Plan(orders=given.orders, kills=given.kills, seed=given.seed, tell=say))
    verdict = outcome.verdict
    for wrong in (verdict.lost, verdict.doubled, verdict.stuck, verdict.stock):
        for line in wrong[:SHOWN]:
            say(line)
    for line in () if verdict.is_clean else outcome.said:
        say(line)
    for figure, measured in figures_of(outcome, given.orders, given.kills):
        print(json.dumps({**json.loads(figure.line(measured)), "run": f"seed {given.seed}, doubt 2 s"}), flush=True)
    return 0 if verdict.is_clean else 1


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
