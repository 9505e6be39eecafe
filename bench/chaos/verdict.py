"""What the books of the sandbox and the database of the hub say about what was ordered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from bench.chaos.outside import Outside

OPEN = "state IN ('due', 'running', 'behind', 'parked', 'rejected')"
GOODS = ("held", "allocated", "consumed")

# Where two figures that must agree do not: a level and its reservations, a level and its ledger.
STOCK = """
SELECT s.sku || ' at ' || s.location || ': reserved'  FROM inventory.stock_level s
 WHERE s.reserved <> (SELECT coalesce(sum(r.quantity), 0) FROM inventory.reservation r
                       WHERE (r.sku, r.location) = (s.sku, s.location) AND r.state IN ('quoted', 'held', 'allocated'))
UNION ALL
SELECT s.sku || ' at ' || s.location || ': ledger' FROM inventory.stock_level s
 WHERE s.on_hand + s.moved <> (SELECT coalesce(sum(m.quantity), 0) FROM inventory.movement m
                                WHERE (m.sku, m.location) = (s.sku, s.location))
UNION ALL
SELECT s.sku || ' at ' || s.location || ': shipped' FROM inventory.stock_level s
 WHERE (SELECT coalesce(sum(r.quantity), 0) FROM inventory.reservation r
         WHERE (r.sku, r.location) = (s.sku, s.location) AND r.state = 'consumed')
    <> (SELECT -coalesce(sum(m.quantity), 0) FROM inventory.movement m
         WHERE (m.sku, m.location) = (s.sku, s.location) AND m.kind = 'shipment')
"""
LIVES = """
SELECT o.external_id, r.sku, sum(r.quantity) FROM inventory.reservation r
  JOIN orders.sales_order o ON o.id::text = r.order_id
 WHERE r.state = ANY(%s) GROUP BY 1, 2
"""
ACCEPTED = "SELECT count(DISTINCT object_id) FROM hub.notice WHERE connection = 'shop' AND topic = 'orders/create'"
WAITING = f"""
SELECT d.subscriber || ' of ' || e.key || ' is ' || d.state || coalesce(' (' || d.code || ')', '')
       || ', attempt ' || d.attempt || ', due ' || d.next_at || ', deaths ' || d.deaths
       || ', lane ' || coalesce(d.lane, '-')
  FROM hub.delivery d JOIN hub.event e ON e.id = d.event_id WHERE d.{OPEN} ORDER BY d.id
"""
# What an engineer asks first where something is wrong.
EVIDENCE = """
SELECT 'connection ' || name || ' is ' || state || ': ' || paused_code || ' ' || paused_reason FROM hub.connection
 WHERE state <> 'on'
UNION ALL
SELECT 'case ' || code || ' about ' || about || ', ' || count || ' times: ' || title FROM hub.exception_case
 WHERE state NOT IN ('resolved', 'dismissed')
UNION ALL
SELECT 'attempts that ended as ' || outcome || ' ' || code || ': ' || count(*) FROM hub.attempt GROUP BY outcome, code
UNION ALL
SELECT d.subscriber || ' ' || d.state || ': ' || count(*) FROM hub.delivery d GROUP BY d.subscriber, d.state
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong, one line each; all empty is what we want. `orders` were placed; `sent` counts the shop's webhooks
    of them, repeats too; `accepted` are kept as notices, `posted` stand in the ERP."""

    orders: int
    sent: int
    accepted: int
    posted: int
    lost: Sequence[str]
    doubled: Sequence[str]
    stuck: Sequence[str]
    stock: Sequence[str]

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.stuck or self.stock)


def is_recovered(line: psycopg.Connection[Any], outside: Outside, moment: datetime) -> bool:
    """Whether every order's number is at the shop and nothing that was told before `moment` is open."""
    row = line.execute(
        f"SELECT count(*) FROM hub.delivery d JOIN hub.event e ON e.id = d.event_id WHERE d.{OPEN} AND e.at <= %s",
        (moment,),
    ).fetchone()
    if row is None or row[0]:
        return False
    told = {str(field["owner_id"]) for field in outside.books("metafields")}
    return all(str(order["id"]) in told for order in outside.books("orders"))


