"""Which capability is proven: by the tests that ran, over several runs, and no further."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.capability_report import Report, known_ids
from tests.servers import ROOT

HERE = "tests/platform/test_capabilities.py"


def ran(results: Path, *outcomes: tuple[str, list[str], str, str], whole: bool = False) -> dict[str, dict[str, object]]:
    """What is kept after a run in which these tests had these ids and ended so: (test, ids, when, outcome)."""
    report = Report(whole=whole, results=results)
    for test, ids, when, outcome in outcomes:
        told = {"nodeid": test, "location": (HERE, 1, test), "keywords": {}, "longrepr": None}
        marked = [("capability", ids)] if ids else []
        report.pytest_runtest_logreport(
            pytest.TestReport(**told, outcome=outcome, when=when, user_properties=marked)  # type: ignore[arg-type]
        )
    report.pytest_sessionfinish()
    kept: dict[str, dict[str, object]] = json.loads(results.read_text(encoding="utf-8"))
    return kept


def shown(results: Path) -> dict[str, list[str]]:
    command = [sys.executable, ROOT / "bin" / "capabilities.py", results]
    said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    return {line.split("\t")[0]: line.split("\t")[1:] for line in said.splitlines()}


class TestCapabilities:
    def test_only_a_test_that_passed_proves_and_one_that_failed_refutes(self, tmp_path: Path) -> None:
        results = tmp_path / "results.json"
        ran(
            results,
            (f"{HERE}::one", ["RT-1", "RT-2", "RT-3"], "call", "passed"),
            (f"{HERE}::two", ["RT-2"], "call", "failed"),
            (f"{HERE}::three", ["RT-4"], "setup", "skipped"),
            (f"{HERE}::four", ["RT-3"], "call", "passed"),
            (f"{HERE}::four", ["RT-3"], "teardown", "failed"),
            (f"{HERE}::five", [], "call", "passed"),
        )
        told = shown(results)
        expected = {"RT-1": ["proven", "1"], "RT-2": ["open", "2"], "RT-3": ["open", "2"], "RT-4": ["open", "1"]}
        assert {name: told[name] for name in expected} == expected
        assert list(told) == known_ids()
        assert all(line == ["open", "0"] for name, line in told.items() if name not in expected)

    def test_a_run_of_a_part_keeps_what_is_known_of_tests_that_are_still_there(self, tmp_path: Path) -> None:
        results = tmp_path / "results.json"
        ran(
            results,
            (f"{HERE}::one", ["RT-1"], "call", "passed"),
            ("tests/gone.py::two", ["RT-2"], "call", "passed"),
        )
        kept = ran(results, (f"{HERE}::three", ["RT-3"], "call", "passed"))
        assert kept.keys() == {f"{HERE}::one", f"{HERE}::three"}

    def test_a_run_of_everything_begins_anew(self, tmp_path: Path) -> None:
        results = tmp_path / "results.json"
        ran(results, (f"{HERE}::one", ["RT-1"], "call", "passed"))
        kept = ran(results, (f"{HERE}::two", ["RT-2"], "call", "passed"), whole=True)
        assert kept.keys() == {f"{HERE}::two"}

    def test_an_id_that_nobody_knows_stops_the_run(self, tmp_path: Path) -> None:
        test = tmp_path / "test_unknown.py"
        test.write_text('import pytest\n@pytest.mark.capability("RT-99")\ndef test_it(): pass\n', encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT]
        ended = subprocess.run(
            [*command, "--confcutdir", ROOT, "-p", "tests.conftest", test],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert ended.returncode == pytest.ExitCode.USAGE_ERROR
        assert "RT-99 is not in docs/capabilities.txt" in ended.stderr
