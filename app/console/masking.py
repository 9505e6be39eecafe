"""Personal data as the console shows it: enough to recognise. Seeing it whole is an audited click."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from app.console.words import masked, masked_email

# Endings of a field's name, written without capitals and signs, that say it holds a person.
PERSONAL = (
    "email", "phone", "phonenumber", "firstname", "lastname", "fullname", "displayname", "contactname", "shiptoname",
    "billtoname", "selltoname", "address1", "address2", "addressline1", "addressline2", "line1", "line2", "street",
    "zip", "postalcode", "postcode", "latitude", "longitude", "browserip", "clientip", "note", "taxid", "taxnumber",
)  # fmt: skip
PEOPLE = (
    "customer",
    "party",
    "buyer",
    "address",
    "addresses",
    "shipto",
    "billto",
    "contact",
)  # whose `name` is a person's
SECRET = ("token", "secret", "password", "authorization", "hmacsha256", "signature", "cookie", "apikey")
MAIL = re.compile(r"[^\s@\"'<>]+@[^\s@\"'<>]+\.[A-Za-z]{2,}")


def masked_document(value: Any, *, person: bool = False) -> Any:
    """A JSON value with its personal fields masked, whatever their depth."""
    if isinstance(value, dict):
        return {name: _field(name, inner, person=person) for name, inner in value.items()}
    if isinstance(value, list):
        return [masked_document(inner, person=person) for inner in value]
    return MAIL.sub(lambda found: masked_email(found[0]), value) if isinstance(value, str) else value


def masked_body(body: bytes) -> str:
    """A message's body for reading: JSON is laid out and masked, anything else is masked by pattern."""
    text = body.decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except ValueError:
        return MAIL.sub(lambda found: masked_email(found[0]), text)
    return json.dumps(masked_document(document), indent=2, ensure_ascii=False)


def plain_body(body: bytes) -> str:
    """A message's body laid out, nothing masked."""
    text = body.decode("utf-8", "replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def masked_headers(headers: Mapping[str, Any]) -> dict[str, str]:
    """Headers without what proves the sender."""
    return {name: "••••" if _plain(name).endswith(SECRET) else str(value) for name, value in sorted(headers.items())}


def _field(name: str, value: Any, *, person: bool) -> Any:
    known = _plain(name)
    if isinstance(value, dict | list):
        return masked_document(value, person=person or known.endswith(PEOPLE))
    if not isinstance(value, str):
        return value
    if known.endswith(SECRET):
        return "••••" if value else value
    if MAIL.fullmatch(value):
        return masked_email(value)
    return masked(value) if known.endswith(PERSONAL) or (person and known == "name") else masked_document(value)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