def judge(line: psycopg.Connection[Any], outside: Outside) -> Verdict:
    """Compare what was ordered with what the ERP, the shop and the hub hold."""
    stuck = [str(row[0]) for row in line.execute(WAITING)]
    books = outside.books()
    return Verdict(
        orders=len(books["orders"]),
        sent=sum(webhook.get("topic") == "orders/create" for webhook in books["webhooks"]),
        accepted=_counted(line),
        posted=len(_documents(books)),
        lost=[*_not_posted(books), *_not_told(books), *_not_shown(books)],
        doubled=_doubled(books),
        stuck=stuck,
        stock=[*(str(row[0]) for row in line.execute(STOCK)), *_not_reserved(line, books)],
    )


def _counted(line: psycopg.Connection[Any]) -> int:
    row = line.execute(ACCEPTED).fetchone()
    return int(row[0]) if row else 0


def _documents(books: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """The ERP's sales orders by the shop's order; a document that is fully invoiced is still in the books."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for document in books.get("salesOrders", ()):
        found.setdefault(document["externalDocumentNumber"].rpartition("-")[2], []).append(document)
    return found


def _not_posted(books: Mapping[str, Any]) -> list[str]:
    held = _documents(books)
    return [f"order {order['id']} is not in the ERP" for order in books["orders"] if str(order["id"]) not in held]


def _doubled(books: Mapping[str, Any]) -> list[str]:
    posted = [
        f"order {order}: {', '.join(document['number'] for document in documents)}"
        for order, documents in _documents(books).items()
        if len(documents) > 1
    ]
    left, shown = _sent_off(books), _shown(books)
    return posted + [
        f"order {order}: {left[order]} pieces left, {n} are shown" for order, n in shown.items() if n > left[order]
    ]


def _not_told(books: Mapping[str, Any]) -> list[str]:
    """Orders of which the shop does not show the number of the ERP's document."""
    shown = {str(field["owner_id"]): field["value"] for field in books.get("metafields", ())}
    held = _documents(books)
    return [
        f"order {order['id']} does not show {held[str(order['id'])][0]['number']} but {shown.get(str(order['id']))}"
        for order in books["orders"]
        if str(order["id"]) in held and held[str(order["id"])][0]["number"] != shown.get(str(order["id"]))
    ]


def _not_shown(books: Mapping[str, Any]) -> list[str]:
    """Orders of which the shop shows less than has left."""
    left, shown = _sent_off(books), _shown(books)
    return [
        f"order {order}: {n} pieces left, {shown[order]} are shown" for order, n in left.items() if n > shown[order]
    ]


def _sent_off(books: Mapping[str, Any]) -> Counter[str]:
    """Pieces that left the ERP's warehouse, by the shop's order."""
    left: Counter[str] = Counter()
    for shipment in books.get("salesShipments", ()):
        order = shipment["externalDocumentNumber"].rpartition("-")[2]
        left[order] += sum(int(row["quantity"]) for row in shipment["salesShipmentLines"] if row["lineType"] == "Item")
    return left


def _shown(books: Mapping[str, Any]) -> Counter[str]:
    """Pieces that the shop shows as fulfilled, by order."""
    shown: Counter[str] = Counter()
    for fulfilment in books.get("fulfillments", ()):
        if fulfilment["status"] == "success":
            shown[str(fulfilment["order_id"])] += sum(row["quantity"] for row in fulfilment["line_items"])
    return shown


def _not_reserved(line: psycopg.Connection[Any], books: Mapping[str, Any]) -> list[str]:
    """Orders whose goods the hub does not hold, or hold sent off, in exactly the quantity that was ordered."""
    wanted = _summed((str(order["id"]), row["sku"], row["current_quantity"]) for order in books["orders"]
                     for row in order["line_items"] if row["sku"] and not row["gift_card"])  # fmt: skip
    lives = _summed((str(order), str(sku), quantity) for order, sku, quantity in line.execute(LIVES, (list(GOODS),)))
    return [
        f"order {order}, {sku}: ordered {wanted.get((order, sku), 0)}, reserved {lives.get((order, sku), 0)}"
        for order, sku in sorted({*wanted, *lives})
        if wanted.get((order, sku), 0) != lives.get((order, sku), 0)
    ]


def _summed(rows: Iterable[tuple[str, str, Any]]) -> dict[tuple[str, str], Decimal]:
    sums: dict[tuple[str, str], Decimal] = {}
    for order, sku, quantity in rows:
        sums[order, sku] = sums.get((order, sku), Decimal(0)) + Decimal(quantity)
    return sums


def evidence(line: psycopg.Connection[Any]) -> tuple[str, ...]:
    """What the hub itself knows of its troubles."""
    return tuple(str(row[0]) for row in line.execute(EVIDENCE))
