"""Order editing: quantities up or down, and new lines, in a session that only its commit makes true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.sandbox.books import Change, Document
from app.sandbox.shopify import agreements, fulfillment_orders, payments, stock
from app.sandbox.shopify.pairs import Pair, together
from app.sandbox.shopify.records import changes_of
from app.sandbox.shopify.store import Rejected, Store


def check(order: Document) -> None:
    """Raise Rejected when an order cannot be edited."""
    if order["cancelled_at"] is not None:
        raise Rejected("The order cannot be edited because it is cancelled", "id")


def commit(
    store: Store, number: int, quantities: Mapping[int, int], *, restock: bool = True, staff_note: str | None = None
) -> Document:
    """Set the current quantities of lines of an order, and tell of it. Raises Rejected as the shop refuses."""
    with store.records.lock:
        order = store.order(number)
        check(order)
        deltas = changed(order, quantities)
        if not deltas:
            raise Rejected("There must be at least one change to be made", "id")
        sales, after = staged(store, order, deltas)
        changes = [
            *changes_of("orders", [after]),
            *changes_of("agreements", [agreements.agreement(store, order, "ORDER_EDIT", sales)]),
            *_goods(store, order, deltas, restock=restock),
        ]
        store.records.write(changes)
        store.emit("orders/edited", _notice(store, after, deltas, staff_note))
        store.emit("orders/updated", after)
        return after


def changed(order: Document, quantities: Mapping[int, int]) -> dict[int, int]:
    """Return by how much the current quantities of lines change. Raises Rejected where the shop refuses."""
    return {line: delta for line, quantity in quantities.items() if (delta := _delta(order, line, quantity))}


def _delta(order: Document, number: int, quantity: int) -> int:
    line = next((each for each in order["line_items"] if each["id"] == number), None)
    if line is None:
        raise Rejected("Line item does not exist", "lineItemId")
    if line.get("tip_payment_gateway"):
        raise Rejected("A tip cannot be edited", "lineItemId")
    shipped = line["current_quantity"] - line["fulfillable_quantity"]
    if quantity < 0 or quantity < shipped:
        raise Rejected("Quantity must be greater than or equal to the fulfilled quantity", "quantity")
    return int(quantity - line["current_quantity"])


def staged(store: Store, order: Document, deltas: Mapping[int, int]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the sales of an edit and the order after it, keeping neither."""
    none = agreements.nothing(order)
    sales, lines, amounts = [], [], []
    for line in order["line_items"]:
        delta = deltas.get(line["id"], 0)
        if delta:
            amount = _removed(line, -delta, none) if delta < 0 else _added(line, delta, none)
            sales.append(agreements.line_sale(store, order, line, delta, amount))
            amounts.append((delta, amount))
        lines.append(_line(line, delta, none))
    after: dict[str, Any] = {**order, "line_items": lines, "updated_at": store.now()}
    tax_due = none if order["taxes_included"] else together((tax for _, (_, _, tax) in amounts), none)
    moved = {
        "current_subtotal_price": together((net for _, (net, _, _) in amounts), none),
        "current_total_discounts": together((discount for _, (_, discount, _) in amounts), none),
        "current_total_tax": together((tax for _, (_, _, tax) in amounts), none),
    }
    moved["current_total_price"] = moved["current_subtotal_price"] + tax_due
    for name, more in {**moved, **_ordered(order, amounts, none)}.items():
        total = Pair.read(order[f"{name}_set"]) + more
        after |= {name: total.text, f"{name}_set": total.set}
    after["tax_lines"] = _order_taxes(order, deltas, none)
    return sales, {**after, **payments.settled(after, store.records.of_order("transactions", order["id"]))}


def _ordered(order: Document, amounts: Sequence[tuple[int, tuple[Pair, Pair, Pair]]], none: Pair) -> dict[str, Pair]:
    """Return what additions add to the totals of everything ever ordered; removals leave those alone."""
    added = [amount for delta, amount in amounts if delta > 0]
    net = together((each[0] for each in added), none)
    tax = together((each[2] for each in added), none)
    return {
        "subtotal_price": net,
        "total_line_items_price": net,
        "total_tax": tax,
        "total_price": net if order["taxes_included"] else net + tax,
    }


