"""What channels call our SKUs, for programs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.domains.product import service
from app.infra.hub import Hub
from tests.console.browser import capture, connect, set_aside, state_of
from tests.domains.product.shelves import draft
from tests.factories import a_line, an_order

pytestmark = pytest.mark.capability("PRD-3")
Key = Callable[..., dict[str, str]]
READ, WRITE = "products:read", "products:write"
API, THEIRS = "/api/v1/sku-aliases/shop", "Tent_2p"
CHOICE = {"external": THEIRS, "sku": "TENT-2P"}


def an_order_waits(hub: Hub) -> int:
    connect(hub, "shop", "erp")
    with hub.unit_of_work() as uow:
        service.keep_many(uow, [draft("TENT-2P", title="Trail tent"), draft("MUG", title="Mug")], "ann")
    (order_id,) = capture(hub, an_order(lines=(a_line(line_id="1", sku=THEIRS, title="Tent for trails"),)))
    return set_aside(hub, f"orders:{order_id}", facts={"sku": THEIRS})[1]


def test_an_unknown_sku_is_listed_with_what_it_may_be_chosen_and_forgotten(
    client: FlaskClient, key: Key, hub: Hub
) -> None:
    delivery, read, write = an_order_waits(hub), key(READ), key(WRITE)
    (one,) = client.get(f"{API}/unmapped", headers=read).get_json()["unmapped"]
    assert (one["external"], one["title"], one["erp"], one["waiting"]) == (THEIRS, "Tent for trails", "erp", 1)
    assert [(each["sku"], each["why"]) for each in one["likely"]] == [("TENT-2P", "sku")]
    assert client.get(f"{API}/unmapped?external=OTHER", headers=read).get_json() == {"unmapped": []}
    assert client.get(f"{API}/unmapped?limit=21", headers=read).status_code == 422
    chosen = client.put(API, json=CHOICE, headers=write).get_json()
    assert (chosen, state_of(hub, delivery)) == ({"sku": "TENT-2P", "cases": 1, "released": 1}, "due")
    assert client.get(f"{API}/unmapped", headers=read).get_json() == {"unmapped": []}
    (alias,) = client.get(API, headers=read).get_json()["aliases"]
    assert (alias["external"], alias["sku"], alias["chosen_by"]) == (THEIRS, "TENT-2P", "key:a program")
    assert client.get(f"{API}?after={THEIRS}", headers=read).get_json() == {"aliases": []}
    assert client.delete(f"{API}?external={THEIRS}&reason=wrong", headers=write).status_code == 204
    again = client.delete(f"{API}?external={THEIRS}&reason=wrong", headers=write)
    assert (again.status_code, again.get_json()["title"]) == (404, "product.alias_unknown")


def test_what_cannot_be_is_refused_and_the_order_waits_on(client: FlaskClient, key: Key, hub: Hub) -> None:
    delivery, write = an_order_waits(hub), key(WRITE)
    for bad, status in (({"sku": "GHOST"}, 404), ({"external": " x"}, 422), ({"external": ""}, 422), ({"new": 1}, 422)):
        answer = client.put(API, json={**CHOICE, **bad}, headers=write)
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert state_of(hub, delivery) == "parked"


@pytest.mark.capability("SEC-2")
def test_a_key_of_one_connection_does_not_name_the_skus_of_another(client: FlaskClient, key: Key, hub: Hub) -> None:
    an_order_waits(hub)
    other = key(READ, WRITE, connection="erp")
    assert client.get(API, headers=other).status_code == 403
    assert client.put(API, json=CHOICE, headers=other).status_code == 403
    assert client.put(API, json=CHOICE, headers=key(READ)).status_code == 403
    assert client.get(API, headers=key(READ, connection="shop")).status_code == 200
