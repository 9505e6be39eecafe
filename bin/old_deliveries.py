"""Keep a delivery of every step as this release queues it, for the releases to come: `bin/old_deliveries.py`.

Only adds: what an earlier release queued stays as it was, since it may still lie in somebody's database.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAYLOADS = ROOT / "tests" / "flows" / "old_payloads"
KEPT = ROOT / "tests" / "flows" / "old_deliveries.json"


def all_deliveries() -> list[dict[str, Any]]:
    """One row for each step that hears a fact whose payload is kept: as hub.event and hub.delivery have it."""
    sys.path.insert(0, str(ROOT))
    importlib.import_module("app.flows").load()
    steps = importlib.import_module("app.flows.runtime").STEPS
    load = importlib.import_module("app.kernel.codec").load
    rows = []
    for step in sorted(steps.by_name.values(), key=lambda one: str(one.name)):
        path = PAYLOADS / f"{step.event_type}.json"
        if not path.exists():  # another test says so
            continue
        fact = load(step.fact, json.loads(path.read_text()))
        named = getattr(fact, step.connection_from) if step.connection_from else ""
        connection = (named if isinstance(named, str) else next(iter(named), "")) or step.role
        key = fact.lane_key
        lane = f"{step.lane}|{connection}|{key}" if step.lane else None
        rows.append(
            {
                "type": step.event_type, "key": key, "subscriber": step.name, "connection": connection,
                "queue": step.queue, "lane": lane,
            }
        )  # fmt: skip
    return rows


def name_of(row: dict[str, Any]) -> str:
    return f"{row['subscriber']} on {row['type']}"


def main() -> None:
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else []
    known = {name_of(row) for row in kept}
    fresh = [row for row in all_deliveries() if name_of(row) not in known]
    KEPT.write_text(json.dumps(sorted([*kept, *fresh], key=name_of), indent=2) + "\n")
    for row in fresh:
        print(name_of(row))


if __name__ == "__main__":
    main()
