"""What can be done to an order. Every function takes the open unit of work first and never commits."""

from __future__ import annotations

from app.domains.orders.service.acceptance import (
    Acceptable,
    accept_change,
    accept_many,
    cancel,
    changed_groups,
    finish_cancel,
)
from app.domains.orders.service.capture import (
    FETCHED,
    Arrival,
    Became,
    Captured,
    capture,
    capture_many,
    request_refresh,
)
from app.domains.orders.service.duplicates import find_duplicates
from app.domains.orders.service.findings import Found, find, find_many
from app.domains.orders.service.holds import (
    HUB,
    OpenHold,
    PostWhen,
    hold,
    is_payable,
    is_waived,
    open_holds,
    release_by_person,
    release_holds,
)
from app.domains.orders.service.invoicing import record_invoice
from app.domains.orders.service.matching import line_sequences
from app.domains.orders.service.paying import Bookable, bookable, receive_payments, record_booking
from app.domains.orders.service.polling import poll_from, record_poll
from app.domains.orders.service.posting import (
    ErpHolds,
    Postable,
    holders,
    known_numbers,
    postable,
    record_cancel,
    record_change,
    record_posting,
    record_release,
    record_status,
)
from app.domains.orders.service.shipping import Shipped, record_shipment
from app.domains.orders.service.showing import Showable, record_shown, record_undone, showable
from app.domains.orders.service.standing import (
    ENDED,
    UNASKED,
    Standing,
    document,
    lock,
    lock_batch,
    lock_by_erp_number,
    lock_by_external_id,
)

__all__ = [
    "ENDED",
    "FETCHED",
    "HUB",
    "UNASKED",
    "Acceptable",
    "Arrival",
    "Became",
    "Bookable",
    "Captured",
    "ErpHolds",
    "Found",
    "OpenHold",
    "PostWhen",
    "Postable",
    "Shipped",
    "Showable",
    "Standing",
    "accept_change",
    "accept_many",
    "bookable",
    "cancel",
    "capture",
    "capture_many",
    "changed_groups",
    "document",
    "find",
    "find_duplicates",
    "find_many",
    "finish_cancel",
    "hold",
    "holders",
    "is_payable",
    "is_waived",
    "known_numbers",
    "line_sequences",
    "lock",
    "lock_batch",
    "lock_by_erp_number",
    "lock_by_external_id",
    "open_holds",
    "poll_from",
    "postable",
    "receive_payments",
    "record_booking",
    "record_cancel",
    "record_change",
    "record_invoice",
    "record_poll",
    "record_posting",
    "record_release",
    "record_shipment",
    "record_shown",
    "record_status",
    "record_undone",
    "release_by_person",
    "release_holds",
    "request_refresh",
    "showable",
]
