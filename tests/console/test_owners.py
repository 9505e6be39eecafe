"""The matrix of owners at the console, by API and by command, and what others said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask

from app.domains.product import queries, service
from app.infra.hub import Hub
from app.infra.web.auth import create_key
from tests.console.browser import Browser, acts, connect
from tests.domains.product.shelves import draft

RULE = {"entity": "product", "group": "text", "company": "", "owner": "shop", "otherwise": "hold"}


def say(hub: Hub, title: str, source: str) -> None:
    with hub.unit_of_work() as uow:
        service.upsert_many(uow, [draft("TENT", title=title)], source=source)


def title(hub: Hub) -> str:
    with hub.unit_of_work() as uow:
        return queries.product(uow, queries.place(uow, "TENT").product_id).title


@pytest.mark.capability("CM-6")
def test_an_owner_is_named_after_a_look_and_what_another_says_is_held_and_taken_over(admin: Browser, hub: Hub) -> None:
    connect(hub, "shop", "erp")
    say(hub, "Tent", "shop")
    assert "Nobody spoke of what is not theirs" in admin.get("/admin/owners/").text
    asked = admin.post("/admin/owners/set", **RULE)
    assert ("Nothing has been done yet" in asked.text, "Owner then" in asked.text) == (True, True)
    admin.post("/admin/owners/set", **RULE, sure="yes", why="the shop's texts are better")
    assert ("admin@shop.example", "named an owner", "the shop's texts are better") in acts(hub)
    say(hub, "TNT 2P", "erp")
    page = admin.get("/admin/owners/?state=held").text
    assert (title(hub), "title: TNT 2P" in page) == ("Tent", True)
    with hub.unit_of_work() as uow:
        ((update,),) = uow.sql("SELECT id::text FROM hub.foreign_update").fetchall()
    assert admin.post("/admin/owners/decide", update=update, choice="burn").status_code == 422
    admin.get("/admin/owners/")
    assert "The update was taken over" in admin.post("/admin/owners/decide", update=update, choice="take").text
    assert title(hub) == "TNT 2P"
    admin.post("/admin/owners/clear", **RULE)
    assert "named here" not in admin.get("/admin/owners/").text


@pytest.mark.capability("CM-6")
def test_only_who_may_connect_names_owners(operator: Browser, hub: Hub) -> None:
    connect(hub, "shop")
    assert "Name an owner" not in operator.get("/admin/owners/").text
    assert operator.post("/admin/owners/set", **RULE, sure="yes").status_code == 403


@pytest.mark.capability("CM-6")
def test_programs_name_owners_and_decide_what_is_held(app: Flask, hub: Hub) -> None:
    connect(hub, "shop", "erp")
    client = app.test_client()
    with hub.unit_of_work() as uow:
        _, whole = create_key(uow, name="a program", scopes=("operations:read", "operations:write"), connection="")
    headers = {"Authorization": f"Bearer {whole}"}
    path = "/api/v1/ownership"
    named = client.put(path, json=RULE, headers=headers).get_json()
    assert named == {"entity": "product", "group": "text", "owner": "shop", "otherwise": "hold", "ruled": True}
    assert client.put(path, json={**RULE, "owner": "nobody"}, headers=headers).status_code == 404
    listed = client.get(path, headers=headers).get_json()["owners"]
    assert {
        "entity": "customer",
        "group": "terms",
        "owner": "role:erp",
        "otherwise": "refuse",
        "ruled": False,
    } in listed
    say(hub, "Tent", "shop")
    say(hub, "TNT", "erp")
    (update,) = client.get(f"{path}/updates?state=held", headers=headers).get_json()["updates"]
    assert (update["told"], update["source"], update["count"]) == ({"title": "TNT"}, "erp", 1)
    reason = {"reason": "it is worse"}
    assert client.post(f"{path}/updates/{update['id']}/drop", json=reason, headers=headers).status_code == 204
    assert client.post(f"{path}/updates/{update['id']}/take", json=reason, headers=headers).status_code == 409
    assert client.delete(f"{path}?entity=product&group=text", headers=headers).status_code == 204
    assert client.delete(f"{path}?entity=product&group=text", headers=headers).status_code == 404


@pytest.mark.capability("CM-6")
def test_the_terminal_names_owners_and_shows_what_others_said(app: Flask, hub: Hub) -> None:
    connect(hub, "shop", "erp")

    def flask(*words: str) -> Any:
        done = app.test_cli_runner().invoke(args=["owner", *words, "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.output)

    flask("set", "stock", "EAST", "shop", "--why", "they count it")
    flask("set", "product", "-", "shop")
    rows = {(row["entity"], row["group"]): row["owner"] for row in flask("list")}
    assert (rows["stock", "EAST"], rows["product", "images"], rows["customer", "terms"]) == ("shop", "shop", "role:erp")
    say(hub, "Tent", "shop")
    say(hub, "TNT", "erp")
    (row,) = flask("updates", "--source", "erp")
    assert (row["state"], row["told"]) == ("refused", {"title": "TNT"})
    flask("clear", "product", "-")
    hub.owners.forget()
    say(hub, "TNT", "erp")
    assert title(hub) == "TNT"
