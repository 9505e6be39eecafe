"""Taking orders in. The order of truth is the source's version, then the moment it rang, never the order of arrival."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from app.domains.orders.canonical import Order
from app.domains.orders.events import OrderCaptured, RefreshRequested
from app.domains.orders.lifecycle import State
from app.domains.orders.service.duplicates import likeness
from app.domains.orders.service.overtaken import keep_overtaken
from app.domains.orders.service.standing import STANDING, STANDING_WIDTH, Standing
from app.infra.bindings import Tie, bind_many
from app.infra.ids import new_id
from app.infra.uow import Trail, UnitOfWork
from app.kernel import codec
from app.kernel.identity import Ref

FETCHED = "fetch"
_NEVER = datetime.min.replace(tzinfo=UTC)


class Became(StrEnum):
    """What an arrival was to what we knew."""

    NEW = "new"
    NEWER = "newer"
    REPEATED = "repeated"
    OLDER = "older"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An order as one message, or one fetch, told it."""

    order: Order
    source: str  # the topic, or "fetch"
    trail: Trail
    notice_id: int = 0
    triggered_at: datetime | None = None
    received_at: datetime | None = None
    company: str = ""

    @property
    def fetched(self) -> bool:
        return self.source == FETCHED


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What became of an arrival. `standing` is the order after it, locked."""

    standing: Standing
    order: Order
    became: Became
    trail: Trail


@dataclass(frozen=True, slots=True)
class _Known:
    """An order as it stood before, locked."""

    standing: Standing
    source_version: datetime
    triggered_at: datetime | None
    fetched: bool
    fingerprint: str


@dataclass(frozen=True, slots=True)
class _Print:
    """An arrival's document and what tells it from another."""

    text: str
    fingerprint: str
    likeness: str


KNOWN = f"""
SELECT {STANDING}, o.source_version, o.triggered_at, o.fetched, o.fingerprint
  FROM orders.sales_order o JOIN unnest(%(channels)s::text[], %(externals)s::text[]) w(channel, external_id)
       USING (channel, external_id)
 ORDER BY o.id FOR UPDATE OF o
"""

ADD = """
WITH given AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(channels)s::text[], %(externals)s::text[], %(gids)s::text[],
        %(names)s::text[], %(companies)s::text[], %(tests)s::boolean[], %(versions)s::timestamptz[],
        %(triggered)s::timestamptz[], %(fetched)s::boolean[], %(prints)s::text[], %(likenesses)s::text[],
        %(placed)s::timestamptz[], %(currencies)s::text[], %(totals)s::bigint[], %(correlations)s::text[],
        %(received)s::timestamptz[], %(sources)s::text[], %(notices)s::bigint[], %(documents)b::text[]::jsonb[])
        g(id, channel, external_id, gid, name, company, test, source_version, triggered_at, fetched, fingerprint,
          likeness, placed_at, currency, total_minor, correlation_id, received_at, source, notice_id, document)),
fresh AS (
    INSERT INTO orders.sales_order (id, channel, external_id, gid, name, company, test, version, source_version,
        triggered_at, fetched, fingerprint, likeness, placed_at, currency, total_minor, correlation_id, received_at)
    SELECT id, channel, external_id, gid, name, company, test, 1, source_version, triggered_at, fetched, fingerprint,
           likeness, placed_at, currency, total_minor, correlation_id, coalesce(received_at, now())
      FROM given ORDER BY id
    ON CONFLICT (channel, external_id) DO NOTHING RETURNING id),
kept AS (
    INSERT INTO orders.order_version
        (order_id, n, source_version, triggered_at, source, notice_id, fingerprint, document)
    SELECT id, 1, source_version, triggered_at, source, notice_id, fingerprint, document
      FROM given JOIN fresh USING (id))
SELECT id::text FROM fresh
"""

