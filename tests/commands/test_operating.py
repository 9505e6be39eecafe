"""What an operator does without a browser, for people and as JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from app.commands.users import FIRST, ensure_first_user
from app.infra.hub import Hub
from app.infra.people import sign_in
from app.settings import Settings
from tests.console.browser import SETTINGS, acts, connect, set_aside, state_of

Run = Callable[..., Result]
Ask = Callable[..., Any]
GROUPS = ("connection", "deliveries", "replay", "doubt", "runs", "case", "user", "key", "deadline", "flow")


def test_every_command_explains_itself_and_answers_in_json(app: Flask, flask: Run) -> None:
    for group in GROUPS:
        commands = app.cli.commands[group].commands  # type: ignore[attr-defined]
        assert set(commands) >= {"list"}
        for name in commands:
            shown = flask(group, name, "--help")
            assert (name, shown.exit_code, "--json" in shown.output) == (name, 0, True)
            assert len(shown.output.splitlines()[2].strip()) > 20


@pytest.mark.capability("ADM-1")
def test_people_are_made_listed_and_reset(flask: Run, answer: Ask, hub: Hub) -> None:
    made = answer("user", "create", "Dana@Shop.example", "--role", "operator", "--name", "Dana")
    assert made["role"] == "operator"
    assert [(one["email"], one["role"]) for one in answer("user", "list")] == [("dana@shop.example", "operator")]
    with hub.unit_of_work() as uow:
        assert sign_in(uow, hub.redis, "dana@shop.example", made["password"]).person is not None
    fresh = answer("user", "reset", "dana@shop.example")["password"]
    with hub.unit_of_work() as uow:
        assert sign_in(uow, hub.redis, "dana@shop.example", made["password"]).person is None
        assert sign_in(uow, hub.redis, "dana@shop.example", fresh).person is not None
    again = flask("user", "create", "dana@shop.example")
    assert (again.exit_code, "is a person here already" in again.output) == (1, True)
    given = flask("user", "create", "luis@shop.example", "--password-stdin", input="a given pass phrase\n")
    assert "a given pass phrase" not in given.output
    assert [did for _, did, _ in acts(hub)] == ["added a person", "reset a password", "added a person"]


def test_the_first_administrator_is_made_once(hub: Hub, settings: Settings) -> None:
    password = ensure_first_user(settings)
    assert password is not None
    with hub.unit_of_work() as uow:
        person = sign_in(uow, hub.redis, FIRST, password).person
    assert person is not None
    assert person.role == "admin"
    assert ensure_first_user(settings) is None


@pytest.mark.capability("ADM-2", "SEC-1")
def test_a_connection_is_added_without_a_secret_on_the_command_line(
    flask: Run, answer: Ask, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_ones = [f"{name}={value}" for name, value in SETTINGS["erp"].items() if name != "client_secret"]
    words = ["connection", "add", "marlow", "--adapter", "business_central", "--role", "erp"]
    words += [part for pair in (*open_ones, "accounts.shipping=4100") for part in ("--set", pair)]
    spoken = flask(*words, "--set", "client_secret=clear")
    assert (spoken.exit_code, "give it with --secret client_secret" in spoken.output) == (2, True)
    assert flask(*words, "--secret", "client_secret=clear").exit_code == 2
    (tmp_path / "secret").write_text("from a file\n")
    added = answer(*words, "--secret", f"client_secret=file:{tmp_path}/secret")
    assert added == {"name": "marlow", "adapter": "business_central", "roles": ["erp"]}
    with hub.unit_of_work() as uow:
        kept = hub.connections.get(uow.session, "marlow").settings
    assert (kept["client_secret"], kept["accounts"]["shipping"]) == ("from a file", "4100")
    shown = flask("connection", "show", "marlow")
    assert "from a file" not in shown.output
    monkeypatch.setenv("NEW_SECRET", "from a variable")
    assert answer("connection", "rotate", "marlow", "--secret", "client_secret=env:NEW_SECRET")["rotated"] == [
        "client_secret"
    ]
    flask("connection", "rotate", "marlow", "--secret-stdin", input="client_secret=from standard input\n")
    hub.connections.forget()
    with hub.unit_of_work() as uow:
        assert hub.connections.get(uow.session, "marlow").settings["client_secret"] == "from standard input"


@pytest.mark.capability("ADM-2")
def test_a_connection_that_cannot_be_says_field_and_rule(flask: Run) -> None:
    refused = flask("connection", "add", "erp", "--adapter", "business_central", "--set", "tenant=marlow")
    assert refused.exit_code == 1
    assert "environment: is missing" in refused.output
    unknown = flask("connection", "add", "erp", "--adapter", "fax")
    assert "there is no adapter 'fax'" in unknown.output
    odd = flask("connection", "add", "Not A Name", "--adapter", "shopify", "--set", "shop=demo.myshopify.com")
    assert odd.exit_code == 1


@pytest.mark.capability("RT-13")
def test_a_connection_is_listed_paused_and_resumed(flask: Run, answer: Ask, hub: Hub) -> None:
    assert "No connection yet" in flask("connection", "list").output
    connect(hub, "shop", "erp")
    assert flask("connection", "pause", "erp").exit_code == 2
    assert answer("connection", "pause", "erp", "--why", "stock count") == {"name": "erp", "state": "paused"}
    listed = {row["name"]: (row["state"], row["roles"]) for row in answer("connection", "list")}
    assert listed == {"erp": ("paused", ["erp"]), "shop": ("on", [])}
    assert "is paused already" in flask("connection", "pause", "erp", "--why", "again").output
    assert answer("connection", "resume", "erp")["state"] == "on"
    assert [why for _, did, why in acts(hub) if did == "paused a connection"] == ["stock count"]


@pytest.mark.capability("ADM-2")
def test_a_connection_test_that_fails_ends_with_status_one(flask: Run, hub: Hub) -> None:
    connect(hub, "erp")
    failed = flask("connection", "test", "nobody")
    assert (failed.exit_code, "there is no connection 'nobody'" in failed.output) == (1, True)


@pytest.mark.capability("RT-6")
def test_deliveries_are_shown_counted_replayed_and_dismissed(flask: Run, answer: Ask, hub: Hub) -> None:
    connect(hub, "erp")
    first, second, third = (set_aside(hub, f"orders:{n}")[1] for n in range(3))
    assert [row["id"] for row in answer("deliveries", "list")] == [first, second, third]
    assert answer("deliveries", "list", "--code", "nothing.like_it") == []
    shown = answer("deliveries", "show", str(first))
    assert (shown["event"], shown["attempts"][0]["said"]) == ("orders.order_accepted.v1", "no item MO-1")
    asked = flask("deliveries", "replay", str(first), input="n\n")
    assert "Replay 1 deliveries (0 wait behind them)?" in asked.output
    assert state_of(hub, first) == "parked"
    assert answer("deliveries", "replay", str(first), "--why", "mended") == {"count": 1, "asked": 1}
    assert flask("deliveries", "dismiss", str(second)).exit_code == 2
    assert answer("deliveries", "dismiss", str(second), "--why", "a test")["count"] == 1
    assert answer("deliveries", "replay", "--code", "orders.sku_unmapped")["count"] == 1
    assert [state_of(hub, one) for one in (first, second, third)] == ["due", "dismissed", "due"]
    assert flask("deliveries", "replay").exit_code == 2
    assert "No dead letter matches" in flask("deliveries", "replay", "--code", "x").output
    assert all(who.startswith("terminal:") for who, did, _ in acts(hub) if "deliveries" in did)


@pytest.mark.capability("VIS-4")
def test_cases_are_listed_resolved_and_dismissed(flask: Run, answer: Ask, hub: Hub) -> None:
    assert "nothing needs a decision" in flask("case", "list").output
    _, mended, case = set_aside(hub, "orders:1")
    _, needless, other = set_aside(hub, "orders:2", code="erp.nothing_to_post")
    assert {row["id"]: row["code"] for row in answer("case", "list")} == {
        case: "orders.sku_unmapped", other: "erp.nothing_to_post",
    }  # fmt: skip
    assert answer("case", "resolve", case, "--why", "item made")["due"] == 1
    assert answer("case", "dismiss", other, "--why", "empty")["dismissed"] == 1
    assert [state_of(hub, one) for one in (mended, needless)] == ["due", "dismissed"]
    twice = flask("case", "resolve", case)
    assert (twice.exit_code, "the case is resolved already" in twice.output) == (1, True)
    assert len(answer("case", "list", "--closed")) == 2


@pytest.mark.capability("GOV-2")
def test_keys_are_made_shown_once_and_revoked(flask: Run, answer: Ask, hub: Hub) -> None:
    connect(hub, "erp")
    made = answer("key", "create", "Warehouse", "--scope", "erp:write", "--connection", "erp", "--days", "30")
    assert made["key"].startswith(f"rh_{made['prefix']}_")
    assert made["key"] not in flask("key", "list").output
    assert flask("key", "create", "x", "--scope", "everything").exit_code == 2
    assert flask("key", "create", "x", "--scope", "metrics", "--connection", "nobody").exit_code == 1
    assert answer("key", "revoke", made["prefix"], "--why", "lost")["revoked"] is True
    assert answer("key", "list")[0]["revoked_at"] is not None
