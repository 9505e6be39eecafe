"""What sources tell: absolute figures as of an instant, and movements. Each level has one source, its first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from app.domains.inventory.canonical import Movement, Reports, Snapshot
from app.domains.inventory.events import StockOversold
from app.domains.inventory.service.ledger import Posting, Shift, post
from app.domains.inventory.service.locking import hold
from app.domains.inventory.service.telling import refresh
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, Refused, Superseded

SKEW = timedelta(minutes=1)  # clocks of well-kept machines differ by less; more is a time zone or a wrong clock

BELIEVED = """
SELECT coalesce(sum(quantity) FILTER (WHERE effective_at <= %(as_of)s), 0),
       coalesce(sum(quantity) FILTER (WHERE effective_at > %(as_of)s), 0)
  FROM inventory.movement
 WHERE sku = %(sku)s AND location = %(location)s AND effective_at > coalesce(%(before)s::timestamptz, '-infinity')
"""
CONTAINED = """
WITH mine AS MATERIALIZED (
    SELECT id FROM inventory.reservation
     WHERE sku = %(sku)s AND location = %(location)s AND state = 'allocated' ORDER BY id FOR UPDATE),
told AS (
    UPDATE inventory.reservation r
       SET contained = %(available)s AND coalesce(accepted_at <= %(as_of)s, false)
      FROM mine WHERE r.id = mine.id
    RETURNING r.quantity, r.contained)
SELECT coalesce(sum(quantity) FILTER (WHERE contained), 0) FROM told
"""
COUNTED = """
UPDATE inventory.stock_level
   SET source = %(source)s, reports = %(reports)s, on_hand = %(on_hand)s, as_of = %(as_of)s, sequence = %(sequence)s,
       moved = %(moved)s, contained = %(contained)s, changed_at = now(),
       oversold = greatest(0, damaged + quality_hold + reserved - %(contained)s - %(on_hand)s - %(moved)s)
 WHERE sku = %(sku)s AND location = %(location)s
