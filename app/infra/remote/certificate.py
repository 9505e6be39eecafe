"""When the certificate of a remote ends: one handshake, no request."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

from app.infra.remote.guard import CONNECT_SECONDS, AddressRefused, judged
from app.infra.uow import forbid_open_transaction


def certificate_ends(address: str, *, allow_loopback: bool, context: ssl.SSLContext | None = None) -> datetime | None:
    """The last moment of the certificate at an https address; None for another scheme or where no handshake is had.

    What is wrong with a certificate is not this function's to say: the call itself is refused for it.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" or parts.hostname is None:
        return None
    forbid_open_transaction()
    trust = context or ssl.create_default_context()
    try:
        with socket.create_connection((parts.hostname, parts.port or 443), CONNECT_SECONDS) as line:
            guarded = line if allow_loopback else judged(line)
            with trust.wrap_socket(guarded, server_hostname=parts.hostname) as secure:
                given = secure.getpeercert() or {}
    except (OSError, AddressRefused):
        return None
    ends = given.get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(ends)), UTC) if ends else None
