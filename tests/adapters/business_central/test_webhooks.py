"""Notifications: genuine or not, what they become, and the subscriptions they come from."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.adapters.business_central import SPEC
from app.adapters.business_central.subscriptions import end_subscriptions, ensure_subscriptions, list_subscriptions
from app.adapters.business_central.webhooks import TOPIC, echo, translate, verify
from app.domains.orders.canonical import DocumentChanged
from app.infra.remote.signing import BadSignature
from app.infra.remote.spec import Arrival, Message, SubscriptionKeeper
from app.kernel.errors import HubError, Invalid, Transient
from tests.adapters.business_central.erp import CLIENT_STATE, Erp, a_us_company, an_erp

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


class TestSubscriptions:
    @pytest.fixture
    def erp(self) -> Iterator[Erp]:
        with an_erp(a_us_company()) as erp:
            yield erp

    def test_orders_and_invoices_are_subscribed_to_and_renewed(self, erp: Erp, hub: Hub) -> None:
        made = ensure_subscriptions(erp.remote, erp.settings, notification_url=hub.url)
        again = ensure_subscriptions(erp.remote, erp.settings, notification_url=hub.url)
        assert [(each.resource, each.renewed) for each in made] == [("salesOrders", False), ("salesInvoices", False)]
        assert [(each.subscription_id, each.renewed) for each in again] == [
            (each.subscription_id, True) for each in made
        ]
        assert len(list_subscriptions(erp.remote, erp.settings)) == 2

    def test_an_address_that_does_not_echo_is_refused(self, erp: Erp, hub: Hub) -> None:
        hub.answers = False
        with pytest.raises(HubError):
            ensure_subscriptions(erp.remote, erp.settings, notification_url=hub.url)
        assert list_subscriptions(erp.remote, erp.settings) == ()

    def test_the_keeper_creates_then_renews_and_tries_again_what_does_not_echo(self, erp: Erp, hub: Hub) -> None:
        keeper = SPEC.port(SubscriptionKeeper, erp.remote, erp.settings)
        address = hub.url.removesuffix(f"/{TOPIC}")
        hub.answers = False
        with pytest.raises(Transient) as failed:
            keeper.ensure(address)
        assert failed.value.code == "business_central.handshake_failed"
        hub.answers = True
        words = [[did.split(" until ")[0] for did in keeper.ensure(address)] for _ in range(2)]
        assert words == [[f"{did} salesOrders", f"{did} salesInvoices"] for did in ("created", "renewed")]
        assert len(list_subscriptions(erp.remote, erp.settings)) == 2

    def test_without_a_client_state_nothing_is_subscribed(self, erp: Erp, hub: Hub) -> None:
        keeper = SPEC.port(SubscriptionKeeper, erp.remote, {**erp.settings, "client_state": ""})
        assert "set client_state" in keeper.ensure(hub.url)[0]
        assert list_subscriptions(erp.remote, erp.settings) == ()

    def test_subscriptions_can_be_ended(self, erp: Erp, hub: Hub) -> None:
        ensure_subscriptions(erp.remote, erp.settings, notification_url=hub.url)
        assert end_subscriptions(erp.remote, erp.settings, notification_url=hub.url) == 2
        assert list_subscriptions(erp.remote, erp.settings) == ()

    def test_what_business_central_sends_is_genuine_and_leads_to_the_order(self, erp: Erp, hub: Hub) -> None:
        ensure_subscriptions(erp.remote, erp.settings, notification_url=hub.url)
        erp.with_order()
        end = monotonic() + 10
        while not hub.received and monotonic() < end:
            sleep(0.02)
        content = hub.received[0]
        assert verify(arrival(content), erp.settings).kind == "document"
        [changed] = translate(Message(connection="erp", topic=TOPIC, headers={}, body=content), erp.settings)
        assert erp.shipments.number_of(changed) == erp.number
