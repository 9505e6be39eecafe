"""A person at the console: a test client that fills in forms as a page gives them, and rows to look at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from werkzeug.test import TestResponse

from app.console.sign_in import BEGAN
from app.domains.orders import service as orders
from app.domains.orders.canonical import Order
from app.domains.orders.service import Arrival
from app.infra.cases import open_case
from app.infra.connecting import add_connection, pause_connection
from app.infra.hub import Hub
from app.infra.ids import new_id
from app.infra.people import PersonRow, session_token
from app.infra.uow import Trail
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.identity import Ref
from tests.factories import an_order

PASSWORD = "a long enough password"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
EVENT = """
WITH told AS (INSERT INTO hub.event (type, key, payload, origin, correlation_id)
              VALUES ('orders.order_accepted.v1', %(key)s, '{"order_id": "1"}', 'shop', 'c-1') RETURNING id)
INSERT INTO hub.delivery (event_id, subscriber, connection, queue, partition, lane, state, code, attempt)
SELECT id, 'order_to_cash.post_to_erp', 'erp', 'orders', 0, 'erp_order|erp|' || %(key)s, %(state)s, %(code)s, 1
  FROM told
RETURNING event_id, id
"""
TRIED = """
INSERT INTO hub.attempt (event_id, delivery, n, started_at, ended_at, outcome, code, said)
VALUES (%(event)s, %(delivery)s, 1, now() - interval '1 second', now(), 'parked', %(code)s, %(said)s)
"""


class Browser:
    """Keeps its cookies; `post` sends the token of the page it saw last."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self._token = ""

    def get(self, path: str) -> TestResponse:
        return self._seen(self.client.get(path))

    def post(self, path: str, *, follow: bool = True, **form: Any) -> TestResponse:
        answer = self.client.post(path, data={"csrf_token": self._token, **form}, follow_redirects=follow)
        return self._seen(answer)

    def come_in_as(self, person: PersonRow) -> None:
        """A session as signing in leaves it, without the tenth of a second that a password takes."""
        with self.client.session_transaction(base_url="http://localhost/admin/") as session:
            session["_user_id"], session["_fresh"] = session_token(person), True
            session[BEGAN] = int(SYSTEM_CLOCK.now().timestamp())
            session.permanent = True
        self.get("/admin/runbooks/")

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        self.get("/admin/sign-in")
        return self.post("/admin/sign-in", email=email, password=password)

    def _seen(self, answer: TestResponse) -> TestResponse:
        if found := TOKEN.search(answer.text):
            self._token = found[1]
        return answer


@cache
def _hashed() -> str:
    """Hashing takes a tenth of a second; the tests share one."""
    return PasswordHasher(time_cost=1, memory_cost=47104, parallelism=1).hash(PASSWORD)


def add_person(hub: Hub, role: str = "operator", email: str = "") -> PersonRow:
    """A person with the password of these tests."""
    person = PersonRow(
        id=new_id(), email=email or f"{role}@shop.example", name=role.capitalize(), role=role, password_hash=_hashed(),
        active=True, session_version=1, failures=0,
    )  # fmt: skip
    with hub.unit_of_work() as uow:
        uow.session.add(person)
    return person


SETTINGS: dict[str, dict[str, Any]] = {
    "shop": {"shop": "demo.myshopify.com", "access_token": "shpat_0123456789", "webhook_secret": "a webhook secret"},
    "erp": {
        "tenant": "marlow", "environment": "production", "company_id": "7d112a45-ed22-5a23-b902-a0ca572f25ad",
        "client_id": "roundhouse", "client_secret": "a client secret", "local_currency": "USD", "tax_mode": "tax_lines",
    },
}  # fmt: skip


def connect(hub: Hub, *names: str, paused: bool = False) -> None:
    """A shop and an ERP, as an administrator would connect them."""
    with hub.unit_of_work() as uow:
        for name in names:
            adapter = "shopify" if name == "shop" else "business_central"
            roles = ["erp"] if name == "erp" else []
            add_connection(
                uow, name=name, adapter=adapter, settings=SETTINGS[name], who="setup", title=name.capitalize(),
                roles=roles,
            )  # fmt: skip
            if paused:
                pause_connection(uow, name, "setup", "the vendor is moving house")


def set_aside(
    hub: Hub, key: str = "orders:1", *, code: str = "orders.sku_unmapped", said: str = "no item MO-1",
    state: str = "parked", facts: dict[str, Any] | None = None,
) -> tuple[int, int, str]:  # fmt: skip
    """A parked delivery with its attempt and its case: (event, delivery, case)."""
    with hub.unit_of_work() as uow:
        row = uow.sql(EVENT, {"key": key, "state": state, "code": code}).fetchone()
        assert row is not None
        event, delivery = row
        uow.sql(TRIED, {"event": event, "delivery": delivery, "code": code, "said": said})
        case = open_case(
            uow, code=code, title="Business Central has no item MO-1", connection="erp", about="sku MO-1",
            facts=facts or {"sku": "MO-1"}, said=said, key=key, event_id=event, delivery=delivery,
        )  # fmt: skip
    return event, delivery, case


def capture(hub: Hub, *given: Order) -> Sequence[str]:
    """Orders taken in, by id."""
    with hub.unit_of_work() as uow:
        arrivals = [
            Arrival(order=order, source="orders/create", trail=Trail(correlation_id=f"trail-{order.name}"))
            for order in given or (an_order(),)
        ]
        return [one.standing.order_id for one in orders.capture_many(uow, arrivals)]


def some_orders(count: int, start: int = 1) -> list[Order]:
    """Orders that differ in name and number."""
    return [
        an_order(name=f"#{n}", ref=Ref(connection="shop", external_id=str(n)), gid=f"gid://shopify/Order/{n}")
        for n in range(start, start + count)
    ]


def state_of(hub: Hub, delivery: int) -> str:
    with hub.unit_of_work() as uow:
        row = uow.sql("SELECT state FROM hub.delivery WHERE id = %(id)s", {"id": delivery}).fetchone()
        assert row is not None
        return str(row[0])


def acts(hub: Hub) -> list[tuple[str, str, str]]:
    """Who did what and why, in order."""
    with hub.unit_of_work() as uow:
        return [(who, did, why) for who, did, why in uow.sql("SELECT who, did, why FROM hub.act ORDER BY id")]
