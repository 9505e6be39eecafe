"""`flask replay`, `flask runs`, `flask doubt` and `flask deliveries edit`, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from app.infra.hub import Hub
from tests.console.browser import acts, connect, set_aside, state_of

Run = Callable[..., Result]
Ask = Callable[..., Any]


@pytest.mark.capability("RT-6")
def test_a_filter_is_previewed_started_shown_and_stopped(flask: Run, answer: Ask, hub: Hub) -> None:
    connect(hub, "erp")
    ones = [set_aside(hub, f"orders:{n}")[1] for n in range(3)]
    seen = answer("replay", "preview", "--code", "orders.sku_unmapped")
    assert (seen["count"], seen["too_many"], len(seen["sample"])) == (3, False, 3)
    assert "parked" in flask("replay", "preview").output
    asked = flask("replay", "start", "--code", "orders.sku_unmapped", input="n\n")
    assert "Replay 3 deliveries?" in asked.output
    assert [state_of(hub, one) for one in ones] == ["parked"] * 3
    made = answer("replay", "start", "--code", "orders.sku_unmapped", "--rate", "5", "--why", "item made")
    assert made["total"] == 3
    (row,) = answer("runs", "list")
    assert (row["id"], row["state"], row["rate"]) == (made["run"], "waiting", 5.0)
    shown = answer("replay", "show", made["run"])
    assert (shown["released"], shown["by"]) == (0, [])
    assert answer("runs", "stop", made["run"], "--why", "wait")["state"] == "stopped"
    assert "stopped" in flask("runs", "show", made["run"]).output
    assert answer("runs", "pace", made["run"])["rate"] is None
    assert answer("runs", "resume", made["run"])["state"] == "waiting"
    assert [did for _, did, _ in acts(hub)][-4:] == ["started a run", "stopped a run", "paced a run", "resumed a run"]
    assert [one["id"] for one in answer("replay", "list")] == [made["run"]]


@pytest.mark.capability("RT-6")
def test_a_filter_that_finds_nothing_or_is_unknown_says_so(flask: Run, hub: Hub) -> None:
    for words, said in (
        (("--code", "no.such"), "no delivery matches"),
        (("--step", "no.such"), "there is no step 'no.such'"),
        (("--state", "done"), "say since when"),
    ):
        refused = flask("replay", "start", *words, "--yes")
        assert (refused.exit_code, said in refused.output) == (1, True), refused.output
    assert "No run yet" in flask("runs", "list").output
    assert "there is no run" in flask("runs", "show", "01a1fe5b-4268-72a3-bf87-102f9fb24ff9").output


@pytest.mark.capability("RT-6")
def test_a_payload_is_edited_after_its_difference_was_shown(flask: Run, answer: Ask, hub: Hub) -> None:
    connect(hub, "erp")
    _, delivery, _ = set_aside(hub, "orders:1")
    with hub.unit_of_work() as uow:
        payload = {"order_id": "1", "company": "marlow", "channel": "shop", "version": 1, "account_id": "7"}
        uow.sql("UPDATE hub.event SET payload = %(p)s::jsonb", {"p": json.dumps(payload)})
    wrong = flask("deliveries", "edit", str(delivery), "--set", 'version="x"', "--why", "typo")
    assert (wrong.exit_code, "where int is expected" in wrong.output) == (1, True), wrong.output
    words = ("deliveries", "edit", str(delivery), "--set", 'company="other"', "--why", "typo")
    asked = flask(*words, input="n\n")
    assert ("company" in asked.output, "let it go again?" in asked.output) == (True, True), asked.output
    assert state_of(hub, delivery) == "parked"
    assert answer(*words)["changes"] == [{"path": "company", "before": "marlow", "after": "other"}]
    assert state_of(hub, delivery) == "due"
    assert answer("deliveries", "show", str(delivery))["edited"] is True
    assert flask("deliveries", "edit", str(delivery), "--why", "typo").exit_code == 2


@pytest.mark.capability("RT-5")
def test_what_is_in_doubt_is_listed_and_a_wrong_word_on_it_refused(flask: Run, answer: Ask, hub: Hub) -> None:
    assert "Nothing is in doubt" in flask("doubt", "list").output
    connect(hub, "erp")
    _, delivery, _ = set_aside(hub, "orders:1", code="hub.in_doubt", said="no answer within 30 s")
    with hub.unit_of_work() as uow:
        uow.sql("UPDATE hub.delivery SET in_doubt = true")
    (row,) = answer("doubt", "list")
    assert (row["delivery_id"], row["state"], row["look"]) == (delivery, "parked", "the hub looks before it writes")
    assert answer("doubt", "show", str(delivery))["delivery_id"] == delivery
    refused = flask("doubt", "resend", str(delivery), "--why", "not there")
    assert (refused.exit_code, "can be asked" in refused.output) == (1, True)
    assert flask("doubt", "happened", str(delivery)).exit_code == 2
    assert "no delivery 987654" in flask("doubt", "show", "987654").output
