"""Jobs: what the shop has promised to do and does a little later, with the outcome kept."""

from __future__ import annotations

import threading
import uuid
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify import cancelling
from app.sandbox.shopify.records import changes_of, gid
from app.sandbox.shopify.store import Rejected, Store

SECONDS = 0.2  # long enough that a caller who believes the answer at once is wrong


class Jobs:
    """Does the promised work on one thread, the oldest first; what a stop left undone is done after the next start."""

    def __init__(self, store: Store) -> None:
        self.seconds = SECONDS
        self._store = store
        self._wake = threading.Condition()
        self._stopped = False
        self._waiting: list[Document] = []
        self._thread = threading.Thread(target=self._run, name="shop-jobs", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._waiting = [each for each in self._store.records.all("jobs") if not each["done"]]
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread after the job under way."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def promise(self, order: int, wishes: dict[str, Any]) -> Document:
        """Promise to cancel an order; `wishes` are reason, restock and pay_back."""
        document = {
            "id": gid("Job", uuid.uuid4()),
            "number": self._store.records.next_id(),
            "order_id": order,
            "wishes": wishes,
            "done": False,
            "status": "STARTED",
            "errors": [],
        }
        self._store.records.write(changes_of("jobs", [document]))
        with self._wake:
            self._waiting.append(document)
            self._wake.notify_all()
        return document

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._stopped:
                    self._wake.wait()
                if self._wake.wait_for(lambda: self._stopped, self.seconds):
                    return
                document = self._waiting.pop(0)
            self._do(document)

    def _do(self, document: Document) -> None:
        outcome: dict[str, Any] = {"done": True, "status": "SUCCEEDED"}
        try:
            cancelling.cancel(self._store, document["order_id"], **document["wishes"])
        except Rejected as refusal:
            error = {"field": list(refusal.field or ()), "message": refusal.message, "code": refusal.code or "INVALID"}
            outcome |= {"status": "FAILED", "errors": [error]}
        self._store.records.write(changes_of("jobs", [{**document, **outcome}]))
