"""Write docs/events/<type>.json for every fact of the hub, and for the values it keeps: `bin/event_schemas.py`."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "events"
CANONICAL = {  # the canonical values that travel whole, by the name of their schema
    "order.v1": ("app.domains.orders.canonical", "Order"),
    "product.v1": ("app.domains.product.canonical", "Product"),
}


def all_events() -> Mapping[str, Mapping[str, Any]]:
    """The JSON Schema of every event that the program declares, by type, and of the canonical values."""
    sys.path.insert(0, str(ROOT))
    for path in sorted((ROOT / "app").rglob("*.py")):
        if re.search(r"^@event\(", path.read_text(), re.MULTILINE):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    registry = importlib.import_module("app.kernel.events").REGISTRY
    wire = importlib.import_module("app.infra.wire")
    whole = {name: wire.document(kind, name) for name, kind in canonical().items()}
    facts = {name: fact for name, fact in sorted(registry.items()) if fact.__module__.startswith("app.")}
    schemas = {name: wire.event_schema(fact) for name, fact in facts.items()}
    return {**schemas, **whole}


def canonical() -> Mapping[str, type[Any]]:
    """The canonical values by the name of their schema."""
    return {name: getattr(importlib.import_module(module), kind) for name, (module, kind) in CANONICAL.items()}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, schema in all_events().items():
        (FOLDER / f"{name}.json").write_text(json.dumps(schema, indent=2) + "\n")
        print(name)


if __name__ == "__main__":
    main()
