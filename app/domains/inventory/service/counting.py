"""What sources tell: absolute figures as of an instant, and movements. Each level has one source, its first.

Many are taken with as many statements as one. A figure that cannot be right changes nothing; those beside it count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from app.domains.inventory.canonical import Movement, Reports, Snapshot
from app.domains.inventory.events import OversellEnded, StockOversold
from app.domains.inventory.service.drifting import rules
from app.domains.inventory.service.figures import believed_of, write_figures
from app.domains.inventory.service.holding_back import hold_back
from app.domains.inventory.service.ledger import Posting, Shift, post
from app.domains.inventory.service.locking import Level, Place, open_levels
from app.domains.inventory.service.owning import Owners, is_foreign, not_the_owner, note_refused, owners_of
from app.domains.inventory.service.telling import refresh
from app.domains.inventory.service.waiting import serve_waiting
from app.infra.uow import UnitOfWork
from app.kernel.errors import HubError, Invalid, Refused, Superseded

SKEW = timedelta(minutes=1)  # clocks of well-kept machines differ by less; more is a time zone or a wrong clock
Numbered = tuple[int, Snapshot]
Factors = Mapping[str, Mapping[str, Decimal]]  # SKU → unit → how many of the stock-keeping unit one of it holds

KNOWN = """
SELECT m.source, m.key, m.sku, m.location, m.kind, m.quantity
  FROM unnest(%(sources)s::text[], %(keys)s::text[]) g(source, key)
  JOIN inventory.movement m ON m.source = g.source AND m.key = g.key
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What became of a figure: `news`, or known already, or it could not be taken for the reason of `error`."""

    snapshot: Snapshot
    news: bool
    error: HubError | None = None


def set_snapshot(
    uow: UnitOfWork, source: str, sku: str, location: str, on_hand: Decimal, as_of: datetime, sequence: int = 0,
    reports: Reports | str = Reports.PHYSICAL,
) -> bool:  # fmt: skip
    """Take a source's figure; False for one that is known already. Reservations stay, whatever it says.

    Raises Superseded `inventory.older_snapshot`, Refused `inventory.not_the_source` (another source owns the level),
    `inventory.not_the_owner` (a rule names another) or `inventory.snapshot_contradicts` (one instant, two figures),
    Invalid `inventory.from_the_future`.
    """
    snapshot = Snapshot(
        source=source, sku=sku, location=location, on_hand=on_hand, as_of=as_of, sequence=sequence,
        reports=Reports(reports),
    )  # fmt: skip
    (counted,) = count_many(uow, [snapshot])
    if counted.error is not None:
        raise counted.error
    return counted.news


def count_many(uow: UnitOfWork, snapshots: Sequence[Snapshot], *, approved: bool = False) -> list[Counted]:
    """Take many figures, and say of each what became of it. Several of one level are taken in their order.

    A figure that is further from what was believed than the source's rule lets through waits as a drift for a person,
    unless it is `approved`: its error is Refused `inventory.needs_approval`.
    """
    agreed = {} if approved else rules(uow)
    levels = open_levels(uow, {(one.sku, one.location): one.source for one in snapshots})
    latest = uow.hub.clock.now() + SKEW
    owners = owners_of(uow, snapshots)
    waiting = list(enumerate(snapshots))
    answers: dict[int, Counted] = {}
    while waiting:
        taken, later = _first_of_each_level(waiting)
        for n, snapshot in taken:
            answers[n] = _judged(snapshot, levels[snapshot.sku, snapshot.location], latest, owners)
        news = [answers[n].snapshot for n, _ in taken if answers[n].news]
        believed = believed_of(uow, news, levels)
        waits = hold_back(uow, news, levels, believed, agreed)
        for n, snapshot in taken:
            if snapshot in waits:
                answers[n] = Counted(snapshot=snapshot, news=False, error=waits[snapshot])
        taking = [snapshot for snapshot in news if snapshot not in waits]
        _tell_oversold(uow, write_figures(uow, taking, levels, believed))
        waiting = later
    _settle(uow, {one.snapshot.sku for one in answers.values() if one.news})
    note_refused(uow, [one.snapshot for one in answers.values() if is_foreign(one.snapshot, owners)], owners)
    return [answers[n] for n in range(len(snapshots))]


def move(uow: UnitOfWork, movement: Movement) -> bool:
    """Take a movement; False for one that is known already. Stock below what is reserved is told, not refused.

    Raises Refused `inventory.movement_contradicts` for a key that came with another movement before.
    """
    return move_many(uow, [movement])[0]


def move_many(uow: UnitOfWork, movements: Sequence[Movement]) -> list[bool]:
    """Take many movements in one transaction: True for each that is new. One that contradicts refuses them all, and so
    does one of a location that a rule gives to another source (Refused `inventory.not_the_owner`).
    """
    owners = owners_of(uow, movements)
    if (refusal := next((found for one in movements if (found := not_the_owner(one, owners))), None)) is not None:
        raise refusal
    open_levels(uow, {(one.sku, one.location): one.source for one in movements})
    named = {"sources": [one.source for one in movements], "keys": [one.key for one in movements]}
    known = {(row[0], row[1]): tuple(row[2:]) for row in uow.sql(KNOWN, named)}
    fresh: list[Movement] = []
    news: list[bool] = []
    for one in movements:
        said = (one.sku, one.location, one.kind.value, one.quantity)
        before = known.setdefault((one.source, one.key), said)
        if before != said:
            raise Refused(
                "inventory.movement_contradicts",
                f"movement {one.key} of {one.source} came before with another content: give it a key of its own",
                about=f"{one.source} {one.key}",
            )
        news.append(before is said)
        if before is said:
            fresh.append(one)
    _tell_oversold(uow, post(uow, [Posting(movement=one) for one in fresh]))
    _settle(uow, {one.sku for one in fresh})
    return news


def _first_of_each_level(waiting: Iterable[Numbered]) -> tuple[list[Numbered], list[Numbered]]:
    """Those that come first at their level, and the others."""
    met: set[Place] = set()
    first: list[Numbered] = []
    later: list[Numbered] = []
    for n, snapshot in waiting:
        place = (snapshot.sku, snapshot.location)
        (later if place in met else first).append((n, snapshot))
        met.add(place)
    return first, later


def _judged(snapshot: Snapshot, level: Level, latest: datetime, owners: Owners) -> Counted:
    error = _future(snapshot, latest) or not_the_owner(snapshot, owners) or _wrong(snapshot, level, owners)
    same = level.as_of is not None and (snapshot.sequence, snapshot.as_of) == (level.sequence, level.as_of)
    return Counted(snapshot=snapshot, news=error is None and not same, error=error)


def _future(snapshot: Snapshot, latest: datetime) -> HubError | None:
    if snapshot.as_of <= latest:
        return None
    said = f"as_of {snapshot.as_of} has not come yet: give the instant in UTC"
    return Invalid("inventory.from_the_future", said)


def _wrong(snapshot: Snapshot, level: Level, owners: Owners) -> HubError | None:
    where = f"{snapshot.sku} at {snapshot.location}"
    if level.as_of is None:
        return None
    if level.source != snapshot.source:
        if (snapshot.source, snapshot.location) in owners and snapshot.as_of > level.as_of:
            return None  # whom a rule names takes the level over
        said = f"{where} is counted by {level.source}: {snapshot.source} may not say what lies there"
        return Refused("inventory.not_the_source", said, about=where)
    if (snapshot.sequence, snapshot.as_of) == (level.sequence, level.as_of):
        if (snapshot.on_hand, snapshot.reports) == (level.on_hand, level.reports):
            return None
        said = f"{where}: {level.on_hand} and {snapshot.on_hand} as of {snapshot.as_of}, sequence {snapshot.sequence}"
        return Refused("inventory.snapshot_contradicts", said, about=where)
    if snapshot.sequence < level.sequence or snapshot.as_of < level.as_of:
        said = (
            f"{where}: sequence {snapshot.sequence} as of {snapshot.as_of} is older than {level.sequence} as of "
            f"{level.as_of}"
        )
        return Superseded("inventory.older_snapshot", said, about=where)
    return None


def _settle(uow: UnitOfWork, skus: Collection[str]) -> None:
    refresh(uow, skus)
    serve_waiting(uow, skus)


def _tell_oversold(uow: UnitOfWork, shifts: Iterable[Shift]) -> None:
    for shift in shifts:
        if shift.after > shift.before:
            uow.publish(StockOversold(sku=shift.sku, location=shift.location, missing=shift.after))
        elif shift.before > 0 and shift.after == 0:
            uow.publish(OversellEnded(sku=shift.sku, location=shift.location))


def set_policy(uow: UnitOfWork, company: str, unknown_sku: str) -> None:
    """Say whether orders of a SKU that no source reported are refused or sold untracked; "" is every company."""
    uow.sql(
        "INSERT INTO inventory.policy (company, unknown_sku) VALUES (%(company)s, %(unknown)s) "
        "ON CONFLICT (company) DO UPDATE SET unknown_sku = excluded.unknown_sku",
        {"company": company, "unknown": unknown_sku},
    )


def in_stock_units(uow: UnitOfWork, said: Sequence[tuple[str, str, Decimal]]) -> list[Decimal]:
    """Quantities of (SKU, unit, quantity) in the unit that each SKU is kept in; no unit means that one.

    Raises Invalid `inventory.unknown_unit`, naming the units that the SKU has.
    """
    factors = factors_of(uow, {sku for sku, unit, _ in said if unit})
    return [quantity * factor_of(sku, unit, factors) for sku, unit, quantity in said]


def factors_of(uow: UnitOfWork, skus: Collection[str]) -> Factors:
    """What each unit of these SKUs holds, and under '' what it holds for every SKU."""
    found: dict[str, dict[str, Decimal]] = {}
    statement = "SELECT sku, unit, factor FROM inventory.unit WHERE sku = ANY(%(skus)s)"
    for sku, unit, factor in uow.sql(statement, {"skus": ["", *skus]}):
        found.setdefault(sku, {})[unit] = factor
    return found


def factor_of(sku: str, unit: str, factors: Factors) -> Decimal:
    """How many of the unit that a SKU is kept in one of `unit` holds. Raises Invalid `inventory.unknown_unit`."""
    if not unit:
        return Decimal(1)
    known = {**factors.get("", {}), **factors.get(sku, {})}
    if unit not in known:
        named = ", ".join(sorted(known)) or "none yet: `flask stock unit` adds one"
        raise Invalid("inventory.unknown_unit", f"{sku} has no unit {unit!r}; it has {named}", about=f"{sku} {unit}")
    return known[unit]
