"""`flask import …` as an operator types it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from app.infra.hub import Hub
from app.settings import Settings
from tests.flows.paper import adapters
from tests.hub import Crank

pytestmark = pytest.mark.capability("PRD-1")


def test_a_file_is_checked_then_taken_in_from_a_terminal(
    flask: Callable[..., Result], answer: Callable[..., Any], hub: Hub, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "tents.csv"
    file.write_text("sku;title;weight;weight_unit\nA;Tent;1,25;kg\nB;Peg;heavy;g\n")
    crank = Crank(settings, adapter=adapters)
    checked = answer("import", "products", str(file), "--decimal-comma", "--dry-run")["id"]
    crank.settle()
    shown = answer("import", "show", checked)
    assert (shown["state"], shown["wrong_lines"]) == ("checked", 1)
    assert shown["rules"] == [{"rule": "product.weight", "field": "weight", "lines": 1}]
    assert flask("import", "errors", checked).output.splitlines()[1].startswith("3,weight,product.weight,heavy,")
    taken = answer("import", "products", str(file), "--decimal-comma", "--leave-out")["id"]
    crank.settle()
    crank.close()
    assert answer("import", "show", taken)["counts"] == {"created": 1, "changed": 0, "unchanged": 0}
    assert [one["state"] for one in answer("import", "list")] == ["applied", "checked"]
    again = flask("import", "products", str(file), "--decimal-comma", "--leave-out")
    assert again.exit_code == 1
    assert "sheets.same" in again.output


@pytest.mark.capability("INV-1")
def test_counts_are_taken_in_from_a_terminal_as_a_source_of_their_own(
    answer: Callable[..., Any], hub: Hub, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "count.csv"
    file.write_text("sku,location,quantity,as_of\nTENT,EAST,7,2026-01-01T06:00Z\n")
    crank = Crank(settings, adapter=adapters)
    sheet = answer("import", "stock", str(file), "--source", "shop floor")["id"]
    crank.settle()
    found = crank.rows("SELECT sku, location, source, on_hand::int FROM inventory.stock_level")
    crank.close()
    assert found == [("TENT", "EAST", "shop floor", 7)]
    shown = answer("import", "show", sheet)
    assert (shown["kind"], shown["source"], shown["state"]) == ("stock", "shop floor", "applied")
    assert answer("import", "list", "--kind", "prices") == []
