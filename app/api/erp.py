"""What ERPs and warehouses call back: the hub's own contract. Checked, kept as a notice, acknowledged after commit.

401 no key, 403 a key without the scope or of another connection, 404 unknown connection, 409 a key that was used for
another body, 422 a body that breaks a rule, 429 too much of its kind waits (invoices only), 202 kept, or kept before.
"""

from __future__ import annotations

import hashlib
import json

from flask import request
from flask.views import MethodView
from flask_smorest import Blueprint

from app.api.erp_schemas import KeptSchema
from app.domains.orders.ports import ErpAcceptance, ErpInvoice, ErpShipment
from app.domains.orders.schemas import ErpInvoiceSchema, ErpOrderSchema, ErpShipmentSchema
from app.infra.notices import Incoming, kept_before
from app.infra.web.auth import require_scope
from app.infra.web.problems import MEDIA_TYPE, ProblemSchema, correlation_id
from app.infra.web.wiring import hub
from app.kernel.errors import Invalid, Refused

MOST_KEY = 255  # characters of an Idempotency-Key
KEPT_HEADERS = ("content-type", "user-agent", "idempotency-key", "traceparent")
KEY = {
    "parameters": [
        {
            "in": "header", "name": "Idempotency-Key", "schema": {"type": "string", "maxLength": MOST_KEY},
            "description": "Tells a repeat. Without it the document's number and the body do. "
            "The same key with another body is refused.",
        }
    ]
}  # fmt: skip

blueprint = Blueprint(
    "erp", __name__, url_prefix="/erp/<connection>", description="Called by an ERP or a warehouse about orders"
)


@blueprint.route("/orders")
class ErpOrders(MethodView):
    @require_scope("erp:write")
    @blueprint.doc(**KEY)
    @blueprint.arguments(ErpOrderSchema)
    @blueprint.response(202, KeptSchema)
    def post(self, accepted: ErpAcceptance, connection: str) -> dict[str, object]:
        """Report that an order was accepted. Safe to repeat."""
        return keep(connection, "erp/orders", accepted.order_number, accepted.order_number)


@blueprint.route("/shipments")
class ErpShipments(MethodView):
    @require_scope("erp:write")
    @blueprint.doc(**KEY)
    @blueprint.arguments(ErpShipmentSchema)
    @blueprint.response(202, KeptSchema)
    def post(self, shipment: ErpShipment, connection: str) -> dict[str, object]:
        """Report a shipment, or tracking that came later under its number. Safe to repeat."""
        return keep(connection, "erp/shipments", shipment.order_number, shipment.number)


@blueprint.route("/invoices")
class ErpInvoices(MethodView):
    @require_scope("erp:write")
    @blueprint.doc(**KEY)
    @blueprint.arguments(ErpInvoiceSchema)
    @blueprint.response(202, KeptSchema)
    @blueprint.alt_response(
        429,
        schema=ProblemSchema,
        content_type=MEDIA_TYPE,
        description="Too much finance work waits; Retry-After says when.",
    )
    def post(self, invoice: ErpInvoice, connection: str) -> dict[str, object]:
        """Report an invoice of an order, or of a part of it. Safe to repeat.

        The one callback that finance is behind, not goods: it is slowed (429, Retry-After) while finance work piles up.
        """
        if hub().pressure.is_full("finance"):
            raise hub().pressure.slowed(connection, "finance")
        return keep(connection, "erp/invoices", invoice.order_number, invoice.number)


def keep(connection: str, topic: str, order_number: str, document_number: str) -> dict[str, object]:
    """Keep the request's body as a notice about the order; work on one order lies in one partition, in its order."""
    body = request.get_data()
    incoming = Incoming(
        connection=connection,
        topic=topic,
        external_ids=(_external_id(document_number, body),),
        kind="erp_order",
        object_id=order_number,
        headers={key.lower(): value for key, value in request.headers.items() if key.lower() in KEPT_HEADERS},
        body=body,
        correlation_id=correlation_id(),
        source="erp_callback",
        traceparent=request.headers.get("traceparent", ""),
    )
    with hub().unit_of_work() as uow:
        hub().connections.get(uow.session, connection)
        kept = hub().intake.accept(uow, incoming)
        if not kept.repeated:
            return {"notice_id": kept.notice_id, "repeated": False}
        before = kept_before(uow, incoming)
        if before is None or json.loads(before.body) != json.loads(body):
            raise Refused("erp.key_reused", "this Idempotency-Key was used for another body: send a new one")
        return {"notice_id": before.notice_id, "repeated": True}


def _external_id(document_number: str, body: bytes) -> str:
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > MOST_KEY:
        raise Invalid("erp.key_too_long", f"an Idempotency-Key has at most {MOST_KEY} characters")
    return f"key:{key}" if key else f"number:{document_number}:{hashlib.sha256(body).hexdigest()[:32]}"
