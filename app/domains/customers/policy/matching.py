"""When two buyers are the same one. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import astuple
from hashlib import sha256

from app.domains.customers.canonical import Address, Buyer

MAILBOX = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+")


def email_of(text: str) -> str:
    """The e-mail as it is compared: no spaces around it, lower case; empty for what is no address."""
    plain = unicodedata.normalize("NFC", text).strip().lower()
    return plain if MAILBOX.fullmatch(plain) else ""


def words_of(text: str) -> str:
    """A name with single spaces, and without the zero character, which no table can hold."""
    return " ".join(text.replace("\x00", " ").split())


def identity_of(buyer: Buyer) -> str:
    """The name under which a buyer's account is made only once.

    An e-mail tells a buyer whichever channel it comes from, for a company together with its name; without one, the
    channel's own id does; and where there is neither, each order is a buyer of its own.
    """
    email = "" if buyer.withheld else email_of(buyer.email)
    if email and buyer.company.strip():
        return f"company|{words_of(buyer.company).lower()}|{email}"
    if email:
        return f"person|{email}"
    if buyer.external_id:
        return own_identity(buyer)
    return f"order|{buyer.connection}|{buyer.order_key}"


def own_identity(buyer: Buyer) -> str:
    """The identity of a channel's customer who shares the e-mail of another one there."""
    return f"customer|{buyer.connection}|{buyer.external_id}"


def fingerprint(address: Address) -> str:
    """Equal for addresses that differ in spaces and capitals only."""
    parts = [words_of(part).lower() for part in astuple(address)]
    return sha256("\n".join(parts).encode()).hexdigest()[:32]
