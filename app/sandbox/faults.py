"""Fault switches: what goes wrong, where, how often, and for how long."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from app.sandbox.web import Answer, Request, Unreadable, json_answer, refusal

VENDORS = frozenset({"business_central", "shopify", "webhooks"})
CALL_KINDS = frozenset({"latency", "status", "throttle", "drop_after", "drop_before"})
WEBHOOK_KINDS = frozenset({"latency", "duplicate", "reorder", "lose"})
_ENDING = frozenset({"status", "throttle", "drop_before", "lose"})
_ENDED_SHOWN = 50
Refuse = Callable[[int, float | None], Answer]

_FIELDS = frozenset({"vendor", "match", "kind", "seconds", "status", "retry_after", "share", "times"})


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One fault: strikes a share of a vendor's operations that match, `times` times or for ever.

    `match` is a regular expression on the start of the operation's name (`POST salesOrders`,
    `mutation fulfillmentCreate`, a webhook's topic); empty strikes all. Seconds are of time, `share` is 0…1.
    """

    vendor: str
    kind: str
    match: str = ""
    seconds: float = 0.0
    status: int = 503
    retry_after: float = 2.0
    share: float = 1.0
    times: int | None = None


class Faults:
    """The rules in force. Draws are seeded, so that a run can be repeated."""

    def __init__(self, *, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._switches: list[_Switch] = []

    def add(self, rule: Rule) -> None:
        """Put a rule in force; of rules that have ended only the last ones stay to be seen."""
        with self._lock:
            ended = [switch for switch in self._switches if switch.ended]
            for switch in ended[:-_ENDED_SHOWN]:
                self._switches.remove(switch)
            self._switches.append(_Switch(rule))

    def clear(self) -> None:
        """Let everything go well again."""
        with self._lock:
            self._switches.clear()

    def struck(self, vendor: str, operation: str) -> tuple[Rule, ...]:
        """Return the rules that strike this operation now, each counted; nothing strikes after what ends the call."""
        striking: list[Rule] = []
        with self._lock:
            for switch in self._switches:
                if switch.strikes(vendor, operation, self._random):
                    striking.append(switch.rule)
                    if switch.rule.kind in _ENDING:
                        break
        return tuple(striking)

    def around(self, vendor: str, operation: str, act: Callable[[], Answer], refuse: Refuse) -> Answer:
        """Run an operation with the faults that strike it; `refuse(status, retry_after)` words the vendor's error."""
        if not self._switches:
            return act()
        lost = False
        for rule in self.struck(vendor, operation):
            if rule.kind == "latency":
                time.sleep(rule.seconds)
            elif rule.kind == "status":
                return refuse(rule.status, None)
            elif rule.kind == "throttle":
                return refuse(429, rule.retry_after)
            elif rule.kind == "drop_before":
                return Answer(lost=True)
            else:
                lost = True
        answer = act()
        return Answer(lost=True) if lost else answer

    def answer(self, request: Request) -> Answer:
        """Answer /_faults: POST adds one rule or a list of them, GET shows all, DELETE clears."""
        if request.method == "POST":
            written = request.json()
            for rule in [read_rule(each) for each in (written if isinstance(written, list) else [written])]:
                self.add(rule)
        elif request.method == "DELETE":
            self.clear()
        elif request.method != "GET":
            return refusal(405, "The fault switches know GET, POST and DELETE.")
        return json_answer({"rules": self._shown()})

    def _shown(self) -> list[dict[str, object]]:
        with self._lock:
            return [{**asdict(switch.rule), "struck": switch.struck} for switch in self._switches]


class _Switch:
    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.struck = 0
        self._pattern = re.compile(rule.match)

    @property
    def ended(self) -> bool:
        """Tell whether the rule has struck as often as it was to."""
        return self.rule.times is not None and self.struck >= self.rule.times

    def strikes(self, vendor: str, operation: str, draws: random.Random) -> bool:
        rule = self.rule
        if self.ended or rule.vendor != vendor or not self._pattern.match(operation):
            return False
        if rule.share < 1 and draws.random() >= rule.share:
            return False
        self.struck += 1
        return True


def read_rule(written: Any) -> Rule:
    """Build a rule from its JSON form. Raises Unreadable with the sentence that names the mistake."""
    if not isinstance(written, dict):
        raise Unreadable("A fault rule is an object with at least vendor and kind.")
    unknown = sorted(set(written) - _FIELDS)
    if unknown:
        raise Unreadable(f"A fault rule has no {', '.join(unknown)}; it has {', '.join(sorted(_FIELDS))}.")
    vendor, kind = written.get("vendor"), written.get("kind")
    if vendor not in VENDORS:
        raise Unreadable(f"{vendor!r} is no vendor of the sandbox; give one of {', '.join(sorted(VENDORS))}.")
    kinds = WEBHOOK_KINDS if vendor == "webhooks" else CALL_KINDS
    if kind not in kinds:
        raise Unreadable(f"{kind!r} is no fault of {vendor}; give one of {', '.join(sorted(kinds))}.")
    try:
        re.compile(str(written.get("match") or ""))
        rule = Rule(
            vendor=vendor,
            kind=kind,
            match=str(written.get("match") or ""),
            seconds=float(written.get("seconds", 0)),
            status=int(written.get("status", 503)),
            retry_after=float(written.get("retry_after", 2)),
            share=float(written.get("share", 1)),
            times=None if written.get("times") is None else int(written["times"]),
        )
    except (ValueError, TypeError, re.error) as error:
        raise Unreadable(f"The fault rule cannot be read: {error}.") from error
    if not 400 <= rule.status <= 599 or not 0 <= rule.share <= 1 or not 0 <= rule.seconds <= 120:
        raise Unreadable("A fault's status is 400 to 599, its share 0 to 1, its seconds 0 to 120.")
    return rule
