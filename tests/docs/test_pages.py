"""The pages for people say what is true: whatever they name is there. Each check is shown to notice what is not."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import registry
from app.commands.processes import table
from app.infra.setting_fields import setting_fields
from app.settings import Settings
from tests.docs import pages
from tests.docs.pages import PAGES, ROOT
from tests.platform.test_settings import documented

OF_THE_TESTS = {"HUB_CONTRACTS"}  # read by the suite, not by the program
TARGETS = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
THIS_MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home)/")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def text_of(*names: str) -> str:
    return "\n".join((ROOT / name).read_text(encoding="utf-8") for name in names)


@every_page
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert pages.broken_links(text, page.parent) == []
    assert pages.unknown_targets(text, TARGETS) == []
    assert pages.unknown_commands(text) == []
    assert pages.unusable_commands(text) == []
    assert pages.missing_paths(text) == []
    assert pages.variables(text) - documented().keys() - OF_THE_TESTS == set()
    assert [name for name in pages.modules(text) if importlib.util.find_spec(name) is None] == []
    assert THIS_MACHINE.findall(text) == []


LIES: list[tuple[Callable[[str], Any], str, list[str]]] = [
    (lambda text: pages.broken_links(text, ROOT), "[a](docs/no.md) [b](README.md#top) [c](/admin/)", ["docs/no.md"]),
    (lambda text: pages.unknown_targets(text, TARGETS), "make sense, `make run`, `make haste`", ["haste"]),
    (pages.unknown_commands, "`flask user creates`", ["flask user creates"]),
    (pages.unknown_commands, "`flask users list`", ["flask users list"]),
    (pages.unknown_commands, "```\nflask --app wsgi key list --all \\\n  --json\n```", ["flask key list --all"]),
    (pages.unusable_commands, "`flask key list a b`, `flask key list`", ["flask key list a b: a is too much",
                                                                    "flask key list a b: b is too much"]),
    (pages.unusable_commands, "```\nflask retention restore  # it\n```",
     ["flask retention restore  # it: name is missing"]),
    (pages.unusable_commands, "`flask retention policy <kind>`, `flask retention policy notices`",
     ["flask retention policy notices: notices is none of notice, event, delivery, attempt"]),
    (pages.unusable_commands, "`flask retention policy KIND --days`", ["flask retention policy KIND --days: "
                                                                "Option '--days' requires an argument."]),
    (pages.missing_paths, "`app/cent.py`, `app/*/uow.py`, `docs/<name>.md`, `LIES.md`", ["app/cent.py", "LIES.md"]),
    (lambda text: sorted(pages.variables(text) - documented().keys()), "`HUB_PORT`, HUB_PROT", ["HUB_PROT"]),
    (lambda text: THIS_MACHINE.findall(text), "in /home/someone/hub, not a/home/b", ["/home/"]),
]  # fmt: skip


@pytest.mark.parametrize(("check", "text", "noticed"), LIES)
def test_what_is_not_there_is_noticed(check: Callable[[str], Any], text: str, noticed: list[str]) -> None:
    assert check(text) == noticed


def test_the_page_of_metrics_has_those_of_the_program() -> None:
    program = set(re.findall(r'"(hub_[a-z_]+)"', text_of("app/api/metrics.py", "app/api/limit_metrics.py")))
    assert program
    assert pages.metrics(text_of("docs/operate/processes.md")) == program


@every_page
def test_no_page_names_another_metric(page: Path) -> None:
    program = set(re.findall(r'"(hub_[a-z_]+)"', text_of("app/api/metrics.py", "app/api/limit_metrics.py")))
    assert pages.metrics(page.read_text(encoding="utf-8")) - program == set()


@pytest.mark.parametrize(
    ("adapter", "heading"),
    [
        ("shopify", "Every setting of a Shopify connection"),
        ("business_central", "Every setting of a Business Central connection"),
    ],
)
def test_the_readme_has_every_setting_of_a_connection(adapter: str, heading: str) -> None:
    part = text_of("README.md").partition(f"<summary>{heading}")[2].partition("</details>")[0]
    first_cells = re.findall(r"^\| ([^|]+) \|", part, re.M)[1:]
    named = [name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)]
    assert sorted(named) == sorted(field.name for field in setting_fields(registry.adapter(adapter).settings()))


def test_the_processes_that_the_pages_name_are_in_the_table() -> None:
    given = {"DATABASE_URL": "postgresql://db/hub", "REDIS_URL": "redis://bell", "HUB_SECRET_KEY": "k" * 48}
    known = table(Settings.from_environment(given)).keys()
    started = re.findall(r"app\.commands\.processes ([a-z]+)", text_of("README.md", "docs/operate/data.md"))
    described = re.findall(r"^\| `([a-z]+)` \|", text_of("docs/operate/processes.md").partition("## ")[0], re.M)
    assert {"migrate", "web"} <= set(started) <= known
    assert set(described) == known - {"sandbox", "account", "seed"}


def test_every_decision_is_in_the_list() -> None:
    files = {path.name for path in (ROOT / "docs" / "adr").glob("[0-9]*.md")}
    assert set(re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", text_of("docs/adr/README.md"))) == files


def test_the_pictures_are_small_enough_to_be_read_on_a_train() -> None:
    pictures = list((ROOT / "docs" / "pictures").glob("*.png"))
    assert pictures
    assert [path.name for path in pictures if path.stat().st_size >= 200_000] == []
