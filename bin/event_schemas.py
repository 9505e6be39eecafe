"""Write docs/events/<type>.json for every fact of the hub, and for the order that it keeps: `bin/event_schemas.py`."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "events"


def all_events() -> Mapping[str, Mapping[str, Any]]:
    """The JSON Schema of every event that the program declares, by type, and of the canonical order."""
    sys.path.insert(0, str(ROOT))
    for path in sorted((ROOT / "app").rglob("*.py")):
        if path.name in ("events.py", "notices.py", "windows.py"):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    registry = importlib.import_module("app.kernel.events").REGISTRY
    wire = importlib.import_module("app.infra.wire")
    order = importlib.import_module("app.domains.orders.canonical").Order
    facts = {name: fact for name, fact in sorted(registry.items()) if fact.__module__.startswith("app.")}
    schemas = {name: wire.event_schema(fact) for name, fact in facts.items()}
    return {**schemas, "order.v1": wire.document(order, "order.v1")}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, schema in all_events().items():
        (FOLDER / f"{name}.json").write_text(json.dumps(schema, indent=2) + "\n")
        print(name)


if __name__ == "__main__":
    main()
