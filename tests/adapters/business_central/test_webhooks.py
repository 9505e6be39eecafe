"""Notifications: genuine or not, what they become, and the subscriptions they come from."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.adapters.business_central import SPEC
from app.adapters.business_central.subscriptions import list_subscriptions
from app.adapters.business_central.webhooks import SUBSCRIBED, TOPIC, echo, translate, verify
from app.domains.orders.canonical import DocumentChanged
from app.infra.remote.signing import BadSignature
from app.infra.remote.spec import Arrival, Message, SubscriptionKeeper
from app.kernel.errors import Invalid, Transient
from tests.adapters.business_central.erp import CLIENT_STATE, Erp, a_us_company, an_erp
from tests.contracts.subscription_keeper import SubscriptionKeeperContract

pytestmark = pytest.mark.capability("ORD-6", "SYS-dynamics-bc")

COMPANY = "7d112a45-ed22-5a23-b902-a0ca572f25ad"
ORDER = "5d115c9c-44e3-ea11-bb43-000d3a2feca1"
SETTINGS = {"company_id": COMPANY, "client_state": CLIENT_STATE, "client_state_previous": "the one before"}


def entry(resource: str = f"salesOrders({ORDER})", **given: Any) -> dict[str, Any]:
    return {
        "subscriptionId": "one",
        "clientState": CLIENT_STATE,
        "expirationDateTime": "2026-11-24T07:52:31Z",
        "resource": f"api/v2.0/companies({COMPANY})/{resource}",
        "changeType": "updated",
        "lastModifiedDateTime": "2026-11-21T12:54:20.467Z",
    } | given


def body(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"value": list(entries)}).encode()


def arrival(content: bytes, **query: str) -> Arrival:
    return Arrival(topic=TOPIC, headers={}, query=query, body=content)


def told(content: bytes) -> tuple[DocumentChanged, ...]:
    return translate(Message(connection="erp", topic=TOPIC, headers={}, body=content), SETTINGS)


class TestVerification:
    def test_the_secret_in_every_notification_lets_the_body_in(self) -> None:
        content = body(entry(), entry(f"salesInvoices({COMPANY})"))
        notice = verify(arrival(content), SETTINGS)
        assert (notice.topic, notice.kind) == (TOPIC, "document")
        assert notice.external_ids[0].startswith("body:")
        assert verify(arrival(content), SETTINGS) == notice
        assert verify(arrival(body(entry())), SETTINGS).object_id == ORDER

    def test_the_secret_before_the_last_one_still_counts(self) -> None:
        verify(arrival(body(entry(clientState="the one before"))), SETTINGS)

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            pytest.param(body(entry(), entry(clientState="guessed")), "wrong_client_state", id="one of two is wrong"),
            pytest.param(body(entry(clientState="")), "wrong_client_state", id="empty"),
            pytest.param(body(entry(clientState=None)), "wrong_client_state", id="missing"),
            pytest.param(body({"clientState": CLIENT_STATE}), "another_company", id="no resource"),
            pytest.param(
                body(entry(resource="api/v2.0/companies(00000000-0000-0000-0000-000000000000)/salesOrders(1)")),
                "another_company", id="another company",
            ),
            pytest.param(b"{", "bad_body", id="no JSON"),
            pytest.param(b'{"value": []}', "bad_body", id="nothing in it"),
            pytest.param(b'{"value": [1]}', "bad_body", id="no notification"),
            pytest.param(b"[]", "bad_body", id="a list"),
        ],
    )  # fmt: skip
    def test_anything_else_is_refused(self, content: bytes, code: str) -> None:
        with pytest.raises(BadSignature) as caught:
            verify(arrival(content), SETTINGS)
        assert (caught.value.code, caught.value.status) == (f"business_central.{code}", 401)

    def test_a_connection_without_a_secret_lets_nobody_in(self) -> None:
        for claimed in ("", "anything"):
            with pytest.raises(BadSignature):
                verify(arrival(body(entry(clientState=claimed))), {"company_id": COMPANY, "client_state": ""})

    def test_a_refusal_is_answered_so_that_the_subscription_lives(self) -> None:
        assert SPEC.refusal_status == 202

    def test_the_handshake_echoes_the_token(self) -> None:
        assert echo(arrival(b"", validationToken="abc-123")) == "abc-123"
        assert echo(arrival(b"")) is None


class TestTranslation:
    def test_each_document_is_told_once(self) -> None:
        content = body(entry(), entry(), entry(f"salesInvoices({ORDER})", changeType="created"), entry("items(1)"))
        assert told(content) == (
            DocumentChanged(kind="sales_order", external_id=ORDER),
            DocumentChanged(kind="sales_invoice", external_id=ORDER),
        )

    def test_a_collection_says_since_when(self) -> None:
        content = body(
            entry(
                "salesOrders?$filter=lastDateTimeModified%20gt%202026-11-20T11:00:00Z", changeType="collection"
            )
        )  # fmt: skip
        since = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
        assert told(content) == (DocumentChanged(kind="sales_order", external_id="", since=since),)

    def test_a_byte_order_mark_of_older_versions_is_read_over(self) -> None:
        assert told(b"\xef\xbb\xbf" + body(entry())) == (DocumentChanged(kind="sales_order", external_id=ORDER),)

    def test_what_is_no_body_names_the_fix(self) -> None:
        with pytest.raises(Invalid):
            told(b"nothing")


class Hub:
    """A web server that answers handshakes as the hub does, and keeps what it is told."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.answers = True
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                token = parse_qs(urlsplit(self.path).query).get("validationToken", [""])[0]
                if not token:
                    hub.received.append(content)
                text = token.encode() if hub.answers else b"no"
                self.send_response(200 if token else 202)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *arguments: object) -> None:
                """Stay quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhooks/erp/{TOPIC}"


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    thread = threading.Thread(target=hub.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield hub
    hub.server.shutdown()
    hub.server.server_close()
    thread.join()


@dataclass
class Keeping:
    """The keeper's bench: a company, and the hub that it tells."""

    erp: Erp
    hub: Hub
    topics: tuple[str, ...] = SUBSCRIBED

    @property
    def address(self) -> str:
        return self.hub.url.removesuffix(f"/{TOPIC}")

    @property
    def port(self) -> SubscriptionKeeper:
        return SPEC.port(SubscriptionKeeper, self.erp.remote, self.erp.settings)

    def held(self) -> dict[str, str]:
        rows = list_subscriptions(self.erp.remote, self.erp.settings)
        return {str(row["resource"]).rsplit("/", 1)[-1]: str(row["notificationUrl"]) for row in rows}

    def drop(self, topic: str) -> None:
        for row in self._rows(topic):
            self.vendor.subscriptions.delete(row["subscriptionId"], "dropped by a test")

    def move(self, topic: str) -> None:
        for row in self._rows(topic):
            elsewhere = f"http://localhost:9/webhooks/erp/{TOPIC}"
            self.vendor.subscriptions._store({**row, "notificationUrl": elsewhere})

    def age(self, days: float) -> None:
        self.vendor.subscriptions.age(days)

    def lock_out(self) -> None:
        self.erp.lock_out()

    @property
    def vendor(self) -> Any:
        return self.erp.served.sandbox.vendors["business_central"]

    def _rows(self, topic: str) -> list[dict[str, Any]]:
        return [row for row in self.vendor.subscriptions._rows.values() if row["_set"] == topic]


