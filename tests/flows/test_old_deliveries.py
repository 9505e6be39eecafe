"""What the release before had queued when it stopped runs on this one: every step, every fact, as it was written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app import flows
from app.flows.runtime import STEPS
from app.jobs.strangers import knows
from app.kernel.events import newest
from bin.event_schemas import CANONICAL, all_events
from bin.old_deliveries import KEPT, PAYLOADS, all_deliveries, name_of
from tests.flows.conftest import Story

OLD: list[dict[str, Any]] = json.loads(KEPT.read_text())
QUEUE = """
WITH told AS (
    INSERT INTO hub.event (type, key, payload, origin, correlation_id)
    VALUES (%(type)s, %(key)s, %(payload)s::jsonb, 'shop', 'of the release before') RETURNING id)
INSERT INTO hub.delivery (event_id, subscriber, connection, queue, partition, lane)
SELECT id, %(subscriber)s, %(connection)s, %(queue)s, 0, %(lane)s FROM told
"""


def queue(story: Story, row: Mapping[str, Any], payload: object) -> None:
    with story.crank.uow() as uow:
        uow.sql(QUEUE, {**row, "payload": json.dumps(payload)})


def connect_others(story: Story) -> None:
    """The connections that the kept rows name beside the shop and the ERP of these stories."""
    for name in sorted({row["connection"] for row in OLD} - {"", "shop", "erp"}):
        story.crank.connect(name, "paper_erp", doubt_seconds=0)


def payload_of(row: Mapping[str, Any]) -> Any:
    return json.loads((PAYLOADS / f"{row['type']}.json").read_text())


@pytest.mark.capability("RT-11")
def test_every_delivery_of_the_release_before_is_read_and_run_and_none_is_strange(story: Story) -> None:
    """The things they speak of are not in this database, which many say; none is a bug, unreadable or unknown."""
    connect_others(story)
    for row in OLD:
        queue(story, row, payload_of(row))
    story.settle()
    story.crank.hasten()
    story.settle()
    found = story.crank.rows("SELECT subscriber, state, coalesce(code, '') FROM hub.delivery ORDER BY subscriber")
    wrong = [row for row in found if row[2].startswith(("bug.", "wire.", "hub.unknown"))]
    assert (wrong, {row["subscriber"] for row in OLD} <= {row[0] for row in found}) == ([], True)
    ran = {row[0] for row in found if row[1] != "due" or row[2]}
    assert {row["subscriber"] for row in OLD} - ran == set()


@pytest.mark.capability("RT-11")
def test_they_run_too_where_a_newer_release_added_fields_that_this_one_does_not_know(story: Story) -> None:
    connect_others(story)
    for row in OLD:
        queue(story, row, {**payload_of(row), "told_by_a_newer_release": {"of": ["it"]}})
    story.settle()
    codes = [row[0] for row in story.crank.rows("SELECT code FROM hub.delivery WHERE code IS NOT NULL")]
    assert [code for code in codes if code.startswith(("bug.", "wire.", "hub.unknown"))] == []


@pytest.mark.parametrize("row", OLD, ids=name_of)
def test_no_step_of_an_earlier_release_is_gone_unsaid(row: dict[str, Any]) -> None:
    flows.load()
    assert knows(STEPS, row["subscriber"], row["type"]) or row["subscriber"] in STEPS.retired, "declare it retired()"


def test_every_step_of_this_release_is_kept_for_the_next() -> None:
    missing = {name_of(row) for row in all_deliveries()} - {name_of(row) for row in OLD}
    assert missing == set(), "run bin/old_deliveries.py and commit what it adds"


def test_every_kept_payload_is_of_a_fact_that_is_still_read() -> None:
    all_events()
    kept = {path.stem for path in Path(PAYLOADS).glob("*.json")} - {*CANONICAL}
    assert {name for name in kept if newest(name) is None} == set()
