"""Listings: which products a channel shall show, which of them are due, and what became of what was sent.

A listing is pending from a mark on until what counts stands at the channel. Each mark moves its instant, and an outcome
ends only the mark that it was worked out for: a change that comes meanwhile leaves it pending. Rows are locked by
connection and product.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domains.product.canonical import ListingWish, Missing
from app.domains.product.events import ListingChanged, ListingDue
from app.domains.product.lifecycle import LISTING, ListingState
from app.infra.acts import record_act
from app.infra.ids import new_id
from app.infra.uow import UnitOfWork
from app.kernel import codec

INCOMPLETE, REFUSED = "product.listing_incomplete", "product.listing_refused"
AT_ONCE = 1000  # products of one transaction
KEPT_REASON = 500  # signs of what is shown beside a state

MARK = """
INSERT INTO product.listing AS l (id, connection, product_id, state, changed_at)
SELECT g.id, %(channel)s, g.product_id, 'pending', clock_timestamp()
  FROM unnest(%(ids)s::uuid[], %(products)s::uuid[]) g(id, product_id) JOIN product.product p ON p.id = g.product_id
 WHERE p.company IN ('', %(company)s) AND (
       %(every)s AND p.status <> 'retired'
       OR EXISTS (SELECT FROM product.listing k
                   WHERE (k.connection, k.product_id) = (%(channel)s, g.product_id) AND k.variant_id IS NULL))
 ORDER BY g.product_id
    ON CONFLICT (connection, product_id, variant_id) DO UPDATE SET state = 'pending', changed_at = clock_timestamp()
 WHERE l.wanted
RETURNING l.id::text, l.product_id::text
"""
CHOOSE = """
INSERT INTO product.listing AS l (id, connection, product_id, wanted, state, changed_at)
SELECT g.id, %(channel)s, g.product_id, %(wanted)s, 'pending', clock_timestamp()
  FROM unnest(%(ids)s::uuid[], %(products)s::uuid[]) g(id, product_id) JOIN product.product p ON p.id = g.product_id
 WHERE p.company IN ('', %(company)s) AND (
       %(wanted)s OR EXISTS (SELECT FROM product.listing k
            WHERE (k.connection, k.product_id) = (%(channel)s, g.product_id) AND k.variant_id IS NULL))
 ORDER BY g.product_id
    ON CONFLICT (connection, product_id, variant_id)
    DO UPDATE SET wanted = excluded.wanted, state = 'pending', fingerprint = '', changed_at = clock_timestamp()
RETURNING l.id::text, l.product_id::text
"""
IN_STATES = """
SELECT product_id::text FROM product.listing
 WHERE connection = %(channel)s AND variant_id IS NULL AND state = ANY(%(states)s::text[])
 ORDER BY changed_at, id LIMIT %(most)s
"""
PRODUCTS_AGAIN = """
WITH held AS MATERIALIZED (
    SELECT id FROM product.listing
     WHERE connection = %(channel)s AND variant_id IS NULL AND product_id = ANY(%(products)s::uuid[])
     ORDER BY product_id FOR UPDATE)
UPDATE product.listing l SET state = 'pending', fingerprint = '', changed_at = clock_timestamp()
  FROM held WHERE l.id = held.id RETURNING l.id::text, l.product_id::text
"""
UNPRICED = """
WITH held AS MATERIALIZED (
    SELECT l.id FROM product.listing l
     WHERE l.state = 'waiting' AND l.connection = ANY(%(channels)s::text[]) AND l.problems @> '[{"field": "price"}]'
       AND EXISTS (SELECT FROM product.variant v WHERE v.product_id = l.product_id AND v.sku = ANY(%(skus)s::text[]))
     ORDER BY l.connection, l.product_id FOR UPDATE)
UPDATE product.listing l SET state = 'pending', changed_at = clock_timestamp()
  FROM held WHERE l.id = held.id RETURNING l.id::text, l.product_id::text, l.connection
"""
LOCK = "SELECT FROM product.listing WHERE id = ANY(%(ids)s::uuid[]) ORDER BY connection, product_id FOR UPDATE"
HOLD = """
SELECT connection, product_id::text, wanted, state, external_id, fingerprint, pictures, changed_at
  FROM product.listing WHERE id = %(id)s::uuid FOR UPDATE
