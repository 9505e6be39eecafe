"""`python -m bench.chaos`: one JSON line a figure; 1 where orders were lost or doubled, work is stuck, stock is off."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys

from bench.chaos.faults import FAULTS, chosen
from bench.chaos.storm import ENVIRONMENT, Outcome, Plan, run
from bench.figures import Figure, Measured, less, more

RECOVERY_SECONDS = 60.0
SHOWN = 15  # lines of each kind of wrong; the figures count all


def figures_of(outcome: Outcome, plan: Plan) -> list[tuple[Figure, Measured]]:
    """The account: every figure with its value."""
    verdict, orders = outcome.verdict, plan.orders
    slowest = max((blow.recovery or 0.0 for blow in outcome.blows), default=0.0)
    return [
        (more("chaos_orders", "orders", orders), Measured(value=verdict.orders)),
        (more("chaos_sent", "orders", orders), Measured(value=verdict.sent)),
        (more("chaos_accepted", "orders", verdict.orders), Measured(value=verdict.accepted)),
        (more("chaos_posted", "orders", verdict.orders), Measured(value=verdict.posted)),
        (more("chaos_faults", "faults", len(plan.blows(random.Random(plan.seed)))), Measured(value=len(outcome.blows))),
        (more("chaos_kills", "kills", plan.kills if "kill" in plan.faults else 0), Measured(value=outcome.kills)),
        (less("chaos_lost", "orders", 0), Measured(value=len(verdict.lost))),
        (less("chaos_duplicates", "orders", 0), Measured(value=len(verdict.doubled))),
        (less("chaos_stuck", "deliveries", 0), Measured(value=len(verdict.stuck))),
        (less("chaos_stock_off", "levels", 0), Measured(value=len(verdict.stock))),
        (less("chaos_recovery_seconds", "s", RECOVERY_SECONDS), Measured(value=outcome.recovery_seconds)),
        (less("chaos_slowest_recovery_seconds", "s", RECOVERY_SECONDS), Measured(value=slowest)),
    ]


def main(arguments: list[str]) -> int:
    """Run once; blows and what was wrong go to standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.chaos", description=__doc__, epilog=f"The faults: {', '.join(FAULTS)}."
    )
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--times", type=int, default=1, help="how often each other fault strikes")
    parser.add_argument("--seed", type=int, default=random.randrange(1000))
    parser.add_argument("--faults", default=os.environ.get("CHAOS_FAULTS", ""), help="some of them, with commas")
    given = parser.parse_args(arguments)
    try:
        faults = chosen(given.faults)
    except ValueError as unknown:
        parser.error(str(unknown))
    plan = Plan(orders=given.orders, kills=given.kills, times=given.times, faults=faults, seed=given.seed, tell=say)
    say(f"seed {given.seed}, HUB_DOUBT_SECONDS={ENVIRONMENT['HUB_DOUBT_SECONDS']}")
    outcome = run(plan)
    show(outcome)
    run_of = f"seed {given.seed}, doubt {ENVIRONMENT['HUB_DOUBT_SECONDS']} s"
    for figure, measured in figures_of(outcome, plan):
        print(json.dumps({**json.loads(figure.line(measured)), "run": run_of}), flush=True)
    return 0 if outcome.verdict.is_clean else 1


def show(outcome: Outcome) -> None:
    """When each fault struck and how long it took until all was done again, then what is wrong."""
    verdict = outcome.verdict
    say("What was told by the end of each fault was done, with all that struck after it:")
    for blow in outcome.blows:
        say(blow.line)
    for wrong in (verdict.lost, verdict.doubled, verdict.stuck, verdict.stock):
        for line in wrong[:SHOWN]:
            say(line)
    for line in () if verdict.is_clean else outcome.said:
        say(line)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
