"""A hub with one shop, one ERP and a shelf, to tell stories with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import redis
from sqlalchemy import Engine

from app import flows
from app.domains.inventory import service as inventory
from app.domains.orders.canonical import Order
from app.infra.ids import new_id
from app.infra.notices import Incoming, Kept
from app.settings import Settings
from tests.flows.paper import Erp, Shop, adapters, said
from tests.hub import Crank

MORNING = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


@dataclass
class Story:
    """What a test does to the hub from outside, and what it then finds."""

    crank: Crank
    shop: Shop = field(default_factory=Shop)
    erp: Erp = field(default_factory=Erp)
    counted: int = 0

    def stock(self, **quantities: int) -> None:
        """Put goods on the shelf; a SKU's dashes are underscores here."""
        with self.crank.uow() as uow:
            for sku, quantity in quantities.items():
                self.counted += 1
                as_of = MORNING + timedelta(minutes=self.counted)
                inventory.set_snapshot(uow, "erp", sku.replace("_", "-"), "MAIN", Decimal(quantity), as_of)

    def post_when(self, when: str) -> None:
        """The ERP takes its orders once they are so far paid."""
        with self.crank.uow() as uow:
            uow.sql(
                "UPDATE hub.connection SET settings = settings || jsonb_build_object('post_when', %(w)s::text), "
                "version = version + 1 WHERE name = 'erp'",
                {"w": when},
            )
        self.crank.hub.connections.forget()

    def post(
        self, topic: str, value: object, *, at: str = "shop", told_at: str = "", body: bytes | None = None
    ) -> Kept:
        """A webhook comes in."""
        external = value.ref.external_id if isinstance(value, Order) else getattr(value, "external_id", "")
        headers = {"x-told-at": told_at} if told_at else {}
        return self.keep(at, topic, "order", str(external), body or said(value), headers)

    def call_back(self, what: str, body: Mapping[str, Any], *, key: str = "") -> Kept:
        """The ERP calls back at its own contract."""
        number = str(body["order_number"])
        return self.keep("erp", f"erp/{what}", "erp_order", number, json.dumps(body).encode(), {}, key)

    def keep(
        self,
        connection: str,
        topic: str,
        kind: str,
        object_id: str,
        body: bytes,
        headers: dict[str, str],
        key: str = "",
    ) -> Kept:
        with self.crank.uow() as uow:
            return self.crank.hub.intake.accept(
                uow,
                Incoming(
                    connection=connection, topic=topic, external_ids=(f"webhook:{key or new_id()}",), kind=kind,
                    object_id=object_id, headers=headers, body=body, correlation_id=new_id(),
                ),
            )  # fmt: skip

    def settle(self) -> None:
        self.crank.settle()

    def state(self, external_id: str = "450789469") -> str:
        rows = self.crank.rows("SELECT state FROM orders.sales_order WHERE external_id = %(id)s", id=external_id)
        return str(rows[0][0]) if rows else "unknown"

    def order_id(self, external_id: str = "450789469") -> str:
        rows = self.crank.rows("SELECT id::text FROM orders.sales_order WHERE external_id = %(id)s", id=external_id)
        return str(rows[0][0])

    def reserved(self) -> dict[str, Decimal]:
        """How much is in which state of its life."""
        rows = self.crank.rows("SELECT state, sum(quantity) FROM inventory.reservation GROUP BY state")
        return dict(rows)

    def cases(self) -> dict[str, str]:
        """The open cases, code → what about."""
        return dict(
            self.crank.rows(
                "SELECT code, about FROM hub.exception_case WHERE state NOT IN ('resolved', 'dismissed') ORDER BY code"
            )
        )

    def findings(self) -> list[str]:
        return [row[0] for row in self.crank.rows("SELECT code FROM orders.finding ORDER BY code")]

    def ended(self, subscriber: str) -> list[tuple[str, str | None]]:
        """How the deliveries of a step ended, in their order."""
        return self.crank.rows(
            "SELECT state, code FROM hub.delivery WHERE subscriber = %(s)s ORDER BY id", s=subscriber
        )


@pytest.fixture
def story(settings: Settings, database: Engine, redis_client: redis.Redis) -> Iterator[Story]:
    flows.load()
    shop, erp = Shop(), Erp()
    crank = Crank(settings, adapter=adapters(shop, erp))
    crank.connect("shop", "paper_shop", post_test_orders=False)
    crank.connect("erp", "paper_erp", role="erp", doubt_seconds=60)
    yield Story(crank=crank, shop=shop, erp=erp)
    crank.close()
