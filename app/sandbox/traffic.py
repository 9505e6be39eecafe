"""The demo's customers: they place orders all day, and every now and then one of them meets trouble."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Any, Protocol

import urllib3

from app.sandbox.faults import Faults, Rule

_EVERY = 40  # orders from one trouble to the next
_POLL = 0.5  # seconds between two looks whether the hub is up
_TIMEOUT = urllib3.Timeout(connect=1, read=2)  # seconds: a look at the hub's health must not hold up a stop
_PLAIN: Mapping[str, Any] = MappingProxyType({})
# Business Central has no such item: posting stops until a person maps it or drops the order.
_UNKNOWN = {"lines": [{"sku": "MO-SHELL-27", "title": "Glacier Shell, next season", "price": "199.00",
                       "kind": "product"}]}  # fmt: skip


class OrderTaker(Protocol):
    """A shop that orders can be placed in."""

    def place_order(self, random: Random, wishes: Mapping[str, Any] = ...) -> Mapping[str, Any]: ...


class Traffic:
    """A thread that places `rate` orders a second once the hub is up. `split_next` asks for a shipment in two parts."""

    def __init__(
        self,
        shop: OrderTaker,
        faults: Faults,
        split_next: Callable[[], None],
        random: Random,
        *,
        rate: float,
        hub_url: str,
        troubles: bool,
        every: int = _EVERY,
    ) -> None:
        self._shop, self._faults, self._split_next, self._random = shop, faults, split_next, random
        self._rate, self._hub_url, self._every = rate, hub_url, every
        self._troubles = (self._lost_answer, self._partial, self._unknown_item) if troubles else ()
        self._client = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-traffic", daemon=True)
        self.placed = 0

    def start(self) -> None:
        """Start to order."""
        self._thread.start()

    def stop(self) -> None:
        """Stop to order."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._client.clear()

    def place(self) -> None:
        """Place the next order, with its trouble when one is due."""
        self.placed += 1
        wishes = _PLAIN
        if self._troubles and self.placed % self._every == 0:
            trouble = self._troubles[self.placed // self._every % len(self._troubles)]
            wishes = trouble()
        self._shop.place_order(self._random, wishes)

    def _run(self) -> None:
        while not self._hub_is_up():
            if self._stopped.wait(_POLL):
                return
        due = time.monotonic()
        while not self._stopped.wait(max(0.0, due - time.monotonic())):
            self.place()
            due = max(due + 1 / self._rate, time.monotonic() - 1)  # after a pause it does not order all at once

    def _hub_is_up(self) -> bool:
        if not self._hub_url:
            return True
        try:
            return self._client.request("GET", f"{self._hub_url}/readyz").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def _lost_answer(self) -> Mapping[str, Any]:
        """The next order is posted, but its answer is lost: the hub has to look it up."""
        self._faults.add(Rule(vendor="business_central", kind="drop_after", match="POST salesOrders$", times=1))
        return _PLAIN

    def _partial(self) -> Mapping[str, Any]:
        self._split_next()
        return _PLAIN

    def _unknown_item(self) -> Mapping[str, Any]:
        return _UNKNOWN
