"""Backfills, gap scans and subscriptions by command, against a shop on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from app.infra.connecting import add_connection
from app.infra.hub import Hub
from app.sandbox.assembly import create_sandbox
from app.sandbox.serving import Served
from app.sandbox.settings import Settings as SandboxSettings

Run = Callable[..., Result]
Ask = Callable[..., Any]


@pytest.fixture
def shop(hub: Hub) -> Iterator[Served]:
    sandbox = create_sandbox(SandboxSettings())
    sandbox.limits.put("shopify", None)
    settings = {
        "shop": sandbox.settings.shop_domain, "access_token": sandbox.settings.shop_token,
        "webhook_secret": sandbox.settings.shop_secret,
    }  # fmt: skip
    with Served(sandbox) as served:
        with hub.unit_of_work() as uow:
            add_connection(
                uow, name="shop", adapter="shopify", who="june",
                settings={**settings, "base_url": f"{served.url}/shopify"},
            )  # fmt: skip
        hub.connections._known.clear()  # another test had a shop of this name at another address
        hub.connections.forget()
        yield served


def test_every_command_explains_itself(app: Flask, flask: Run) -> None:
    for group, wanted in (("backfill", {"start", "list"}), ("gaps", {"scan", "list"}), ("subscription", {"list"})):
        commands = app.cli.commands[group].commands  # type: ignore[attr-defined]
        assert set(commands) >= wanted
        for name in commands:
            shown = flask(group, name, "--help")
            assert (name, shown.exit_code, "--json" in shown.output) == (name, 0, True)


@pytest.mark.capability("RT-15")
def test_a_backfill_is_counted_begun_and_listed(shop: Served, flask: Run, answer: Ask, hub: Hub) -> None:
    words = ("backfill", "start", "shop", "--since", "2026-01-01")
    tried = answer(*words, "--dry-run")
    assert (tried["expected"], tried["bulk"], tried["post"]) == (0, False, "open")
    assert answer("backfill", "list") == []
    begun = answer(*words, "--why", "moving in", "--rate", "2")
    (listed,) = answer("backfill", "list")
    assert (listed["id"], listed["state"], listed["rate"], listed["total"]) == (begun["run"], "waiting", 2.0, 0)
    again = flask(*words)
    assert (again.exit_code, "backfill.under_way" in again.output) == (1, True)
    nothing = flask("backfill", "again", begun["run"])
    assert (nothing.exit_code, "backfill.nothing_aside" in nothing.output) == (1, True)


@pytest.mark.capability("RT-15")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("backfill", "start", "nowhere", "--since", "2026-01-01"), "connections.unknown"),
        (("backfill", "start", "shop", "--since", "2026-01-01", "--kind", "galaxy"), "history.unknown_kind"),
        (("backfill", "start", "shop", "--since", "2026-02-01", "--until", "2026-01-01"), "backfill.range"),
        (("backfill", "start", "shop", "--since", "2026-02-01", "--until", "2999-01-01"), "backfill.range"),
        (("backfill", "start", "shop", "--since", "yesterday"), "backfill.range"),
        (("gaps", "scan", "shop", "--since", "2999-01-01"), "gap_scan.range"),
        (("gaps", "scan", "nowhere"), "connections.unknown"),
        (("subscription", "ensure", "nowhere"), "connections.unknown"),
    ],
)
def test_bad_input_is_refused_by_its_code_and_changes_nothing(
    shop: Served, flask: Run, hub: Hub, words: tuple[str, ...], code: str
) -> None:
    refused = flask(*words)
    assert (refused.exit_code, f"({code})" in refused.output) == (1, True), refused.output
    with hub.unit_of_work() as uow:
        assert uow.sql("SELECT count(*) FROM hub.run").fetchone() == (0,)


@pytest.mark.capability("RT-16")
def test_subscriptions_are_looked_at_and_looked_after(shop: Served, answer: Ask, hub: Hub) -> None:
    assert answer("subscription", "list") == []
    states = {row["state"] for row in answer("subscription", "list", "shop", "--now")}
    assert states == {"missing"}
    assert answer("subscription", "ensure", "shop") == {"connection": "shop"}
    assert answer("gaps", "scan", "shop", "--why", "to be sure")["connection"] == "shop"
    assert answer("gaps", "list") == []
    with hub.unit_of_work() as uow:
        asked = uow.sql("SELECT type FROM hub.event WHERE type LIKE 'hub.%%' ORDER BY id").fetchall()
    assert [name for (name,) in asked] == ["hub.subscriptions_due.v1"] * 2 + ["hub.gap_scan_due.v1"]
