"""Words of one system in another's, for programs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.infra.hub import Hub
from tests.console.browser import connect, set_aside, state_of

Key = Callable[..., dict[str, str]]
READ, WRITE = "operations:read", "operations:write"
API = "/api/v1/value-maps/erp"
WORD = {"kind": "item", "source": "TENT-2P", "target": "1896-S"}


@pytest.mark.capability("CM-5")
def test_a_gap_is_listed_filled_and_gone(client: FlaskClient, key: Key, hub: Hub) -> None:
    connect(hub, "erp")
    _, delivery, case = set_aside(hub, facts={"sku": "TENT-2P"})
    (gap,) = client.get(f"{API}/gaps", headers=key(READ)).get_json()["gaps"]
    assert (gap["kind"], gap["source"], gap["waiting"], gap["case_id"]) == ("item", "TENT-2P", 1, case)
    done = client.put(API, json={"words": [WORD]}, headers=key(WRITE)).get_json()
    assert done == {"changed": 1, "removed": 0, "gaps": 1, "released": 1}
    assert state_of(hub, delivery) == "due"
    assert client.get(f"{API}/gaps", headers=key(READ)).get_json() == {"gaps": []}
    (word,) = client.get(f"{API}?kind=item", headers=key(READ)).get_json()["words"]
    assert (word["source"], word["target"], word["changed_by"]) == ("TENT-2P", "1896-S", "key:a program")
    taken = client.delete(f"{API}?kind=item&source=TENT-2P&reason=closed", headers=key(WRITE)).get_json()
    assert taken["removed"] == 1
    again = client.delete(f"{API}?kind=item&source=TENT-2P&reason=closed", headers=key(WRITE))
    assert (again.status_code, again.get_json()["title"]) == (404, "value_maps.unknown")


@pytest.mark.capability("CM-5")
def test_one_bad_word_refuses_them_all(client: FlaskClient, key: Key, hub: Hub) -> None:
    connect(hub, "erp")
    for bad in ({**WORD, "target": " 1"}, {**WORD, "kind": "It em"}, {**WORD, "target": ""}, {**WORD, "colour": "red"}):
        answer = client.put(API, json={"words": [{**WORD, "source": "A"}, bad]}, headers=key(WRITE))
        assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert client.get(API, headers=key(READ)).get_json() == {"words": []}


@pytest.mark.capability("CM-5", "SEC-2")
def test_a_key_of_one_connection_does_not_see_the_words_of_another(client: FlaskClient, key: Key, hub: Hub) -> None:
    connect(hub, "erp", "shop")
    mine = key(READ, WRITE, connection="shop")
    assert client.get(API, headers=mine).status_code == 403
    assert client.put(API, json={"words": [WORD]}, headers=mine).status_code == 403
    assert client.put(API, json={"words": [WORD]}, headers=key(READ)).status_code == 403
    assert client.get("/api/v1/value-maps/shop", headers=mine).status_code == 200
