"""Breakers and quotas in the console."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.infra.breaking import breaker_of, trip, write_down
from app.infra.hub import Hub
from app.infra.remote.breaker import BreakerPolicy
from tests.console.browser import Browser, connect

pytestmark = pytest.mark.capability("ADM-2")


@pytest.fixture(autouse=True)
def _nothing_remembered(hub: Hub) -> None:
    """The process of the test before would bring its breakers back to the emptied Redis."""
    hub.gates.breakers._known.clear()


@pytest.mark.capability("RT-7")
def test_an_operator_opens_a_breaker_with_a_reason_and_resets_it(operator: Browser, hub: Hub):
    connect(hub, "erp")
    page = operator.get("/admin/connections/erp").text
    assert "It is called." in page
    asked = operator.post("/admin/limits/erp/trip").text
    assert "Open the breaker of erp" in asked
    assert operator.post("/admin/limits/erp/trip", sure="yes", why=" ").status_code == 422
    operator.get("/admin/connections/erp")
    done = operator.post("/admin/limits/erp/trip", sure="yes", why="closing the month").text
    assert "closing the month" in done
    assert breaker_of(hub, "erp").state == "held"
    assert "1 breaker open" in operator.get("/admin/limits/").text
    operator.post("/admin/limits/erp/reset")
    assert breaker_of(hub, "erp").state == "closed"
    log = operator.get("/admin/limits/").text
    assert log.index("closed the breaker") < log.index("opened the breaker")


@pytest.mark.capability("RT-7")
def test_who_may_only_look_moves_no_breaker(signed_in: Callable[[str], Browser], hub: Hub):
    connect(hub, "erp")
    viewer = signed_in("viewer")
    assert "Open the breaker" not in viewer.get("/admin/connections/erp").text
    assert viewer.post("/admin/limits/erp/trip", sure="yes", why="x").status_code == 403
    trip(hub, "erp", "dana", "month end")
    assert viewer.post("/admin/limits/erp/reset").status_code == 403
    assert breaker_of(hub, "erp").state == "held"


@pytest.mark.capability("RT-8")
def test_a_connection_shows_what_is_allowed_and_who_spent_it(operator: Browser, hub: Hub):
    connect(hub, "erp")
    with hub.unit_of_work() as uow:
        gate = hub.connections.get(uow.session, "erp").gate
    assert gate is not None
    permit = gate.permits(gate.admit("bulk", 1), "bulk", 1)[0]
    permit.took({"requests": 1.0}, {"requests": 1.0})
    gate.close(permit)
    gate.flush()
    page = operator.get("/admin/connections/erp").text
    for said in ("sliding window, 6,000 in 300 s", "1 ours", "Bulk", "At once"):
        assert said in page


@pytest.mark.capability("RT-7")
def test_home_says_what_does_not_answer(operator: Browser, hub: Hub):
    connect(hub, "erp")
    policy = BreakerPolicy()
    for _ in range(policy.volume):
        hub.gates.breakers.failed("erp", "business_central.no_answer", policy, probe=False)
    write_down(hub)
    assert "erp does not answer" in operator.get("/admin/").text
    assert "It does not answer, so it is not called" in operator.get("/admin/connections/erp").text
