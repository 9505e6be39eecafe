"""The vendors' published rate limits, and the switch that lifts them for a benchmark."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType

from app.sandbox.web import Answer, Request, Unreadable, json_answer, refusal

# Business Central: Microsoft Learn, "Work with API limits": per service principal 6,000 requests in a sliding
# window of 5 minutes, 100 at once. Shopify: the calculated query cost of a standard plan, points and points a second.
# `others` is the share of it that another user of the same account takes, all the time: nobody, as published.
PUBLISHED: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "business_central": MappingProxyType({"requests": 6000, "seconds": 300, "concurrent": 100, "others": 0}),
        "shopify": MappingProxyType({"maximum": 2000, "restore": 100, "others": 0}),
    }
)


class Limits:
    """The limits in force by vendor; None means lifted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: dict[str, Mapping[str, float] | None] = dict(PUBLISHED)

    def of(self, vendor: str) -> Mapping[str, float] | None:
        """Return a vendor's limit in force, None when it is lifted."""
        return self._limits[vendor]

    def put(self, vendor: str, limit: Mapping[str, float] | None) -> None:
        """Set or lift (None) a vendor's limit."""
        with self._lock:
            self._limits[vendor] = limit

    def answer(self, request: Request) -> Answer:
        """Answer /_limits: POST {vendor: limit or null} sets and lifts, DELETE restores the published, GET shows."""
        if request.method == "POST":
            for vendor, limit in _read(request.json()).items():
                self.put(vendor, limit)
        elif request.method == "DELETE":
            for vendor, limit in PUBLISHED.items():
                self.put(vendor, limit)
        elif request.method != "GET":
            return refusal(405, "The limits know GET, POST and DELETE.")
        return json_answer({vendor: limit and dict(limit) for vendor, limit in self._limits.items()})


class SlidingWindow:
    """Counts one account's requests of the last seconds and those under way, another user's among them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._instants: deque[float] = deque()
        self._under_way = 0

    def enter(self, limit: Mapping[str, float] | None) -> float | None:
        """Begin a request: None when allowed, else the seconds until one fits. An allowed one must `leave`."""
        with self._lock:
            if limit is not None:
                instant = time.monotonic()
                while self._instants and self._instants[0] <= instant - limit["seconds"]:
                    self._instants.popleft()
                ours = math.floor(limit["requests"] * (1 - limit.get("others", 0)))  # the other user never pauses
                if len(self._instants) >= ours:
                    return self._instants[len(self._instants) - ours] + limit["seconds"] - instant
                if self._under_way >= limit["concurrent"]:
                    return 1.0
                self._instants.append(instant)
            self._under_way += 1
            return None

    def leave(self) -> None:
        """End a request."""
        with self._lock:
            self._under_way -= 1


def _read(written: object) -> dict[str, Mapping[str, float] | None]:
    if not isinstance(written, dict) or not set(written) <= set(PUBLISHED):
        raise Unreadable(f"Limits are given by vendor: {', '.join(sorted(PUBLISHED))}.")
    limits: dict[str, Mapping[str, float] | None] = {}
    for vendor, limit in written.items():
        if limit is None:
            limits[vendor] = None
            continue
        known = PUBLISHED[vendor]
        if not isinstance(limit, dict) or not set(limit) <= set(known):
            raise Unreadable(f"The limit of {vendor} is null or an object of {', '.join(sorted(known))}.")
        try:
            limits[vendor] = {**known, **{name: float(value) for name, value in limit.items()}}
        except (TypeError, ValueError) as error:
            raise Unreadable(f"The limit of {vendor} has a value that is no number.") from error
    return limits
