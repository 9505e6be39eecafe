"""Which fulfilment orders a shipment is taken from, and what stands in its way. Pure: it decides, it does not call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.domains.orders.ports import FulfilledLine, Fulfilment

# Shopify writes whole seconds by its own clock; two clocks kept by NTP differ by less than the rest.
CLOCK_SLACK = timedelta(seconds=5)
_OPEN = frozenset({"OPEN", "IN_PROGRESS"})
_SCHEDULED = frozenset({"SCHEDULED", "INCOMPLETE"})
_CREATE, _MOVE, _MARK_OPEN = "CREATE_FULFILLMENT", "MOVE", "MARK_AS_OPEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLine:
    gid: str
    line_id: str
    remaining: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    gid: str
    ours: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentOrder:
    """One fulfilment order as the shop has it now. `location` is an id without its prefix, empty for an app's own."""

    gid: str
    status: str
    request_status: str
    location: str
    actions: frozenset[str]
    holds: tuple[Hold, ...]
    lines: tuple[OpenLine, ...]

    @property
    def ready(self) -> bool:
        return self.status in _OPEN and _CREATE in self.actions


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A fulfilment that exists: which units left, and how they are tracked."""

    external_id: str
    created_at: datetime
    cancelled: bool
    units: Mapping[str, int]
    numbers: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Units of one line of a fulfilment order."""

    order: str
    line: str
    line_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    order: str
    holds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocate:
    order: str
    location: str
    picks: tuple[Pick, ...]


Clearing = Release | Open | Accept | Relocate


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`clearings` come first and change what there is: read again after them. `blocked` names what a person decides."""

    clearings: tuple[Clearing, ...] = ()
    creations: tuple[tuple[Pick, ...], ...] = ()  # one for each assigned location
    missing: tuple[FulfilledLine, ...] = ()
    blocked: tuple[str, ...] = ()


@dataclass(slots=True)
class _Draft:
    clearings: list[Clearing] = field(default_factory=list)
    picks: dict[str, list[Pick]] = field(default_factory=dict)
    moves: dict[str, list[Pick]] = field(default_factory=dict)
    blocked: list[str] = field(default_factory=list)


def plan(
    wanted: Mapping[str, int], orders: Iterable[FulfilmentOrder], location: str, unmovable: frozenset[str] = frozenset()
) -> Plan:
    """Take `wanted` units by order line from the location's own fulfilment orders first, then from others.

    `unmovable` are fulfilment orders that the shop would not move: they are fulfilled where they are.
    """
    listed = sorted(orders, key=lambda one: location not in ("", one.location))
    draft, left = _Draft(), dict(wanted)
    for one in listed:
        if one.ready and _accepted(one):
            _take(draft, left, one, location, unmovable)
    for one in listed:
        if any(left.get(line.line_id) and line.remaining for line in one.lines) and not (one.ready and _accepted(one)):
            _clear(draft, left, one)
    draft.clearings += [
        Relocate(order=order, location=location, picks=tuple(picks)) for order, picks in draft.moves.items()
    ]
    return Plan(
        clearings=tuple(draft.clearings),
        creations=tuple(tuple(picks) for picks in draft.picks.values()),
        missing=tuple(FulfilledLine(line_id=line, quantity=count) for line, count in left.items() if count),
        blocked=tuple(draft.blocked),
    )


def _take(draft: _Draft, left: dict[str, int], one: FulfilmentOrder, location: str, unmovable: frozenset[str]) -> None:
    moves = location not in ("", one.location) and _MOVE in one.actions and one.gid not in unmovable
    for line in one.lines:
        quantity = min(left.get(line.line_id, 0), line.remaining)
        if quantity:
            left[line.line_id] -= quantity
            pick = Pick(order=one.gid, line=line.gid, line_id=line.line_id, quantity=quantity)
            (draft.moves.setdefault(one.gid, []) if moves else draft.picks.setdefault(one.location, [])).append(pick)


def _clear(draft: _Draft, left: dict[str, int], one: FulfilmentOrder) -> None:
    """What opens a fulfilment order that holds wanted units; where nothing does, why a person must."""
    if one.holds and not one.ready:
        if all(hold.ours for hold in one.holds):
            draft.clearings.append(Release(order=one.gid, holds=tuple(hold.gid for hold in one.holds)))
        else:
            reasons = ", ".join(hold.reason for hold in one.holds if not hold.ours and hold.reason)
            draft.blocked.append(f"{one.gid} is on hold: {reasons or 'no reason given'}")
    elif one.status in _SCHEDULED and _MARK_OPEN in one.actions:
        draft.clearings.append(Open(order=one.gid))
    elif not _accepted(one):
        draft.clearings.append(Accept(order=one.gid))
    else:
        draft.blocked.append(f"{one.gid} is {one.status} and the shop offers no way to fulfil it")


def _accepted(one: FulfilmentOrder) -> bool:
    return one.request_status != "SUBMITTED"


def ours(sent: Iterable[Sent], shipment: Fulfilment, wanted: Mapping[str, int]) -> tuple[Sent, ...]:
    """Fulfilments that an earlier attempt at this shipment made: its units, and its tracking or its time.

    A fulfilment with other tracking numbers than the shipment's is somebody else's. Without any it is ours when it
    was made after the attempt began; a shipment without packages, or an attempt without a time, proves nothing.
    """
    numbers = {package.tracking_number for package in shipment.packages if package.tracking_number}
    left, found = dict(wanted), []
    for one in sorted(sent, key=lambda each: each.created_at):
        if one.cancelled or not one.units or any(left.get(line, 0) < count for line, count in one.units.items()):
            continue
        since = shipment.attempted_at
        recent = since is not None and one.created_at >= since - CLOCK_SLACK
        if one.numbers <= numbers if one.numbers else recent:
            for line, count in one.units.items():
                left[line] -= count
            found.append(one)
    return tuple(found)


def fits(sent: Iterable[Sent], shipment: Fulfilment, missing: Mapping[str, int]) -> Sent | None:
    """A fulfilment, perhaps the merchant's own, of exactly the units that are no longer open; not one tracked apart."""
    numbers = {package.tracking_number for package in shipment.packages}
    for one in sent:
        if not one.cancelled and one.numbers <= numbers and dict(one.units) == dict(missing):
            return one
    return None
