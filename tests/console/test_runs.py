"""Runs, replay by filter, payload edits and what is in doubt, at the console."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from app.infra.hub import Hub
from tests.console.browser import Browser, acts, connect, set_aside, state_of

FILTER = {"code": "orders.sku_unmapped", "states": "parked"}
PAYLOAD = {"order_id": "1", "company": "marlow", "channel": "shop", "version": 1, "account_id": "7"}


@pytest.mark.capability("RT-6", "ADM-2")
def test_a_replay_is_counted_sampled_asked_about_begun_and_stopped(operator: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    ones = [set_aside(hub, f"orders:{n}")[1] for n in range(3)]
    seen = operator.get("/admin/replay/?look=1&states=parked&code=orders.sku_unmapped").text
    assert "3 deliveries" in seen
    assert "A sample" in seen
    asked = operator.post("/admin/replay/start", **FILTER, rate="5").text
    assert "Replay 3 deliveries" in asked
    assert "Nothing has been done yet" in asked
    assert [state_of(hub, one) for one in ones] == ["parked"] * 3
    begun = operator.post("/admin/replay/start", **FILTER, rate="5", sure="yes", why="item made")
    assert "The replay has begun" in begun.text
    run = re.search(r"/admin/runs/([0-9a-f-]{36})/stop", begun.text)
    assert run is not None
    assert "0 of 3" in operator.get("/admin/runs/").text
    assert "The run is stopped" in operator.post(f"/admin/runs/{run[1]}/stop").text
    assert "new pace" in operator.post(f"/admin/runs/{run[1]}/pace", rate="").text
    assert "goes on where it was" in operator.post(f"/admin/runs/{run[1]}/resume").text
    assert operator.post(f"/admin/runs/{run[1]}/pace", rate="fast").status_code == 422
    assert ("operator@shop.example", "started a run", "item made") in acts(hub)


@pytest.mark.capability("RT-6")
def test_a_filter_that_finds_nothing_or_is_unknown_says_so(operator: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    assert "No delivery matches" in operator.get("/admin/replay/?look=1&code=no.such").text
    assert "there is no step" in operator.get("/admin/replay/?look=1&step=no.such").text.lower()
    assert operator.get("/admin/replay/?look=1&states=done").status_code == 422
    assert operator.get("/admin/replay/?look=1&since=yesterday").status_code == 422


@pytest.mark.capability("RT-6")
def test_a_payload_is_edited_with_its_difference_shown_first_and_the_original_kept(operator: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    event, delivery, _ = set_aside(hub, "orders:1")
    with hub.unit_of_work() as uow:
        uow.sql("UPDATE hub.event SET payload = %(p)s::jsonb", {"p": json.dumps(PAYLOAD)})
    assert "Edit payload" in operator.get(f"/admin/deliveries/{event}/{delivery}").text
    form = operator.post(f"/admin/edits/{event}/{delivery}/form").text
    assert "marlow" in form
    after = json.dumps({**PAYLOAD, "company": "other"})
    shown = operator.post(f"/admin/edits/{event}/{delivery}/look", payload=after)
    assert "What changes" in shown.text
    assert "1 field" in shown.text
    assert operator.post(f"/admin/edits/{event}/{delivery}/look", payload="{").status_code == 422
    assert operator.post(f"/admin/edits/{event}/{delivery}/keep", payload=after, why="").status_code == 422
    assert state_of(hub, delivery) == "parked"
    kept = operator.post(f"/admin/edits/{event}/{delivery}/keep", payload=after, why="a typo")
    assert "Edited, under your name" in kept.text
    assert state_of(hub, delivery) == "due"
    assert "Edited by operator@shop.example" in operator.get(f"/admin/edits/{event}/{delivery}").text
    did = [one[1] for one in acts(hub)]
    assert did[-2:] == ["saw a payload whole", "edited a payload"]


@pytest.mark.capability("RT-5")
def test_what_is_in_doubt_is_listed_with_who_settles_it(operator: Browser, hub: Hub) -> None:
    assert "Nothing is in doubt" in operator.get("/admin/in-doubt/").text
    connect(hub, "erp")
    event, delivery, _ = set_aside(hub, "orders:1", code="hub.in_doubt", said="no answer within 30 s")
    with hub.unit_of_work() as uow:
        uow.sql("UPDATE hub.delivery SET in_doubt = true")
    page = operator.get("/admin/in-doubt/").text
    assert "1 waits for a person" in page, page[page.index("<main") :][:900]
    one = operator.get(f"/admin/in-doubt/{event}/{delivery}").text
    assert "It happened" in one
    assert "erp can be asked" in one
    sure = {"sure": "yes", "why": "not there"}
    assert operator.post(f"/admin/in-doubt/{event}/{delivery}/resend", **sure).status_code == 409
    assert operator.post(f"/admin/in-doubt/{event}/{delivery}/happened", number=" ").status_code == 422
    assert state_of(hub, delivery) == "parked"


@pytest.mark.capability("ADM-1")
def test_a_viewer_only_looks(signed_in: Callable[[str], Browser], hub: Hub) -> None:
    connect(hub, "erp")
    event, delivery, _ = set_aside(hub, "orders:1")
    viewer = signed_in("viewer")
    assert viewer.get("/admin/replay/?look=1&states=parked").status_code == 200
    assert viewer.get(f"/admin/edits/{event}/{delivery}").status_code == 200
    for path, form in (
        ("replay/start", {**FILTER, "sure": "yes", "why": "x"}),
        (f"edits/{event}/{delivery}/form", {}),
        (f"edits/{event}/{delivery}/keep", {"payload": "{}", "why": "x"}),
        (f"in-doubt/{event}/{delivery}/happened", {"number": "1"}),
    ):
        assert viewer.post(f"/admin/{path}", **form).status_code == 403, path


@pytest.mark.capability("RT-6")
def test_more_letters_than_one_press_takes_go_as_a_run(operator: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    set_aside(hub, "orders:1")
    with hub.unit_of_work() as uow:
        uow.sql(
            "INSERT INTO hub.event (type, key, payload) "
            "SELECT type, key, payload FROM hub.event, generate_series(1, 5000) WHERE key = 'orders:1'"
        )
        uow.sql(
            "INSERT INTO hub.delivery (event_id, subscriber, connection, queue, partition, lane, state, code) "
            "SELECT e.id, d.subscriber, d.connection, d.queue, 0, d.lane || e.id, 'parked', d.code "
            "FROM hub.delivery d, hub.event e WHERE e.id <> d.event_id AND e.key = 'orders:1'"
        )
    row = "orders.sku_unmapped|order_to_cash.post_to_erp|erp"
    done = operator.post("/admin/dead-letters/replay", rowid=row, sure="yes", why="item made")
    assert "they go as runs" in done.text
    assert "0 of 5,001" in done.text, re.findall(r"[\d,]+ of [\d,]+", done.text)
