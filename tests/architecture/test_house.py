"""The house's own rules: sizes, words, who may import whom. Each guard is shown to catch what it guards against."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APP = ROOT / "app"
LONGEST_FILE, LONGEST_FUNCTION = 300, 40
# Files and functions that are over the limit. This list only shrinks.
LONG_FILES: frozenset[str] = frozenset()
LONG_FUNCTIONS: frozenset[str] = frozenset()
NOT_OUR_WORDS = re.compile(r"(^|_)(helpers?|utils?|utilities|managers?|misc|stuff)(_|$)")
HEAVY = frozenset({"paramiko", "openpyxl", "holidays", "common_expression_language"})


def sources(folder: Path = APP) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.py")) if "__pycache__" not in path.parts)


def functions(tree: ast.AST, path: str = "") -> Iterator[tuple[str, int]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{path}.{node.name}"
            if not isinstance(node, ast.ClassDef):
                yield name, (node.end_lineno or node.lineno) - node.lineno + 1
            yield from functions(node, name)


def long_functions(text: str) -> list[str]:
    return [f"{name} ({lines} lines)" for name, lines in functions(ast.parse(text)) if lines > LONGEST_FUNCTION]


def test_no_file_is_longer_than_a_room():
    found = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in sources()}
    long = {name: lines for name, lines in found.items() if lines > LONGEST_FILE and name not in LONG_FILES}
    assert long == {}


def test_no_function_is_longer_than_a_screen():
    found = {}
    for path in sources():
        name = str(path.relative_to(ROOT))
        found.update(
            {f"{name}:{one}": 1 for one in long_functions(path.read_text()) if f"{name}:{one}" not in LONG_FUNCTIONS}
        )
    assert sorted(found) == []


def test_a_function_that_is_too_long_is_found():
    assert long_functions("class A:\n def f(self):\n" + "  x = 1\n" * 60) == [".A.f (61 lines)"]


def test_names_are_words_of_the_trade():
    found = []
    for path in sources():
        names = [path.stem, *(name for name, _ in functions(ast.parse(path.read_text())))]
        found += [
            f"{path.relative_to(ROOT)}: {name}" for name in names if NOT_OUR_WORDS.search(name.rsplit(".", 1)[-1])
        ]
    assert found == []


def test_domains_and_adapters_hold_packages_only():
    for folder in (APP / "domains", APP / "adapters"):
        loose = [path.name for path in folder.iterdir() if path.is_file() and path.name != "__init__.py"]
        assert loose == []


def test_the_kernel_and_every_canonical_value_use_the_standard_library_alone():
    pure = [*sources(APP / "kernel")]
    for domain in sorted((APP / "domains").iterdir()):
        for word in ("canonical", "ports", "lifecycle", "events", "policy"):
            pure += [path for path in sources(domain) if path.stem == word or word in path.parent.parts[-1:]]
    assert strangers(pure) == []


def strangers(paths: list[Path]) -> list[str]:
    found = []
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            found += [
                f"{path.name}: {name}"
                for name in names
                if name.split(".")[0] not in sys.stdlib_module_names | {"app", "__future__"}
            ]
    return found


def test_a_stranger_in_the_kernel_is_found(tmp_path: Path):
    mutant = tmp_path / "money.py"
    mutant.write_text("import json\nimport requests\n")
    assert strangers([mutant]) == ["money.py: requests"]


def test_nothing_is_imported_inside_a_function_but_what_is_heavy():
    found = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                inner = [one for one in ast.walk(node) if isinstance(one, ast.Import | ast.ImportFrom)]
                names = [one.module if isinstance(one, ast.ImportFrom) else one.names[0].name for one in inner]
                found += [
                    f"{path.relative_to(ROOT)}: {name}" for name in names if (name or "").split(".")[0] not in HEAVY
                ]
    assert found == []


# One forbidden import for each import contract; all are added at once and each contract must notice its own.
MUTANTS = {
    "A layer looks down, never up": ("infra/mutant.py", "import app.domains.orders"),
    "The sandbox knows only the kernel": ("sandbox/mutant.py", "import app.infra.db"),
    "Nobody imports the sandbox": ("jobs/mutant.py", "import app.sandbox.books"),
    "Domains do not know one another": ("domains/orders/events_mutant.py", "import app.domains.inventory.events"),
    "Adapters do not know one another": ("adapters/shopify/mutant.py", "import app.adapters.business_central.client"),
    "Only the registry imports adapters": ("jobs/mutant2.py", "import app.adapters.shopify"),
    "Settings are read where a process starts, and in infra": ("console/mutant.py", "import app.settings"),
    "A domain does not call out": ("domains/orders/service_mutant.py", "import urllib3"),
    "Adapters see a domain's ports, events and canonical values and infra.remote, nothing else": (
        "adapters/shopify/mutant2.py",
        "import sqlalchemy",
    ),
    "The canonical values use nothing but the standard library and the kernel": (
        "kernel/mutant.py",
        "import sqlalchemy",
    ),
    "Only a domain touches its rows": ("flows/mutant.py", "import app.domains.orders.models"),
    "Inside a domain": ("domains/orders/shelf.py", "import app.domains.orders.service"),
    "No cycles between packages, at any depth": ("kernel/money.py", "import app.kernel.mutant3"),
}


@pytest.fixture(scope="module")
def mutant_report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the import contracts say of a copy of the program with one forbidden import for each of them."""
    house = tmp_path_factory.mktemp("house")
    shutil.copytree(APP, house / "app", ignore=shutil.ignore_patterns("__pycache__", "static", "templates"))
    shutil.copy(ROOT / ".importlinter", house)
    (house / "app/kernel/mutant3.py").write_text("import app.kernel.money\n")
    for path, line in MUTANTS.values():
        place = house / "app" / path
        place.write_text(f"{line}\n{place.read_text() if place.exists() else ''}")
    return lint(house)


def lint(folder: Path) -> str:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("contract", sorted(MUTANTS))
def test_every_import_contract_notices_its_own_forbidden_import(mutant_report: str, contract: str):
    assert f"{contract} BROKEN" in re.sub(r" \(\d+ ignored imports?\)", "", mutant_report)


def test_every_import_contract_has_its_mutant():
    named = re.findall(r"^name = (.+)$", (ROOT / ".importlinter").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(MUTANTS)
