"""Webhooks out: which subscriptions hear of an event, signed, sent by threads, tried again, and logged."""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
import itertools
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import urllib3

from app.sandbox import moment
from app.sandbox.books import Books
from app.sandbox.faults import Faults

THREADS = 8
RETRIES = 8  # shopify.dev changelog 2024-09-10: eight retries over four hours, each later than the one before
# The real schedule takes 4 hours; here the first retry comes after half a second and the last within about a minute.
FIRST_RETRY_SECONDS = 0.5
LATE_SECONDS = 1.0  # how much later a reordered webhook comes when the fault does not say
_TIMEOUT = urllib3.Timeout(connect=1.0, read=5.0)  # shopify.dev, "HTTPS delivery": one second to connect, five in all


def signature(body: bytes, secret: str) -> str:
    """Return X-Shopify-Hmac-Sha256 of a raw body: base64 of its HMAC-SHA256 with the app's client secret."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook for one subscription: the same bytes and headers at every attempt."""

    address: str
    topic: str
    body: bytes
    headers: Mapping[str, str]
    attempt: int = 1


@dataclass(order=True, slots=True)
class _Due:
    at: float
    serial: int
    delivery: Delivery = field(compare=False)


class Sender:
    """Sends deliveries from a few threads, each at its time; failed ones again, up to RETRIES times."""

    def __init__(self, books: Books, faults: Faults, domain: str, secret: str) -> None:
        self.first_retry_seconds = FIRST_RETRY_SECONDS
        self._books = books
        self._faults = faults
        self._domain = domain
        self._secret = secret
        self._pool = urllib3.PoolManager(maxsize=THREADS, retries=False, timeout=_TIMEOUT)
        self._due: list[_Due] = []
        self._serials = itertools.count()
        self._wake = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._under_way = 0
        self._stopped = False

    def start(self) -> None:
        """Start the threads."""
        self._threads = [threading.Thread(target=self._run, name=f"webhooks-{n}", daemon=True) for n in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop the threads; what is still due is not sent."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()
        self._pool.clear()

    def idle(self) -> bool:
        """Say whether nothing is due or under way."""
        with self._wake:
            return not self._due and not self._under_way

    def send(self, address: str, topic: str, version: str, event: str, body: bytes, *, copies: int = 1) -> None:
        """Put a webhook on its way to one subscription, struck by the faults in force."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": self._domain,
            "X-Shopify-API-Version": version,
            "X-Shopify-Webhook-Id": str(uuid.uuid4()),
            "X-Shopify-Event-Id": event,
            "X-Shopify-Triggered-At": moment.text(moment.now()),
            "X-Shopify-Hmac-Sha256": signature(body, self._secret),
        }
        delivery = Delivery(address=address, topic=topic, body=body, headers=headers)
        seconds = 0.0
        for rule in self._faults.struck("webhooks", topic):
            if rule.kind == "lose":
                self._log(delivery, None, "lost")
                return
            if rule.kind == "duplicate":
                copies += 1
            else:
                seconds += rule.seconds or LATE_SECONDS
        for _ in range(copies):
            self._put(delivery, seconds)

    def _put(self, delivery: Delivery, seconds: float) -> None:
        with self._wake:
            heapq.heappush(self._due, _Due(time.monotonic() + seconds, next(self._serials), delivery))
            self._wake.notify()

    def _run(self) -> None:
        while (delivery := self._next()) is not None:
            try:
                self._attempt(delivery)
            finally:
                with self._wake:
                    self._under_way -= 1

    def _next(self) -> Delivery | None:
        with self._wake:
            while not self._stopped:
                wait = self._due[0].at - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._under_way += 1
                    return heapq.heappop(self._due).delivery
                self._wake.wait(wait)
            return None

    def _attempt(self, delivery: Delivery) -> None:
        try:
            answer = self._pool.request(
                "POST", delivery.address, body=delivery.body, headers=delivery.headers, redirect=False
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self._log(delivery, None, type(error).__name__)
        else:
            self._log(delivery, answer.status, None)
            if 200 <= answer.status < 300:
                return
        if delivery.attempt <= RETRIES:
            again = replace(delivery, attempt=delivery.attempt + 1)
            self._put(again, self.first_retry_seconds * 2 ** (delivery.attempt - 1))

    def _log(self, delivery: Delivery, status: int | None, error: str | None) -> None:
        self._books.sent(
            {
                "vendor": "shopify",
                "topic": delivery.topic,
                "address": delivery.address,
                "webhook_id": delivery.headers["X-Shopify-Webhook-Id"],
                "event_id": delivery.headers["X-Shopify-Event-Id"],
                "attempt": delivery.attempt,
                "status": status,
                "error": error,
                "bytes": len(delivery.body),
            }
        )
