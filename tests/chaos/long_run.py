"""A worker of its own for long runs: `python -m tests.chaos.long_run replay|backfill` works until it is killed."""

from __future__ import annotations

import sys

from app import flows, registry
from app.flows import replaying
from app.flows.running import declare_turns
from app.flows.runtime import Steps
from app.infra.remote.spec import Dedupe
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import Log, spec, trial_steps


def replay_steps() -> Steps:
    """The pretend trade's steps, and the step that turns the runs of the hub."""
    steps = trial_steps(Log())
    assert replaying.page
    declare_turns(steps)
    return steps


def main() -> None:
    settings = Settings.from_environment()
    if sys.argv[1] == "replay":
        crank = Crank(settings, adapter=lambda _: spec(Dedupe.LOOKUP), steps=replay_steps())
    else:
        flows.load()
        crank = Crank(settings, adapter=registry.adapter)
    while True:
        crank.settle()
        crank.dispatcher.heard(0.02)


if __name__ == "__main__":
    main()
