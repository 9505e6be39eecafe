"""The pages of what is waited for and of where things stand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from app.domains.orders.events import ReleaseMissed
from app.domains.orders.service import lock
from app.flows import overdue
from app.flows.lives import count_again
from app.infra.deadlines import expect, tell_missed
from app.infra.decisions import Choice, ask
from app.infra.hub import Hub
from tests.console.browser import Browser, acts, capture, connect, some_orders

pytestmark = pytest.mark.capability("RT-11", "ADM-2")


def waiting(hub: Hub, order_id: str, *, hours: int) -> str:
    """An order whose release by the ERP is waited for; returns the deadline's id."""
    by = datetime.now(UTC) + timedelta(hours=hours)
    with hub.unit_of_work() as uow:
        channel = lock(uow, order_id).channel
        missed = ReleaseMissed(order_id=order_id, channel=channel, erp="erp", erp_number="SO-1001", due_at=by)
        expect(uow, overdue.RELEASE, missed, by)
        row = uow.sql("SELECT id::text FROM hub.deadline WHERE key = %(key)s", {"key": missed.lane_key}).fetchone()
        assert row is not None
        return str(row[0])


def test_what_is_waited_for_is_listed_by_how_it_stands(operator: Browser, hub: Hub) -> None:
    first, second = capture(hub, *some_orders(2))
    assert "Nothing is waited for" in operator.get("/admin/deadlines/").text
    waiting(hub, first, hours=5)
    waiting(hub, second, hours=-1)
    page = operator.get("/admin/deadlines/").text
    assert "Something is past its time" in page
    assert page.index(second) < page.index(first)
    late = operator.get("/admin/deadlines/?view=overdue").text
    assert (second in late, first in late) == (True, False)
    with hub.unit_of_work() as uow:
        tell_missed(uow)
    missed = operator.get("/admin/deadlines/?view=missed").text
    assert (second in missed, "Missed" in missed, "Something is past its time" in missed) == (True, True, False)
    assert "No deadline matches" in operator.get("/admin/deadlines/?name=nothing").text


def test_a_long_list_goes_on(operator: Browser, hub: Hub) -> None:
    ids = capture(hub, *some_orders(60))
    for n, order_id in enumerate(ids):
        waiting(hub, order_id, hours=n + 1)
    first = operator.get("/admin/deadlines/").text
    further = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = operator.get(f"/admin/deadlines/{further}").text
    assert [sum(order_id in page for order_id in ids) for page in (first, second)] == [50, 10]


def test_an_operator_moves_one_and_calls_one_off_and_a_viewer_may_not(
    signed_in: Callable[[str], Browser], hub: Hub
) -> None:
    (order_id,) = capture(hub)
    one = waiting(hub, order_id, hours=5)
    viewer, operator = signed_in("viewer"), signed_in("operator")
    page = viewer.get(f"/admin/deadlines/{one}").text
    assert ("Call it off" in page, "orders.release_missed.v1" in page) == (False, True)
    assert viewer.post(f"/admin/deadlines/{one}/call-off", why="no").status_code == 403
    page = operator.get(f"/admin/deadlines/{one}").text
    assert "Call it off" in page
    moved = operator.post(f"/admin/deadlines/{one}/move", to="2099-01-02T17:30", why="on strike").text
    assert ("Moved, under your name" in moved, "2 Jan 2099 17:30" in moved) == (True, True)
    assert operator.post(f"/admin/deadlines/{one}/move", to="2001-01-02T17:30", why="x").status_code == 422
    assert operator.post(f"/admin/deadlines/{one}/move", to="tomorrow", why="x").status_code == 422
    off = operator.post(f"/admin/deadlines/{one}/call-off", why="by phone").text
    assert ("Called off" in off, "Call it off" in off) == (True, False)
    assert operator.post(f"/admin/deadlines/{one}/call-off", why="again").status_code == 409
    assert [did for _, did, _ in acts(hub)] == ["moved a deadline", "called off a deadline"]
    assert operator.get("/admin/deadlines/01a1fdc0-e24a-727c-a2d0-649fa8847915").status_code == 404


def test_a_life_is_drawn_with_how_many_stand_where(operator: Browser, hub: Hub) -> None:
    capture(hub, *some_orders(3))
    assert "Not counted yet" in operator.get("/admin/flows/orders").text
    with hub.unit_of_work() as uow:
        count_again(uow)
    listed, page = operator.get("/admin/flows/").text, operator.get("/admin/flows/orders").text
    assert ("Reservation" in listed, ">3<" in listed) == (True, True)
    assert ('<text class="said"' in page, ">3</text>" in page, "3 counted" in page) == (True, True, True)
    assert 'href="/admin/orders/?view=held"' in page
    assert "Finish cancel" in page
    assert operator.get("/admin/flows/reservations").status_code == 200
    assert operator.get("/admin/flows/nothing").status_code == 404


def test_an_order_shows_its_life(operator: Browser, hub: Hub) -> None:
    (order_id,) = capture(hub)
    page = operator.get(f"/admin/orders/{order_id}").text
    assert ('id="life"' in page, '<g class="node here">' in page, "It stands at Captured." in page) == (True,) * 3


def test_a_case_that_asks_for_a_choice_offers_its_choices_and_goes_on_by_one(operator: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    (order_id,) = capture(hub)
    fact = ReleaseMissed(order_id=order_id, channel="shop", erp="erp", erp_number="SO-1", due_at=datetime.now(UTC))
    with hub.unit_of_work() as uow:
        case = ask(
            uow, code="orders.release_missed", title="Nobody accepted it", about="order #1001", key=fact.lane_key,
            choices=[
                Choice(name="look", title="Look at the ERP again", small="At once.", fact=fact),
                Choice(name="wait", title="Give it more time", small="A day.", fact=fact),
            ],
        )  # fmt: skip
    page = operator.get(f"/admin/cases/{case}").text
    offered = [words in page for words in ("Look at the ERP again", "Give it more time", "I have mended")]
    assert offered == [True, True, False]
    assert operator.post(f"/admin/cases/{case}/mend", remedy="mended").status_code == 422
    done = operator.post(f"/admin/cases/{case}/mend", remedy="wait", why="they are on it").text
    assert "Decided: give it more time." in done
    told = "SELECT count(*) FROM hub.event WHERE type = 'orders.release_missed.v1'"
    with hub.unit_of_work() as uow:
        assert uow.sql(told).fetchone() == (1,)
