"""Orders are taken in once, whoever tells of them and how often at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from app.domains.orders.lifecycle import ORDER, State
from app.domains.orders.service import Arrival, Became, capture, capture_many, changed_groups
from app.domains.orders.service.duplicates import likeness
from app.infra.hub import Hub
from app.infra.uow import Trail
from app.kernel.errors import Refused
from app.settings import Settings
from tests.factories import PLACED, a_line, an_order
from tests.stock import open_books


@pytest.fixture
def hub(settings: Settings, database: Engine) -> Iterator[Hub]:
    opened = open_books(settings)
    yield opened
    opened.close()


def told(order: object, source: str = "orders/create") -> Arrival:
    return Arrival(order=order, source=source, trail=Trail(correlation_id="c"))  # type: ignore[arg-type]


@pytest.mark.capability("RT-3")
def test_an_order_that_eight_capture_at_once_is_one_order_with_one_version(hub: Hub) -> None:
    def take_in(n: int) -> Became:
        with hub.unit_of_work() as uow:
            return capture(uow, told(an_order())).became

    with ThreadPoolExecutor(8) as pool:
        became = sorted(pool.map(take_in, range(8)))
    assert became == ["new"] + ["repeated"] * 7
    with hub.unit_of_work() as uow:
        assert uow.sql("SELECT count(*), max(version) FROM orders.sales_order").fetchall() == [(1, 1)]
        assert uow.sql("SELECT count(*) FROM orders.order_version").fetchall() == [(1,)]


def test_a_batch_keeps_each_orders_versions_apart(hub: Hub) -> None:
    first = [told(an_order(external_id=str(n), name=f"#{n}")) for n in range(3)]
    newer = PLACED + timedelta(minutes=1)
    second = [told(an_order(external_id=str(n), source_version=newer), "orders/updated") for n in (0, 2)]
    with hub.unit_of_work() as uow:
        assert [one.became for one in capture_many(uow, first)] == [Became.NEW] * 3
    with hub.unit_of_work() as uow:
        found = capture_many(uow, [*second, told(an_order(external_id="9"))])
        assert [(one.became, one.standing.version) for one in found] == [("newer", 2), ("newer", 2), ("new", 1)]
    with hub.unit_of_work() as uow:
        rows = uow.sql("SELECT external_id, version FROM orders.sales_order ORDER BY external_id").fetchall()
    assert rows == [("0", 2), ("1", 1), ("2", 2), ("9", 1)]


def test_every_move_that_the_table_does_not_know_is_refused() -> None:
    for trigger, state in [("post", State.HELD), ("ship", State.CAPTURED), ("accept", "nowhere"), ("hold", "nowhere")]:
        with pytest.raises(Refused, match=trigger):
            ORDER.step(state, trigger)  # type: ignore[arg-type]


def test_a_cancellation_leaves_nothing_that_moves() -> None:
    assert not any(ORDER.step(State.CANCELLED, trigger).moved for trigger in ORDER.moves)


def test_the_groups_of_a_change_are_named_as_an_erp_would_see_them() -> None:
    order = an_order()
    line = order.lines[0]
    assert changed_groups(order, replace(order, tags=("vip",))) == ()
    assert changed_groups(order, replace(order, po_number="7")) == ("terms",)
    assert changed_groups(order, replace(order, lines=(replace(line, qty_current=0),))) == ("quantities", "prices")
    removed = replace(order, lines=(line, a_line("9", quantity=0)))
    assert changed_groups(order, removed) == ()


def test_a_likeness_is_of_buyer_basket_and_total_and_of_nobody_where_the_buyer_is_not_told() -> None:
    order = an_order()
    assert likeness(order) == likeness(replace(order, name="other", email=order.email.upper()))
    assert likeness(order) != likeness(replace(order, lines=(a_line(quantity=2),)))
    assert likeness(replace(order, email="", customer=None)) == ""
