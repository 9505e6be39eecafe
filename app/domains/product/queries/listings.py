"""Where products are listed, how each stands there, and what is missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domains.product.canonical import Missing
from app.infra.uow import UnitOfWork
from app.kernel import codec


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingRow:
    """A product at a channel. `fresh` says that the product has changed since it was last sent."""

    listing_id: str
    channel: str
    product_id: str
    code: str
    title: str
    company: str
    product_status: str
    wanted: bool
    state: str
    cause: str  # the code of what keeps it from being live
    reason: str
    problems: tuple[Missing, ...]
    external_id: str
    sent_at: datetime | None
    changed_at: datetime
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingCount:
    """How many products of a channel are in a state, and since when the oldest."""

    channel: str
    state: str
    count: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingFilter:
    """Which listings; `find` is what a product's code begins with."""

    channel: str = ""
    state: str = ""
    product_id: str = ""
    find: str = ""


LISTINGS = """
SELECT l.id::text, l.connection, l.product_id::text, p.code, p.title, p.company, p.status, l.wanted, l.state, l.code,
       l.reason, l.problems, l.external_id, l.sent_at, l.changed_at, l.sent_at IS NOT NULL AND p.version > l.version
  FROM product.listing l JOIN product.product p ON p.id = l.product_id
 WHERE l.variant_id IS NULL AND %(channel)s IN ('', l.connection) AND %(state)s IN ('', l.state)
   AND (%(product_id)s::uuid IS NULL OR l.product_id = %(product_id)s::uuid)
   AND (%(find)s = '' OR starts_with(p.code, %(find)s))
   AND (%(after)s::uuid IS NULL OR (l.connection, l.changed_at, l.id) > (
        SELECT a.connection, a.changed_at, a.id FROM product.listing a WHERE a.id = %(after)s::uuid))
 ORDER BY l.connection, l.changed_at, l.id LIMIT %(most)s
"""
COUNTS = """
SELECT connection, state, count(*), min(changed_at) FROM product.listing
 WHERE variant_id IS NULL AND %(channel)s IN ('', connection) GROUP BY connection, state ORDER BY connection, state
"""
LISTED_AT = """
SELECT l.id::text, l.product_id::text, l.external_id FROM product.listing l
 WHERE l.variant_id IS NULL AND l.connection = %(channel)s AND l.external_id <> ''
   AND l.state IN ('live', 'paused', 'rejected') AND l.id > %(after)s::uuid ORDER BY l.id LIMIT %(most)s
"""
IDS_OF = """
SELECT DISTINCT ON (code) code, id::text FROM product.product
 WHERE code = ANY(%(codes)s::text[]) AND company IN ('', %(company)s) ORDER BY code, company DESC
"""
OFFERED = """
SELECT id::text FROM product.product
 WHERE id > %(after)s::uuid AND company IN ('', %(company)s) AND status <> 'retired' ORDER BY id LIMIT %(most)s
"""
FIRST = "00000000-0000-0000-0000-000000000000"


def listings(uow: UnitOfWork, wanted: ListingFilter, *, after: str = "", most: int = 50) -> list[ListingRow]:
    """Products at channels, by channel, and in it those that stand so for the longest first; behind listing `after`."""
    given = {
        "channel": wanted.channel, "state": wanted.state, "product_id": wanted.product_id or None,
        "find": wanted.find, "after": after or None, "most": most,
    }  # fmt: skip
    return [_row(row) for row in uow.sql(LISTINGS, given)]


def listing_counts(uow: UnitOfWork, channel: str = "") -> list[ListingCount]:
    """How many listings there are in each state, by channel."""
    return [
        ListingCount(channel=row[0], state=row[1], count=row[2], since=row[3])
        for row in uow.sql(COUNTS, {"channel": channel})
    ]


def listing_states(uow: UnitOfWork) -> dict[str, int]:
    """How many listings there are in each state, at all channels."""
    return dict(uow.sql("SELECT state, count(*) FROM product.listing GROUP BY state").fetchall())


def listed_at(uow: UnitOfWork, channel: str, *, after: str = "", most: int = 50) -> list[tuple[str, str, str]]:
    """What a channel has of ours and that is not on its way: (listing, product, the channel's id), by listing."""
    rows = uow.sql(LISTED_AT, {"channel": channel, "after": after or FIRST, "most": most})
    return [(row[0], row[1], row[2]) for row in rows]


def ids_of(uow: UnitOfWork, codes: Collection[str], company: str = "") -> dict[str, str]:
    """Code → product, of a company's and of everybody's; codes that are not known are left out."""
    return dict(uow.sql(IDS_OF, {"codes": sorted(codes), "company": company}).fetchall())


def offered_ids(uow: UnitOfWork, company: str, *, after: str = "", most: int = 500) -> list[str]:
    """Products of a company and of nobody's that are not retired, by their ids; those behind `after`."""
    return [row[0] for row in uow.sql(OFFERED, {"company": company, "after": after or FIRST, "most": most})]


def _row(row: Sequence[Any]) -> ListingRow:
    names = list(ListingRow.__dataclass_fields__)
    given = dict(zip(names, row, strict=True))
    return ListingRow(**{**given, "problems": tuple(codec.load(Missing, one) for one in given["problems"])})