"""
TRY = "UPDATE product.listing SET fingerprint = '' WHERE id = %(id)s::uuid"
SETTLE = """
UPDATE product.listing l
   SET state = CASE WHEN l.changed_at = %(mark)s THEN %(state)s ELSE l.state END, code = %(code)s, reason = %(reason)s,
       problems = %(problems)s::jsonb,
       changed_at = CASE WHEN l.changed_at = %(mark)s THEN clock_timestamp() ELSE l.changed_at END
 WHERE id = %(id)s::uuid RETURNING l.state
"""
SENT = """
UPDATE product.listing
   SET external_id = %(external)s, fingerprint = %(fingerprint)s, pictures = %(pictures)s, version = %(version)s,
       sent_at = %(now)s
 WHERE id = %(id)s::uuid
"""
WANTED = """
SELECT product_id::text, wanted FROM product.listing
 WHERE connection = %(channel)s AND product_id = ANY(%(products)s::uuid[]) AND variant_id IS NULL AND state <> 'pending'
"""
DRIFTED = """
SELECT DISTINCT l.product_id::text
  FROM product.drift d
  LEFT JOIN product.product p ON p.code = d.sku AND p.company IN ('', d.company)
  LEFT JOIN product.variant v ON v.sku = d.sku AND v.company IN ('', d.company)
  JOIN product.listing l ON l.product_id IN (p.id, v.product_id) AND l.connection = d.connection
   AND l.variant_id IS NULL
 WHERE d.connection = %(channel)s AND d.gone_at IS NULL LIMIT %(most)s
"""
SOME = """
SELECT p.code, l.reason FROM product.listing l JOIN product.product p ON p.id = l.product_id
 WHERE l.connection = %(channel)s AND l.variant_id IS NULL AND l.state = %(state)s
 ORDER BY l.changed_at, l.id LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A listing under its lock. `mark` is the instant of the change that it is worked out for."""

    listing_id: str
    channel: str
    product_id: str
    wanted: bool
    state: ListingState
    external_id: str
    fingerprint: str
    pictures: str
    mark: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was sent: the channel's id of it, digests of the content and of its images, and the product's version."""

    external_id: str
    fingerprint: str
    pictures: str
    version: int


def mark_changed(uow: UnitOfWork, channel: str, company: str, product_ids: Collection[str], *, every: bool) -> int:
    """What a channel lists of these products is due; with `every` it lists all of its company's. Returns how many."""
    given = {"channel": channel, "company": company, "every": every, **_named(product_ids)}
    return _tell(uow, channel, uow.sql(MARK, given).fetchall())


def mark_priced(uow: UnitOfWork, channels: Collection[str], skus: Collection[str]) -> int:
    """Listings that wait for the price of one of these SKUs are due. Returns how many."""
    rows = uow.sql(UNPRICED, {"channels": sorted(channels), "skus": sorted(skus)}).fetchall()
    for listing_id, product_id, channel in rows:
        uow.publish(ListingDue(listing_id=listing_id, product_id=product_id, channel=channel))
    return len(rows)


def mark_again(uow: UnitOfWork, channel: str, states: Collection[ListingState], most: int = AT_ONCE) -> int:
    """Listings in these states are sent anew, those that stand so for the longest first. Returns how many."""
    given = {"channel": channel, "states": [state.value for state in states], "most": most}
    return mark_products_again(uow, channel, [row[0] for row in uow.sql(IN_STATES, given)])


def choose_listings(
    uow: UnitOfWork, channel: str, company: str, product_ids: Collection[str], who: str, *, wanted: bool, why: str = ""
) -> int:
    """Have products shown at a channel, or hidden there, whatever stands there now. Returns how many are due.

    Products of another company than the channel's are left out, and so is hiding what was never listed.
    """
    given = {"channel": channel, "company": company, "wanted": wanted, **_named(product_ids)}
    count = _tell(uow, channel, uow.sql(CHOOSE, given).fetchall())
    record_act(
        uow, who, "had products listed" if wanted else "took products off a channel", kind="listing", key=channel,
        why=why, facts={"due": count, "products": sorted(product_ids)[:20]},
    )  # fmt: skip
    return count


def lock_listings(uow: UnitOfWork, listing_ids: Collection[str]) -> None:
    """Hold listings in the order in which marks hold them, so that nobody waits for one another in a circle."""
    uow.sql(LOCK, {"ids": list(listing_ids)})


