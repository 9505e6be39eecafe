"""/_shopify/…: what the shop's customers and its merchant do, for tests and the demo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify import cancelling, editing, payments, placing, refunding, shopping
from app.sandbox.shopify.bulk import Bulk
from app.sandbox.shopify.money_mutations import moved
from app.sandbox.shopify.mutations import both_sides, shown
from app.sandbox.shopify.records import changes_of
from app.sandbox.shopify.refund_documents import PaidBack, Refunding, Returned, shipping_left
from app.sandbox.shopify.store import SCOPES, Rejected, Store
from app.sandbox.web import Answer, Request, Unreadable, json_answer, refusal

_OWN_OBJECT = {
    "refunds/create": "refunds",
    "fulfillments/create": "fulfillments",
    "fulfillments/update": "fulfillments",
}

_OWN_FIELDS = ("address", "format", "fields", "filter", "api_version")


class Controls:
    """Answers the shop's controls. A refusal by the shop's own rules is 422 with the sentence."""

    def __init__(self, store: Store, bulk: Bulk, seed: int) -> None:
        self._store, self._bulk = store, bulk
        self._random = Random(seed)

    def answer(self, request: Request) -> Answer:
        """Answer one control."""
        parts = request.path.split("/")[1:]
        if request.method != "POST":
            return refusal(405, "The shop's controls know POST.")
        wishes = request.json() if request.body else {}
        if not isinstance(wishes, dict):
            raise Unreadable("A control's body is an object.")
        try:
            return json_answer(self._do(parts, wishes))
        except Rejected as rejected:
            return refusal(422, rejected.message)

    def place(self, random: Random, wishes: Mapping[str, Any]) -> Document:
        """Place an order: `order` a document as it is, anything else wishes for a cart."""
        if "order" in wishes:
            return placing.adopt(self._store, wishes["order"])
        if "seed" in wishes:
            random = Random(int(wishes["seed"]))
        return placing.place(self._store, shopping.wished_cart(self._store, random, wishes))

    def _do(self, parts: list[str], wishes: Mapping[str, Any]) -> Document:
        match parts:
            case ["orders"]:
                return self.place(self._random, wishes)
            case ["orders", number, act] if number.isdigit() and act in _ACTS:
                return _ACTS[act](self._store, self._store.order(int(number)), wishes)
            case ["webhooks", "emit"]:
                return self._emit(wishes)
            case ["subscriptions"]:
                return _subscriptions(self._store, wishes)
            case ["bulk"]:
                return self._bulk.switch(wishes)
            case ["scopes"]:
                self._store.scopes = frozenset(wishes.get("scopes", SCOPES))
                return {"scopes": sorted(self._store.scopes)}
        known = ", ".join(sorted(_ACTS))
        raise Unreadable(
            f"The shop's controls are orders, orders/{{id}}/{{{known}}}, webhooks/emit, "
            f"subscriptions, bulk and scopes; {'/'.join(parts)!r} is none."
        )

    def _emit(self, wishes: Mapping[str, Any]) -> Document:
        topic, copies = str(wishes.get("topic", "orders/updated")), int(wishes.get("copies", 1))
        if topic == "app/uninstalled":
            payload: Document = {"id": 1, "domain": self._store.settings.shop_domain, "name": "Marlow Outdoor"}
        else:
            order = self._store.order(int(wishes.get("order_id", 0)))
            payload = order
            if topic in _OWN_OBJECT:
                listed = order[_OWN_OBJECT[topic]]
                if not listed:
                    raise Rejected(f"Order {order['id']} has no {_OWN_OBJECT[topic]} to tell of.")
                payload = listed[-1]
        return {"heard": self._store.emit(topic, payload, copies=copies)}


def _subscriptions(store: Store, wishes: Mapping[str, Any]) -> Document:
    """Change what the shop tells behind its app's back: `topic` (empty for all), then `gone` or fields of its own."""
    topic, changes = str(wishes.get("topic", "")), {name: wishes[name] for name in _OWN_FIELDS if name in wishes}
    found = [each for each in store.records.all("webhookSubscriptions") if topic in {"", each["topic"]}]
    gone = {"_deleted": True} if wishes.get("gone") else {}
    store.records.write(changes_of("webhookSubscriptions", [{**each, **changes, **gone} for each in found]))
    return {"changed": len(found)}


