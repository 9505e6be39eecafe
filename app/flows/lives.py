"""Lives: the lifecycles that things go through, and how many stand where, counted every few minutes for every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domains.inventory import queries as inventory
from app.domains.inventory.lifecycle import RESERVATION
from app.domains.orders import queries as orders
from app.domains.orders.lifecycle import ORDER
from app.domains.product import queries as products
from app.domains.product.lifecycle import LISTING, PRODUCT
from app.flows.runtime import Told, step
from app.infra.uow import UnitOfWork
from app.infra.windows import WindowOpened
from app.kernel.errors import NotFound
from app.kernel.lifecycle import Lifecycle

WINDOW = "state_counts"
COUNT_SECONDS = 20  # a count that takes longer is left for the next window; pages say how old theirs is


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A lifecycle with what it is of. `count` is the roll-up's question; a state it leaves out is not counted."""

    name: str
    title: str
    about: str
    lifecycle: Lifecycle[Any]
    count: Callable[[UnitOfWork], Mapping[str, int]]

    @property
    def counter(self) -> str:
        return f"state:{self.name}"


LIVES = {
    one.name: one
    for one in (
        Life(
            name="orders", title="Order", lifecycle=ORDER, count=orders.state_counts,
            about="From the channel's first word to the day it has left, or was called off.",
        ),
        Life(
            name="reservations", title="Reservation", lifecycle=RESERVATION, count=inventory.open_counts,
            about="A quantity of an order's line at a location. Only what is still open is counted.",
        ),
        Life(
            name="products", title="Product", lifecycle=PRODUCT, count=products.counts,
            about="From the day it is known to the day it is not sold any more.",
        ),
        Life(
            name="listings", title="Listing", lifecycle=LISTING, count=products.listing_states,
            about="A product at a channel: on its way, there, waiting for what is missing, or refused.",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """How many stand in each state, and when that was counted; never counted is None."""

    counts: Mapping[str, int]
    at: datetime | None


WRITE = """
WITH counted AS (SELECT * FROM unnest(%(states)s::text[], %(counts)s::bigint[]) c(label, n)),
gone AS (DELETE FROM hub.counter WHERE name = %(name)s AND label <> ALL(%(states)s::text[]))
INSERT INTO hub.counter (name, label, n, folded_at) SELECT %(name)s, label, n, now() FROM counted
ON CONFLICT (name, label) DO UPDATE SET n = excluded.n, folded_at = excluded.folded_at
"""


def life_of(name: str) -> Life:
    """Raises NotFound (`flows.unknown_life`), which names those there are."""
    if name not in LIVES:
        known = ", ".join(LIVES)
        raise NotFound("flows.unknown_life", f"there is no lifecycle {name!r}; there are {known}", about=name)
    return LIVES[name]


def census(uow: UnitOfWork, life: Life) -> Census:
    """The newest count, from the roll-up."""
    rows = uow.sql("SELECT label, n, folded_at FROM hub.counter WHERE name = %(name)s", {"name": life.counter})
    found = rows.fetchall()
    return Census(counts={label: n for label, n, _ in found}, at=max((at for *_, at in found), default=None))


def count_again(uow: UnitOfWork, told: Told[WindowOpened] | None = None) -> None:
    """Count every life anew."""
    if told is not None and told.fact.name != WINDOW:
        return
    uow.sql(f"SET LOCAL statement_timeout = '{COUNT_SECONDS}s'")
    for life in LIVES.values():
        counts = life.count(uow)
        uow.sql(WRITE, {"name": life.counter, "states": list(counts), "counts": list(counts.values())})


step("lives.count", on=WindowOpened, queue="bulk", do=count_again)
