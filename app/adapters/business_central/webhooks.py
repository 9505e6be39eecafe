"""Business Central's notifications: thin, several in one body, and known only by a secret inside it.

Source: "Working with webhooks in Dynamics 365 Business Central". Whatever is answered but 2xx, 408, 429 or 5xx deletes
the subscription: a refusal is answered 202 (`refusal_status`) and leaves its trace.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from app.domains.orders.canonical import DocumentChanged
from app.infra.remote.signing import BadSignature, matches_any
from app.infra.remote.spec import Arrival, Message, Notice
from app.kernel.errors import Invalid

TOPIC = "notifications"
KINDS: Mapping[str, str] = {"salesOrders": "sales_order", "salesInvoices": "sales_invoice", "customers": "customer"}
SUBSCRIBED = tuple(KINDS)
TOKEN_LENGTH = 2048

_RESOURCE = re.compile(r"companies\((?P<company>[^)]+)\)/(?P<set>\w+)(?:\((?P<id>[^)]+)\))?(?:\?(?P<query>.*))?$")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


def verify(arrival: Arrival, settings: Mapping[str, Any]) -> Notice:
    """Check the secret of every notification in the body, and that it speaks of this connection's company.

    Raises BadSignature for a wrong `clientState`, another company, or a body that is none. A repeat is known by the
    body itself: Business Central gives its notifications no id, and sends the same bytes again.
    """
    entries = list(_entries(arrival.body))
    if not entries:
        raise BadSignature("business_central.bad_body", "the body holds no notification")
    secrets = [settings.get("client_state", ""), settings.get("client_state_previous", "")]
    genuine = [matches_any(str(entry.get("clientState") or ""), secrets, str) for entry in entries]
    if not all(genuine):
        raise BadSignature("business_central.wrong_client_state", "the notification does not carry our clientState")
    found = [_RESOURCE.search(str(entry.get("resource") or "")) for entry in entries]
    company = str(settings["company_id"]).lower()
    if not all(part is not None and part["company"].lower() == company for part in found):
        raise BadSignature("business_central.another_company", "the notification speaks of another company")
    fingerprint = hashlib.sha256(arrival.body).hexdigest()
    ids = {part["id"] for part in found if part is not None and part["id"]}
    return Notice(
        topic=TOPIC,
        external_ids=(f"body:{fingerprint}",),
        kind="document",
        object_id=ids.pop() if len(ids) == 1 else fingerprint[:32],
    )


def echo(arrival: Arrival) -> str | None:
    """The handshake on creation and renewal: the token to answer with, None where it is no handshake."""
    token = arrival.query.get("validationToken", "")
    return token if token and len(token) <= TOKEN_LENGTH else None


def translate(message: Message, settings: Mapping[str, Any]) -> tuple[DocumentChanged, ...]:
    """The documents that a body speaks of, each once. Other collections than the subscribed ones are left out."""
    entries = list(_entries(message.body))
    if not entries:
        raise Invalid("business_central.bad_body", "value must be a list of notifications; ask the sender")
    changed = (document for entry in entries if (document := _document(entry)) is not None)
    return tuple(dict.fromkeys(changed))


def _document(entry: Mapping[str, Any]) -> DocumentChanged | None:
    part = _RESOURCE.search(str(entry.get("resource") or ""))
    if part is None or part["set"] not in KINDS:
        return None
    kind = KINDS[part["set"]]
    if part["id"]:
        return DocumentChanged(kind=kind, external_id=part["id"].lower())
    given = _MOMENT.search(unquote(part["query"] or "")) or _MOMENT.search(str(entry.get("lastModifiedDateTime") or ""))
    since = datetime.fromisoformat(given[0]).astimezone(UTC) if given else None
    return DocumentChanged(kind=kind, external_id="", since=since)


def _entries(body: bytes) -> Iterator[Mapping[str, Any]]:
    try:
        read = json.loads(body.removeprefix(b"\xef\xbb\xbf"))  # versions before 19 send a byte order mark
    except ValueError:
        return
    value = read.get("value") if isinstance(read, dict) else None
    if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        yield from value