class TestSubscriptions(SubscriptionKeeperContract):
    @pytest.fixture
    def erp(self) -> Iterator[Erp]:
        with an_erp(a_us_company()) as erp:
            yield erp

    @pytest.fixture
    def bench(self, erp: Erp, hub: Hub) -> Keeping:
        return Keeping(erp, hub)

    def test_one_that_ends_soon_is_renewed(self, bench: Keeping) -> None:
        bench.port.ensure(bench.address)
        bench.age(2)
        assert {one.state for one in bench.port.look(bench.address)} == {"expiring"}
        found = bench.port.ensure(bench.address)
        assert {(one.state, one.did) for one in found} == {("expiring", "renewed")}
        assert {one.state for one in bench.port.look(bench.address)} == {"well"}

    def test_one_that_ended_is_created_again(self, bench: Keeping) -> None:
        bench.port.ensure(bench.address)
        bench.age(4)
        assert {(one.state, one.did) for one in bench.port.ensure(bench.address)} == {("missing", "created")}

    def test_an_address_that_does_not_echo_is_tried_again_later(self, bench: Keeping, hub: Hub) -> None:
        hub.answers = False
        with pytest.raises(Transient) as failed:
            bench.port.ensure(bench.address)
        assert failed.value.code == "business_central.handshake_failed"
        assert bench.held() == {}

    def test_without_a_client_state_nothing_is_subscribed(self, bench: Keeping) -> None:
        bench.erp.settings = {**bench.erp.settings, "client_state": ""}
        found = bench.port.ensure(bench.address)
        assert {one.state for one in found} == {"refused"}
        assert "set client_state" in found[0].said
        assert bench.held() == {}

    def test_what_business_central_sends_is_genuine_and_leads_to_the_order(self, erp: Erp, hub: Hub) -> None:
        SPEC.port(SubscriptionKeeper, erp.remote, erp.settings).ensure(hub.url.removesuffix(f"/{TOPIC}"))
        erp.with_order()
        end = monotonic() + 10
        while not (told := [body for body in hub.received if b"salesOrders" in body]) and monotonic() < end:
            sleep(0.02)
        content = told[0]
        assert verify(arrival(content), erp.settings).kind == "document"
        told_of = translate(Message(connection="erp", topic=TOPIC, headers={}, body=content), erp.settings)
        [changed] = [one for one in told_of if one.kind == "sales_order"]
        assert erp.shipments.number_of(changed) == erp.number
