"""The pages of queues and promises."""

from __future__ import annotations

import pytest

from app.infra.backlog import Load
from app.infra.hub import Hub
from app.kernel.queues import QUEUES
from tests.console.browser import Browser


@pytest.mark.capability("RT-9")
def test_the_page_says_who_is_slowed_and_that_nobody_serves(operator: Browser, hub: Hub) -> None:
    hub.pressure.tell(Load(waiting=dict.fromkeys(QUEUES, 1234), full=["bulk"], levels={"": 1, "erp": 2}))
    page = operator.get("/admin/queues/").text
    hub.pressure.tell(Load())
    assert "No worker serves orders, inventory" in page
    assert "1,234" in page
    assert "The hub is busy" in page
    assert "erp is overloaded" in page


@pytest.mark.capability("RT-17")
def test_a_broken_promise_says_so(operator: Browser, hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        uow.sql("INSERT INTO hub.took VALUES ('intake', date_trunc('hour', now()), 60, 9)")
    page = operator.get("/admin/flow-policy/").text
    assert "1 promise broken in the last day" in page
    assert "Breached" in page
    assert "waits when the hub is overloaded" in page
