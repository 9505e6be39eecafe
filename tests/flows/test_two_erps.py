"""Two ERPs side by side until one is retired: two companies of Business Central, the real adapters, HTTP in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
import urllib3
from flask import Flask
from sqlalchemy import Engine

from app import flows, registry
from app.api import register_api
from app.commands.demo import connect_sandbox, read_books, take_stock
from app.domains.orders.queries.cut_over import Report, report, table
from app.flows import cut_over
from app.infra.connecting import add_connection, resume_connection
from app.infra.draining import WAITS, drain_connection
from app.infra.rerouting import carry_out, hold_routes, plan_add, plan_end, plan_remove, plan_switch
from app.infra.routes import read_routes
from app.infra.routing import LIVE, SHADOW, Asked, Route
from app.infra.shadow import DIFFERENT, EQUAL, pairs
from app.infra.web.problems import register_problems
from app.infra.web.wiring import wire
from app.kernel.clock import SYSTEM_CLOCK
from app.sandbox.assembly import create_sandbox
from app.sandbox.companies import CompanySpec, marlow_us
from app.sandbox.serving import Served
from app.sandbox.settings import Settings as SandboxSettings
from app.settings import Settings
from tests.factories import an_order
from tests.flows.builders import cancelled, later
from tests.flows.conftest import Story
from tests.flows.test_real_adapters import Trade, listening
from tests.hub import Crank

MONDAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


class Calendar:
    """A clock whose days a test turns; within a day it goes as the machine's."""

    def __init__(self) -> None:
        self.ahead = MONDAY - SYSTEM_CLOCK.now()

    def now(self) -> datetime:
        return SYSTEM_CLOCK.now() + self.ahead

    def turn(self, days: int) -> None:
        self.ahead += timedelta(days=days)


@dataclass
class Companies(Trade):
    """A trade with an old and a new ERP."""

    calendar: Calendar
    ids: dict[str, str]

    def held(self, erp: str) -> dict[str, int]:
        """How many documents an ERP holds by the hub's external number."""
        found: dict[str, int] = {}
        for document in self.books("salesOrders"):
            if document["_company"] == self.ids[erp] and not document.get("_deleted"):
                number = document["externalDocumentNumber"]
                found[number] = found.get(number, 0) + 1
        return found

    def order(self, count: int = 1) -> list[str]:
        """Customers order; returns the hub's external numbers once the orders are posted."""
        before = self.posted()
        placed = [str(self.control("_shopify/orders")["id"]) for _ in range(count)]
        self.until(lambda: self.posted() == before + count and not self.open())
        return [f"WEB-{order_id}" for order_id in placed]

    def posted(self) -> int:
        return int(self.crank.rows("SELECT count(*) FROM orders.sales_order WHERE state = 'posted'")[0][0])

    def open(self) -> int:
        states = self.crank.states()
        return sum(states.get(state, 0) for state in ("due", "running", "behind"))

    def route(self, mode: str) -> None:
        with self.crank.uow() as uow:
            hold_routes(uow)
            new = Route(role="erp", connection="erp-new", mode=mode)
            carry_out(uow, plan_add(uow, new, both=mode == LIVE), "dana")

    def compare(self) -> Report:
        """A cut-over report on everything so far."""
        with self.crank.uow() as uow:
            since, until = MONDAY - timedelta(days=30), MONDAY + timedelta(days=60)
            made, _ = cut_over.begin(uow, "erp", "erp-new", since, until, "dana")

        def done() -> bool:
            with self.crank.uow() as uow:
                return report(uow, made).is_done

        self.until(done)
        with self.crank.uow() as uow:
            return report(uow, made)


def specs() -> tuple[CompanySpec, ...]:
    old = marlow_us()
    return old, CompanySpec(tenant=old.tenant, environment=old.environment, name="Marlow New", rates=old.rates)


@pytest.fixture
def companies(settings: Settings, database: Engine, redis_client: redis.Redis) -> Iterator[Companies]:
    flows.load()
    calendar = Calendar()
    crank = Crank(settings, adapter=registry.adapter, clock=calendar)
    app = Flask("two")
    wire(app, crank.hub)
    register_api(app, crank.hub)
    register_problems(app)
    old, new = specs()
    with (
        listening(app, crank) as address,
        urllib3.PoolManager(retries=False, timeout=5) as http,
        Served(create_sandbox(SandboxSettings(hub_url=address, companies=(old, new)))) as sandbox,
    ):
        books = read_books(sandbox.url)
        with crank.uow() as uow:
            environment = {"HUB_SANDBOX_SHOP_SECRET": "sandbox-shop-secret"}
            connect_sandbox(uow, sandbox.url, books, environment=environment)
            mine: Any = crank.hub.connections.get(uow.session, "erp").settings
            given = {name: value for name, value in mine.items() if name not in ("allow_loopback", "name")}
            add_connection(
                uow, name="erp-new", adapter="business_central", who="dana", settings={**given, "company_id": new.id}
            )
        crank.hub.connections.forget()
        crank.hub.routes.forget()
        take_stock(crank.hub, books)
        ids = {"erp": old.id, "erp-new": new.id}
        yield Companies(crank=crank, sandbox=sandbox.url, hub=address, http=http, calendar=calendar, ids=ids)
    crank.close()


