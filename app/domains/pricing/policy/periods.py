"""When prices hold: days and hours of a list's own zone, one after the other without a gap and without an overlap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.domains.pricing.canonical.prices import Price
from app.kernel.errors import Invalid, Refused

Life = tuple[str, str, Decimal]  # of a SKU, a unit and a break


def zone_of(name: str) -> ZoneInfo:
    """The zone of that name in the IANA database. Raises Invalid(`pricing.unknown_zone`)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as wrong:
        raise Invalid(
            "pricing.unknown_zone", f"zone: {name!r} is no zone of the IANA database; write it such as Europe/Berlin"
        ) from wrong


def begins(text: str, zone: ZoneInfo) -> datetime:
    """The instant at which a local day or minute begins: `2026-11-27` or `2026-11-27T09:00`.

    Of an hour that the clock shows twice it is the first. Raises Invalid for one that it never shows.
    """
    day, clock = _read(text)
    return _first_of_day(day, zone) if clock is None else _instant(datetime.combine(day, clock), zone)


def ends(text: str, zone: ZoneInfo) -> datetime:
    """The instant at which something ends: with a day its last moment is over, with a minute that minute begins."""
    day, clock = _read(text)
    if clock is None:
        return _first_of_day(day + timedelta(days=1), zone)
    return _instant(datetime.combine(day, clock), zone)


def laid_out(prices: Iterable[Price]) -> tuple[Price, ...]:
    """The prices of a list with an end wherever the next begins: a price without an end holds until then.

    Raises Refused(`pricing.overlap_in_time`, `pricing.gap_in_time`) for the first two that do not meet.
    """
    lives: dict[Life, list[Price]] = {}
    for price in prices:
        lives.setdefault((price.sku, price.unit, price.min_quantity.normalize()), []).append(price)
    return tuple(price for life in lives.values() for price in _in_turn(life))


def _in_turn(life: list[Price]) -> list[Price]:
    life.sort(key=lambda one: one.from_at)
    for one, after in zip(life, life[1:], strict=False):
        if (wrong := broken(one, after)) is not None:
            raise wrong
    ends_at = [one.until_at or after.from_at for one, after in zip(life, life[1:], strict=False)]
    return [*(replace(one, until_at=end) for one, end in zip(life, ends_at, strict=False)), life[-1]]


def broken(one: Price, after: Price) -> Refused | None:
    """What is wrong between a price and the next of its life: `pricing.overlap_in_time`, `pricing.gap_in_time`."""
    ended = one.until_at or after.from_at
    what = f"{one.sku} from {one.min_quantity.normalize():f}"
    if ended > after.from_at or one.from_at == after.from_at:
        return Refused(
            "pricing.overlap_in_time",
            f"until: two prices of {what} hold at {after.from_at:%Y-%m-%d %H:%M} UTC; let one end where the other "
            "begins, or leave its end out",
            about=f"sku {one.sku}",
        )
    if ended < after.from_at:
        return Refused(
            "pricing.gap_in_time",
            f"until: {what} has no price from {ended:%Y-%m-%d %H:%M} to {after.from_at:%Y-%m-%d %H:%M} UTC; let "
            "the first end where the second begins, or leave its end out",
            about=f"sku {one.sku}",
        )
    return None


def _read(text: str) -> tuple[date, time | None]:
    try:
        if "T" not in text and " " not in text:
            return date.fromisoformat(text), None
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return moment.date(), moment.time()
    except ValueError:
        pass
    raise Invalid(
        "pricing.local_time",
        f"{text!r} is no local day or time; write it such as 2026-11-27 or 2026-11-27T09:00, without an offset: the "
        "list has a zone",
    )


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local:
        raise Invalid(
            "pricing.local_time",
            f"the clock of {zone.key} never shows {local:%Y-%m-%d %H:%M}: it is put forward then; take an hour later",
        )
    return instant


def _first_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Midnight; where the clock is put forward then, the moment at which it is."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
