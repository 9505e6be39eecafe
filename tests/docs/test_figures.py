"""docs/performance.md lists the figures of `make bench` and `make chaos`, with the goals that they have."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

FIGURE = re.compile(r'\b(more|less)\("([a-z_0-9]+)", "[^"]+", ([\d.]+)\)')
ROW = re.compile(r"^\| `([a-z_0-9]+)` \|.*\| (≥ |≤ |)([\d.]+) \|$", re.M)


def listed() -> dict[str, tuple[str, float]]:
    """Figure → which side of its goal is good, and the goal, as the page has them."""
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    return {name: (side.strip(), float(goal)) for name, side, goal in ROW.findall(text)}


def test_every_figure_stands_there_with_its_goal() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "bench").glob("*.py"))
    figures = {name: (kind, float(goal)) for kind, name, goal in FIGURE.findall(sources)}
    wanted = {name: ("≥" if kind == "more" else "≤" if goal else "", goal) for name, (kind, goal) in figures.items()}
    assert wanted
    assert {name: goal for name, goal in listed().items() if not name.startswith("chaos_")} == wanted


def test_every_figure_of_the_chaos_stands_there() -> None:
    source = (ROOT / "bench" / "chaos" / "__main__.py").read_text(encoding="utf-8")
    named = set(re.findall(r'"(chaos_[a-z_]+)"', source))
    assert named == {name for name in listed() if name.startswith("chaos_")}
