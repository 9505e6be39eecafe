from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from app.sandbox.serving import Listening, Served
from app.sandbox.settings import Settings
from app.sandbox.web import Answer, Request, Wsgi
from tests.sandbox.erp_client import Erp

pytestmark = pytest.mark.capability("TRY-1")


class Receiver:
    """A webhook receiver that answers what a test tells it and keeps what it got."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.statuses: list[int] = []
        self.echo = True
        self.handshakes = 0
        self._came = threading.Condition()

    def answer(self, request: Request) -> Answer:
        tokens = parse_qs(request.query).get("validationToken")
        if tokens:
            self.handshakes += 1
            return Answer(body=tokens[0].encode() if self.echo else b"no")
        with self._came:
            self.bodies.append(request.json())
            self._came.notify_all()
            return Answer(status=self.statuses.pop(0) if self.statuses else 202)

    def wait_for(self, count: int) -> list[Any]:
        """Wait until so many bodies came, at most five seconds; return all notices in them."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.bodies) >= count, timeout=5), self.bodies
        return [notice for body in self.bodies for notice in body["value"]]


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, at most five seconds."""
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver()
    with Listening(Wsgi({"hook": receiver.answer})) as listening:
        yield receiver, f"{listening.url}/hook"


@pytest.fixture
def erp(serve: Callable[..., Served], http: urllib3.PoolManager) -> Erp:
    return Erp(serve(Settings(notification_delay=0.05, collection_after=3)), http)


def _subscribe(erp: Erp, url: str, set_name: str = "salesOrders") -> Any:
    resource = f"/api/v2.0/companies({erp.company['id']})/{set_name}"
    body = {"notificationUrl": url, "resource": resource, "clientState": "secret"}
    return erp.add(f"{erp.root}/subscriptions", body)


def _listed(erp: Erp) -> list[str]:
    return [each["subscriptionId"] for each in erp.all(f"{erp.root}/subscriptions")]


class TestSubscribing:
    def test_a_subscription_is_registered_after_its_handshake_for_three_days(
        self, erp: Erp, receiver: tuple[Receiver, str]
    ) -> None:
        subscription = _subscribe(erp, receiver[1])
        assert receiver[0].handshakes == 1
        assert _listed(erp) == [subscription["subscriptionId"]]
        erp.people("age", days=2.9)
        assert len(_listed(erp)) == 1
        erp.people("age", days=0.2)
        assert _listed(erp) == []

    def test_a_renewal_shakes_hands_again_and_gives_three_more_days(
        self, erp: Erp, receiver: tuple[Receiver, str]
    ) -> None:
        key = _subscribe(erp, receiver[1])["subscriptionId"]
        erp.people("age", days=2.9)
        path = f"{erp.root}/subscriptions('{key}')"
        version = erp.get(path)["@odata.etag"]
        assert erp.ask("PATCH", path, {"clientState": "new"}, If_Match=version).status == 200
        erp.people("age", days=2.9)
        assert (_listed(erp), receiver[0].handshakes) == ([key], 2)
        receiver[0].echo = False
        assert erp.refused("PATCH", path, {}, If_Match="*")[0] == 400

    def test_without_an_echo_there_is_no_subscription(self, erp: Erp, receiver: tuple[Receiver, str]) -> None:
        receiver[0].echo = False
        resource = f"/api/v2.0/companies({erp.company['id']})/salesOrders"
        for url in (receiver[1], "http://127.0.0.1:9/hook"):
            refused = erp.refused("POST", f"{erp.root}/subscriptions", {"notificationUrl": url, "resource": resource})
            assert "handshake" in refused[2]
        assert _listed(erp) == []

    def test_shipments_cannot_be_subscribed_to(self, erp: Erp, receiver: tuple[Receiver, str]) -> None:
        body = {"notificationUrl": receiver[1], "resource": f"api/v2.0/companies({erp.company['id']})/salesShipments"}
        assert "does not support webhooks" in erp.refused("POST", f"{erp.root}/subscriptions", body)[2]

    def test_a_subscription_is_deleted_on_request(self, erp: Erp, receiver: tuple[Receiver, str]) -> None:
        key = _subscribe(erp, receiver[1])["subscriptionId"]
        path = f"{erp.root}/subscriptions('{key}')"
        assert erp.ask("DELETE", path, If_Match="*").status == 204
        assert erp.refused("GET", path)[0] == 404


class TestNotifying:
    def test_a_changed_order_is_told_with_the_client_state(self, erp: Erp, receiver: tuple[Receiver, str]) -> None:
        subscription = _subscribe(erp, receiver[1])
        order = erp.order(erp.item_line(1, 10))
        [notice] = receiver[0].wait_for(1)
        assert notice["resource"] == f"api/v2.0/companies({erp.company['id']})/salesOrders({order['id']})"
        assert (notice["changeType"], notice["clientState"]) == ("created", "secret")
        assert notice["subscriptionId"] == subscription["subscriptionId"]

    def test_a_changed_line_is_its_orders_change_and_shipping_is_too(
        self, erp: Erp, receiver: tuple[Receiver, str]
    ) -> None:
        order = erp.order(erp.item_line(1, 10))
        _subscribe(erp, receiver[1])
        erp.change("salesOrderLines", order["salesOrderLines"][0], {"unitPrice": 11})
        assert [notice["changeType"] for notice in receiver[0].wait_for(1)] == ["updated"]
        erp.people("ship", number=order["number"], invoice=True)
        assert [notice["changeType"] for notice in receiver[0].wait_for(2)] == ["updated", "deleted"]

    def test_many_changes_become_one_notice_of_the_collection(self, erp: Erp, receiver: tuple[Receiver, str]) -> None:
        _subscribe(erp, receiver[1])
        batch = [{"id": str(n), "method": "POST", "url": f"companies({erp.company['id']})/salesOrders", "headers": {},
                  "body": {"customerNumber": "WEB"}} for n in range(5)]  # fmt: skip
        erp.ask("POST", f"{erp.root}/$batch", {"requests": batch}, Isolation="snapshot")
        [notice] = receiver[0].wait_for(1)
        assert notice["changeType"] == "collection"
        query = urlsplit(notice["resource"]).query
        assert len(erp.all(f"salesOrders?{query}")) == 5

    @pytest.mark.parametrize("status", [400, 401, 404, 413])
    def test_an_answer_of_4xx_ends_the_subscription(
        self, erp: Erp, receiver: tuple[Receiver, str], status: int
    ) -> None:
        _subscribe(erp, receiver[1])
        receiver[0].statuses = [status]
        erp.order()
        receiver[0].wait_for(1)
        until(lambda: _listed(erp) == [])

    @pytest.mark.parametrize("status", [408, 429, 500, 503])
    def test_an_answer_that_asks_for_patience_is_tried_again(
        self, erp: Erp, receiver: tuple[Receiver, str], status: int
    ) -> None:
        _subscribe(erp, receiver[1])
        receiver[0].statuses = [status]
        erp.order()
        first, second = receiver[0].wait_for(2)
        assert first == second
        assert len(_listed(erp)) == 1
        sent = f"{erp.served.url}/_books/webhooks"
        until(lambda: [each["status"] for each in erp.http.request("GET", sent).json()] == [status, 202])

    def test_notifications_are_doubled_and_lost_by_switch(self, erp: Erp, receiver: tuple[Receiver, str]) -> None:
        _subscribe(erp, receiver[1])
        for kind in ("lose", "duplicate"):
            erp.http.request("POST", f"{erp.served.url}/_faults", json={
                "vendor": "webhooks", "match": "business_central", "kind": kind, "times": 1})  # fmt: skip
        erp.order()
        faults = f"{erp.served.url}/_faults"
        until(lambda: erp.http.request("GET", faults).json()["rules"][0]["struck"] == 1)
        kept = erp.order()
        notices = receiver[0].wait_for(2)
        assert [kept["id"] in notice["resource"] for notice in notices] == [True, True]

    def test_one_companys_changes_are_not_anothers(
        self, erp: Erp, http: urllib3.PoolManager, receiver: tuple[Receiver, str]
    ) -> None:
        erp.people("companies", name="Wien")
        wien = Erp(erp.served, http, "Wien")
        _subscribe(wien, receiver[1])
        erp.order()
        order = wien.order()
        [notice] = receiver[0].wait_for(1)
        assert order["id"] in notice["resource"]
