"""Versions that came after a newer one: nothing changes, and the story says what had overtaken them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.domains.orders.queries import timeline
from app.infra.replay.again import replay
from tests.factories import PLACED, an_order
from tests.flows.builders import later
from tests.flows.conftest import Story


@pytest.mark.capability("RT-4", "RT-12")
def test_a_version_that_comes_late_is_kept_as_overtaken_with_what_overtook_it(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    order = an_order()
    story.post("orders/create", order)
    story.post("orders/updated", later(order, 10))
    story.settle()
    kept = story.post("orders/updated", later(order, 5))
    story.settle()
    late = story.crank.rows(
        "SELECT source, source_version, overtaken_by, newer_version, notice_id FROM orders.overtaken_version"
    )
    told = [("orders/updated", PLACED + timedelta(minutes=5), 2, PLACED + timedelta(minutes=10), kept.notice_id)]
    assert late == told
    order_id = story.order_id()
    with story.crank.uow() as uow:
        entries = [entry for entry in timeline(uow, order_id) if entry.kind == "overtaken"]
    assert [(entry.what, entry.state, entry.code) for entry in entries] == [
        ("orders/updated", "2", "orders.older_version")
    ]
    with story.crank.uow() as uow:  # the message again is no second line
        rows = uow.sql("SELECT id FROM hub.delivery WHERE state = 'superseded'").fetchall()
        replay(uow, [row[0] for row in rows], "dana", "to see")
    story.settle()
    assert story.crank.rows("SELECT count(*) FROM orders.overtaken_version") == [(1,)]
