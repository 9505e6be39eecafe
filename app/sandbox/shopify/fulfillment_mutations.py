"""Mutations of fulfilments and fulfilment orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.sandbox.books import Document
from app.sandbox.shopify import fulfilling, routing
from app.sandbox.shopify.fulfilling import Tracking
from app.sandbox.shopify.fulfillment_orders import Picks
from app.sandbox.shopify.mutations import Mutations, Payload, mutation
from app.sandbox.shopify.records import number_of
from app.sandbox.shopify.store import Store
from app.sandbox.shopify.views import Arguments, Query, View


def _view(store: Store, document: Document | None) -> View | None:
    if document is None:
        return None
    return View("FulfillmentOrder", document, store.order(document["order_id"]))


def _picks(given: Sequence[Mapping[str, Any]] | None) -> Picks:
    return [(number_of(each["id"], "FulfillmentOrderLineItem") or 0, each["quantity"]) for each in given or ()]


def _tracking(given: Mapping[str, Any] | None) -> Tracking:
    given = given or {}
    numbers = [*([given["number"]] if given.get("number") else []), *(given.get("numbers") or ())]
    urls = [*([given["url"]] if given.get("url") else []), *(given.get("urls") or ())]
    return Tracking(company=given.get("company"), numbers=tuple(numbers), urls=tuple(urls))


def _fulfillment(store: Store, document: Document) -> Payload:
    return {"fulfillment": View("Fulfillment", document, store.order(document["order_id"]))}


def _create(arguments: Arguments, query: Query) -> Payload:
    given = arguments["fulfillment"]
    wanted = [
        (number_of(each["fulfillmentOrderId"], "FulfillmentOrder"), _picks(each.get("fulfillmentOrderLineItems")))
        for each in given["lineItemsByFulfillmentOrder"]
    ]
    return _fulfillment(query.store, fulfilling.fulfill(query.store, wanted, _tracking(given.get("trackingInfo"))))


def _track(arguments: Arguments, query: Query) -> Payload:
    number = number_of(arguments["fulfillmentId"], "Fulfillment")
    tracking = _tracking(arguments["trackingInfoInput"])
    return _fulfillment(query.store, fulfilling.track(query.store, number, tracking))


def _cancel(arguments: Arguments, query: Query) -> Payload:
    return _fulfillment(query.store, fulfilling.cancel(query.store, number_of(arguments["id"], "Fulfillment")))


def _number(arguments: Arguments) -> int | None:
    return number_of(arguments["id"], "FulfillmentOrder")


def _move(arguments: Arguments, query: Query) -> Payload:
    place = number_of(arguments["newLocationId"], "Location")
    picks = _picks(arguments.get("fulfillmentOrderLineItems"))
    moved, original, left = routing.move(query.store, _number(arguments), place, picks)
    return {
        "moved_fulfillment_order": _view(query.store, moved),
        "original_fulfillment_order": _view(query.store, original),
        "remaining_fulfillment_order": _view(query.store, left),
    }


def _hold(arguments: Arguments, query: Query) -> Payload:
    given = arguments["fulfillmentHold"]
    wishes = {
        "reason": given["reason"].lower(),
        "reason_notes": given.get("reasonNotes"),
        "handle": given.get("handle") or None,
    }
    picks = _picks(given.get("fulfillmentOrderLineItems"))
    held, left = routing.hold(query.store, _number(arguments), wishes, picks)
    return {
        "fulfillment_hold": View("FulfillmentHold", held["fulfillment_holds"][-1]),
        "fulfillment_order": _view(query.store, held),
        "remaining_fulfillment_order": _view(query.store, left),
    }


def _release(arguments: Arguments, query: Query) -> Payload:
    given = arguments.get("holdIds")
    holds = None if given is None else [number_of(each, "FulfillmentHold") or 0 for each in given]
    return {"fulfillment_order": _view(query.store, routing.release(query.store, _number(arguments), holds))}


def _open(arguments: Arguments, query: Query) -> Payload:
    return {"fulfillment_order": _view(query.store, routing.reopen(query.store, _number(arguments)))}


def _accept(arguments: Arguments, query: Query) -> Payload:
    return {"fulfillment_order": _view(query.store, routing.accept(query.store, _number(arguments)))}


def _split(arguments: Arguments, query: Query) -> Payload:
    results = []
    with query.store.records.lock:
        for each in arguments["fulfillmentOrderSplits"]:
            number = number_of(each["fulfillmentOrderId"], "FulfillmentOrder")
            left, fresh = routing.split(query.store, number, _picks(each["fulfillmentOrderLineItems"]))
            results.append(
                {
                    "fulfillment_order": _view(query.store, left),
                    "remaining_fulfillment_order": _view(query.store, fresh),
                    "replacement_fulfillment_order": None,
                }
            )
    return {"fulfillment_order_splits": results}


MUTATIONS: Mutations = {
    "fulfillmentCreate": mutation(_create),
    "fulfillmentTrackingInfoUpdate": mutation(_track),
    "fulfillmentCancel": mutation(_cancel),
    "fulfillmentOrderMove": mutation(_move),
    "fulfillmentOrderHold": mutation(_hold),
    "fulfillmentOrderReleaseHold": mutation(_release),
    "fulfillmentOrderOpen": mutation(_open),
    "fulfillmentOrderSplit": mutation(_split),
    "fulfillmentOrderAcceptFulfillmentRequest": mutation(_accept),
}