def hold_listing(uow: UnitOfWork, listing_id: str) -> Held | None:
    """A listing under its lock; None where it is not known."""
    row = uow.sql(HOLD, {"id": listing_id}).fetchone()
    if row is None:
        return None
    return Held(
        listing_id=listing_id, channel=row[0], product_id=row[1], wanted=row[2], state=ListingState(row[3]),
        external_id=row[4], fingerprint=row[5], pictures=row[6], mark=row[7],
    )  # fmt: skip


def try_listing(uow: UnitOfWork, held: Held) -> None:
    """It is about to be sent: until an answer comes, nothing is known to stand."""
    uow.sql(TRY, {"id": held.listing_id})


def settle_listing(
    uow: UnitOfWork, held: Held, trigger: str, *, code: str = "", problems: Sequence[Missing] = (),
    sent: Sent | None = None,
) -> None:  # fmt: skip
    """A pending listing waits, shows, is refused, pauses or drops; it stays pending where it was marked meanwhile."""
    state = LISTING.step(ListingState.PENDING, trigger).state
    given = {
        "id": held.listing_id, "mark": held.mark, "state": state.value, "code": code,
        "reason": words_of(problems)[:KEPT_REASON],
        "problems": json.dumps([codec.dump(one) for one in problems]),
    }  # fmt: skip
    if sent is not None:
        uow.sql(
            SENT,
            {
                "id": held.listing_id, "external": sent.external_id, "fingerprint": sent.fingerprint,
                "pictures": sent.pictures, "version": sent.version, "now": uow.hub.clock.now(),
            },
        )  # fmt: skip
    became = uow.sql(SETTLE, given).fetchone()
    if became and became[0] == state:
        uow.publish(
            ListingChanged(
                listing_id=held.listing_id, product_id=held.product_id, channel=held.channel, state=state,
                was=held.state, external_id=held.external_id if sent is None else sent.external_id,
            )
        )  # fmt: skip


def some_in(uow: UnitOfWork, channel: str, state: ListingState, most: int = 20) -> list[tuple[str, str]]:
    """The codes of products and the reasons of listings that are in a state for the longest."""
    rows = uow.sql(SOME, {"channel": channel, "state": state.value, "most": most})
    return list(rows.fetchall())


def still_wanted(uow: UnitOfWork, channel: str, product_ids: Collection[str]) -> dict[str, bool]:
    """Product → whether the channel shall show it, of those that are not on their way there."""
    rows = uow.sql(WANTED, {"channel": channel, "products": sorted(product_ids)})
    return dict(rows.fetchall())


def drifted(uow: UnitOfWork, channel: str, most: int = AT_ONCE) -> list[str]:
    """Products that the last alignment found to stand otherwise at a channel."""
    return [row[0] for row in uow.sql(DRIFTED, {"channel": channel, "most": most})]


def mark_products_again(uow: UnitOfWork, channel: str, product_ids: Collection[str]) -> int:
    """What a channel lists of these products is sent anew, whatever was sent before. Returns how many."""
    given = {"channel": channel, "products": sorted(product_ids)}
    return _tell(uow, channel, uow.sql(PRODUCTS_AGAIN, given).fetchall())


def words_of(problems: Sequence[Missing]) -> str:
    """Problems in one line: each with its SKU and field."""
    return "; ".join(f"{one.sku} {one.field}: {one.said}".strip() for one in problems)


def plain(wish: ListingWish) -> str:
    """The content of a wish in one form, to tell whether it was sent already; prices are not part of it."""
    given = codec.dump(wish)
    for name in ("sends_images", "external_id"):
        given.pop(name)
    for variant in given["variants"]:
        for name in ("price", "compare_at", "external_id"):
            variant.pop(name)
    return json.dumps(given, sort_keys=True)


def _named(product_ids: Collection[str]) -> dict[str, list[str]]:
    ordered = sorted(set(product_ids))
    return {"products": ordered, "ids": [new_id() for _ in ordered]}


def _tell(uow: UnitOfWork, channel: str, rows: Sequence[Sequence[str]]) -> int:
    for listing_id, product_id in rows:
        uow.publish(ListingDue(listing_id=listing_id, product_id=product_id, channel=channel))
    return len(rows)