RETURNING oversold
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What is known of a SKU at a location before a source speaks."""

    source: str
    reports: Reports
    on_hand: Decimal
    as_of: datetime | None
    sequence: int
    contained: Decimal
    oversold: Decimal


def set_snapshot(
    uow: UnitOfWork, source: str, sku: str, location: str, on_hand: Decimal, as_of: datetime, sequence: int = 0,
    reports: Reports | str = Reports.PHYSICAL,
) -> bool:  # fmt: skip
    """Take a source's figure; False for one that is known already. Reservations stay, whatever it says.

    Raises Superseded `inventory.older_snapshot`, Refused `inventory.not_the_source` (another source owns the level)
    or `inventory.snapshot_contradicts` (one instant, two figures), Invalid `inventory.from_the_future`.
    """
    snapshot = Snapshot(
        source=source, sku=sku, location=location, on_hand=on_hand, as_of=as_of, sequence=sequence,
        reports=Reports(reports),
    )  # fmt: skip
    if as_of > uow.hub.clock.now() + SKEW:
        raise Invalid("inventory.from_the_future", f"as_of {as_of} has not come yet: give the instant in UTC")
    level = _held(uow, source, sku, location)
    if not _is_news(snapshot, level):
        return False
    _write(uow, snapshot, level)
    refresh(uow, {sku})
    return True


def move(uow: UnitOfWork, movement: Movement) -> bool:
    """Take a movement; False for one that is known already. Stock below what is reserved is told, not refused.

    Raises Refused `inventory.movement_contradicts` for a key that came with another movement before.
    """
    _held(uow, movement.source, movement.sku, movement.location)
    shifts = post(uow, [Posting(movement=movement)])
    if not shifts:
        _require_same(uow, movement)
        return False
    _tell_oversold(uow, shifts)
    refresh(uow, {movement.sku})
    return True


def _held(uow: UnitOfWork, source: str, sku: str, location: str) -> Level:
    """The level, made where it is new, with its SKU held."""
    new = {"sku": sku, "location": location, "source": source}
    uow.sql("INSERT INTO inventory.availability (sku) VALUES (%(sku)s) ON CONFLICT DO NOTHING", new)
    hold(uow, {sku})
    uow.sql(
        "INSERT INTO inventory.stock_level (sku, location, source) VALUES (%(sku)s, %(location)s, %(source)s) "
        "ON CONFLICT DO NOTHING",
        new,
    )
    row = uow.sql(
        "SELECT source, reports, on_hand, as_of, sequence, contained, oversold FROM inventory.stock_level "
        "WHERE sku = %(sku)s AND location = %(location)s",
        new,
    ).fetchone()
    assert row is not None, "the level was inserted above"
    return Level(
        source=row[0], reports=Reports(row[1]), on_hand=row[2], as_of=row[3], sequence=row[4], contained=row[5],
        oversold=row[6],
    )  # fmt: skip


def _is_news(snapshot: Snapshot, level: Level) -> bool:
    where = f"{snapshot.sku} at {snapshot.location}"
    if level.source != snapshot.source and level.as_of is not None:
        raise Refused(
            "inventory.not_the_source",
            f"{where} is counted by {level.source}: {snapshot.source} may not say what lies there",
            about=where,
        )
    if level.as_of is None:
        return True
    if (snapshot.sequence, snapshot.as_of) == (level.sequence, level.as_of):
        if (snapshot.on_hand, snapshot.reports) != (level.on_hand, level.reports):
            raise Refused(
                "inventory.snapshot_contradicts",
                f"{where}: {level.on_hand} and {snapshot.on_hand} as of {snapshot.as_of}, sequence {snapshot.sequence}",
                about=where,
            )
        return False
    if snapshot.sequence < level.sequence or snapshot.as_of < level.as_of:
        raise Superseded(
            "inventory.older_snapshot",
            f"{where}: sequence {snapshot.sequence} as of {snapshot.as_of} is older than "
            f"{level.sequence} as of {level.as_of}",
            about=where,
        )
    return True


def _write(uow: UnitOfWork, snapshot: Snapshot, level: Level) -> None:
    """Make the figure the level's base, and put what no movement explains into the ledger."""
    values = {
        "sku": snapshot.sku, "location": snapshot.location, "on_hand": snapshot.on_hand, "as_of": snapshot.as_of,
        "sequence": snapshot.sequence, "reports": snapshot.reports.value, "source": snapshot.source,
        "before": level.as_of, "available": snapshot.reports is Reports.AVAILABLE, "contained": Decimal(0),
    }  # fmt: skip
    until, after = uow.sql(BELIEVED, values).fetchone() or (Decimal(0), Decimal(0))
    values["moved"] = after
    if values["available"] or level.contained:
        values["contained"] = (uow.sql(CONTAINED, values).fetchone() or (Decimal(0),))[0]
    row = uow.sql(COUNTED, values).fetchone()
    assert row is not None, "the level is held"
    _tell_oversold(uow, [Shift(sku=snapshot.sku, location=snapshot.location, before=level.oversold, after=row[0])])
    difference = snapshot.on_hand - level.on_hand - until
    if difference:
        values["difference"] = difference
        values["key"] = f"{snapshot.sku}|{snapshot.location}|{snapshot.sequence}|{snapshot.as_of.isoformat()}"
        uow.sql(
            "INSERT INTO inventory.movement (sku, location, kind, quantity, effective_at, source, key) "
            "VALUES (%(sku)s, %(location)s, 'count', %(difference)s, %(as_of)s, %(source)s, 'count ' || %(key)s)",
            values,
        )


def _require_same(uow: UnitOfWork, movement: Movement) -> None:
    known = uow.sql(
        "SELECT sku, location, kind, quantity FROM inventory.movement WHERE source = %(source)s AND key = %(key)s",
        {"source": movement.source, "key": movement.key},
    ).fetchone()
    if known != (movement.sku, movement.location, movement.kind.value, movement.quantity):
        raise Refused(
            "inventory.movement_contradicts",
            f"movement {movement.key} of {movement.source} came before with another content: give it a key of its own",
            about=f"{movement.source} {movement.key}",
        )


def _tell_oversold(uow: UnitOfWork, shifts: Iterable[Shift]) -> None:
    for shift in shifts:
        if shift.after > shift.before:
            uow.publish(StockOversold(sku=shift.sku, location=shift.location, missing=shift.after))


def set_policy(uow: UnitOfWork, company: str, unknown_sku: str) -> None:
    """Say whether orders of a SKU that no source reported are refused or sold untracked; "" is every company."""
    uow.sql(
        "INSERT INTO inventory.policy (company, unknown_sku) VALUES (%(company)s, %(unknown)s) "
        "ON CONFLICT (company) DO UPDATE SET unknown_sku = excluded.unknown_sku",
        {"company": company, "unknown": unknown_sku},
    )
