"""`flask flag`, `route`, `shadow`, `cutover` and `connection drain`, as an operator types them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from click.testing import Result

from app.infra.hub import Hub

Flask = Callable[..., Result]
Answer = Callable[..., Any]
COMPANY = "0191fdc0-e24a-727c-a2d0-649fa8847915"


def add(flask: Flask, name: str, *more: str) -> Result:
    given = {"tenant": "t", "environment": "e", "company_id": COMPANY, "client_id": "c", "local_currency": "USD"}
    sets = [word for key, value in {**given, "tax_mode": "net"}.items() for word in ("--set", f"{key}={value}")]
    words = ["connection", "add", name, "--adapter", "business_central", *sets, "--secret-stdin", *more]
    return flask(*words, input="client_secret=s\n")


def connect(flask: Flask, name: str, *more: str) -> None:
    done = add(flask, name, *more)
    assert done.exit_code == 0, done.output


@pytest.mark.capability("RT-13")
def test_a_flag_is_set_explained_and_cleared_and_an_unknown_one_refused(flask: Flask, answer: Answer) -> None:
    connect(flask, "erp", "--role", "erp")
    answer("flag", "set", "erp.posting", "10", "--connection", "erp", "--why", "the first tenth")
    told = answer("flag", "explain", "erp.posting", "--key", "orders:1", "--connection", "erp")
    assert (told["percent"], told["slot"], told["passes"], told["because"]) == (
        "10.00", "37.76", False, "connection erp",
    )  # fmt: skip
    rules = {row["flag"]: row["rules"] for row in answer("flag", "list")}["erp.posting"]
    assert [(rule["scope"], rule["percent"]) for rule in rules] == [("connection erp", "10.00")]
    answer("flag", "clear", "erp.posting", "--connection", "erp")
    assert answer("flag", "explain", "erp.posting", "--key", "orders:1")["because"] == "the default"
    done = flask("flag", "set", "erp.postings", "off")
    assert (done.exit_code, "(flags.unknown)" in done.output) == (1, True)


@pytest.mark.capability("RT-14")
def test_a_switch_is_previewed_then_made_and_a_second_live_one_must_be_meant(
    flask: Flask, answer: Answer, hub: Hub
) -> None:
    connect(flask, "erp", "--role", "erp")
    for role, code in (("erp", "routes.both_live"), ("erpp", "routes.role")):
        done = add(flask, "erp-new", "--role", role)
        assert (done.exit_code, f"({code})" in done.output) == (1, True), done.output
    assert [row["name"] for row in answer("connection", "list")] == ["erp"]
    connect(flask, "erp-new")
    done = flask("route", "add", "erp-new")
    assert (done.exit_code, "(routes.both_live)" in done.output) == (1, True)
    day = str(hub.clock.now().date() + timedelta(days=7))
    words = ("route", "switch", "erp", "erp-new", "--on", day, "--keep", "shadow")
    spans = [
        {"from": "", "until": day, "goes to": "erp"},
        {"from": day, "until": "", "goes to": "erp-new, erp as a shadow"},
    ]
    planned = answer(*words, "--preview")
    assert (planned["spans"], len(answer("route", "list"))) == (spans, 1)
    assert answer(*words, "--why", "it is ready")["spans"] == spans
    assert answer("route", "show") == spans
    assert answer("route", "move", "erp", "erp-new", "--preview")["moved"] == 0


@pytest.mark.capability("RT-13")
def test_a_connection_is_drained_and_made_a_shadow_with_a_reason(flask: Flask, answer: Answer) -> None:
    connect(flask, "erp")
    told = answer("connection", "drain", "erp", "--why", "it is moved")
    assert told["state"] == "draining"
    assert flask("connection", "drain", "erp", "--why", "again").exit_code == 1
    answer("connection", "resume", "erp")
    assert flask("shadow", "on", "erp").exit_code == 2, "no reason was given"
    assert "shadow.work_waits" in flask("shadow", "on", "erp", "--why", "x").output, "its subscriptions are due"
    assert answer("shadow", "report") == {"counts": {}, "pairs": []}


@pytest.mark.capability("RT-14")
def test_a_report_on_nothing_or_on_one_erp_is_refused(flask: Flask, answer: Answer) -> None:
    connect(flask, "erp")
    connect(flask, "erp-new")
    days = ("--from", "2026-01-01", "--until", "2026-02-01")
    for words, code in ((("erp", "erp-new"), "cut_over.nothing"), (("erp", "erp"), "cut_over.same")):
        done = flask("cutover", "begin", *words, *days)
        assert (done.exit_code, code in done.output) == (1, True), done.output
    assert answer("cutover", "list") == []
