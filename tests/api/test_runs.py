"""/api/v1/runs, /replays, /doubts and the edit of a payload."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.infra.hub import Hub
from tests.console.browser import connect, set_aside, state_of

Key = Callable[..., dict[str, str]]
READ, WRITE = "operations:read", "operations:write"
FILTER = {"code": "orders.sku_unmapped"}


@pytest.fixture
def letters(hub: Hub) -> list[tuple[int, int]]:
    """Three dead letters at the ERP, by event and delivery."""
    connect(hub, "erp", "shop")
    return [set_aside(hub, f"orders:{n}")[:2] for n in range(3)]


@pytest.mark.capability("RT-6")
def test_a_replay_is_previewed_started_watched_and_stopped(
    hub: Hub, client: FlaskClient, key: Key, letters: list[tuple[int, int]]
) -> None:
    seen = client.post("/api/v1/replays/preview", json=FILTER, headers=key(READ)).get_json()
    assert (seen["count"], seen["groups"][0]["state"], len(seen["sample"])) == (3, "parked", 3)
    body = {"filter": FILTER, "rate": 50, "reason": "item made"}
    started = client.post("/api/v1/replays", json=body, headers=key(WRITE))
    assert (started.status_code, started.get_json()["total"]) == (202, 3)
    run = started.get_json()["run"]
    (listed,) = client.get("/api/v1/runs?kind=replay", headers=key(READ)).get_json()["runs"]
    assert (listed["id"], listed["state"], listed["total"], listed["why"]) == (run, "waiting", 3, "item made")
    assert client.get(f"/api/v1/replays/{run}", headers=key(READ)).get_json()["released"] == 0
    stopped = client.post(f"/api/v1/runs/{run}/stop", json={}, headers=key(WRITE))
    assert stopped.get_json() == {"state": "stopped"}
    assert client.post(f"/api/v1/runs/{run}/resume", json={}, headers=key(WRITE)).get_json() == {"state": "waiting"}
    shown = client.get(f"/api/v1/runs/{run}", headers=key(READ)).get_json()
    assert (shown["spec"]["code"], shown["items"]) == ("orders.sku_unmapped", [])


@pytest.mark.capability("RT-6")
@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"code": "no.such"}, 404, "replay.nothing_matches"),
        ({"step": "no.such"}, 404, "replay.unknown_step"),
        ({"connection": "nowhere"}, 404, "connections.unknown"),
        ({"states": ["done"]}, 422, "replay.range_missing"),
    ],
)
def test_a_filter_that_cannot_be_is_a_problem_and_starts_nothing(
    hub: Hub, client: FlaskClient, key: Key, letters: list[tuple[int, int]], wanted: dict[str, object], status: int,
    code: str,
) -> None:  # fmt: skip
    body = {"filter": wanted, "reason": "a test"}
    answer = client.post("/api/v1/replays", json=body, headers=key(WRITE))
    assert (answer.status_code, answer.get_json()["title"]) == (status, code)
    assert client.get("/api/v1/runs", headers=key(READ)).get_json() == {"runs": [], "next": None}


@pytest.mark.capability("RT-6")
def test_a_key_of_one_connection_replays_and_sees_that_one_alone(
    hub: Hub, client: FlaskClient, key: Key, letters: list[tuple[int, int]]
) -> None:
    mine = key(READ, WRITE, connection="shop")
    body = {"filter": {"connection": "erp"}, "reason": "a test"}
    assert client.post("/api/v1/replays", json=body, headers=mine).status_code == 403
    assert client.post("/api/v1/replays/preview", json=FILTER, headers=mine).get_json()["count"] == 0
    run = client.post("/api/v1/replays", json={"filter": FILTER, "reason": "x"}, headers=key(WRITE)).get_json()["run"]
    assert client.get(f"/api/v1/runs/{run}", headers=mine).status_code == 404
    assert client.get("/api/v1/runs", headers=mine).get_json()["runs"] == []
    event, delivery = letters[0]
    address = f"/api/v1/deliveries/{event}/{delivery}/edit"
    assert client.post(address, json={"payload": {}}, headers=mine).status_code == 404


@pytest.mark.capability("RT-6")
def test_an_edit_is_checked_dry_then_made(
    hub: Hub, client: FlaskClient, key: Key, letters: list[tuple[int, int]]
) -> None:
    payload = {"order_id": "0", "company": "marlow", "channel": "shop", "version": 1, "account_id": "7"}
    event, delivery = letters[0]
    with hub.unit_of_work() as uow:
        uow.sql("UPDATE hub.event SET payload = %(p)s::jsonb, key = 'orders:0'", {"p": json.dumps(payload)})
    address = f"/api/v1/deliveries/{event}/{delivery}/edit"
    after = {**payload, "company": "other"}
    dry = client.post(address, json={"payload": after, "dry": True}, headers=key(WRITE)).get_json()
    assert dry["changes"] == [{"path": "company", "before": "marlow", "after": "other"}]
    assert state_of(hub, delivery) == "parked"
    wrong = client.post(address, json={"payload": {**after, "version": "x"}, "reason": "x"}, headers=key(WRITE))
    assert (wrong.status_code, wrong.get_json()["title"]) == (422, "edits.invalid")
    done = client.post(address, json={"payload": after, "reason": "a typo"}, headers=key(WRITE))
    assert (done.status_code, state_of(hub, delivery)) == (200, "due")


@pytest.mark.capability("RT-5")
def test_what_is_in_doubt_is_listed_and_takes_a_word_only_where_nobody_can_look(
    hub: Hub, client: FlaskClient, key: Key, letters: list[tuple[int, int]]
) -> None:
    event, delivery = letters[0]
    with hub.unit_of_work() as uow:
        uow.sql("UPDATE hub.delivery SET in_doubt = true, code = 'hub.in_doubt' WHERE id = %(id)s", {"id": delivery})
    (found,) = client.get("/api/v1/doubts", headers=key(READ)).get_json()["doubts"]
    assert (found["delivery_id"], found["look"]) == (delivery, "the hub looks before it writes")
    again = client.post(
        f"/api/v1/deliveries/{event}/{delivery}/resend", json={"reason": "not there"}, headers=key(WRITE)
    )
    assert (again.status_code, again.get_json()["title"]) == (409, "doubts.can_look")
    other = client.post(
        f"/api/v1/deliveries/{letters[1][0]}/{letters[1][1]}/happened",
        json={"number": "SO-1", "reason": "seen"}, headers=key(WRITE),
    )  # fmt: skip
    assert (other.status_code, other.get_json()["title"]) == (409, "doubts.not_in_doubt")
