"""What came back from a remote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from app.kernel.clock import SYSTEM_CLOCK


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, lower-case headers, raw body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def retry_after(reply: Reply) -> float | None:
    """Seconds the other side asks us to wait: a number or an HTTP date (RFC 9110, 10.2.3); None where it does not."""
    value = reply.headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.replace(".", "", 1).isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment - SYSTEM_CLOCK.now()).total_seconds())
