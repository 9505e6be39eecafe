"""`flask stock` and `flask map`: what a person says before a system says it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

Flask = Callable[..., Result]


def run(flask: Flask, *words: str) -> Any:
    done = flask(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


@pytest.mark.capability("INV-1")
def test_a_counted_level_can_be_sold_and_counted_again(flask: Flask):
    assert run(flask, "stock", "set", "TEE-M", "EAST", "12") == {
        "sku": "TEE-M", "location": "EAST", "changed": True, "available": "12",
    }  # fmt: skip
    assert run(flask, "stock", "set", "TEE-M", "EAST", "7")["available"] == "7"


def test_a_quantity_that_is_no_number_is_refused_in_one_sentence(flask: Flask):
    done = flask("stock", "set", "TEE-M", "EAST", "many")
    assert (done.exit_code, "'many' is no number" in done.output) == (1, True)


def test_unknown_skus_are_sold_untracked_once_that_is_said(flask: Flask):
    assert run(flask, "stock", "policy", "untracked") == {"company": "", "unknown_sku": "untracked"}


@pytest.mark.capability("CM-5")
def test_a_mapped_word_is_listed_and_needs_a_connection(flask: Flask):
    words = ["connection", "add", "shop", "--adapter", "shopify", "--set", "shop=demo.myshopify.com", "--secret-stdin"]
    assert flask(*words, input="access_token=t\nwebhook_secret=s\n").exit_code == 0
    run(flask, "map", "set", "shop", "location", "EAST", "gid://shopify/Location/1")
    assert run(flask, "map", "list", "shop") == [
        {"connection": "shop", "kind": "location", "source": "EAST", "target": "gid://shopify/Location/1"}
    ]
    done = flask("map", "set", "nowhere", "location", "EAST", "x")
    assert done.exit_code == 1


@pytest.mark.capability("CM-5")
def test_a_map_goes_out_as_a_file_and_comes_back_changed(flask: Flask):
    words = ["connection", "add", "shop", "--adapter", "shopify", "--set", "shop=demo.myshopify.com", "--secret-stdin"]
    assert flask(*words, input="access_token=t\nwebhook_secret=s\n").exit_code == 0
    run(flask, "map", "set", "shop", "location", "EAST", "1")
    written = flask("map", "export", "shop").output
    assert written.splitlines() == ["kind,source,target", "location,EAST,1"]
    changed = written.replace("EAST,1", "EAST,2") + "location,WEST,3\n"
    done = flask("map", "import", "shop", "-", "--json", input=changed)
    assert json.loads(done.output) == {"changed": 2, "removed": 0, "gaps": 0, "released": 0}
    run(flask, "map", "remove", "shop", "location", "WEST", "--why", "closed")
    assert [row["target"] for row in run(flask, "map", "list", "shop")] == ["2"]
    wrong = flask("map", "import", "shop", "-", input="kind,source,target\nlocation,,3\n")
    assert (wrong.exit_code, "the first is line 2" in wrong.output) == (1, True)
    assert run(flask, "map", "gaps") == []
