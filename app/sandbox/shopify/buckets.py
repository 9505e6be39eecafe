"""The cost bucket: points that queries spend and time restores."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

MOST_OF_ONE = 1000  # shopify.dev, "Rate limits": no single query may cost more


class Bucket:
    """One app's points with the shop. The limit in force is read at every spending; None is no limit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._points: float | None = None
        self._maximum = 0.0
        self._at = 0.0

    def take(self, limit: Mapping[str, float] | None, points: int) -> bool:
        """Take points for a query about to run; False when there are too few."""
        if limit is None:
            return True
        with self._lock:
            self._restore(limit)
            assert self._points is not None
            if self._points < points:
                return False
            self._points -= points
            return True

    def give_back(self, points: int) -> None:
        """Return what a query asked for and did not use."""
        with self._lock:
            if self._points is not None:
                self._points = min(self._maximum, self._points + points)

    def status(self, limit: Mapping[str, float] | None) -> dict[str, Any]:
        """Return the report of the bucket as answers carry it; an unlimited one is always full."""
        if limit is None:
            return {"maximumAvailable": 20000.0, "currentlyAvailable": 20000, "restoreRate": 1000.0}
        with self._lock:
            self._restore(limit)
            assert self._points is not None
            return {
                "maximumAvailable": float(limit["maximum"]),
                "currentlyAvailable": int(self._points),
                "restoreRate": float(limit["restore"]),
            }

    def _restore(self, limit: Mapping[str, float]) -> None:
        instant = time.monotonic()
        if self._points is None or self._maximum != limit["maximum"]:
            self._points, self._maximum = limit["maximum"], limit["maximum"]
        else:
            self._points = min(limit["maximum"], self._points + (instant - self._at) * _left(limit))
        self._at = instant


def _left(limit: Mapping[str, float]) -> float:
    """Points a second that another user of the same app leaves."""
    return limit["restore"] * (1 - limit.get("others", 0))
