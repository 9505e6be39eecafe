"""Whose id is what: linked, unlinked, moved, merged, forgotten and brought back, each with a look first."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask

from app.infra import references
from app.infra.bindings import bind, known
from app.infra.hub import Hub
from app.infra.web.auth import create_key
from app.kernel.errors import Invalid, NotFound, Refused
from tests.console.browser import Browser, acts, connect

ITEM = {"connection": "erp", "kind": "item", "key": "TENT"}


def held(hub: Hub) -> set[tuple[str, str, str, str]]:
    with hub.unit_of_work() as uow:
        return set(uow.sql("SELECT connection, kind, key, external_id FROM hub.binding").fetchall())


def tie(hub: Hub, *ties: tuple[str, str, str, str]) -> None:
    with hub.unit_of_work() as uow:
        for one in ties:
            bind(uow, *one)


@pytest.mark.capability("CM-4")
def test_a_deed_is_shown_first_done_with_a_reason_and_brought_back(operator: Browser, hub: Hub) -> None:
    connect(hub, "erp", "shop")
    tie(hub, ("erp", "item", "TENT", "I-1"), ("erp", "item_unit", "TENT#box", "U-1"), ("shop", "item", "TENT", "S-1"))
    before = held(hub)
    assert "I-1" in operator.get("/admin/references/?q=TENT").text
    asked = operator.post("/admin/references/change", deed="forget", **ITEM)
    assert "the next time item TENT is sent it is made anew" in asked.text
    assert "1 ties of its parts there go with it" in asked.text
    assert operator.post("/admin/references/change", deed="forget", **ITEM, sure="yes").status_code == 422
    assert held(hub) == before
    operator.get("/admin/references/?q=TENT")
    operator.post("/admin/references/change", deed="forget", **ITEM, sure="yes", why="deleted by Ann")
    assert held(hub) == {("shop", "item", "TENT", "S-1")}
    with hub.unit_of_work() as uow:
        assert known(uow, "erp", {"item": ["TENT"]}) == {"item": {}}, "the next send makes it anew"
    assert ("operator@shop.example", "forgot a reference", "deleted by Ann") in acts(hub)
    page = operator.get("/admin/references/?q=I-1").text
    past = page.split('name="past" value="')[1].split('"')[0]
    operator.post("/admin/references/change", deed="restore", past=past, sure="yes", why="it was there")
    assert ("erp", "item", "TENT", "I-1") in held(hub)


@pytest.mark.capability("CM-4")
def test_two_things_that_are_one_are_merged_at_every_system_and_a_double_is_named(hub: Hub) -> None:
    connect(hub, "erp", "shop")
    tie(hub, ("erp", "customer", "a", "E-1"), ("shop", "customer", "a", "S-1"), ("erp", "customer", "b", "E-2"))
    with hub.unit_of_work() as uow:
        change = references.plan_merge(uow, "customer", "a", "b")
        assert any("erp has two: E-2 stays tied, E-1 is left alone" in said for said in change.follows)
        references.carry_out(uow, change, "ann", "one buyer")
    assert held(hub) == {("erp", "customer", "b", "E-2"), ("shop", "customer", "b", "S-1")}
    with hub.unit_of_work() as uow:
        ties, past = references.found(uow, "a")
    assert (ties, {(row.external_id, row.did) for row in past}) == ([], {("E-1", "merged"), ("S-1", "merged")})


@pytest.mark.capability("CM-4")
def test_what_would_tie_one_side_twice_or_is_stale_is_refused_and_changes_nothing(hub: Hub) -> None:
    connect(hub, "erp")
    tie(hub, ("erp", "item", "TENT", "I-1"), ("erp", "item", "MUG", "I-2"))
    before = held(hub)
    with hub.unit_of_work() as uow:
        for key, external in (("TENT", "I-9"), ("CUP", "I-1")):
            with pytest.raises(Refused, match="unlink or move that first"):
                references.plan_link(uow, "erp", "item", key, external)
        with pytest.raises(Refused, match="or merge the two"):
            references.plan_move(uow, "erp", "item", "TENT", "MUG")
        with pytest.raises(NotFound):
            references.plan_unlink(uow, "erp", "item", "CUP")
        with pytest.raises(Invalid, match="say why"):
            references.carry_out(uow, references.plan_unlink(uow, "erp", "item", "TENT"), "ann", " ")
        stale = references.plan_move(uow, "erp", "item", "TENT", "TENT-2P")
        uow.sql("UPDATE hub.binding SET external_id = 'I-7' WHERE key = 'TENT'")
        with pytest.raises(Refused, match="look again"):
            references.carry_out(uow, stale, "ann", "late")
        uow.session.rollback()
    assert held(hub) == before


@pytest.mark.capability("CM-4")
def test_programs_and_the_terminal_do_the_same_with_a_preview(app: Flask, hub: Hub) -> None:
    connect(hub, "erp")
    client = app.test_client()
    with hub.unit_of_work() as uow:
        _, whole = create_key(uow, name="a program", scopes=("operations:read", "operations:write"), connection="")
    headers = {"Authorization": f"Bearer {whole}"}
    path = "/api/v1/references"
    linked = {**ITEM, "deed": "link", "external_id": "I-1", "number": "1896-S", "reason": "seen"}
    looked = client.post(path, json={**linked, "preview": True}, headers=headers).get_json()
    assert (looked["did"], len(looked["comes"]), held(hub)) == ("linked", 1, set())
    assert client.post(path, json=linked, headers=headers).status_code == 200
    assert client.post(path, json={**linked, "deed": "burn"}, headers=headers).status_code == 422
    (found,) = client.get(f"{path}?find=1896-S", headers=headers).get_json()["ties"]
    assert (found["key"], found["external_id"]) == ("TENT", "I-1")

    def flask(*words: str) -> Any:
        done = app.test_cli_runner().invoke(args=["reference", *words, "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.output)

    assert flask("move", "erp", "item", "TENT", "TENT-2P", "--preview")["preview"] is True
    assert held(hub) == {("erp", "item", "TENT", "I-1")}
    flask("move", "erp", "item", "TENT", "TENT-2P", "--why", "renamed")
    flask("unlink", "erp", "item", "TENT-2P", "--why", "another thing")
    assert held(hub) == set()
    past = [row["past"] for row in flask("find", "I-1")]
    flask("restore", past[0], "--why", "the same after all")
    assert held(hub) == {("erp", "item", "TENT-2P", "I-1")}
    listed = client.get(f"{path}?find=I-1", headers=headers).get_json()["past"]
    restored = client.post(f"{path}/past/{listed[0]['id']}/restore", json={"reason": "again"}, headers=headers)
    assert (restored.status_code, restored.get_json()["title"]) == (409, "references.tied")
