"""`flask price-list`, `flask promotion` and `flask quote`: lists from files, rules, and a quote at the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from app.infra.hub import Hub
from tests.domains.pricing.shop import GERMANY, Shop

pytestmark = pytest.mark.capability("PRC-1", "PRC-3")
Flask = Callable[..., Result]
FILE = """sku,min_quantity,amount,from,until
TENT,,199.00,2026-01-01,2027-12-31
TENT,,209.00,2028-01-01,
TENT,5,189.5,2026-01-01,
PEG,100,0.375,2026-01-01,
PEG,1,0.99,2026-01-01,
"""


@pytest.fixture
def retail(hub: Hub, answer: Callable[..., Any], tmp_path: Path) -> Path:
    """A gross list in Berlin's days, filled from a file."""
    shop = Shop(hub)
    shop.tax(GERMANY)
    shop.items(TENT="tax_code=standard cost=100", PEG="tax_code=standard")
    shop.promotion("tents-10", skus=["TENT"])
    made = [
        "price-list",
        "make",
        "retail",
        "--currency",
        "EUR",
        "--zone",
        "Europe/Berlin",
        "--gross",
        "--channel",
        "shop",
    ]
    assert answer(*made) == {"code": "retail", "for": "channel shop"}
    file = tmp_path / "prices.csv"
    file.write_text(FILE, encoding="utf-8-sig")
    assert answer("price-list", "import", "retail", str(file)) == {"code": "retail", "prices": 5, "changed": 2}
    return file


def test_a_file_fills_a_list_and_the_same_file_changes_nothing(retail: Path, answer: Callable[..., Any]) -> None:
    assert answer("price-list", "import", "retail", str(retail))["changed"] == 0
    assert answer("price-list", "show", "retail", "TENT") == [
        {"unit": "", "from_quantity": "1", "amount": "199.00", "from": "2026-01-01 00:00", "until": "2028-01-01 00:00"},
        {"unit": "", "from_quantity": "1", "amount": "209.00", "from": "2028-01-01 00:00", "until": ""},
        {"unit": "", "from_quantity": "5", "amount": "189.50", "from": "2026-01-01 00:00", "until": ""},
    ]
    (kept,) = answer("price-list", "list")
    assert (kept["code"], kept["for"], kept["prices"], kept["open"]) == ("retail", "channel shop", "gross", True)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("CUP,1,many,2026-01-01,", "line 7: amount: 'many' is no number"),
        ("CUP,1,1,2026-03-29T02:30,", "line 7: the clock of Europe/Berlin never shows"),
        ("CUP,1,-1,2026-01-01,", "line 7: amount: CUP from 1 costs -1"),
        (",1,1,2026-01-01,", "line 7: sku: is empty"),
        ("PEG,1,1.00,2026-06-01,", None),
        ("PEG,1,1.00,2025-06-01,2025-11-30", "no price from 2025-11-30 23:00 to 2025-12-31 23:00 UTC"),
        ("PEG,1,1.00,2026-01-01,2026-06-30", "two prices of PEG from 1 hold at 2025-12-31 23:00 UTC"),
    ],
)
def test_one_wrong_row_and_nothing_of_the_file_is_kept(
    retail: Path, flask: Flask, answer: Callable[..., Any], row: str, said: str | None
) -> None:
    retail.write_text(f"{FILE.replace('0.375', '0.4')}{row}\n")
    done = flask("price-list", "import", "retail", str(retail))
    (_, cheapest) = answer("price-list", "show", "retail", "PEG")[-2:]
    if said is None:  # a row that is right: the price before ends where it begins
        assert (done.exit_code, cheapest["amount"]) == (0, "0.40")
    else:
        assert (done.exit_code, said in done.output) == (1, True), done.output
        assert cheapest["amount"] == "0.375"


def test_a_file_with_other_columns_is_refused(retail: Path, flask: Flask) -> None:
    retail.write_text("sku,price\nA,1\n")
    done = flask("price-list", "import", "retail", str(retail))
    assert "line 1: the columns are price, sku; give amount, from, sku" in done.output


def test_a_quote_is_explained_at_the_terminal(retail: Path, flask: Flask, answer: Callable[..., Any]) -> None:
    asked = ("quote", "basket", "TENT=2", "PEG", "--currency", "EUR", "--country", "DE", "--channel", "shop")
    done = flask(*asked, "--shipping", "4.90")
    for said in ("list_price", "10 % off", "shipping as the caller gave it", "gross 364.09 EUR"):
        assert said in done.output  # 398.00 - 39.80 + 0.99 + 4.90
    assert answer("quote", "rule", "--channel", "shop", "--margin", "0.6")["margin"] == "0.6"
    body = answer(*asked)
    assert body["lines"][0]["net"] == "320.00"  # 2 x 100 x 1.6
    assert answer("promotion", "end", "tents-10", "--why", "over") == {"code": "tents-10", "ended": True}
    assert [one["open"] for one in answer("promotion", "list")] == [False]
    assert answer(*asked)["discount"] == "0.00"


def test_a_closed_list_prices_nothing_until_it_is_opened(
    retail: Path, flask: Flask, answer: Callable[..., Any]
) -> None:
    asked = ("quote", "basket", "TENT=x", "--currency", "EUR", "--country", "DE", "--channel", "shop")
    assert "line 1: 'x' is no number" in flask(*asked).output
    assert answer("price-list", "close", "retail")["changed"] is True
    assert "pricing.no_price" in flask(*(word.replace("x", "1") for word in asked)).output
    assert answer("price-list", "open", "retail") == {"code": "retail", "state": "open", "changed": True}
    assert answer("price-list", "open", "retail")["changed"] is False


@pytest.mark.capability("PRC-2")
def test_a_promotion_is_made_from_a_file_and_a_wrong_one_is_told_why(retail: Path, flask: Flask) -> None:
    given = {"kind": "amount", "value": "5", "currency": "EUR", "level": "order", "zone": "UTC", "from": "2026-11-27"}

    def put(**changes: object) -> Result:
        return flask("promotion", "set", "five-off", "-", input=json.dumps({**given, **changes}))

    assert "pricing.no_stacking_rule" in put().output
    assert "five-off: 5 EUR off the order." in put(stacks_with=["tents-10"]).output
    for wrong, said in (({"colour": "red"}, "colour"), ({"value": "-1"}, "more than zero"), ({"kind": "x"}, "kind")):
        done = put(**wrong)
        assert (done.exit_code, said in done.output) == (1, True), done.output
