"""The rules of routes, without a database: which connections play a role for a fact, today and on any day.

A route is live or a shadow, for a domain, company and channel (empty: any) and a period in days of its company's zone.
Of the live routes that fit, the most particular win: domain before channel before company before any. Two of them are
two ERPs that both hold the order. One with a share takes that share of the keys from the others, the same keys for
ever. Shadows are chosen apart, so that a shadow never takes a live route's place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import groupby

from app.infra.flags import passes

LIVE, SHADOW = "live", "shadow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`connection` plays `role`, from the day `from_on` (None: since ever) until before `until_on` (None: for ever)."""

    role: str
    connection: str
    domain: str = ""
    company: str = ""
    channel: str = ""
    from_on: date | None = None
    until_on: date | None = None
    mode: str = LIVE
    share: int = 100
    zone: str = "UTC"
    id: str = ""

    @property
    def scope(self) -> tuple[str, str, str, str]:
        return self.role, self.domain, self.company, self.channel

    @property
    def rank(self) -> tuple[bool, bool, bool]:
        return bool(self.domain), bool(self.channel), bool(self.company)

    def holds_on(self, day: date) -> bool:
        return (self.from_on is None or self.from_on <= day) and (self.until_on is None or day < self.until_on)

    def overlaps(self, other: Route) -> bool:
        """Whether there is a day on which both hold."""
        mine = (self.from_on or date.min, self.until_on or date.max)
        its = (other.from_on or date.min, other.until_on or date.max)
        return max(mine[0], its[0]) < min(mine[1], its[1])

    def covers(self, asked: Asked) -> bool:
        return (
            self.role == asked.role
            and self.domain in ("", asked.domain)
            and self.company in ("", asked.company)
            and self.channel in ("", asked.channel)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What work is to be done: for a role, in a domain, for a company's order of a channel. `key` decides shares."""

    role: str
    domain: str = ""
    company: str = ""
    channel: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Target:
    """A connection that gets the work. A shadow sends nothing; a live one beside a shadow is `compared` with it."""

    connection: str
    shadow: bool = False
    compared: bool = False


Day = Callable[[str], date]  # the day it is in a zone


def choose(routes: Sequence[Route], asked: Asked, day: Day) -> tuple[Target, ...]:
    """Who gets the work: live ones first, each once, then shadows that are not live."""
    fitting = [route for route in routes if route.covers(asked) and route.holds_on(day(route.zone))]
    live = _chosen([route for route in fitting if route.mode == LIVE], asked)
    shadows = _shadows([route for route in fitting if route.mode == SHADOW], asked) - live
    compared = bool(live and shadows)
    return (
        *(Target(connection=name, compared=compared) for name in sorted(live)),
        *(Target(connection=name, shadow=True) for name in sorted(shadows)),
    )


def everyone(routes: Sequence[Route], role: str, domain: str, day: Day) -> tuple[Target, ...]:
    """Whoever plays a role live, or did: what concerns no single order, such as a poll, concerns all that hold one."""
    names = {
        route.connection
        for route in routes
        if route.role == role
        and route.mode == LIVE
        and route.domain in ("", domain)
        and (route.from_on is None or route.from_on <= day(route.zone))
    }
    return tuple(Target(connection=name) for name in sorted(names))


def _chosen(routes: list[Route], asked: Asked) -> set[str]:
    """The most particular that take the key; where a share leaves it, the less particular have it."""
    ranked = sorted(routes, key=lambda route: route.rank, reverse=True)
    for _, group in groupby(ranked, key=lambda route: route.rank):
        together = list(group)
        parts = {route.connection for route in together if route.share < 100 and _takes(route, asked)}
        if taken := parts or {route.connection for route in together if route.share == 100}:
            return taken
    return set()


def _shadows(routes: list[Route], asked: Asked) -> set[str]:
    best = max((route.rank for route in routes), default=None)
    return {route.connection for route in routes if route.rank == best and _takes(route, asked)}


def _takes(route: Route, asked: Asked) -> bool:
    """Whether a route's share has the key; without a key only a whole one does."""
    if not asked.key:
        return route.share == 100
    return passes(f"route:{route.role}", asked.key, Decimal(route.share))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `starts` (None: since ever) until before `ends`, the same connections get the work of one scope.

    `parts` are connections that take a share of it from the live ones, in percent.
    """

    starts: date | None
    ends: date | None
    targets: tuple[Target, ...]
    parts: tuple[tuple[str, int], ...] = ()

    @property
    def text(self) -> str:
        """Who gets it, in words."""
        said = [f"{name} takes {share} %" for name, share in self.parts]
        live = [target.connection for target in self.targets if not target.shadow]
        said += [" and ".join(live) + (" the rest" if said else "")] if live else []
        said += [f"{target.connection} as a shadow" for target in self.targets if target.shadow]
        return ", ".join(said) or "nobody: it waits"


def timeline(routes: Sequence[Route], asked: Asked) -> list[Span]:
    """What goes where from when: the spans of one kind of work, in their order."""
    fitting = [route for route in routes if route.covers(asked)]
    edges: list[date | None] = [None]
    edges += sorted({day for route in fitting for day in (route.from_on, route.until_on) if day is not None})
    spans: list[Span] = []
    for n, start in enumerate(edges):
        end = edges[n + 1] if n + 1 < len(edges) else None
        made = _span(fitting, asked, start, end)
        if spans and (spans[-1].targets, spans[-1].parts) == (made.targets, made.parts):
            made = replace(made, starts=spans.pop().starts)
        spans.append(made)
    return spans


def _span(routes: Sequence[Route], asked: Asked, start: date | None, end: date | None) -> Span:
    on = start or date.min
    targets = choose(routes, asked, lambda zone: on)
    parts = {route.connection: route.share for route in routes if _is_part(route) and route.holds_on(on)}
    return Span(starts=start, ends=end, targets=targets, parts=tuple(sorted(parts.items())))


def _is_part(route: Route) -> bool:
    return route.mode == LIVE and route.share < 100
