"""The line: stations, the track between them, and what stands on a siding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from app.console.words import count_of, lasting, worth_words
from app.domains.orders.admin import Line, Standing
from app.domains.orders.lifecycle import State
from app.infra.connections import ConnectionRow

WEIGHTS = (10, 100, 1000, 10_000)  # orders an hour: the track grows thicker at each
MOST_WAGONS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A station of the line: its figure, the track to the next, what stands on its siding."""

    name: str
    icon: str
    figure: int
    unit: str
    href: str
    leg: str = ""
    weight: int = 1
    listed: tuple[tuple[str, int], ...] = ()
    siding: str = ""
    siding_why: str = ""
    siding_count: int = 0
    siding_href: str = ""

    @property
    def wagon(self) -> int:
        """How many orders one wagon stands for."""
        return max(1, -(-self.siding_count // MOST_WAGONS))

    held: bool = False


def stops_of(line: Line, rows: Sequence[ConnectionRow], aside: Mapping[str, int]) -> list[Stop]:
    """The line as the page draws it; thickness is orders an hour, a broken track is a system that is not called.

    `aside` is how much stands at each ERP: parked and rejected deliveries.
    """
    hour = sum(line.captured.values())
    weight = 1 + sum(1 for bound in WEIGHTS if hour >= bound)
    held, captured, accepted = (
        line.standing.get(state, Standing()) for state in (State.HELD, State.CAPTURED, State.ACCEPTED)
    )
    names = {row.name: row.title or row.name for row in rows}
    stopped = {row.name for row in rows if row.state != "on"}
    leg = {name: lasting(seconds) if seconds is not None else "" for name, seconds in line.legs.items()}
    orders, stands = url_for("orders.index"), sum(aside.values())
    return [
        Stop(
            name="Storefronts", icon="store", figure=hour, unit="orders an hour", href=orders, leg=leg["capture"],
            weight=weight, listed=tuple((names.get(name, name), count) for name, count in line.captured.items()),
            held=bool(stopped & line.captured.keys()),
        ),
        Stop(
            name="Hub", icon="hub", figure=captured.count, unit="being checked",
            href=f"{orders}?view=checking", leg=leg["post"], weight=weight,
            siding=f"{count_of(held.count, 'order')} held" if held.count else "", siding_why=worth_words(held.worth),
            siding_count=held.count, siding_href=f"{orders}?view=held",
        ),
        Stop(
            name="ERP", icon="erp", figure=accepted.count, unit="being posted",
            href=f"{orders}?view=posting", leg=leg["ship"], weight=weight,
            listed=tuple((f"{names.get(name, name)} today", count) for name, count in line.posted.items()),
            held=bool(stopped & aside.keys()), siding=f"{stands:,} stand" if stands else "", siding_count=stands,
            siding_why=", ".join(names.get(name, name) for name, count in aside.items() if count),
            siding_href=url_for("letters.index"),
        ),
        Stop(
            name="Warehouse", icon="warehouse", figure=line.to_ship, unit="to ship", weight=weight,
            href=f"{orders}?view=shipping",
        ),
        Stop(name="Shipped", icon="truck", figure=line.shipped, unit="shipments today", href=f"{orders}?view=shipped"),
    ]  # fmt: skip
