"""Flags, routes, drains and cut-over reports at the console: asked first, done once sure, kept with name and reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.infra.connecting import add_connection
from app.infra.hub import Hub
from app.infra.routes import read_routes
from tests.console.browser import SETTINGS, Browser, acts, capture, connect

WHO = "admin@shop.example"
TENTH = {"flag": "erp.posting", "percent": "10", "connection": "erp"}


@pytest.fixture
def two_erps(hub: Hub) -> None:
    connect(hub, "erp")
    with hub.unit_of_work() as uow:
        add_connection(
            uow, name="erp-new", adapter="business_central", settings=SETTINGS["erp"], who="setup", title="New"
        )


def flag_rules(hub: Hub) -> list[tuple[Any, ...]]:
    with hub.unit_of_work() as uow:
        return list(uow.sql("SELECT flag, connection, percent, changed_by, why FROM hub.flag_rule"))


@pytest.mark.capability("RT-13")
def test_a_flag_is_asked_about_set_explained_and_cleared(admin: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    asked = admin.post("/admin/flags/set", **TENTH)
    assert "Set erp.posting to 10 %" in asked.text
    assert "Nothing has been done yet" in asked.text
    assert flag_rules(hub) == []
    done = admin.post("/admin/flags/set", **TENTH, sure="yes", why="the first tenth").text
    assert "erp.posting lets 10 % through, connection erp." in done
    assert [(*rule[:2], f"{rule[2]}", *rule[3:]) for rule in flag_rules(hub)] == [
        ("erp.posting", "erp", "10.00", WHO, "the first tenth")
    ]
    told = admin.get("/admin/flags/?flag=erp.posting&key=orders:1&connection=erp").text
    assert "orders:1 <b>waits</b>" in told
    assert "orders:1 <b>passes</b>" in admin.get("/admin/flags/?flag=erp.posting&key=orders:1").text
    admin.post("/admin/flags/clear", flag="erp.posting", connection="erp")
    assert flag_rules(hub) == []
    assert [(who, did) for who, did, _ in acts(hub)[1:]] == [(WHO, "set a flag"), (WHO, "cleared a flag")]


@pytest.mark.capability("RT-13")
@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"flag": "erp.postings"}, 422, "erp.postings"),
        ({"percent": "110"}, 422, "110"),
        ({"connection": "nobody"}, 404, "no connection"),
        ({"domain": "poetry"}, 422, "poetry"),
    ],
)
def test_a_flag_that_cannot_be_is_refused_before_and_after_the_question(
    admin: Browser, hub: Hub, wrong: dict[str, str], status: int, said: str
) -> None:
    connect(hub, "erp")
    for sure in ({}, {"sure": "yes", "why": "x"}):
        answer = admin.post("/admin/flags/set", **{**TENTH, **wrong}, **sure)
        assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert flag_rules(hub) == []
    assert admin.post("/admin/flags/clear", flag="erp.posting", connection="erp").status_code == 404
    assert len(acts(hub)) == 1


@pytest.mark.capability("RT-14")
def test_a_switch_of_routes_is_shown_day_by_day_and_made_once_sure(admin: Browser, hub: Hub, two_erps: None) -> None:
    day = str(hub.clock.now().date() + timedelta(days=7))
    form = {"role": "erp", "old": "erp", "new": "erp-new", "on": day, "keep": "shadow"}
    asked = admin.post("/admin/routes/switch", **form).text
    assert f"erp goes from erp to erp-new on {day}" in asked
    assert "erp-new, erp as a shadow" in asked
    assert len(routes(hub)) == 1
    done = admin.post("/admin/routes/switch", **form, sure="yes", why="it is ready").text
    assert f"Erp goes from erp to erp-new on {day}." in done
    assert routes(hub) == [("erp", "live", None, day), ("erp-new", "live", day, None), ("erp", "shadow", day, None)]
    assert (WHO, f"erp goes from erp to erp-new on {day}", "it is ready") in acts(hub)


@pytest.mark.capability("RT-14")
def test_a_route_that_would_double_orders_or_leave_a_gap_must_be_meant(
    admin: Browser, hub: Hub, two_erps: None
) -> None:
    route = {"role": "erp", "connection": "erp-new"}
    for path, form, status in (
        ("add", route, 409),
        ("add", {**route, "role": "erpp"}, 422),
        ("add", {**route, "share": "many"}, 422),
        ("add", {**route, "from": "soon"}, 422),
        ("switch", {"role": "erp", "old": "erp", "new": "erp-new"}, 422),
        ("end", {"route": read(hub)[0].id}, 409),
    ):
        assert admin.post(f"/admin/routes/{path}", **form, sure="yes", why="x").status_code == status, (path, form)
    assert len(routes(hub)) == 1
    admin.post("/admin/routes/add", **route, both="yes", sure="yes", why="the year's end is held in both")
    assert [row[:2] for row in routes(hub)] == [("erp", "live"), ("erp-new", "live")]
    fresh = next(one.id for one in read(hub) if one.connection == "erp-new")
    assert "Remove this route" in admin.post("/admin/routes/end", route=fresh).text
    admin.post("/admin/routes/end", route=fresh, sure="yes", why="over")
    assert [row[:2] for row in routes(hub)] == [("erp", "live")]


@pytest.mark.capability("RT-13")
def test_a_drain_is_asked_about_needs_a_reason_and_ends_when_resumed(admin: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    assert "Drain erp" in admin.post("/admin/connections/erp/drain").text
    assert admin.post("/admin/connections/erp/drain", sure="yes", why=" ").status_code == 422
    assert state(hub) == "on"
    assert "erp drains" in admin.post("/admin/connections/erp/drain", sure="yes", why="it is moved").text
    assert state(hub) == "draining"
    assert admin.post("/admin/connections/erp/drain", sure="yes", why="again").status_code == 409
    admin.post("/admin/connections/erp/resume")
    assert state(hub) == "on"
    assert (WHO, "began to drain a connection", "it is moved") in acts(hub)


@pytest.mark.capability("RT-14")
def test_a_cut_over_report_is_begun_read_and_taken_away(admin: Browser, hub: Hub, two_erps: None) -> None:
    capture(hub)
    with hub.unit_of_work() as uow:
        uow.sql("UPDATE orders.sales_order SET accepted_version = version")
        row = uow.sql("SELECT placed_at::date, placed_at::date + 1 FROM orders.sales_order").fetchone()
    assert row is not None
    days = {"from": str(row[0]), "until": str(row[1])}
    for form, status in (
        ({"old": "erp", "new": "erp", **days}, 422),
        ({"old": "erp", "new": "nobody", **days}, 404),
        ({"old": "erp", "new": "erp-new", "from": "soon", "until": days["until"]}, 422),
        ({"old": "erp", "new": "erp-new", "from": days["until"], "until": days["from"]}, 422),
        ({"old": "erp", "new": "erp-new", "from": "2001-01-01", "until": "2001-01-02"}, 422),
    ):
        assert admin.post("/admin/cut-over/begin", **form).status_code == status, form
    assert "Nothing compared yet" in admin.get("/admin/cut-over/").text
    begun = admin.post("/admin/cut-over/begin", old="erp", new="erp-new", **days, follow=False)
    assert begun.status_code == 303
    assert "1 orders are asked for at both" in admin.get(begun.location).text
    taken = admin.get(f"{begun.location}.csv")
    assert taken.mimetype == "text/csv"
    assert 'filename="cut-over-erp-erp-new.csv"' in taken.headers["Content-Disposition"]
    assert (WHO, "began a cut-over report", "") in acts(hub)


@pytest.mark.capability("ADM-1")
def test_who_may_only_look_steers_nothing(signed_in: Callable[[str], Browser], hub: Hub, two_erps: None) -> None:
    viewer = signed_in("viewer")
    sure = {"sure": "yes", "why": "x"}
    for path, form in (
        ("flags/set", {**TENTH, **sure}),
        ("flags/clear", {"flag": "erp.posting", "connection": "erp"}),
        ("routes/add", {"role": "erp", "connection": "erp-new", "both": "yes", **sure}),
        ("routes/end", {"route": read(hub)[0].id, "gap": "yes", **sure}),
        ("connections/erp/drain", sure),
        ("cut-over/begin", {"old": "erp", "new": "erp-new", "from": "2026-01-01", "until": "2026-02-01"}),
    ):
        assert viewer.post(f"/admin/{path}", **form).status_code == 403, path
    assert (state(hub), len(routes(hub)), flag_rules(hub)) == ("on", 1, [])


def read(hub: Hub) -> list[Any]:
    with hub.unit_of_work() as uow:
        return list(read_routes(uow))


def routes(hub: Hub) -> list[tuple[str, str, str | None, str | None]]:
    """Connection, mode, first day and the day after the last, the oldest route first."""
    return [
        (one.connection, one.mode, one.from_on and str(one.from_on), one.until_on and str(one.until_on))
        for one in read(hub)
    ]


def state(hub: Hub) -> str:
    with hub.unit_of_work() as uow:
        row = uow.sql("SELECT state FROM hub.connection WHERE name = 'erp'").fetchone()
    assert row is not None
    return str(row[0])