RENEW = """
WITH given AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(names)s::text[], %(versions)s::timestamptz[], %(triggered)s::timestamptz[],
        %(fetched)s::boolean[], %(prints)s::text[], %(likenesses)s::text[], %(totals)s::bigint[], %(sources)s::text[],
        %(notices)s::bigint[], %(documents)b::text[]::jsonb[], %(ns)s::int[])
        g(id, name, source_version, triggered_at, fetched, fingerprint, likeness, total_minor, source, notice_id,
          document, n)),
kept AS (
    INSERT INTO orders.order_version
        (order_id, n, source_version, triggered_at, source, notice_id, fingerprint, document)
    SELECT id, n, source_version, triggered_at, source, notice_id, fingerprint, document FROM given)
UPDATE orders.sales_order o
   SET version = g.n, name = g.name, source_version = g.source_version, triggered_at = g.triggered_at,
       fetched = g.fetched, fingerprint = g.fingerprint, likeness = g.likeness, total_minor = g.total_minor,
       changed_at = now()
  FROM given g WHERE o.id = g.id
"""


def capture(uow: UnitOfWork, arrival: Arrival) -> Captured:
    """Take one order in."""
    return capture_many(uow, [arrival])[0]


def capture_many(uow: UnitOfWork, arrivals: Sequence[Arrival]) -> list[Captured]:
    """Take different orders in, each under its row's lock, and keep every version.

    A first one publishes OrderCaptured. The same version twice is a repeat, an older one has no effect. Two contents
    of one version: the one that rang later counts for now, and the channel is asked for its order (RefreshRequested).
    """
    prints = [_print(arrival.order) for arrival in arrivals]
    done: dict[int, Captured] = {}
    while len(done) < len(arrivals):  # a second round only where somebody captured the same order at this moment
        open_ones = [n for n in range(len(arrivals)) if n not in done]
        known = _known(uow, [arrivals[n].order for n in open_ones])
        new = [n for n in open_ones if _key(arrivals[n].order) not in known]
        for n in open_ones:
            if n not in new:
                done[n] = _compare(uow, arrivals[n], prints[n], known[_key(arrivals[n].order)])
        done.update(_add(uow, {n: (arrivals[n], prints[n]) for n in new}))
    _renew(uow, [(arrivals[n], prints[n], c) for n, c in done.items() if c.became is Became.NEWER])
    keep_overtaken(uow, [(c.standing.order_id, arrivals[n]) for n, c in done.items() if c.became is Became.OLDER])
    return [done[n] for n in range(len(arrivals))]


def _known(uow: UnitOfWork, orders: Sequence[Order]) -> dict[tuple[str, str], _Known]:
    rows = uow.sql(
        KNOWN,
        {
            "channels": [order.ref.connection for order in orders],
            "externals": [order.ref.external_id for order in orders],
        },
    )
    found = {}
    for row in rows:
        standing = Standing.of(row)
        found[standing.channel, standing.external_id] = _Known(standing, *row[STANDING_WIDTH:])
    return found


def _compare(uow: UnitOfWork, arrival: Arrival, made: _Print, known: _Known) -> Captured:
    order, standing = arrival.order, known.standing
    if order.source_version < known.source_version:
        became = Became.OLDER
    elif order.source_version > known.source_version:
        became = Became.NEWER
    elif made.fingerprint == known.fingerprint:
        became = Became.REPEATED
    else:
        became = _twins(arrival, made, known)
        if not arrival.fetched:
            request_refresh(uow, arrival.order.ref, "two contents of one version", arrival.trail, arrival.notice_id)
    if became is Became.NEWER:
        standing = replace(standing, name=order.name, version=standing.version + 1)
    return Captured(standing=standing, order=order, became=became, trail=arrival.trail)


def _twins(arrival: Arrival, made: _Print, known: _Known) -> Became:
    """Of two contents of one version: what was fetched counts, then what rang later, then a fixed choice."""
    if arrival.fetched or known.fetched:
        return Became.NEWER if arrival.fetched else Became.OLDER
    ours = (known.triggered_at or _NEVER, known.fingerprint)
    return Became.NEWER if (arrival.triggered_at or _NEVER, made.fingerprint) > ours else Became.OLDER


