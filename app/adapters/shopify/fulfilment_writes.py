"""The single writes that a shipment is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.adapters.shopify.client import Admin, user_errors
from app.adapters.shopify.documents import fulfilments
from app.adapters.shopify.fulfilment_plan import Accept, Clearing, Open, Pick, Release
from app.adapters.shopify.fulfilment_state import GID
from app.adapters.shopify.refusals import refusal
from app.domains.orders.ports import Fulfilment

_LOCATION = "gid://shopify/Location/"


@dataclass(frozen=True, slots=True)
class Writes:
    """Writes fulfilments; each raises what its user errors mean. `carriers` gives the names that Shopify knows."""

    admin: Admin
    carriers: Mapping[str, str]

    def create(self, shipment: Fulfilment, picks: tuple[Pick, ...], *, notify: bool) -> str:
        """One fulfilment of one location's picks; its id. Lines are always named: a blank list would fulfil all."""
        by_order: dict[str, list[dict[str, Any]]] = {}
        for pick in picks:
            by_order.setdefault(pick.order, []).append({"id": pick.line, "quantity": pick.quantity})
        content: dict[str, Any] = {
            "notifyCustomer": notify,
            "lineItemsByFulfillmentOrder": [
                {"fulfillmentOrderId": order, "fulfillmentOrderLineItems": lines} for order, lines in by_order.items()
            ],
        }
        if tracking := self._tracking(shipment):
            content["trackingInfo"] = tracking
        payload = self._change(fulfilments.CREATE_FULFILMENT, about=shipment.shipment_id, fulfillment=content)
        return str(payload["fulfillment"]["id"]).rpartition("/")[2]

    def track(self, external_id: str, shipment: Fulfilment, *, notify: bool) -> None:
        """Replace the tracking of a fulfilment by the shipment's."""
        tracking = self._tracking(shipment)
        gid = f"{GID}{external_id}"
        self._change(fulfilments.UPDATE_TRACKING, about=external_id, id=gid, tracking=tracking, notify=notify)

    def cancel(self, external_id: str) -> None:
        """Take a fulfilment back; the shop opens new fulfilment orders for its units."""
        self._change(fulfilments.CANCEL_FULFILMENT, about=external_id, id=f"{GID}{external_id}")

    def clear(self, one: Clearing) -> None:
        """Take one obstacle away."""
        if isinstance(one, Release):
            self._change(fulfilments.RELEASE_HOLDS, about=one.order, id=one.order, holds=list(one.holds))
        elif isinstance(one, Open):
            self._change(fulfilments.OPEN_FULFILMENT_ORDER, about=one.order, id=one.order)
        elif isinstance(one, Accept):
            self._change(fulfilments.ACCEPT_REQUEST, about=one.order, id=one.order)
        else:
            lines = [{"id": pick.line, "quantity": pick.quantity} for pick in one.picks]
            there = f"{_LOCATION}{one.location}"
            self._change(fulfilments.MOVE_LINES, about=one.order, id=one.order, location=there, lines=lines)

    def _change(self, document: str, *, about: str, **variables: Any) -> Mapping[str, Any]:
        (payload,) = self.admin.change(document, **variables).values()
        if errors := user_errors(payload):
            raise refusal(errors, about=about)
        return dict(payload)

    def _tracking(self, shipment: Fulfilment) -> dict[str, Any]:
        packages = [package for package in shipment.packages if package.tracking_number]
        if not packages:
            return {}
        said: dict[str, Any] = {"numbers": [package.tracking_number for package in packages]}
        if carrier := packages[0].carrier:
            said["company"] = self.carriers.get(carrier, carrier)
        if all(package.tracking_url for package in packages):
            said["urls"] = [package.tracking_url for package in packages]
        return said
