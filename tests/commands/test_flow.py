"""`flask deadline`, `flask flow` and `flask case choose` as an operator types them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import Result

from app.domains.orders.events import ReleaseMissed
from app.flows import overdue
from app.infra.deadlines import expect, tell_missed
from app.infra.decisions import Choice, ask
from app.infra.hub import Hub
from tests.console.browser import acts, capture, some_orders

Run = Callable[..., Result]
Ask = Callable[..., Any]
pytestmark = pytest.mark.capability("RT-11", "ADM-1")


def missed(order_id: str, by: datetime) -> ReleaseMissed:
    return ReleaseMissed(order_id=order_id, channel="shop", erp="erp", erp_number="SO-1001", due_at=by)


def wait_for(hub: Hub, order_id: str, hours: int) -> None:
    by = datetime.now(UTC) + timedelta(hours=hours)
    with hub.unit_of_work() as uow:
        expect(uow, overdue.RELEASE, missed(order_id, by), by)


def test_deadlines_are_listed_shown_moved_and_cancelled(flask: Run, answer: Ask, hub: Hub) -> None:
    assert "No such deadline." in flask("deadline", "list").output
    for order_id, hours in (("late", -1), ("soon", 1), ("later", 9)):
        wait_for(hub, order_id, hours)
    waiting = answer("deadline", "list")
    told = [(one["about"], one["overdue"]) for one in waiting]
    assert told == [("orders:late", True), ("orders:soon", False), ("orders:later", False)]
    assert [one["about"] for one in answer("deadline", "list", "--overdue")] == ["orders:late"]
    assert [one["about"] for one in answer("deadline", "list", "--about", "orders:soon")] == ["orders:soon"]
    assert answer("deadline", "list", "--name", "shipment") == []
    shown = answer("deadline", "show", waiting[1]["id"])
    assert (shown["fact"], shown["payload"]["erp_number"]) == ("orders.release_missed.v1", "SO-1001")
    moved = answer("deadline", "move", waiting[1]["id"], "2099-01-02T17:00-05:00", "--why", "on strike")
    assert moved["due_at"] == "2099-01-02T17:00:00-05:00"
    assert answer("deadline", "cancel", waiting[2]["id"], "--why", "by phone")["state"] == "called_off"
    with hub.unit_of_work() as uow:
        assert tell_missed(uow) == 1
    assert [one["about"] for one in answer("deadline", "list", "--state", "missed")] == ["orders:late"]
    assert [(did, why) for _, did, why in acts(hub)] == [
        ("moved a deadline", "on strike"), ("called off a deadline", "by phone"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("deadline", "move", "{id}", "tomorrow", "--why", "x"), "to: 'tomorrow' is no time; write it such as"),
        (("deadline", "move", "{id}", "2001-01-01T00:00", "--why", "x"), "give a time to come"),
        (("deadline", "move", "{id}", "2099-01-01T00:00"), "--why"),
        (("deadline", "cancel", "{id}", "--why", " "), "say why"),
        (("deadline", "cancel", "01a1fdc0-e24a-727c-a2d0-649fa8847915", "--why", "x"), "there is no deadline"),
        (("deadline", "show", "01a1fdc0-e24a-727c-a2d0-649fa8847915"), "there is no deadline"),
        (("flow", "show", "parcels"), "there are orders, reservations"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    flask: Run, answer: Ask, hub: Hub, words: tuple[str, ...], said: str
) -> None:
    wait_for(hub, "soon", 1)
    (one,) = answer("deadline", "list")
    result = flask(*(word.replace("{id}", one["id"]) for word in words))
    assert (result.exit_code != 0, said in result.output) == (True, True)
    assert answer("deadline", "list") == [one]


def test_lifecycles_are_listed_shown_and_counted(flask: Run, answer: Ask, hub: Hub) -> None:
    capture(hub, *some_orders(3))
    assert [(one["name"], one["counted"], one["at"]) for one in answer("flow", "list")][0] == ("orders", 0, None)
    assert answer("flow", "count")["orders"] == {"captured": 3}
    assert answer("flow", "list")[0]["counted"] == 3
    states = {one["state"]: one for one in answer("flow", "show", "orders")}
    assert (states["captured"]["count"], states["posted"]["count"]) == (3, None)
    assert "hold → held" in states["captured"]["moves"]
    assert "captured" in flask("flow", "show", "orders").output


def test_a_case_is_decided_by_one_of_its_choices(flask: Run, answer: Ask, hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        choice = Choice(name="wait", title="Give it more time", small="", fact=missed("o-1", datetime.now(UTC)))
        case = ask(uow, code="orders.release_missed", title="?", about="o-1", key="orders:o-1", choices=[choice])
    assert [one["choices"] for one in answer("case", "list")] == [["wait"]]
    refused = flask("case", "resolve", case)
    assert (refused.exit_code, "asks for a choice: wait" in refused.output) == (1, True)
    wrong = flask("case", "choose", case, "burn")
    assert (wrong.exit_code, "there are wait" in wrong.output) == (1, True)
    assert "Decided: it will come" in flask("case", "choose", case, "wait", "--why", "it will come").output
    assert answer("case", "list") == []
    assert flask("case", "choose", case, "wait").exit_code == 1
