"""Mutations of orders: metafields, tags, what the merchant notes, cancelling, editing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify import cancelling, editing
from app.sandbox.shopify.jobs import Jobs
from app.sandbox.shopify.mutations import Mutations, Payload, error, mutation, number, order_of
from app.sandbox.shopify.order_fields import words
from app.sandbox.shopify.records import changes_of, gid, metafield_key, number_of
from app.sandbox.shopify.shop_fields import node
from app.sandbox.shopify.store import Rejected
from app.sandbox.shopify.views import Arguments, Query, View

_MOST_METAFIELDS = 25
_OWNERS = ("Order", "Product", "ProductVariant")


def _set_metafields(arguments: Arguments, query: Query) -> Payload:
    given: Sequence[Mapping[str, Any]] = arguments["metafields"]
    if len(given) > _MOST_METAFIELDS:
        raise Rejected(f"Exceeded the maximum metafields input limit of {_MOST_METAFIELDS}.", "metafields")
    with query.store.records.lock:
        documents, errors = [], []
        for place, each in enumerate(given):
            try:
                documents.append(_metafield(each, query, str(place)))
            except Rejected as refusal:
                errors.append({**error(refusal), "element_index": place})
        if errors:
            return {"user_errors": errors}
        query.store.records.write(changes_of("metafields", documents))
    return {"metafields": [View("Metafield", each) for each in documents]}


def _metafield(given: Mapping[str, Any], query: Query, place: str) -> Document:
    """Build a metafield, the one that is there already with its new value. Raises Rejected as the shop refuses."""
    field = ("metafields", place)
    owner = next((kind for kind in _OWNERS if node(query, kind, given["ownerId"]) is not None), None)
    if owner is None:
        raise Rejected("Owner does not exist.", *field, "ownerId", code="INVALID")
    space, name = given.get("namespace") or "custom", given["key"]
    before = query.store.records.read("metafields", metafield_key(given["ownerId"], space, name))
    kind = given.get("type") or (before["type"] if before else None)
    _check_metafield(space, name, kind, given["value"], field)
    instant = query.store.now()
    serial = before["id"] if before else query.store.records.next_id()
    if before is not None and before["value"] == given["value"]:
        return before
    return {
        "id": serial,
        "admin_graphql_api_id": gid("Metafield", serial),
        "namespace": space,
        "key": name,
        "value": given["value"],
        "type": kind,
        "description": None,
        "owner": given["ownerId"],
        "owner_id": number_of(given["ownerId"], owner),
        "owner_resource": owner.lower(),
        "created_at": before["created_at"] if before else instant,
        "updated_at": instant,
    }


def _check_metafield(space: str, name: str, kind: str | None, value: str, field: tuple[str, ...]) -> None:
    if len(space) < 3:
        raise Rejected("Namespace is too short (minimum is 3 characters)", *field, "namespace", code="TOO_SHORT")
    if len(name) < 2:
        raise Rejected("Key is too short (minimum is 2 characters)", *field, "key", code="TOO_SHORT")
    if not kind:
        raise Rejected("Type can't be blank", *field, "type", code="BLANK")
    if not value:
        raise Rejected("Value may not be empty", *field, "value", code="BLANK")
    if not _fits(kind, value):
        raise Rejected(f"Value is invalid for type {kind}.", *field, "value", code="INVALID_VALUE")


def _fits(kind: str, value: str) -> bool:
    if kind == "single_line_text_field":
        return "\n" not in value
    if kind == "number_integer":
        return value.lstrip("-").isdigit()
    if kind == "boolean":
        return value in {"true", "false"}
    if kind == "json":
        try:
            json.loads(value)
        except ValueError:
            return False
    return True


def _tag(arguments: Arguments, query: Query, *, add: bool) -> Payload:
    with query.store.records.lock:
        order = order_of(query.store, arguments["id"], "id")
        before = words(order["tags"])
        given = [word for text in arguments["tags"] for word in words(text)]
        if add and any(len(word) > 40 for word in given):
            raise Rejected("Tags is invalid", "tags")
        known = {word.lower() for word in before}
        dropped = {word.lower() for word in given}
        after = (
            before + [word for word in dict.fromkeys(given) if word.lower() not in known]
            if add
            else [word for word in before if word.lower() not in dropped]
        )
        if after != before:
            order = _tagged(query, order, after)
        return {"node": View("Order", order)}


def _tagged(query: Query, order: Document, tags: Sequence[str], **more: Any) -> Document:
    changed = {**order, **more, "tags": ", ".join(tags), "updated_at": query.store.now()}
    held = {"id": order["admin_graphql_api_id"], "tags": list(tags)}
    query.store.records.write([*changes_of("orders", [changed]), *changes_of("tags", [held])])
    query.store.emit("orders/updated", changed)
    return changed


def _update(arguments: Arguments, query: Query) -> Payload:
    """Overwrite what the input names: tags, note and attributes that were there are gone, as in the real shop."""
    given = arguments["input"]
    with query.store.records.lock:
        order = order_of(query.store, given["id"], "id")
        more: dict[str, Any] = {}
        for name, key in (("note", "note"), ("email", "email"), ("phone", "phone"), ("poNumber", "po_number")):
            if name in given:
                more[key] = given[name]
        if "customAttributes" in given:
            more["note_attributes"] = [
                {"name": each["key"], "value": each["value"]} for each in given["customAttributes"]
            ]
        if "shippingAddress" in given:
            more["shipping_address"] = {**(order["shipping_address"] or {}), **_address(given["shippingAddress"])}
        tags = [word for text in given.get("tags") or () for word in words(text)]
        changed = _tagged(query, order, tags if "tags" in given else words(order["tags"]), **more)
        return {"order": View("Order", changed)}


def _address(given: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "address1": "address1", "address2": "address2", "city": "city", "company": "company", "firstName": "first_name",
        "lastName": "last_name", "phone": "phone", "provinceCode": "province_code", "zip": "zip", "country": "country",
        "countryCode": "country_code", "province": "province",
    }  # fmt: skip
    return {names[name]: value for name, value in given.items() if name in names}


def cancel_with(jobs: Jobs) -> Mutations:
    """Return orderCancel, which promises a job and answers before it is done."""

    def cancel(arguments: Arguments, query: Query) -> Payload:
        store = query.store
        order = order_of(store, arguments["orderId"], "orderId")
        cancelling.check(store, order)
        method = arguments.get("refundMethod") or {}
        back = arguments.get("refund") or method.get("originalPaymentMethodsRefund")
        wishes = {
            "reason": arguments["reason"].lower(),
            "restock": "cancel" if arguments["restock"] else "no_restock",
            "pay_back": "original" if back else "none",
        }
        job = jobs.promise(order["id"], wishes)
        return {"job": View("Job", job), "job_result": View("OrderCancelJobResult", job)}

    return {"orderCancel": mutation(cancel, "order_cancel_user_errors", "user_errors")}


def _edit_begin(arguments: Arguments, query: Query) -> Payload:
    order = order_of(query.store, arguments["id"], "id")
    editing.check(order)
    document = {"id": query.store.records.next_id(), "order_id": order["id"], "quantities": {}, "committed": False}
    query.store.records.write(changes_of("orderEdits", [document]))
    return _edit_views(document)


def _edit_quantity(arguments: Arguments, query: Query) -> Payload:
    with query.store.records.lock:
        edit = _edit(arguments["id"], query)
        message = "Line item does not exist"
        kind = "CalculatedLineItem" if "/CalculatedLineItem/" in arguments["lineItemId"] else "LineItem"
        line = number(arguments["lineItemId"], kind, message, "lineItemId")
        order = query.store.order(edit["order_id"])
        editing.changed(order, {line: arguments["quantity"]})
        edit = {
            **edit,
            "quantities": {**edit["quantities"], str(line): arguments["quantity"]},
            "restock": bool(arguments.get("restock")),
        }
        query.store.records.write(changes_of("orderEdits", [edit]))
        found = next(each for each in order["line_items"] if each["id"] == line)
        calculated = View("CalculatedLineItem", {**found, "edited": arguments["quantity"]}, order)
        return {**_edit_views(edit), "calculated_line_item": calculated}


def _edit_commit(arguments: Arguments, query: Query) -> Payload:
    with query.store.records.lock:
        edit = _edit(arguments["id"], query)
        quantities = {int(line): quantity for line, quantity in edit["quantities"].items()}
        restock, note = bool(edit.get("restock")), arguments.get("staffNote")
        order = editing.commit(query.store, edit["order_id"], quantities, restock=restock, staff_note=note)
        query.store.records.write(changes_of("orderEdits", [{**edit, "committed": True}]))
        return {"order": View("Order", order), "success_messages": ["Order updated"]}


def _edit(identity: str, query: Query) -> Document:
    serial = number_of(identity, "CalculatedOrder") or number_of(identity, "OrderEditSession")
    edit = query.store.records.read("orderEdits", serial)
    if edit is None or edit["committed"]:
        raise Rejected("The calculated order does not exist", "id")
    return edit


def _edit_views(edit: Document) -> Payload:
    return {"calculated_order": View("CalculatedOrder", edit), "order_edit_session": View("OrderEditSession", edit)}


MUTATIONS: Mutations = {
    "metafieldsSet": mutation(_set_metafields),
    "tagsAdd": mutation(lambda arguments, query: _tag(arguments, query, add=True)),
    "tagsRemove": mutation(lambda arguments, query: _tag(arguments, query, add=False)),
    "orderUpdate": mutation(_update),
    "orderEditBegin": mutation(_edit_begin),
    "orderEditSetQuantity": mutation(_edit_quantity),
    "orderEditCommit": mutation(_edit_commit),
}