def _cancel(store: Store, order: Document, wishes: Mapping[str, Any]) -> Document:
    reason = str(wishes.get("reason", "customer"))
    if reason not in cancelling.REASONS:
        raise Unreadable(f"{reason!r} is no reason; give one of {', '.join(sorted(cancelling.REASONS))}.")
    restock = "cancel" if wishes.get("restock", True) else "no_restock"
    pay_back = "original" if wishes.get("refund", True) else "none"
    return cancelling.cancel(store, order["id"], reason=reason, restock=restock, pay_back=pay_back)


def _edit(store: Store, order: Document, wishes: Mapping[str, Any]) -> Document:
    """Set current quantities: `lines` [{id or sku, quantity}], what shall be left of each."""
    quantities = {_line(order, each): int(each["quantity"]) for each in wishes.get("lines", ())}
    return editing.commit(store, order["id"], quantities, restock=bool(wishes.get("restock", True)))


def _pay(store: Store, order: Document, wishes: Mapping[str, Any]) -> Document:
    """Capture what is authorised, or take what is outstanding; `amount` in the currency the customer was shown."""
    with store.records.lock:
        transactions = store.records.of_order("transactions", order["id"])
        opened = [
            each for each in transactions if each["kind"] == "authorization" and payments.open_part(transactions, each)
        ]
        parent = opened[0] if opened else None
        due = payments.open_part(transactions, parent) if parent else payments.outstanding(order, transactions)
        if not due:
            raise Rejected(f"Nothing is outstanding on order {order['id']}.")
        amount = both_sides(shown(str(wishes["amount"]), order), due) if "amount" in wishes else due
        kind = "capture" if parent else "sale"
        return moved(store, order, payments.transaction(store, order, kind, amount, parent=parent))


def _refund(store: Store, order: Document, wishes: Mapping[str, Any]) -> Document:
    """Refund `lines` [{id or sku, quantity, restock}], `shipping` (true for all), and `amount`; empty refunds all."""
    with store.records.lock:
        if not wishes:
            return refunding.refund(store, order["id"], refunding.whole(store, order, "no_restock"))[1]
        returned = tuple(
            Returned(
                line=_line(order, each), quantity=int(each["quantity"]), restock=str(each.get("restock", "no_restock"))
            )
            for each in wishes.get("lines", ())
        )
        shipping = (shipping_left(order) or None) if wishes.get("shipping") else None
        asked = Refunding(returned=returned, shipping=shipping, note=wishes.get("note"))
        owed = refunding.worth_of(store, order, asked)
        if "amount" in wishes:
            owed = both_sides(shown(str(wishes["amount"]), order), owed)
        paid = _from_gateways(store, order, owed) if owed else ()
        asked = Refunding(returned=returned, shipping=shipping, paid_back=paid, note=wishes.get("note"))
        return refunding.refund(store, order["id"], asked)[1]


def _from_gateways(store: Store, order: Document, owed: Any) -> tuple[PaidBack, ...]:
    """Take an amount from the transactions that brought money in, the last first."""
    transactions = store.records.of_order("transactions", order["id"])
    found: list[PaidBack] = []
    for each in reversed(transactions):
        most = payments.refundable(transactions, each)
        take = owed if owed.presentment.minor <= most.presentment.minor else most
        if take and most:
            found.append(PaidBack(parent=each, amount=take))
            owed = owed - take
    return tuple(found)


def _line(order: Document, wish: Mapping[str, Any]) -> int:
    for line in order["line_items"]:
        if wish.get("id") == line["id"] or ("sku" in wish and wish["sku"] == line["sku"]):
            return int(line["id"])
    raise Rejected(f"Order {order['id']} has no line {wish.get('id') or wish.get('sku')!r}.")


_ACTS: Mapping[str, Callable[[Store, Document, Mapping[str, Any]], Document]] = {
    "cancel": _cancel,
    "edit": _edit,
    "pay": _pay,
    "refund": _refund,
}
