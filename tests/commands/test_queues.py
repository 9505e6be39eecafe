"""`flask queue`, `flask policy` and `flask expiry`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from click.testing import Result

from app.flows.policy import POLICIES
from app.infra.backlog import Load
from app.infra.expiry import Ending, note
from app.infra.hub import Hub
from app.infra.workers import Heart
from app.kernel.queues import QUEUES


@pytest.mark.capability("RT-9")
def test_queues_are_listed_with_what_waits_and_who_serves_them(
    hub: Hub, answer: Callable[..., Any], flask: Callable[..., Result]
) -> None:
    assert [row["waiting"] for row in answer("queue", "list")] == [None] * 5
    hub.pressure.tell(Load(waiting=dict.fromkeys(QUEUES, 7), full=["bulk"], levels={"": 1, "erp": 2}))
    heart = Heart(hub, "worker", "test", serves=("orders", "bulk"))
    heart.start()
    try:
        found = {row["queue"]: row for row in answer("queue", "list")}
    finally:
        heart.stop()
        hub.pressure.tell(Load())
    assert list(found) == list(QUEUES)
    assert [found[queue]["workers"] for queue in QUEUES] == [1, 0, 0, 0, 1]
    bulk = found["bulk"]
    assert (bulk["full"], bulk["deferred"], found["orders"]["deferred"], bulk["waiting"]) == (True, True, False, 7)
    assert "NAME" not in flask("queue", "list").output
    assert "Calm" in flask("queue", "levels").output


@pytest.mark.capability("RT-17")
def test_policies_are_listed_with_their_targets_and_how_they_were_kept(
    hub: Hub, answer: Callable[..., Any], flask: Callable[..., Result]
) -> None:
    with hub.unit_of_work() as uow:
        uow.sql(
            "INSERT INTO hub.took VALUES ('order to ERP', date_trunc('hour', now()), 60, 9), "
            "('order to ERP', date_trunc('hour', now()), 300, 1)"
        )
    found = {row["policy"]: row for row in answer("policy", "list")}
    assert list(found) == [policy.name for policy in POLICIES]
    kept = found["order to ERP"]
    assert (kept["steps"], kept["late"], kept["within"], kept["state"]) == (10, 1, 0.9, "breached")
    assert found["intake"]["state"] == "unknown"
    assert sum(row["late"] for row in answer("policy", "show", "order to ERP")) == 1
    refused = flask("policy", "show", "nothing")
    assert (refused.exit_code, "policies.unknown" in refused.output) == (1, True)


def test_what_ends_is_listed_and_told_of(hub: Hub, answer: Callable[..., Any]) -> None:
    with hub.unit_of_work() as uow:
        note(uow, "erp", "secret", [Ending(kind="secret", ends_at=hub.clock.now() + timedelta(days=6))])
    assert answer("expiry", "check") == {"told": 1}
    assert [(row["connection"], row["days_left"], row["told_at_days"]) for row in answer("expiry", "list")] == [
        ("erp", 5, 7)
    ]