@pytest.mark.capability("RT-13", "RT-14")
def test_a_shadow_then_both_then_the_new_one_alone_and_nothing_is_doubled_or_lost(companies: Companies) -> None:
    crank = companies.crank
    companies.route(SHADOW)
    first = companies.order(2)
    assert companies.held("erp") == dict.fromkeys(first, 1)
    assert companies.held("erp-new") == {}
    with crank.uow() as uow:
        found = pairs(uow, "erp-new", MONDAY - timedelta(days=3000))
    assert [(pair.verdict, [d.field for d in pair.differences]) for pair in found] == [(EQUAL, [])] * 2
    week_one = companies.compare()
    assert (week_one.counts["equal"], {one.new for one in week_one.orders}) == (2, {"would"})

    with crank.uow() as uow:
        hold_routes(uow)
        (mine,) = [route for route in read_routes(uow) if route.mode == SHADOW]
        carry_out(uow, plan_remove(uow, mine.id), "dana")
    companies.route(LIVE)
    both = companies.order()
    assert companies.held("erp") == dict.fromkeys([*first, *both], 1)
    assert companies.held("erp-new") == dict.fromkeys(both, 1)

    with crank.uow() as uow:
        hold_routes(uow)
        (old,) = [route for route in read_routes(uow) if route.connection == "erp"]
        tomorrow = (companies.calendar.now() + timedelta(days=1)).date()
        carry_out(uow, plan_end(uow, old.id, tomorrow), "dana")
    companies.calendar.turn(2)
    crank.hub.routes.forget()
    alone = companies.order()
    assert companies.held("erp") == dict.fromkeys([*first, *both], 1)
    assert companies.held("erp-new") == dict.fromkeys([*both, *alone], 1)

    companies.control(f"_shopify/orders/{first[0].removeprefix('WEB-')}/cancel")
    companies.until(lambda: len(companies.held("erp")) == 2 and not companies.open())
    assert companies.held("erp-new") == dict.fromkeys([*both, *alone], 1)
    final = companies.compare()
    told = {f"WEB-{one.key}": one.verdict for one in final.orders}
    assert told == {first[0]: "neither", first[1]: "equal", both[0]: "equal", alone[0]: "only new"}
    assert len(table(final)) > len(final.orders)
    assert companies.cases() == []


@pytest.mark.capability("RT-13")
def test_no_write_leaves_a_shadow_and_what_differs_is_named(companies: Companies) -> None:
    companies.route(SHADOW)
    with companies.crank.uow() as uow:
        uow.sql(
            """UPDATE hub.connection SET settings = settings || '{"prefix": "NEW"}', version = version + 1
                WHERE name = 'erp-new'"""
        )
    companies.crank.hub.connections.forget()
    before = len(companies.books("customers"))
    companies.order()
    assert [customer["_company"] for customer in companies.books("customers")[before:]] == [companies.ids["erp"]]
    assert companies.held("erp-new") == {}
    with companies.crank.uow() as uow:
        (pair,) = pairs(uow, "erp-new", MONDAY - timedelta(days=3000))
    assert pair.verdict == DIFFERENT
    assert [told.field for told in pair.differences] == ["externalDocumentNumber"]
    assert [request["imagined"] for request in pair.shadow.requests] == [True, False]
    (buyer,) = companies.books("customers")[before:]
    kept = str(pair.shadow.requests)
    secret = (buyer["email"], buyer["displayName"], "sandbox-erp-secret", "Bearer")
    assert [word for word in secret if word and word in kept] == []


@pytest.mark.capability("RT-13")
def test_a_draining_shops_webhooks_are_kept_and_looked_into_once_it_is_resumed(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    with story.crank.uow() as uow:
        drain_connection(uow, "shop", "dana", "the shop moves")
    story.crank.hub.connections.forget()
    assert story.post("orders/create", an_order()) is not None
    story.settle()
    assert story.state() == "unknown"
    assert story.ended("intake.take_in") == [("due", WAITS)]
    with story.crank.uow() as uow:
        resume_connection(uow, "shop", "dana")
    story.crank.hub.connections.forget()
    story.settle()
    assert story.state() == "posted"


@pytest.mark.capability("RT-14")
def test_a_change_follows_its_order_to_the_erp_that_was_given_it_whatever_the_routes_say(story: Story) -> None:
    story.stock(TENT_2P_GRN=5)
    story.post("orders/create", an_order())
    story.settle()
    story.crank.connect("other", "paper_erp", doubt_seconds=0)
    with story.crank.uow() as uow:
        today = story.crank.hub.clock.now().date()
        carry_out(uow, plan_switch(uow, Asked(role="erp"), "erp", "other", today), "dana")
    story.crank.hub.routes.forget()
    story.post("orders/updated", later(an_order(), 4, note="leave at the door"))
    story.post("orders/cancelled", cancelled(an_order(), 5))
    story.settle()
    rows = story.crank.rows(
        "SELECT DISTINCT connection FROM hub.delivery WHERE subscriber = 'order_changes.cancel_in_erp'"
    )
    assert (story.state(), rows) == ("cancelled", [("erp",)])
