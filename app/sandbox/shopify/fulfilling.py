"""Fulfilments: units leave a place, with tracking, and may be taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify import fulfillment_orders, stock
from app.sandbox.shopify.fulfillment_orders import Picks
from app.sandbox.shopify.records import changes_of, gid
from app.sandbox.shopify.store import Rejected, Store

SHIPPABLE = frozenset({"open", "in_progress"})
MOST_LINES = 512  # the vendor's own text of FulfillmentOrderLineItemsInput
_FIELD = ("fulfillment",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """How a parcel can be followed."""

    company: str | None = None
    numbers: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the tracking as a REST fulfilment carries it."""
        return {
            "tracking_company": self.company,
            "tracking_number": self.numbers[0] if self.numbers else None,
            "tracking_numbers": list(self.numbers),
            "tracking_url": self.urls[0] if self.urls else None,
            "tracking_urls": list(self.urls),
        }


def fulfill(store: Store, wanted: Sequence[tuple[int | None, Picks]], tracking: Tracking) -> Document:
    """Fulfil units of one or more fulfilment orders of one order and place. Raises Rejected as the shop refuses."""
    with store.records.lock:
        documents = [fulfillment_orders.find(store, number, *_FIELD) for number, _ in wanted]
        _check(documents)
        units = []
        for document, (_, picks) in zip(documents, wanted, strict=True):
            if len(picks) > MOST_LINES:
                raise Rejected(f"A maximum of {MOST_LINES} fulfillment order line items can be given.", *_FIELD)
            units.append(fulfillment_orders.checked_picks(document, picks, *_FIELD))
        if not any(quantity for each in units for quantity in each.values()):
            raise Rejected("Fulfillment must have at least one item.", *_FIELD)
        return _create(store, list(zip(documents, units, strict=True)), tracking)


def track(store: Store, number: int | None, tracking: Tracking) -> Document:
    """Replace a fulfilment's tracking. Raises Rejected when it does not exist or was cancelled."""
    with store.records.lock:
        fulfillment = _find(store, number, "fulfillmentId")
        if fulfillment["status"] == "cancelled":
            raise Rejected("Fulfillment is cancelled.", "fulfillmentId")
        changed = {**fulfillment, **tracking.document(), "updated_at": store.now()}
        _keep(store, store.order(int(changed["order_id"])), changed, [], {})
        store.emit("fulfillments/update", changed)
        return changed


def cancel(store: Store, number: int | None) -> Document:
    """Take a fulfilment back: its units get fulfilment orders of their own. Raises Rejected when that is impossible."""
    with store.records.lock:
        fulfillment = _find(store, number, "id")
        if fulfillment["status"] == "cancelled":
            raise Rejected("Fulfillment has already been cancelled.", "id")
        changed = {**fulfillment, "status": "cancelled", "updated_at": store.now()}
        order = store.order(int(fulfillment["order_id"]))
        lines = {line["id"]: line for line in order["line_items"]}
        rows = [
            row
            for row in store.records.of_order("fulfillmentLineItems", order["id"])
            if row["fulfillment_id"] == fulfillment["id"]
        ]
        place = store.records.read("locations", fulfillment["location_id"])
        assert place is not None
        freed = [(lines[row["line_item_id"]], int(row["quantity"])) for row in rows]
        fresh = fulfillment_orders.new_order(store, order, place, freed, "shipping")
        _keep(store, order, changed, [fresh], {line["id"]: -quantity for line, quantity in freed})
        store.emit("fulfillments/update", changed)
        return changed


def _check(documents: Sequence[Document]) -> None:
    if not documents:
        raise Rejected("Line items by fulfillment order can't be blank", *_FIELD)
    for document in documents:
        if document["status"] not in SHIPPABLE or "create_fulfillment" not in document["supported_actions"]:
            raise Rejected(
                f"Fulfillment order {document['id']} has an unfulfillable status= {document['status']}.", *_FIELD
            )
    if len({document["order_id"] for document in documents}) > 1:
        raise Rejected("All fulfillment orders must belong to the same order.", *_FIELD)
    if len({document["assigned_location_id"] for document in documents}) > 1:
        raise Rejected("All fulfillment orders must be assigned to the same location.", *_FIELD)


