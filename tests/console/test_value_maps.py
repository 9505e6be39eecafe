"""Words that operators map at the console: a gap with its likely words, the map, files."""

from __future__ import annotations

import io

import pytest

from app.flows import mapping
from app.infra.hub import Hub
from app.infra.value_maps import Word
from tests.console.browser import Browser, acts, connect, set_aside, state_of

WHO = "operator@shop.example"
GAP = {"connection": "erp", "kind": "item", "source": "TENT-2P"}


@pytest.mark.capability("CM-5", "PRD-3")
def test_a_missing_word_is_filled_on_the_page_and_what_waited_goes_on(operator: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    with hub.unit_of_work() as uow:
        mapping.map_values(uow, "erp", [Word(kind="item", source="OLD", target="TENT-2P-GRN")], "setup")
    waiting = [set_aside(hub, f"orders:{n}", facts={"sku": "TENT-2P"})[1] for n in range(3)]
    page = operator.get("/admin/value-maps/")
    assert "1 word missing" in page.text
    assert 'value="TENT-2P-GRN"' in page.text  # the suggestion's button
    done = operator.post("/admin/value-maps/set", **GAP, target="TENT-2P-GRN")
    assert "3 deliveries that waited go on; 1 case closed" in done.text
    assert {state_of(hub, delivery) for delivery in waiting} <= {"due", "behind"}
    assert "missing" not in operator.get("/admin/value-maps/erp/item").text
    assert (WHO, "mapped a value", "") in acts(hub)


@pytest.mark.capability("CM-5")
def test_a_word_is_taken_out_only_after_a_look_and_with_the_audit(operator: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    operator.get("/admin/value-maps/")
    operator.post("/admin/value-maps/set", **GAP, target="1896-S")
    asked = operator.post("/admin/value-maps/remove", **GAP)
    assert "Nothing has been done yet" in asked.text
    assert "1896-S" in operator.get("/admin/value-maps/erp/item").text
    operator.post("/admin/value-maps/remove", **GAP, sure="yes", why="a mistake")
    assert "No word of this kind is mapped" in operator.get("/admin/value-maps/erp/item").text
    assert (WHO, "took out a mapped value", "a mistake") in acts(hub)


@pytest.mark.capability("CM-5")
def test_a_file_is_taken_whole_or_not_at_all(operator: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    operator.get("/admin/value-maps/")

    def send(text: str) -> int:
        file = (io.BytesIO(text.encode()), "words.csv")
        return operator.post("/admin/value-maps/import", connection="erp", table=file).status_code

    assert send("kind,source,target\nitem,A,1\nitem,,2\n") == 422
    assert operator.get("/admin/value-maps/erp/map.csv").text == "kind,source,target\r\n"
    operator.get("/admin/value-maps/")
    assert send("kind,source,target\nitem,A,1\nitem,B,2\n") == 200
    assert operator.get("/admin/value-maps/erp/map.csv?kind=item").text.splitlines()[1:] == ["item,A,1", "item,B,2"]


@pytest.mark.capability("CM-5")
def test_who_may_only_look_sees_words_and_changes_none(signed_in, hub: Hub) -> None:  # type: ignore[no-untyped-def]
    connect(hub, "erp")
    viewer = signed_in("viewer")
    set_aside(hub, facts={"sku": "TENT-2P"})
    assert "Map and go on" not in viewer.get("/admin/value-maps/").text
    assert viewer.post("/admin/value-maps/set", **GAP, target="1").status_code == 403
