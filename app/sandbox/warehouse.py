"""The demo's warehouse: releases the orders that come into Business Central, ships them, and tells the hub.

Most orders go out whole after some seconds, some in two parts, some stay drafts so that they can still be changed.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from app.sandbox.business_central.company import Company, Kinds
from app.sandbox.business_central.errors import Refusal
from app.sandbox.business_central.people import People
from app.sandbox.callbacks import HubCallbacks, Tracking
from app.sandbox.web import Unreadable

_CARRIERS = ("UPS", "FedEx", "USPS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How the warehouse works.

    Seconds, from and to, until it accepts an order, packs it, and sends the rest of a split one; the shares of orders
    that stay drafts, of those of several pieces that go out in two parts, and of those that are invoiced at the end.
    """

    accept: tuple[float, float] = (1.0, 4.0)
    pack: tuple[float, float] = (2.0, 8.0)
    rest: tuple[float, float] = (6.0, 15.0)
    left_alone: float = 0.15
    in_parts: float = 0.2
    invoiced: float = 0.6


@dataclass(order=True, frozen=True, slots=True)
class _Task:
    due: float
    place: int
    act: Callable[[str, str], None] = field(compare=False)
    number: str = field(compare=False)
    company: str = field(compare=False)


class Warehouse:
    """A thread that works through what came in. `listen` is told what changes in Business Central."""

    def __init__(
        self, people: People, callbacks: HubCallbacks, random: Random, *, habits: Habits | None = None
    ) -> None:
        self._people, self._callbacks = people, callbacks
        self._random, self._habits = random, habits or Habits()
        self._wake = threading.Condition()
        self._tasks: list[_Task] = []
        self._places = itertools.count()
        self._split_next = False
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="warehouse", daemon=True)

    def start(self) -> None:
        """Start to work, and to tell the hub; what an earlier process left open is taken up."""
        self._callbacks.start()
        for company, order in self._people.open_orders():
            if order["externalDocumentNumber"]:
                act = self._accept if order["status"] == "Draft" else self._finish
                self._later(self._habits.accept, act, order["number"], company)
        self._thread.start()

    def stop(self) -> None:
        """Stop both."""
        with self._wake:
            self._stopped = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()
        self._callbacks.stop()

    def split_next(self) -> None:
        """Send the next order of several pieces in two parts, whatever chance would say."""
        self._split_next = True

    def listen(self, company: Company, kinds: Kinds) -> None:
        """Note the orders that were just placed."""
        for (set_name, _), (kind, document) in kinds.items():
            placed = set_name == "salesOrders" and kind == "created" and document["externalDocumentNumber"]
            if placed and self._random.random() >= self._habits.left_alone:
                self._later(self._habits.accept, self._accept, document["number"], company.id)

    def _accept(self, number: str, company: str) -> None:
        order = self._people.release(number, company=company)
        self._callbacks.accepted(order)
        self._later(self._habits.pack, self._pack, number, company)

    def _pack(self, number: str, company: str) -> None:
        lines = [line for line in self._people.lines(number, company=company) if line["lineType"] == "Item"]
        several = sum(line["quantity"] for line in lines) > 1
        if several and (self._split_next or self._random.random() < self._habits.in_parts):
            self._split_next = False
            self._send(number, company, {lines[0]["sequence"]: Decimal(1)}, invoice_too=False)
            self._later(self._habits.rest, self._finish, number, company)
        else:
            self._finish(number, company)

    def _finish(self, number: str, company: str) -> None:
        self._send(number, company, None, invoice_too=self._random.random() < self._habits.invoiced)

    def _send(self, number: str, company: str, quantities: Mapping[int, Decimal] | None, *, invoice_too: bool) -> None:
        departure = self._people.ship(number, quantities, invoice_too=invoice_too, company=company)
        if departure.shipment is not None:
            carrier = self._random.choice(_CARRIERS)
            parcel = Tracking(number=f"1Z{self._random.randrange(10**14):014d}", carrier=carrier)
            self._callbacks.shipped(departure.shipment, departure.lines, departure.location, [parcel])
        if departure.invoice is not None:
            self._callbacks.invoiced(departure.invoice, departure.billed)

    def _later(self, between: tuple[float, float], act: Callable[[str, str], None], number: str, company: str) -> None:
        due = time.monotonic() + self._random.uniform(*between)
        with self._wake:
            heapq.heappush(self._tasks, _Task(due, next(self._places), act, number, company))
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._stopped and (not self._tasks or self._tasks[0].due > time.monotonic()):
                    self._wake.wait(self._tasks[0].due - time.monotonic() if self._tasks else None)
                if self._stopped:
                    return
                task = heapq.heappop(self._tasks)
            try:
                task.act(task.number, task.company)
            except (Refusal, Unreadable):
                continue  # the order was changed or cancelled meanwhile: there is nothing left to do
