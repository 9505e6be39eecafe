"""`flask product`: the catalogue in a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from app.domains.product import service
from app.domains.product.canonical import Unit, VariantDraft
from app.infra.hub import Hub
from tests.domains.product.shelves import bundle, draft


@pytest.fixture(autouse=True)
def catalogue(hub: Hub) -> None:
    mug = VariantDraft(sku="MUG", gtin="96385074", units=(Unit(unit="box", numerator=12),))
    with hub.unit_of_work() as uow:
        service.keep_many(
            uow, [draft("MUG", variants=(mug,), title="Mug", status="active"), bundle("SET", MUG="2")], "ann"
        )


@pytest.mark.capability("PRD-1")
def test_products_are_listed_and_looked_up(flask: Callable[..., Result], answer: Callable[..., Any]) -> None:
    assert [row["code"] for row in answer("product", "list")] == ["MUG", "SET"]
    assert [row["code"] for row in answer("product", "list", "96385074")] == ["MUG"]
    assert [row["code"] for row in answer("product", "list", "--status", "draft")] == ["SET"]
    shown = answer("product", "show", "SET")
    assert shown["variants"][0]["components"] == [{"sku": "MUG", "quantity": "2"}]
    words = flask("product", "show", "MUG").output
    assert "MUG  96385074, in piece, active" in words
    assert "1 box = 12 piece" in words
    assert "text from ann" in words
    assert "holds 2 MUG" in flask("product", "show", "SET").output
    assert "No such product." in flask("product", "list", "GHOST").output


def test_what_cannot_be_done_is_one_sentence(flask: Callable[..., Result]) -> None:
    unknown = flask("product", "show", "GHOST")
    assert (unknown.exit_code, "product.unknown" in unknown.output) == (1, True)
    words = ["connection", "add", "shop", "--adapter", "shopify", "--set", "shop=demo.myshopify.com", "--secret-stdin"]
    assert flask(*words, input="access_token=t\nwebhook_secret=s\n").exit_code == 0
    refused = flask("product", "import", "shop", "--whole")
    assert (refused.exit_code, "product.no_source" in refused.output) == (1, True)


@pytest.mark.capability("PRD-1")
def test_an_import_is_begun_as_a_run(flask: Callable[..., Result], answer: Callable[..., Any]) -> None:
    settings = {
        "tenant": "t", "environment": "e", "company_id": "00000000-0000-0000-0000-00000000abcd", "client_id": "c",
        "local_currency": "USD", "tax_mode": "erp_tax",
    }  # fmt: skip
    given = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    words = ["connection", "add", "erp", "--adapter", "business_central", *given, "--secret-stdin"]
    assert flask(*words, input="client_secret=s\n").exit_code == 0
    first = flask("product", "import", "erp")
    assert (first.exit_code, "import the whole first" in first.output) == (1, True)
    run = answer("product", "import", "erp", "--whole", "--why", "the beginning")
    shown = answer("runs", "show", run["run"])
    assert (shown["kind"], shown["connection"], shown["why"]) == ("product_import", "erp", "the beginning")
