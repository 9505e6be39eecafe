"""SKU mapping: a channel's SKU that nobody knows is one case; once it is said to be one of ours, all orders go on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domains.orders import queries as orders
from app.domains.orders.queries import Sold
from app.domains.product import queries as products
from app.domains.product import service as product
from app.domains.product.queries import Likely, Place
from app.flows import mapping, sku_stock
from app.infra.replay.again import resolve_case
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound

CODE = "orders.sku_unmapped"
KIND = "item"
# The newest two hundred orders of each case tell which channels wait: a channel that is missed shows when it parks.
WAITING = """
SELECT c.id::text, substring(i.key FROM 8) FROM unnest(%(cases)s::uuid[]) c(id)
 CROSS JOIN LATERAL (SELECT key FROM hub.case_item WHERE case_id = c.id ORDER BY at DESC LIMIT 200) i
 WHERE i.key ~ '^orders:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
"""

ALL_WAITING = """
SELECT DISTINCT substring(key FROM 8) FROM hub.case_item WHERE case_id = ANY(%(cases)s::uuid[])
   AND key ~ '^orders:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmapped:
    """A SKU that an ERP has nothing for: who sells it, as what, and how many orders wait."""

    case_id: str
    erp: str
    sku: str
    title: str
    company: str
    channels: tuple[str, ...]
    waiting: int
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """What a choice did: the channels where it holds, the cases it closed, the deliveries that go on."""

    sku: str
    channels: tuple[str, ...]
    cases: int
    released: int


def unmapped(uow: UnitOfWork, sku: str = "") -> list[Unmapped]:
    """The SKUs that orders wait for, or one of them, the longest first."""
    gaps = [gap for gap in mapping.gaps(uow, kind=KIND) if sku in ("", gap.word)]
    words = {gap.case_id: gap.word for gap in gaps}
    asked: dict[str, list[tuple[str, str]]] = {}
    for case_id, order_id in uow.sql(WAITING, {"cases": list(words)}) if words else ():
        asked.setdefault(words[case_id], []).append((order_id, words[case_id]))
    sold: dict[str, list[Sold]] = {}
    for one in orders.sold(uow, [pair for pairs in asked.values() for pair in {*pairs}]):
        sold.setdefault(one.sku, []).append(one)
    return [
        Unmapped(
            case_id=gap.case_id, erp=gap.connection, sku=gap.word, title=_first(sold.get(gap.word, ()), "title"),
            company=_first(sold.get(gap.word, ()), "company"), waiting=gap.waiting, opened_at=gap.opened_at,
            channels=tuple(dict.fromkeys(one.channel for one in sold.get(gap.word, ()))),
        )
        for gap in gaps
    ]  # fmt: skip


def suggest(uow: UnitOfWork, one: Unmapped) -> list[Likely]:
    """SKUs of ours that an unknown one may be, the likeliest first; never the same letters again."""
    found = products.likely(uow, one.sku, title=one.title, company=one.company)
    return [each for each in found if each.sku != one.sku]


def map_sku(
    uow: UnitOfWork, sku: str, ours: str, who: str, *, channels: Collection[str] = (), company: str = "", why: str = ""
) -> Mapped:
    """Say what a channel's SKU is here; every order that waits for it goes on by itself.

    Without `channels` it holds at all those whose orders wait. Raises NotFound `product.unknown` or
    `connections.unknown`, Invalid `product.alias_word`, `product.alias_same`, `product.alias_channel`.
    """
    open_ones = unmapped(uow, sku)
    ours, at = _name(uow, open_ones, sku, ours, who, channels=channels, company=company, why=why)
    closing = [one for one in open_ones if not one.channels or {*one.channels} & {*at}]
    released = sum(resolve_case(uow, one.case_id, who, f"mapped SKU {sku} to {ours}") for one in closing)
    return Mapped(sku=ours, channels=at, cases=len(closing), released=released)


def name_sku(uow: UnitOfWork, sku: str, ours: str, who: str) -> tuple[str, tuple[str, ...]]:
    """Say what a SKU is here at all channels whose orders wait for it; whoever asks ends the case. Raises as above."""
    return _name(uow, unmapped(uow, sku), sku, ours, who)


def _name(
    uow: UnitOfWork,
    open_ones: Sequence[Unmapped],
    sku: str,
    ours: str,
    who: str,
    *,
    channels: Collection[str] = (),
    company: str = "",
    why: str = "",
) -> tuple[str, tuple[str, ...]]:
    place = _place(uow, ours, company or next((one.company for one in open_ones), ""))
    if place.sku == sku:
        said = f"SKU {sku} is itself in the catalogue: map it to the ERP's item in the value map of the ERP"
        raise Invalid("product.alias_same", said, about=f"sku {sku}")
    at = tuple(dict.fromkeys(channels)) or tuple(dict.fromkeys(name for one in open_ones for name in one.channels))
    if not at:
        raise Invalid("product.alias_channel", f"no order waits for {sku}: name the channel that sells it", about=sku)
    before = products.meant(uow, [(channel, sku) for channel in at])
    waiting = [row[0] for row in uow.sql(ALL_WAITING, {"cases": [one.case_id for one in open_ones]})]
    for channel in at:
        uow.hub.connections.get(uow.session, channel)
        product.choose_alias(uow, channel, sku, place, who, why)
        sku_stock.look_anew(uow, channel, {sku, place.sku, before.get((channel, sku), sku)})
        sku_stock.tell_orders(uow, channel, sku, waiting)
    return place.sku, at


def forget_sku(uow: UnitOfWork, channel: str, sku: str, who: str, why: str = "") -> None:
    """Say no more what a channel's SKU is here. Raises NotFound `product.alias_unknown`."""
    ours = products.meant(uow, [(channel, sku)]).get((channel, sku), sku)
    product.forget_alias(uow, channel, sku, who, why)
    sku_stock.look_anew(uow, channel, {sku, ours})


def _place(uow: UnitOfWork, sku: str, company: str) -> Place:
    """Where a SKU lies: in the company's own catalogue, else in everybody's."""
    try:
        return products.place(uow, sku, company=company)
    except NotFound:
        return products.place(uow, sku)


def _first(sold: Sequence[Sold], name: str) -> str:
    return next((found for one in sold if (found := str(getattr(one, name)))), "")
