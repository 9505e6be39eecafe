"""The world outside the house: the sandbox's shop in which orders are placed, its troubles, and what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import urllib3

ANSWER_SECONDS = 30.0


@dataclass(slots=True)
class Outside:
    """A sandbox as the people outside see it."""

    root: str
    _client: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=ANSWER_SECONDS)
    )

    def place(self, seed: int) -> Mapping[str, Any]:
        """A customer orders something, drawn by the seed."""
        placed: Mapping[str, Any] = self._ask("POST", "/_shopify/orders", {"seed": seed})
        return placed

    def trouble(self, vendor: str, kind: str, random: Random) -> str:
        """Some of a vendor's next operations meet a fault of this kind; says which."""
        rule: dict[str, Any] = {"vendor": vendor, "kind": kind, "times": random.randint(2, 12), "share": 0.5}
        if kind == "latency":
            rule["seconds"] = round(random.uniform(0.3, 2.0), 1)
        if kind == "status":
            rule["status"] = random.choice((500, 502, 503, 504))
        if kind == "throttle":
            rule["retry_after"] = round(random.uniform(0.2, 1.5), 1)
        self._ask("POST", "/_faults", rule)
        return f"{kind} {rule['times']} times at {vendor}"

    def calm(self) -> None:
        """Let everything go well again."""
        self._ask("DELETE", "/_faults")

    def lift_limits(self) -> None:
        self._ask("POST", "/_limits", {"business_central": None, "shopify": None})

    def books(self, collection: str = "") -> Any:
        return self._ask("GET", f"/_books/{collection}" if collection else "/_books")

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        answer = self._client.request(method, f"{self.root}{path}", json=body)
        if answer.status != 200:
            raise RuntimeError(f"the sandbox answered {method} {path} with {answer.status}: {answer.data[:300]!r}")
        return answer.json()
