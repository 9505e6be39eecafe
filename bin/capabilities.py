"""Print one line a capability: its id, whether a passing test proves it, and how many tests name it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(results_file: Path) -> None:
    """`proven` needs a test that passed and none that failed; `open` is everything else."""
    results = json.loads(results_file.read_text(encoding="utf-8")).values()
    for line in (ROOT / "docs" / "capabilities.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name = line.split()[0]
            outcomes = [result["outcome"] for result in results if name in result["ids"]]
            proven = "passed" in outcomes and "failed" not in outcomes
            print(name, "proven" if proven else "open", len(outcomes), sep="\t")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".capabilities.json")
