"""Which capability each test proves and how it went, kept in .capabilities.json for `make capabilities`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "docs" / "capabilities.txt"
RESULTS = ROOT / ".capabilities.json"
WORST_FIRST = ("failed", "skipped", "passed")


def known_ids() -> list[str]:
    """Every id of the catalogue, in its order."""
    lines = CATALOGUE.read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines if line and not line.startswith("#")]


def mark(items: list[pytest.Item]) -> None:
    """Hang the ids on each test so that they travel with its report; an id that nobody knows stops the run."""
    known = set(known_ids())
    for item in items:
        ids = sorted({name for marker in item.iter_markers("capability") for name in marker.args})
        if unknown := set(ids) - known:
            raise pytest.UsageError(f"{item.nodeid}: {', '.join(unknown)} is not in {CATALOGUE.relative_to(ROOT)}")
        if ids:
            item.user_properties.append(("capability", ids))


def runs_everything(config: pytest.Config) -> bool:
    """Whether this run was given no part of the suite."""
    chosen = config.option.keyword or config.option.markexpr or getattr(config.option, "lf", False)
    return not chosen and config.args_source is pytest.Config.ArgsSource.TESTPATHS


class Report:
    """Gathers the outcomes of a whole run, in the process that the reports of all workers reach."""

    def __init__(self, *, whole: bool, results: Path = RESULTS) -> None:
        self._whole, self._results = whole, results
        self._tests: dict[str, dict[str, object]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        ids = dict(report.user_properties).get("capability")
        if ids and (report.when == "call" or report.outcome != "passed"):
            before = self._tests.get(report.nodeid, {}).get("outcome", "passed")
            outcome = min(str(before), report.outcome, key=WORST_FIRST.index)
            self._tests[report.nodeid] = {"ids": ids, "outcome": outcome}

    def pytest_sessionfinish(self) -> None:
        """A run of everything replaces what was known; a run of a part adds to what is known of tests still there."""
        partly = not self._whole and self._results.exists()
        known = json.loads(self._results.read_text(encoding="utf-8")) if partly else {}
        kept = {test: told for test, told in known.items() if (ROOT / test.partition("::")[0]).exists()}
        self._results.write_text(json.dumps(kept | self._tests, indent=1, sort_keys=True), encoding="utf-8")
