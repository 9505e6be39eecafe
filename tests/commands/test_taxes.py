"""`flask tax` and `flask prices`: what people say about tax, and about the prices that channels show."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Flask = Callable[..., Result]
TABLE = """jurisdiction,title,country,zone,shipping,shipping_code,tax_code,name,percent,effective_from,effective_to
DE,Germany,DE,Europe/Berlin,,,standard,USt 19 %,19,2021-01-01,
DE,Germany,DE,Europe/Berlin,,,books,USt 7 %,7,2007-01-01,
"""


def run(flask: Flask, *words: str) -> Any:
    done = flask(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


@pytest.fixture(name="table")
def _table(flask: Flask, tmp_path: Path) -> Path:
    file = tmp_path / "rates.csv"
    file.write_text(TABLE)
    assert run(flask, "tax", "put", str(file)) == {"jurisdictions": 1, "rates": 2}
    return file


@pytest.mark.capability("PRC-3")
def test_a_table_is_put_listed_tried_and_dropped(flask: Flask, table: Path) -> None:
    rates = run(flask, "tax", "list", "--country", "de")
    assert [(one["tax_code"], one["percent"]) for one in rates] == [("books", "7"), ("standard", "19")]
    tried = run(flask, "tax", "try", "119.00", "standard", "--country", "de", "--gross")
    assert (tried["net"], tried["tax"], tried["parts"][0]["name"]) == ("100.00", "19.00", "USt 19 %")
    assert (
        "rounded by document, half up, as erp invoices" in flask("tax", "try", "1", "books", "--country", "DE").output
    )
    run(flask, "tax", "drop", "DE", "--why", "moved away")
    assert "No rate yet" in flask("tax", "list").output


def test_a_table_with_a_fault_is_refused_in_one_sentence(flask: Flask, table: Path) -> None:
    table.write_text(TABLE.replace(",19,", ",nineteen,"))
    done = flask("tax", "put", str(table))
    assert (done.exit_code, "line 2, percent: 'nineteen' is no percentage" in done.output) == (1, True)
    assert len(run(flask, "tax", "list")) == 2


@pytest.mark.capability("PRC-3")
def test_rules_and_exemptions_are_said_and_listed(flask: Flask, table: Path) -> None:
    run(flask, "tax", "rule", "--system", "bc", "--rounding", "line", "--half", "even", "--fallback", "19")
    (rule,) = run(flask, "tax", "rules")
    assert (rule["mode"], rule["engine"]) == ("rounded by line, half even, as bc invoices", "rate table")
    assert flask("tax", "rule", "--system", "bc", "--engine", "nobody").exit_code == 1
    assert flask("tax", "rule", "--system", "bc", "--fallback", "much").exit_code == 1
    run(flask, "tax", "exempt", "c1", "AT-1", "--country", "de", "--since", "2026-01-01")
    assert [one["certificate_id"] for one in run(flask, "tax", "exemptions", "--customer", "c1")] == ["AT-1"]
    free = run(flask, "tax", "try", "10", "standard", "--country", "DE", "--customer", "c1")
    assert (free["tax"], free["parts"][0]["certificate"]) == ("0.00", "AT-1")
    run(flask, "tax", "exempt-end", "c1", "AT-1", "--why", "withdrawn")
    assert run(flask, "tax", "exemptions") == []
    assert flask("tax", "exempt", "c1", "AT-2", "--country", "DE", "--since", "soon").exit_code == 1


@pytest.mark.capability("PRC-4")
def test_how_a_channel_shows_prices_is_said_and_looked_at(flask: Flask) -> None:
    words = ["connection", "add", "shop", "--adapter", "shopify", "--set", "shop=demo.myshopify.com", "--secret-stdin"]
    assert flask(*words, input="access_token=t\nwebhook_secret=s\n").exit_code == 0
    assert run(flask, "prices", "channel", "shop", "--currency", "eur", "--gross", "--ending", "0.99") == {"due": 0}
    (standing,) = run(flask, "prices", "status")
    assert (standing["channel"], standing["skus"], standing["waiting"]) == ("shop", 0, 0)
    assert run(flask, "prices", "send", "shop", "--sku", "TENT-*") == {"due": 0}
    assert "Every price is shown" in flask("prices", "troubled", "shop").output
    assert "was never to show" in flask("prices", "show", "shop", "TENT-2P").output
    assert flask("prices", "send", "nowhere").exit_code == 1
    assert flask("prices", "channel", "nowhere", "--currency", "EUR", "--net").exit_code == 1
    assert flask("prices", "channel", "shop", "--currency", "JPY", "--net", "--ending", "0.99").exit_code == 1