def _removed(line: Document, units: int, none: Pair) -> tuple[Pair, Pair, Pair]:
    done = line["quantity"] - line["current_quantity"]
    net, discount, tax = (
        -agreements.share(amount, done, units, line["quantity"]) for amount in agreements.worth(line, none)
    )
    return net, discount, tax


def _added(line: Document, units: int, none: Pair) -> tuple[Pair, Pair, Pair]:
    """Return what more units cost: at the price of one, without the discounts, taxed at the line's rates."""
    price = Pair.read(line["price_set"]) * units
    return price, none, together(_taxes_on(line, price), none)


def _taxes_on(line: Document, price: Pair) -> list[Pair]:
    """Return each of a line's taxes on some more of it, in proportion to what it bears already."""
    before = Pair.read(line["price_set"]) * line["quantity"]
    taken = together((Pair.read(each["amount_set"]) for each in line["discount_allocations"]), price.none)
    base = (before - taken).shop.minor
    return [
        agreements.share(Pair.read(tax["price_set"]), 0, price.shop.minor, base) if base else price.none
        for tax in line["tax_lines"]
    ]


def _line(line: Document, delta: int, none: Pair) -> Document:
    if not delta:
        return line
    taxes = line["tax_lines"]
    if delta > 0:
        more = _taxes_on(line, Pair.read(line["price_set"]) * delta)
        taxes = [_more(tax, amount) for tax, amount in zip(taxes, more, strict=True)]
    return {
        **line,
        "quantity": line["quantity"] + max(delta, 0),
        "current_quantity": line["current_quantity"] + delta,
        "fulfillable_quantity": line["fulfillable_quantity"] + delta,
        "tax_lines": taxes,
    }


def _order_taxes(order: Document, deltas: Mapping[int, int], none: Pair) -> list[Document]:
    """Return the order's tax lines with the taxes of added units."""
    added: dict[tuple[str, str], Pair] = {}
    for line in order["line_items"]:
        delta = deltas.get(line["id"], 0)
        if delta > 0:
            more = _taxes_on(line, Pair.read(line["price_set"]) * delta)
            for tax, amount in zip(line["tax_lines"], more, strict=True):
                name = (tax["title"], str(tax["rate"]))
                added[name] = added.get(name, none) + amount
    return [_more(tax, added.get((tax["title"], str(tax["rate"])), none)) for tax in order["tax_lines"]]


def _more(tax: Document, amount: Pair) -> Document:
    total = Pair.read(tax["price_set"]) + amount
    return {**tax, "price": total.text, "price_set": total.set}


def _goods(store: Store, order: Document, deltas: Mapping[int, int], *, restock: bool) -> list[Change]:
    """Return the changes of fulfilment orders and stock that an edit makes."""
    lines = {line["id"]: line for line in order["line_items"]}
    fewer = {line: -delta for line, delta in deltas.items() if delta < 0}
    more = [(lines[line], delta) for line, delta in deltas.items() if delta > 0]
    changes = fulfillment_orders.without_units(store, order, fewer)
    levels = stock.Levels(store)
    if restock:
        stock.release(store, levels, order, fewer)
    waiting = store.records.of_order("fulfillmentOrders", order["id"])
    place = store.records.read("locations", waiting[0]["assigned_location_id"]) if waiting else None
    if more and place is not None:
        fresh = fulfillment_orders.new_order(store, order, place, more, "shipping")
        stock.commit(levels, [fresh])
        changes += changes_of("fulfillmentOrders", [fresh])
    return [*changes, *levels.changes()]


def _notice(store: Store, order: Document, deltas: Mapping[int, int], staff_note: str | None) -> dict[str, Any]:
    """Return what orders/edited carries: the edit, not the order."""
    nothing: dict[str, list[object]] = {"additions": [], "removals": []}
    return {
        "order_edit": {
            "id": store.records.next_id(),
            "app_id": None,
            "created_at": order["updated_at"],
            "committed_at": order["updated_at"],
            "notify_customer": False,
            "order_id": order["id"],
            "staff_note": staff_note,
            "user_id": None,
            "line_items": {
                "additions": [{"id": line, "delta": delta} for line, delta in deltas.items() if delta > 0],
                "removals": [{"id": line, "delta": -delta} for line, delta in deltas.items() if delta < 0],
            },
            "discounts": {"line_item": nothing},
            "shipping_lines": nothing,
        }
    }
