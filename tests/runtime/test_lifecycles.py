"""Lifecycles as tables: a bad one is refused where it is declared, a good one can be drawn whole."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.console.flow import order_graph
from app.console.graph import Spot, graph, plan_of, words
from app.domains.inventory.lifecycle import RESERVATION
from app.domains.orders.lifecycle import ORDER
from app.domains.product.lifecycle import PRODUCT
from app.kernel.lifecycle import Lifecycle


class Parcel(StrEnum):
    PACKED = "packed"
    SENT = "sent"
    LOST = "lost"


@pytest.mark.capability("RT-11")
def test_a_state_that_no_move_leads_to_is_refused_at_import_by_its_name() -> None:
    with pytest.raises(TypeError, match=r"^trial: no move leads to lost: add one, or drop the state$"):
        Lifecycle("trial", start=Parcel.PACKED, moves={"send": {Parcel.PACKED: Parcel.SENT}}, late={})


def test_a_trigger_that_is_both_a_move_and_late_or_late_without_a_move_is_refused() -> None:
    moves = {"send": {Parcel.PACKED: Parcel.SENT}, "lose": {Parcel.SENT: Parcel.LOST}}
    with pytest.raises(TypeError, match="both a move and late"):
        Lifecycle("trial", start=Parcel.PACKED, moves=moves, late={"send": frozenset({Parcel.PACKED})})
    with pytest.raises(TypeError, match="no move has that name"):
        Lifecycle("trial", start=Parcel.PACKED, moves=moves, late={"sent": frozenset({Parcel.LOST})})


LIVES = [ORDER, RESERVATION, PRODUCT]


def lifecycles() -> st.SearchStrategy[Lifecycle[Any]]:
    """Any table over up to eight states in which each is reached."""

    def made(count: int, extra: list[tuple[int, int, int]]) -> Lifecycle[Any]:
        states = StrEnum("States", {f"S{n}": f"state_{n}" for n in range(count)})  # type: ignore[misc]
        every = list(states)
        moves: dict[str, dict[Any, Any]] = {f"go_{n}": {every[n]: every[n + 1]} for n in range(count - 1)}
        for before, after, name in extra:
            moves.setdefault(f"jump_{name}", {})[every[before % count]] = every[after % count]
        return Lifecycle("any", start=every[0], moves=moves, late={})

    numbers = st.integers(0, 7)
    return st.builds(made, st.integers(2, 8), st.lists(st.tuples(numbers, numbers, numbers), max_size=12))


def parsed(drawing: str) -> ElementTree.Element:
    return ElementTree.fromstring(f'<svg xmlns:x="x"{drawing.removeprefix("<svg")}')


def numbers(drawing: str) -> tuple[float, float]:
    found = re.search(r'viewBox="0 0 (\d+) (\d+)"', drawing)
    assert found is not None
    return float(found[1]), float(found[2])


@pytest.mark.capability("RT-11")
@given(lifecycle=lifecycles())
def test_any_lifecycle_is_drawn_whole_no_state_on_another_and_nothing_outside(lifecycle: Lifecycle[Any]) -> None:
    places = plan_of(lifecycle).places
    assert set(places) == {state.value for state in lifecycle.states}
    assert len(set(places.values())) == len(places)
    drawing = str(graph(lifecycle, "Any", {}))
    root = parsed(drawing)
    assert len(root.findall(".//rect")) == len(lifecycle.states)
    assert len(root.findall("path")) == len({(before, after) for before, after, _ in lifecycle.arrows})
    width, height = numbers(drawing)
    for rect in root.findall(".//rect"):
        x, y, wide, tall = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        assert min(x, y) >= 0
        assert (x + wide <= width, y + tall <= height) == (True, True)
    for path in root.findall("path"):
        figures = [float(text) for text in re.findall(r"-?\d+(?:\.\d+)?", path.attrib["d"])]
        assert all(0 <= figure <= width for figure in figures[0::2])
        assert all(0 <= figure <= height for figure in figures[1::2])


@pytest.mark.capability("RT-11")
@pytest.mark.parametrize("lifecycle", LIVES, ids=[one.name for one in LIVES])
def test_a_drawing_says_in_words_what_it_shows(lifecycle: Lifecycle[Any]) -> None:
    spots = {lifecycle.start.value: Spot(said="7", here=True, href="/there")}
    drawing = str(graph(lifecycle, "A title <of> it", spots))
    root = parsed(drawing)
    assert "A title &lt;of&gt; it" in drawing
    said = root.find("desc")
    assert said is not None
    text = said.text or ""
    assert text.startswith("It stands at ")
    for before, after, trigger in lifecycle.arrows:
        assert f"{words(before.value)} to {words(after.value)}" in text
        assert trigger.replace("_", " ") in text
    assert [link.attrib["href"] for link in root.findall("a")] == ["/there"]
    assert "style=" not in drawing


@pytest.mark.capability("RT-11")
def test_an_order_shows_its_way_and_where_it_stands(app_context: None) -> None:
    at = datetime(2026, 11, 27, 9, 4, tzinfo=UTC)
    way = (("captured", "accepted"), ("accepted", "posted"), ("posted", "shipped"), ("shipped", "posted"))
    moves = [SimpleNamespace(before=before, after=after, at=at) for before, after in way]
    root = parsed(str(order_graph("posted", at, moves)))
    kinds = {(node.attrib["class"], node.findtext("text")) for node in root.iter("g")}
    assert {("node here", "Posted"), ("node been", "Shipped"), ("node been", "Captured"), ("node may", "Held")} <= kinds
    assert sum("did" in path.attrib["class"] for path in root.findall("path")) == 4


@pytest.fixture
def app_context() -> Any:
    with Flask("drawing").app_context():
        yield
