"""Cases that ask for a choice, decided by a program."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from app.domains.orders.events import ReleaseMissed
from app.infra.decisions import Choice, ask
from app.infra.hub import Hub

Key = Callable[..., dict[str, str]]


@pytest.mark.capability("RT-11")
def test_a_case_is_decided_once_by_one_of_its_choices(
    hub: Hub, client: FlaskClient, key: Callable[..., dict[str, str]]
) -> None:
    fact = ReleaseMissed(order_id="o", channel="shop", erp="erp", erp_number="SO-1", due_at=datetime.now(UTC))
    with hub.unit_of_work() as uow:
        choice = Choice(name="wait", title="Give it more time", small="A day.", fact=fact)
        case = ask(uow, code="orders.release_missed", title="?", about="o", key="orders:o", choices=[choice])
    headers = key("operations:read", "operations:write")
    shown = client.get(f"/api/v1/cases/{case}", headers=headers).get_json()
    assert shown["choices"] == [{"name": "wait", "title": "Give it more time", "small": "A day."}]
    address = f"/api/v1/cases/{case}"
    undecided = client.post(f"{address}/resolve", json={}, headers=headers)
    assert (undecided.status_code, "cases.choice_needed" in undecided.text) == (409, True)
    wrong = client.post(f"{address}/choose", json={"choice": "burn"}, headers=headers)
    assert (wrong.status_code, "cases.no_such_choice" in wrong.text) == (422, True)
    done = client.post(f"{address}/choose", json={"choice": "wait", "reason": "they are on it"}, headers=headers)
    assert (done.status_code, done.get_json()["state"]) == (200, "resolved")
    again = client.post(f"{address}/choose", json={"choice": "wait"}, headers=headers)
    assert (again.status_code, "cases.closed" in again.text) == (409, True)
    with hub.unit_of_work() as uow:
        told = uow.sql("SELECT count(*) FROM hub.event WHERE type = 'orders.release_missed.v1'").fetchone()
    assert told == (1,)
