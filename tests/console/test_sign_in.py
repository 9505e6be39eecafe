"""Who may come in, what a refusal says, and when a session ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.console.sign_in import MOST_TRIES_A_MINUTE
from app.infra.hub import Hub
from app.infra.people import end_sessions, reset_password
from app.infra.web.throttle import Throttle
from app.kernel.clock import SYSTEM_CLOCK
from tests.console.browser import PASSWORD, Browser, acts, add_person

pytestmark = pytest.mark.capability("ADM-1", "SEC-2")


def test_a_stranger_is_shown_the_way_in_and_comes_back_to_the_page_he_asked_for(stranger: Browser, hub: Hub) -> None:
    add_person(hub)
    asked = stranger.client.get("/admin/cases/?view=mine")
    assert (asked.status_code, asked.location) == (302, "/admin/sign-in?next=/admin/cases/?view%3Dmine")
    stranger.get(asked.location)
    come = stranger.post(
        "/admin/sign-in", follow=False, email="operator@shop.example", password=PASSWORD, next="/admin/cases/?view=mine"
    )
    assert (come.status_code, come.location) == (303, "/admin/cases/?view=mine")
    assert acts(hub) == [("operator@shop.example", "signed in", "")]


@pytest.mark.parametrize("elsewhere", ["https://evil.example/admin/", "//evil.example", "/admin/\\evil", "/other"])
def test_nobody_is_sent_elsewhere_after_signing_in(stranger: Browser, hub: Hub, elsewhere: str) -> None:
    add_person(hub)
    stranger.get("/admin/sign-in")
    come = stranger.post(
        "/admin/sign-in", follow=False, email="operator@shop.example", password=PASSWORD, next=elsewhere
    )
    assert come.location == "/admin/"


def test_tries_are_counted_alike_for_an_e_mail_that_exists_and_one_that_does_not(app: Flask, hub: Hub) -> None:
    add_person(hub)
    said: dict[str, list[tuple[int, str]]] = {}
    for email in ("operator@shop.example", "nobody@shop.example"):
        browser = Browser(app)
        browser.get("/admin/sign-in")
        tries = [browser.post("/admin/sign-in", email=email, password="wrong wrong wrong") for _ in range(6)]
        said[email] = [(one.status_code, one.text.split('role="alert">')[1].split("</div>")[0]) for one in tries]
    assert said["operator@shop.example"] == said["nobody@shop.example"]
    assert [n for n, (_, text) in enumerate(said["nobody@shop.example"]) if "do not go together" in text] == [
        0,
        1,
        2,
        3,
    ]
    assert "4 tries left" in said["nobody@shop.example"][0][1]
    assert "1 try left" in said["nobody@shop.example"][3][1]
    assert all("Too many tries" in text for _, text in said["nobody@shop.example"][4:])


def test_a_locked_person_comes_in_after_the_pause(stranger: Browser, hub: Hub) -> None:
    email = add_person(hub).email
    stranger.get("/admin/sign-in")
    for _ in range(5):
        stranger.post("/admin/sign-in", email=email, password="wrong wrong wrong")
    assert stranger.sign_in(email).status_code == 401
    with time_machine.travel(SYSTEM_CLOCK.now() + timedelta(minutes=16)):
        assert stranger.sign_in(email).status_code == 200


def test_a_new_password_ends_every_session(operator: Browser, hub: Hub) -> None:
    assert operator.get("/admin/").status_code == 200
    with hub.unit_of_work() as uow:
        fresh = reset_password(uow, "operator@shop.example")
    assert operator.get("/admin/").status_code == 302
    assert operator.sign_in("operator@shop.example").status_code == 401
    assert operator.sign_in("operator@shop.example", fresh).status_code == 200


def test_a_session_ends_with_the_day_even_of_one_who_never_rests(operator: Browser) -> None:
    began = SYSTEM_CLOCK.now()
    for minutes in range(0, 12 * 60, 25):
        with time_machine.travel(began + timedelta(minutes=minutes)):
            assert operator.get("/admin/runbooks/").status_code == 200
    with time_machine.travel(began + timedelta(hours=12, minutes=1)):
        assert operator.get("/admin/runbooks/").status_code == 302


def test_a_session_that_rests_half_an_hour_ends(operator: Browser) -> None:
    with time_machine.travel(SYSTEM_CLOCK.now() + timedelta(minutes=31)):
        assert operator.get("/admin/runbooks/").status_code == 302


def test_the_session_of_one_who_was_signed_out_elsewhere_is_dead(operator: Browser, hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        end_sessions(uow, "operator@shop.example")
    assert operator.get("/admin/").status_code == 302


def test_going_out_ends_the_session(operator: Browser) -> None:
    operator.get("/admin/")
    assert operator.post("/admin/sign-out").status_code == 200
    assert operator.get("/admin/").status_code == 302


def test_thirty_tries_a_minute_from_one_address_are_enough(stranger: Browser, hub: Hub) -> None:
    gate = Throttle(hub.redis, "sign_in_address", limit=MOST_TRIES_A_MINUTE, seconds=60)
    assert [gate.admit("127.0.0.1").welcome for _ in range(MOST_TRIES_A_MINUTE)] == [True] * 30
    add_person(hub)
    refused = stranger.sign_in("operator@shop.example")
    assert refused.status_code == 429
    assert "Too many tries from your network" in refused.text


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger: Browser, hub: Hub) -> None:
    add_person(hub)
    stranger.get("/admin/sign-in")
    come = stranger.post("/admin/sign-in", follow=False, email="operator@shop.example", password=PASSWORD)
    cookie = come.headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/admin"))
