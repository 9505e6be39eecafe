"""Who gets which goods. Pure: what lies where and what is wanted go in, decisions come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from app.domains.inventory.canonical import Beyond, Gap, Held, Reserved, Short, Wanted
from app.kernel.errors import Invalid

NOTHING = Decimal(0)
Takes = dict[str, dict[str, Decimal]]  # SKU → location → quantity
Shelves = dict[str, dict[str, Decimal]]  # SKU → location → what can be sold there; a SKU that nobody reported is absent


def serve(
    order_id: str, lines: Sequence[Wanted], shelves: Shelves, *, untracked: bool,
    beyond: Mapping[str, Beyond] | None = None,
) -> Reserved | Short:  # fmt: skip
    """Give an order all its lines, or name what is missing; what is given is taken from `shelves`.

    `untracked` lets SKUs that nobody ever reported pass without a reservation. What lies nowhere is promised where
    `beyond` awaits it, so long as no more than its limit is owed of the SKU.
    """
    wanted, waits = added_up(lines), beyond or {}
    gaps = tuple(
        Gap(sku=sku, wanted=quantity, available=_free(shelves.get(sku, {})), reason=_reason(sku, shelves))
        for sku, quantity in wanted.items()
        if not (
            quantity <= _free(shelves.get(sku, {})) + _open(waits.get(sku), shelves.get(sku, {}))
            or (untracked and sku not in shelves)
        )
    )
    if gaps:
        return Short(order_id=order_id, gaps=gaps)
    tracked = {sku: quantity for sku, quantity in wanted.items() if sku in shelves}
    together = _one_place(tracked, shelves)
    takes: Takes = {}
    awaited: Takes = {}
    for sku, quantity in tracked.items():
        lacking = max(NOTHING, quantity - _free(shelves[sku]))
        takes[sku] = _spread(quantity - lacking, shelves[sku], together)
        awaited[sku] = {waits[sku].location: lacking} if lacking else {}
    for sku, places in (*takes.items(), *awaited.items()):
        for location, quantity in places.items():
            shelves[sku][location] -= quantity
    return Reserved(order_id=order_id, held=tuple(_deal(lines, takes, awaited)))


def added_up(lines: Sequence[Wanted]) -> dict[str, Decimal]:
    """What an order wants of each SKU over all its lines. Raises Invalid for a line that comes twice."""
    require_once(lines)
    wanted: dict[str, Decimal] = {}
    for line in lines:
        wanted[line.sku] = wanted.get(line.sku, NOTHING) + line.quantity
    return wanted


def taken_apart(lines: Sequence[Wanted], bundles: Mapping[str, Mapping[str, Decimal]]) -> list[Wanted]:
    """The lines with each bundle's parts in its place: `bundles` says how many of a component one bundle takes."""
    apart: list[Wanted] = []
    for line in lines:
        for sku, per in bundles.get(line.sku, {line.sku: Decimal(1)}).items():
            apart.append(Wanted(line_id=line.line_id, sku=sku, quantity=line.quantity * per, per=per))
    return apart


def require_once(lines: Sequence[Wanted]) -> None:
    """Raises Invalid `inventory.line_twice` when two of the lines are the same line with the same SKU."""
    named: set[tuple[str, str]] = set()
    for line in lines:
        if (line.line_id, line.sku) in named:
            raise Invalid("inventory.line_twice", f"line {line.line_id} wants {line.sku} twice: add it up")
        named.add((line.line_id, line.sku))


def _free(places: Mapping[str, Decimal]) -> Decimal:
    return sum((free for free in places.values() if free > 0), NOTHING)


def owed(places: Mapping[str, Decimal]) -> Decimal:
    """What is promised of a SKU beyond what lies at its places, whoever agreed to that."""
    return -sum((free for free in places.values() if free < 0), NOTHING)


def _open(beyond: Beyond | None, places: Mapping[str, Decimal]) -> Decimal:
    return max(NOTHING, beyond.limit - owed(places)) if beyond else NOTHING


def _reason(sku: str, shelves: Shelves) -> str:
    return "short" if sku in shelves else "unknown_sku"


def _one_place(wanted: Mapping[str, Decimal], shelves: Shelves) -> str:
    """The first location by name that has the whole order, so that it ships as one; '' where none has."""
    common = set.intersection(*(set(shelves[sku]) for sku in wanted)) if wanted else set()
    for location in sorted(common):
        if all(shelves[sku][location] >= quantity for sku, quantity in wanted.items()):
            return location
    return ""


def _spread(quantity: Decimal, places: Mapping[str, Decimal], together: str) -> dict[str, Decimal]:
    """Where a SKU's quantity is taken: `together`, else one place that has it all, else the fullest places first."""
    if together:
        return {together: quantity}
    fullest = sorted(places, key=lambda location: (-places[location], location))
    whole = [location for location in sorted(places) if places[location] >= quantity]
    taken: dict[str, Decimal] = {}
    for location in whole[:1] or fullest:
        part = min(quantity, places[location])
        if part > 0:
            taken[location] = part
            quantity -= part
    return taken


def _deal(lines: Sequence[Wanted], takes: Takes, awaited: Takes) -> list[Held]:
    """Hand what was taken of each SKU, and what is awaited of it, to the order's lines, in their order."""
    lying = {sku: dict(places) for sku, places in takes.items()}
    coming = {sku: dict(places) for sku, places in awaited.items()}
    held: list[Held] = []
    for line in lines:
        there = _draw(line.quantity, lying.get(line.sku, {}))
        later = _draw(line.quantity - sum(there.values(), NOTHING), coming.get(line.sku, {}))
        for location in {**there, **later}:
            waits = later.get(location, NOTHING)
            quantity = there.get(location, NOTHING) + waits
            held.append(
                Held(line_id=line.line_id, sku=line.sku, location=location, quantity=quantity, back_ordered=waits)
            )
    return held


def _draw(quantity: Decimal, places: dict[str, Decimal]) -> dict[str, Decimal]:
    """So much from these places, which are lowered, in their order; less where they have less."""
    drawn: dict[str, Decimal] = {}
    for location, lying in places.items():
        part = min(quantity, lying)
        if part > 0:
            drawn[location] = part
            quantity -= part
    for location, part in drawn.items():
        places[location] -= part
    return drawn
