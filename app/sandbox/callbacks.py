"""What the demo's warehouse tells the hub, by the hub's own contract at /erp/<connection>/…, until it is taken."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import urllib3

from app.kernel.money import Money
from app.sandbox import moment
from app.sandbox.books import Books

CONNECTION = "erp"  # the demo's name for Business Central
_TIMEOUT = urllib3.Timeout(connect=2, read=10)  # seconds: a hub under load may take a while to commit
_TRIES = 12
_FIRST_WAIT = 0.5  # seconds until the first repetition, doubled each time
_LONGEST_WAIT = 30.0  # seconds: a hub that was restarted hears of its shipments soon after
# 404 while the hub has no such connection yet; all other refusals would stay what they are.
_TRIED_AGAIN = frozenset({0, 404, 408, 425, 429})

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """One parcel on its way."""

    number: str
    carrier: str
    url: str | None = None


@dataclass(order=True, frozen=True, slots=True)
class _Call:
    due: float
    place: int
    path: str = field(compare=False)
    key: str = field(compare=False)
    body: Document = field(compare=False)
    attempt: int = field(compare=False, default=0)


class HubCallbacks:
    """Calls the hub back, in order of due time, from a thread of its own."""

    def __init__(self, hub_url: str, token: str, books: Books) -> None:
        self._root = f"{hub_url}/erp/{CONNECTION}"
        self._token, self._books = token, books
        self._client = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)
        self._wake = threading.Condition()
        self._calls: list[_Call] = []
        self._places = itertools.count()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="warehouse-callbacks", daemon=True)

    def start(self) -> None:
        """Start to call."""
        self._thread.start()

    def stop(self) -> None:
        """Stop to call; what waits is dropped."""
        with self._wake:
            self._stopped = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()
        self._client.clear()

    def accepted(self, order: Document) -> None:
        """Tell that an order was accepted under its number."""
        body = {
            "order_number": order["number"],
            "external_number": order["externalDocumentNumber"],
            "accepted_at": moment.text(moment.now()),
        }
        self._call("orders", f"order-{order['number']}", body)

    def shipped(
        self, shipment: Document, lines: Sequence[Document], location: str, parcels: Sequence[Tracking]
    ) -> None:
        """Tell what left in which parcels; `lines` of the shipment, those of items only."""
        items = [line for line in lines if line["lineType"] == "Item"]
        if not items:  # only services, which nobody carries
            return
        body = {
            "shipment_number": shipment["number"],
            "order_number": shipment["orderNumber"],
            "shipped_at": moment.text(moment.now()),
            "location": location,
            "lines": [
                {"sequence": line["sequence"], "sku": line["lineObjectNumber"], "quantity": _plain(line["quantity"])}
                for line in items
            ],
            "packages": [
                {"tracking_number": each.number, "carrier": each.carrier, "tracking_url": each.url} for each in parcels
            ],
        }
        self._call("shipments", f"shipment-{shipment['number']}", body)

    def invoiced(self, invoice: Document, lines: Sequence[Document]) -> None:
        """Tell what was invoiced."""
        currency = invoice["currencyCode"]
        body = {
            "invoice_number": invoice["number"],
            "order_number": invoice["orderNumber"],
            "invoiced_at": moment.text(moment.now()),
            "total": {"amount": _amount(invoice["totalAmountIncludingTax"], currency), "currency": currency},
            "lines": [
                {
                    "sequence": line["sequence"],
                    "quantity": _plain(line["quantity"]),
                    "amount": _amount(line["netAmountIncludingTax"], currency),
                }
                for line in lines
                if line["lineType"] != "Comment"
            ],
        }
        self._call("invoices", f"invoice-{invoice['number']}", body)

    def _call(self, path: str, key: str, body: Document) -> None:
        with self._wake:
            heapq.heappush(self._calls, _Call(time.monotonic(), next(self._places), path, key, body))
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._stopped and (not self._calls or self._calls[0].due > time.monotonic()):
                    self._wake.wait(self._calls[0].due - time.monotonic() if self._calls else None)
                if self._stopped:
                    return
                call = heapq.heappop(self._calls)
            self._settle(call, self._send(call))

    def _send(self, call: _Call) -> int:
        headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": call.key}
        url = f"{self._root}/{call.path}"
        try:
            status = self._client.request("POST", url, json=dict(call.body), headers=headers).status
        except urllib3.exceptions.HTTPError:
            status = 0  # nobody there, or no answer
        record = {"vendor": "warehouse", "url": url, "key": call.key, "status": status, "body": call.body}
        self._books.sent({**record, "at": moment.text(moment.now())})
        return status

    def _settle(self, call: _Call, status: int) -> None:
        again = status in _TRIED_AGAIN or status >= 500
        if not again or call.attempt + 1 >= _TRIES:
            return
        wait = min(_FIRST_WAIT * 2**call.attempt, _LONGEST_WAIT)
        with self._wake:
            due = time.monotonic() + wait
            heapq.heappush(
                self._calls, _Call(due, next(self._places), call.path, call.key, call.body, call.attempt + 1)
            )


def _plain(quantity: Decimal | int) -> str:
    return format(Decimal(quantity).normalize(), "f")


def _amount(amount: Decimal | int, currency: str) -> str:
    return Money.parse(Decimal(amount), currency).text
