"""The token endpoint: client credentials for a bearer token, as Microsoft's identity platform gives them.

A token is its client and its end, signed, so that a restart of the sandbox does not end it.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import parse_qsl

from app.sandbox.business_central.errors import Refusal
from app.sandbox.web import Answer, Request, json_answer

LIFETIME = 3599  # seconds, what the identity platform grants
_KEY = b"sandbox tokens open nothing else"


class Tokens:
    """Gives and knows tokens; `clients` are the secrets by client id."""

    def __init__(self, clients: dict[str, str]) -> None:
        self._clients = clients
        self._known: dict[tuple[str, str], tuple[str, float]] = {}

    def grant(self, tenant: str, request: Request) -> Answer:
        """Answer a request for a token. A wrong client or secret is 401 `invalid_client`."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if form.get("grant_type") != "client_credentials":
            return _wrong("unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.", 400)
        if "scope" not in form:
            return _wrong("invalid_request", "AADSTS900144: The request body must contain 'scope'.", 400)
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        known = self._clients.get(client)
        if known is None or not hmac.compare_digest(known.encode(), secret.encode()):
            return _wrong("invalid_client", "AADSTS7000215: Invalid client secret provided.", 401)
        end = int(time.time()) + LIFETIME
        token = f"{tenant}~{client}~{end}"
        return json_answer(
            {
                "token_type": "Bearer",
                "expires_in": LIFETIME,
                "ext_expires_in": LIFETIME,
                "access_token": f"{token}~{_sign(token)}",
            }
        )

    def client(self, tenant: str, request: Request) -> str:
        """Return the client of a request's token. Raises Refusal (401) without a valid one for the tenant."""
        written = request.environ.get("HTTP_AUTHORIZATION", "")
        known = self._known.get((tenant, written))
        if known is None or known[1] < time.time():
            known = self._read(written, tenant)
            if len(self._known) > 1000:
                self._known.clear()
            self._known[tenant, written] = known
        return known[0]

    def _read(self, written: str, tenant: str) -> tuple[str, float]:
        token, _, signature = written.removeprefix("Bearer ").rpartition("~")
        parts = token.split("~")
        valid = (
            written.startswith("Bearer ")
            and len(parts) == 3
            and hmac.compare_digest(_sign(token), signature)
            and parts[0] == tenant
            and parts[1] in self._clients
            and int(parts[2]) > time.time()
        )
        if not valid:
            message = "The server has rejected the client credentials."
            raise Refusal("Authentication_InvalidCredentials", message, status=401)
        return parts[1], float(parts[2])


def _sign(token: str) -> str:
    return hmac.new(_KEY, token.encode(), hashlib.sha256).hexdigest()


def _wrong(error: str, description: str, status: int) -> Answer:
    document = {"error": error, "error_description": description, "error_codes": [int(description[6:].split(":")[0])]}
    return json_answer(document, status=status)
