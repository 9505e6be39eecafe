"""`flask stock …`: offers, the recount and drift from a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from app.infra.hub import Hub
from tests.stock import contradictions


@pytest.mark.capability("INV-2")
def test_what_a_channel_agreed_is_written_listed_shown_and_taken_away(
    answer: Callable[..., Any], flask: Callable[..., Result]
) -> None:
    answer("stock", "set", "TEE-M", "EAST", "12")
    assert answer("stock", "policies") == []
    answer("stock", "agree", "shop", "TEE-*", "--set", "safety=2", "--set", "cap=7", "--location", "EAST")
    (row,) = answer("stock", "policies")
    assert (row["channel"], row["pattern"], row["safety"], row["cap"], row["locations"]) == (
        "shop", "TEE-*", "2", "7", ["EAST"],
    )  # fmt: skip
    shown = answer("stock", "show", "TEE-M", "--channel", "shop")
    assert (shown["available"], shown["free at EAST"], shown["shop: offered"], shown["shop: safety"]) == (
        "12", "12", "7", "-2",
    )  # fmt: skip
    answer("stock", "disagree", "shop", "TEE-*")
    assert answer("stock", "show", "TEE-M", "--channel", "shop")["shop: offered"] == "12"
    wrong = flask("stock", "agree", "shop", "--set", "colour=3")
    assert (wrong.exit_code, "inventory.bad_policy" in wrong.output) == (1, True)
    assert flask("stock", "disagree", "shop", "TEE-*").exit_code == 1
    assert flask("stock", "show", "NEVER").exit_code == 1


@pytest.mark.capability("INV-7")
def test_a_recount_finds_what_was_changed_by_hand_and_a_person_corrects_it(
    hub: Hub, answer: Callable[..., Any], flask: Callable[..., Result]
) -> None:
    answer("stock", "set", "TEE-M", "EAST", "12")
    assert answer("stock", "recount") == {"skus": 1, "differences": 0, "corrected_skus": 0}
    with hub.unit_of_work() as uow:
        uow.sql("UPDATE inventory.stock_level SET on_hand = 15")
    assert answer("stock", "recount") == {"skus": 1, "differences": 2, "corrected_skus": 0}
    rows = answer("stock", "drift")
    assert {(row["field"], row["ours"], row["theirs"]) for row in rows} == {
        ("on_hand", "15", "12"),
        ("available", "12", "15"),
    }
    answer("stock", "correct", str(rows[0]["id"]))
    assert (answer("stock", "drift"), contradictions(hub)) == ([], [])
    assert flask("stock", "correct", str(rows[0]["id"])).exit_code == 1


def test_a_tolerance_lets_small_differences_be_corrected_by_themselves(
    hub: Hub, answer: Callable[..., Any], flask: Callable[..., Result]
) -> None:
    answer("stock", "set", "TEE-M", "EAST", "12")
    answer("stock", "tolerance", "ledger", "0", "--automatic", "5")
    with hub.unit_of_work() as uow:
        uow.sql("UPDATE inventory.stock_level SET on_hand = 15")
    assert answer("stock", "recount") == {"skus": 1, "differences": 2, "corrected_skus": 1}
    assert contradictions(hub) == []
    assert flask("stock", "tolerance", "ledger", "-1").exit_code != 0


@pytest.mark.capability("INV-1")
def test_a_unit_is_named_for_one_sku_or_for_all(answer: Callable[..., Any], flask: Callable[..., Result]) -> None:
    assert answer("stock", "unit", "BOX", "12", "--sku", "TEE-M")["factor"] == "12"
    assert flask("stock", "unit", "BOX", "none").exit_code == 1
