"""Notifications: gathered for a while, sent together by URL, tried again where the answer asks for it.

Source: as for the subscriptions. One `collection` notification stands for more changes than a limit; 408, 429 and 5xx
are tried again; any other answer but success deletes the subscription.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from app.sandbox import moment
from app.sandbox.books import Books
from app.sandbox.faults import Faults

TIMEOUT = urllib3.Timeout(connect=2, read=5)  # seconds: a receiver on loopback that takes longer is not well
_TRIES = 8
_FIRST_WAIT = 0.5  # seconds until the first repetition, doubled each time; the real one goes on for 36 hours
_TRIED_AGAIN = frozenset({0, 408, 429})

Notice = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    url: str
    notices: tuple[Notice, ...]
    attempt: int = 0
    due: float = 0.0


class Notifier:
    """The thread that notifies. `living` gives a subscription by its key, `refused` is told which answer ended one."""

    def __init__(
        self,
        books: Books,
        faults: Faults,
        living: Callable[[str], Mapping[str, Any] | None],
        refused: Callable[[str, int], None],
        *,
        delay: float,
        collection_after: int,
    ) -> None:
        self._books, self._faults, self._living, self._refused = books, faults, living, refused
        self._delay, self._collection_after = delay, collection_after
        self._client = urllib3.PoolManager(retries=False, timeout=TIMEOUT)
        self._wake = threading.Condition()
        self._gathered: dict[str, dict[str, tuple[str, str]]] = {}
        self._due: dict[str, float] = {}
        self._waiting: list[_Batch] = []
        self._thread = threading.Thread(target=self._run, name="business-central-notifier", daemon=True)
        self._stopped = False

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; what waits is dropped."""
        with self._wake:
            self._stopped = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()
        self._client.clear()

    def note(self, key: str, resource: str, kind: str, modified: str) -> None:
        """Note a change for a subscription: several of one record before the sending are one."""
        with self._wake:
            gathered = self._gathered.setdefault(key, {})
            before = gathered.get(resource, ("", ""))[0]
            kept = before if before == "deleted" or (before == "created" and kind == "updated") else kind
            gathered[resource] = (kept, modified)
            if key not in self._due:
                self._due[key] = time.monotonic() + self._delay
                self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                wait = self._wait()
                while not self._stopped and (wait is None or wait > 0):
                    self._wake.wait(wait)
                    wait = self._wait()
                if self._stopped:
                    return
                batches = self._take()
            for batch in batches:
                self._send(batch)

    def _wait(self) -> float | None:
        instants = [*self._due.values(), *(batch.due for batch in self._waiting)]
        return min(instants) - time.monotonic() if instants else None

    def _take(self) -> list[_Batch]:
        instant = time.monotonic()
        by_url: dict[str, list[Notice]] = {}
        for key in [key for key, due in self._due.items() if due <= instant]:
            del self._due[key]
            gathered, row = self._gathered.pop(key), self._living(key)
            if row is not None:
                by_url.setdefault(row["notificationUrl"], []).extend(self._notices(row, gathered))
        batches = [_Batch(url=url, notices=tuple(notices)) for url, notices in by_url.items()]
        batches += [batch for batch in self._waiting if batch.due <= instant]
        self._waiting = [batch for batch in self._waiting if batch.due > instant]
        return batches

    def _notices(self, row: Mapping[str, Any], gathered: Mapping[str, tuple[str, str]]) -> list[Notice]:
        head = {name: row[name] for name in ("subscriptionId", "clientState", "expirationDateTime")}
        if len(gathered) > self._collection_after:
            oldest = min(modified for _, modified in gathered.values())
            resource = f"{row['resource'].lstrip('/')}?$filter=lastModifiedDateTime%20ge%20{oldest}"
            return [{**head, "resource": resource, "changeType": "collection", "lastModifiedDateTime": oldest}]
        return [
            {**head, "resource": resource, "changeType": kind, "lastModifiedDateTime": modified}
            for resource, (kind, modified) in gathered.items()
        ]

    def _send(self, batch: _Batch) -> None:
        notices = tuple(each for each in batch.notices if self._living(each["subscriptionId"]) is not None)
        if not notices:
            return
        batch = _Batch(url=batch.url, notices=notices, attempt=batch.attempt)
        copies = 1
        for rule in self._faults.struck("webhooks", f"business_central {notices[0]['resource']}"):
            if rule.kind == "latency":
                time.sleep(rule.seconds)
            elif rule.kind == "duplicate":
                copies = 2
            elif rule.kind == "lose":
                return
            else:  # reorder: what comes meanwhile overtakes it
                self._later(batch, _FIRST_WAIT)
                return
        for _ in range(copies):
            self._settle(batch, self._post(batch))

    def _post(self, batch: _Batch) -> int:
        body = {"value": list(batch.notices)}
        try:
            status = self._client.request("POST", batch.url, json=body).status
        except urllib3.exceptions.HTTPError:
            status = 0  # nobody there, or no answer
        record = {"vendor": "business_central", "url": batch.url, "status": status, "at": moment.text(moment.now())}
        self._books.sent({**record, "body": body})
        return status

    def _settle(self, batch: _Batch, status: int) -> None:
        if 200 <= status < 300:
            return
        if status in _TRIED_AGAIN or status >= 500:
            if batch.attempt + 1 < _TRIES:
                again = _Batch(url=batch.url, notices=batch.notices, attempt=batch.attempt + 1)
                self._later(again, _FIRST_WAIT * 2**batch.attempt)
            return
        for key in {notice["subscriptionId"] for notice in batch.notices}:
            self._refused(key, status)

    def _later(self, batch: _Batch, wait: float) -> None:
        due = time.monotonic() + wait
        with self._wake:
            self._waiting.append(_Batch(url=batch.url, notices=batch.notices, attempt=batch.attempt, due=due))
