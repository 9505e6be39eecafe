"""Products at channels, for programs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.infra.hub import Hub
from tests.console.browser import connect
from tests.domains.product.listed import publish_at, states, three_listings

pytestmark = pytest.mark.capability("PRD-2")
Key = Callable[..., dict[str, str]]
READ, WRITE = "products:read", "products:write"
API = "/api/v1/listings/shop"


def test_listings_say_how_each_stands_and_what_is_missing(client: FlaskClient, key: Key, hub: Hub) -> None:
    connect(hub, "shop", "erp")
    ids, read = three_listings(hub), key(READ)
    first = client.get(f"{API}?limit=2", headers=read).get_json()
    second = client.get(f"{API}?limit=2&after={first['next']}", headers=read).get_json()
    assert sorted(one["code"] for page in (first, second) for one in page["listings"]) == ["CUP", "JUG", "MUG"]
    assert (len(first["listings"]), second["next"]) == (2, None)
    (cup,) = client.get(f"{API}?state=waiting", headers=read).get_json()["listings"]
    assert (cup["cause"], [(one["field"], one["sku"]) for one in cup["problems"]]) == (
        "product.listing_incomplete", [("title", ""), ("price", "CUP")],
    )  # fmt: skip
    (mug,) = client.get(f"{API}?product_id={ids['MUG']}", headers=read).get_json()["listings"]
    assert (mug["state"], mug["external_id"], mug["wanted"], mug["fresh"]) == ("live", "7100", True, True)
    assert client.get(f"{API}?state=none-such", headers=read).status_code == 422
    assert client.get("/api/v1/listings/nowhere", headers=read).status_code == 404


def test_products_are_shown_hidden_and_sent_anew(client: FlaskClient, key: Key, hub: Hub) -> None:
    connect(hub, "shop", "erp")
    ids, write = three_listings(hub), key(WRITE)
    again = client.post(f"{API}/again", json={"which": "rejected"}, headers=write)
    assert (again.status_code, again.get_json()) == (202, {"due": 1})
    assert states(hub) == {"MUG": "live", "CUP": "waiting", "JUG": "pending"}
    hidden = client.post(API, json={"product_ids": [ids["MUG"]], "wanted": False, "reason": "recall"}, headers=write)
    assert (hidden.get_json(), states(hub)["MUG"]) == ({"due": 1}, "pending")
    assert client.post(f"{API}/alignments", json={}, headers=write).get_json()["run_id"]
    assert client.post(f"{API}/all", json={}, headers=write).get_json()["run_id"]
    twice = client.post(f"{API}/alignments", json={}, headers=write)
    assert (twice.status_code, twice.get_json()["title"]) == (409, "product.alignment_under_way")


def test_a_channel_that_lists_nothing_says_how_it_would(client: FlaskClient, key: Key, hub: Hub) -> None:
    connect(hub, "shop", "erp")
    ids, write = three_listings(hub), key(WRITE)
    publish_at(hub, "")
    for path, body in ((API, {"product_ids": [ids["MUG"]], "wanted": True}), (f"{API}/again", {"which": "live"})):
        answer = client.post(path, json=body, headers=write)
        assert (answer.status_code, answer.get_json()["title"]) == (409, "product.lists_nothing")
        assert "publish_products" in answer.get_json()["detail"]
    assert states(hub)["MUG"] == "live"
