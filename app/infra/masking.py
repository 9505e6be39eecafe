"""Personal data and secrets masked: enough to recognise, too little to use."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any

# Endings of a field's name, written without capitals and signs, that say it holds a person.
PERSONAL = (
    "email", "phone", "phonenumber", "firstname", "lastname", "fullname", "displayname", "contactname", "shiptoname",
    "billtoname", "selltoname", "shiptocontact", "address1", "address2", "addressline1", "addressline2", "line1",
    "line2", "street", "zip", "postalcode", "postcode", "latitude", "longitude", "browserip", "clientip", "note",
    "taxid", "taxnumber",
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
Mark = Callable[[str], str]  # a masked text's own sign, by which equal texts are known


def masked_email(address: str) -> str:
    """r•••••@maplemail.ca: enough to recognise, too little to use."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}•••••@{domain}" if at else masked(address)


def masked(text: str) -> str:
    """A name or number of which the first letter is left."""
    return f"{text[:1]}••••" if text else ""


def unmarked(text: str) -> str:
    """No sign: what people read."""
    return ""


def signed(key: str) -> Mark:
    """A short sign of a text under a key: two masked texts are compared by it, and nobody reads them from it."""

    def sign(text: str) -> str:
        return f" #{hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:8]}" if text else ""

    return sign


def masked_document(value: Any, *, person: bool = False, mark: Mark = unmarked) -> Any:
    """A JSON value with its personal fields masked, whatever their depth."""
    if isinstance(value, dict):
        return {name: _field(name, inner, person=person, mark=mark) for name, inner in value.items()}
    if isinstance(value, list):
        return [masked_document(inner, person=person, mark=mark) for inner in value]
    return masked_text(value, mark) if isinstance(value, str) else value


def masked_text(text: str, mark: Mark = unmarked) -> str:
    """A text with the addresses in it masked."""
    return MAIL.sub(lambda found: masked_email(found[0]) + mark(found[0]), text)


def is_secret(name: str) -> bool:
    """Whether a field or header of this name proves its sender."""
    return _plain(name).endswith(SECRET)


def _field(name: str, value: Any, *, person: bool, mark: Mark) -> Any:
    known = _plain(name)
    if isinstance(value, dict | list):
        return masked_document(value, person=person or known.endswith(PEOPLE), mark=mark)
    if not isinstance(value, str):
        return value
    if known.endswith(SECRET):
        return "••••" if value else value
    if MAIL.fullmatch(value):
        return masked_email(value) + mark(value)
    if known.endswith(PERSONAL) or (person and known == "name"):
        return masked(value) + mark(value)
    return masked_document(value, mark=mark)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