def _create(store: Store, parts: Sequence[tuple[Document, Mapping[int, int]]], tracking: Tracking) -> Document:
    number, instant = store.records.next_id(), store.now()
    order = store.order(int(parts[0][0]["order_id"]))
    shipped: dict[int, int] = {}
    rows, changed = [], []
    for document, units in parts:
        changed.append(
            fulfillment_orders.with_units(document, {line: -quantity for line, quantity in units.items()}, instant)
        )
        for line in document["line_items"]:
            quantity = units.get(line["id"], 0)
            if quantity:
                shipped[line["line_item_id"]] = shipped.get(line["line_item_id"], 0) + quantity
                rows.append(_row(store, number, document, line, quantity))
    fulfillment = {
        "id": number,
        "admin_graphql_api_id": gid("Fulfillment", number),
        "order_id": order["id"],
        "status": "success",
        "created_at": instant,
        "updated_at": instant,
        "service": "manual",
        "shipment_status": None,
        "location_id": parts[0][0]["assigned_location_id"],
        "origin_address": None,
        "receipt": {},
        "name": f"{order['name']}.{len(order['fulfillments']) + 1}",
        "line_items": [
            {**line, "quantity": shipped[line["id"]]} for line in order["line_items"] if line["id"] in shipped
        ],
        **tracking.document(),
    }
    _keep(store, order, fulfillment, changed, shipped, rows)
    store.emit("fulfillments/create", fulfillment)
    return fulfillment


def _row(store: Store, fulfillment: int, document: Document, line: Document, quantity: int) -> dict[str, Any]:
    return {
        "id": store.records.next_id(),
        "order_id": document["order_id"],
        "fulfillment_id": fulfillment,
        "fulfillment_order_id": document["id"],
        "line_item_id": line["line_item_id"],
        "quantity": quantity,
    }


def _keep(
    store: Store,
    order: Document,
    fulfillment: Document,
    changed: Sequence[Document],
    shipped: Mapping[int, int],
    rows: Sequence[Document] = (),
) -> None:
    """Write a fulfilment, its fulfilment orders and the order, whose lines shipped units; tell of the order."""
    others = [each for each in order["fulfillments"] if each["id"] != fulfillment["id"]]
    lines = [_shipped(line, shipped.get(line["id"], 0)) for line in order["line_items"]]
    after = {
        **order,
        "line_items": lines,
        "fulfillments": [*others, fulfillment],
        "fulfillment_status": _fulfillment_status(lines),
        "updated_at": store.now(),
    }
    store.records.write(
        [
            *changes_of("fulfillments", [fulfillment]),
            *changes_of("fulfillmentLineItems", rows),
            *changes_of("fulfillmentOrders", changed),
            *changes_of("orders", [after]),
            *stock.shipped(store, order, int(fulfillment["location_id"]), shipped),
        ]
    )
    store.emit("orders/updated", after)


def _shipped(line: Document, quantity: int) -> Document:
    if not quantity:
        return line
    left = line["fulfillable_quantity"] - quantity
    status = "fulfilled" if not left else "partial" if left < line["current_quantity"] else None
    return {**line, "fulfillable_quantity": left, "fulfillment_status": status}


def _fulfillment_status(lines: Sequence[Document]) -> str | None:
    statuses = {line["fulfillment_status"] for line in lines if line["current_quantity"] and not _tip(line)}
    if statuses == {"fulfilled"}:
        return "fulfilled"
    return "partial" if statuses & {"fulfilled", "partial"} else None


def _tip(line: Document) -> bool:
    return bool(line.get("tip_payment_gateway"))


def _find(store: Store, number: int | None, *field: str) -> Document:
    fulfillment = store.records.read("fulfillments", number)
    if fulfillment is None:
        raise Rejected("Fulfillment does not exist.", *field)
    return fulfillment
