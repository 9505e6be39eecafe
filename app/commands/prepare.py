"""What must be done before the hub serves: newest schema, first administrator, the demo's connections.

`python -m app.commands.prepare` does all of it in one process, since at a first start most of the time is imports.
"""

from __future__ import annotations

import os
from pathlib import Path

from alembic import command
from alembic.config import Config

from app import flows, registry
from app.commands.demo import connect_demo
from app.commands.users import FIRST, ensure_first_user
from app.flows.runtime import STEPS
from app.infra.hub import open_hub
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Prepare; what fails is said on standard error, and the status is not zero."""
    settings = Settings.from_environment()
    command.upgrade(Config(ROOT / "alembic.ini"), "head")
    if password := ensure_first_user(settings):
        print(f"sign in as {FIRST} with the password {password} (shown this once)", flush=True)
    if settings.demo:
        _connect_demo(settings)


def _connect_demo(settings: Settings) -> None:
    """The hub is whole without its demo: what stands against it is said, and the start goes on."""
    flows.load()
    hub = open_hub(settings, adapter=registry.adapter, subscriptions=STEPS.by_event, pool_size=1)
    try:
        taken = connect_demo(hub, os.environ)
    finally:
        hub.close()
    print(f"the demo is connected: {taken} stock levels taken over", flush=True)


if __name__ == "__main__":
    main()
