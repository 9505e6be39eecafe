"""`flask breaker …` and `flask quota …`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from app.infra.connections import ConnectionRow
from app.infra.hub import Hub

Run = Callable[..., Result]
Ask = Callable[..., Any]


@pytest.fixture
def shop(hub: Hub) -> str:
    given = {"shop": "demo.myshopify.com", "access_token": "t", "webhook_secret": "s"}
    with hub.unit_of_work() as uow:
        uow.session.add(ConnectionRow(name="shop", adapter="shopify", title="Shop", settings=given))
    hub.connections.forget()
    hub.gates.breakers._known.clear()
    return "shop"


@pytest.mark.capability("RT-7", "ADM-4")
def test_a_breaker_is_listed_tripped_and_reset(flask: Run, shop: str, hub: Hub):
    assert "closed" in flask("breaker", "list").output
    assert flask("breaker", "trip", shop).exit_code == 2
    assert "called no more" in flask("breaker", "trip", shop, "--why", "month end").output
    shown = json.loads(flask("breaker", "show", shop, "--json").output)
    assert (shown["state"], shown["why"]) == ("held", "month end")
    assert json.loads(flask("breaker", "reset", shop, "--json").output)["state"] == "closed"
    assert "is closed already" in flask("breaker", "reset", shop).output
    assert "there is no connection" in flask("breaker", "show", "nobody").output


@pytest.mark.capability("RT-8", "ADM-4")
def test_a_quota_shows_what_is_allowed_and_who_uses_it(flask: Run, shop: str):
    rows = json.loads(flask("quota", "show", shop, "--json").output)
    assert [(row["quota"], row["kind"], row["limit"], row["used"]) for row in rows] == [
        ("points", "graphql_cost", 2000, 0)
    ]
    assert "points" in flask("quota", "list").output


@pytest.mark.capability("RT-8")
def test_a_quota_of_an_unknown_kind_says_field_rule_and_fix(flask: Run):
    words = ("--set", "shop=demo.myshopify.com", "--set", 'quotas={"x": {"kind": "moon_phase", "limit": 5}}')
    refused = flask(
        "connection", "add", "shop", "--adapter", "shopify", *words, "--secret-stdin",
        input="access_token=t\nwebhook_secret=s\n",
    )  # fmt: skip
    assert refused.exit_code == 1
    for said in ("quotas.x.kind", "is unknown: 'moon_phase'", "use one of leaky_bucket"):
        assert said in refused.output
    assert "No connection yet" in flask("connection", "list").output