def request_refresh(uow: UnitOfWork, ref: Ref, reason: str, trail: Trail, notice_id: int = 0) -> None:
    """Ask the channel for its order as it is now (RefreshRequested)."""
    uow.publish(
        RefreshRequested(
            external_key=str(ref), channel=ref.connection, external_id=ref.external_id, reason=reason,
            notice_id=notice_id,
        ),
        trail,
    )  # fmt: skip


def _add(uow: UnitOfWork, new: dict[int, tuple[Arrival, _Print]]) -> dict[int, Captured]:
    if not new:
        return {}
    ids = {new_id(): n for n in new}
    arrivals = [new[n][0] for n in ids.values()]
    orders = [arrival.order for arrival in arrivals]
    fresh = uow.sql(
        ADD,
        {
            **_columns(list(ids), arrivals, [new[n][1] for n in ids.values()]),
            "channels": [order.ref.connection for order in orders],
            "externals": [order.ref.external_id for order in orders],
            "gids": [order.gid for order in orders],
            "companies": [arrival.company for arrival in arrivals],
            "tests": [order.test for order in orders],
            "placed": [order.placed_at for order in orders],
            "currencies": [order.currency_shop for order in orders],
            "received": [arrival.received_at for arrival in arrivals],
            "correlations": [arrival.trail.correlation_id for arrival in arrivals],
        },
    ).fetchall()
    added = {ids[row[0]]: _first(new[ids[row[0]]][0], row[0]) for row in fresh}
    bind_many(uow, [_tie(captured.standing) for captured in added.values()])
    for captured in added.values():
        _tell(uow, captured)
    return added


def _first(arrival: Arrival, order_id: str) -> Captured:
    order = arrival.order
    standing = Standing(
        order_id=order_id, channel=order.ref.connection, external_id=order.ref.external_id, gid=order.gid,
        name=order.name, company=arrival.company, state=State.CAPTURED, test=order.test, version=1,
        accepted_version=0, account_id="", correlation_id=arrival.trail.correlation_id,
    )  # fmt: skip
    return Captured(standing=standing, order=order, became=Became.NEW, trail=arrival.trail)


def _tie(standing: Standing) -> Tie:
    return Tie(
        connection=standing.channel, kind="order", key=standing.order_id, external_id=standing.external_id,
        number=standing.name,
    )  # fmt: skip


def _tell(uow: UnitOfWork, captured: Captured) -> None:
    standing = captured.standing
    uow.tally("orders_captured", standing.channel)
    uow.publish(
        OrderCaptured(
            order_id=standing.order_id, channel=standing.channel, external_id=standing.external_id, name=standing.name,
            version=1, total=captured.order.totals.total.shop, company=standing.company, test=standing.test,
        ),
        captured.trail,
    )  # fmt: skip


def _renew(uow: UnitOfWork, newer: Sequence[tuple[Arrival, _Print, Captured]]) -> None:
    if newer:
        columns = _columns(
            [c.standing.order_id for _, _, c in newer], [a for a, _, _ in newer], [p for _, p, _ in newer]
        )
        uow.sql(RENEW, {**columns, "ns": [captured.standing.version for _, _, captured in newer]})


def _columns(ids: list[str], arrivals: Sequence[Arrival], prints: Sequence[_Print]) -> dict[str, Any]:
    """The columns that a first and a newer version share."""
    return {
        "ids": ids,
        "names": [arrival.order.name for arrival in arrivals],
        "versions": [arrival.order.source_version for arrival in arrivals],
        "triggered": [arrival.triggered_at for arrival in arrivals],
        "fetched": [arrival.fetched for arrival in arrivals],
        "prints": [made.fingerprint for made in prints],
        "likenesses": [made.likeness for made in prints],
        "totals": [arrival.order.totals.total.shop.minor for arrival in arrivals],
        "sources": [arrival.source for arrival in arrivals],
        "notices": [arrival.notice_id for arrival in arrivals],
        "documents": [made.text for made in prints],
    }


def _key(order: Order) -> tuple[str, str]:
    return order.ref.connection, order.ref.external_id


def _print(order: Order) -> _Print:
    text = json.dumps(codec.dump(order))
    return _Print(text, blake2b(text.encode(), digest_size=16).hexdigest(), likeness(order))
