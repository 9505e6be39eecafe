"""Who we are to a remote: OAuth 2 client credentials (RFC 6749, 4.4), with the token kept in the process."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock, local
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from app.infra.remote.client import Outbound, Reply
from app.kernel.errors import Transient, Unauthorised

EARLY_SECONDS = 120.0  # renew before expiry by more than any call of ours may take
USUAL_LIFE = 3600.0  # what a token lives where the answer does not say; RFC 6749 makes expires_in optional
REFUSED = (400, 401, 403)  # RFC 6749, 5.2: the error names itself in the body
ERRORS = frozenset({"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "invalid_scope"})


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    renew_at: float
    expires_at: float


@dataclass(slots=True)
class ClientCredentials:
    """Tokens for one connection: fetched when first needed, renewed two minutes early, one fetch at a time.

    Give `headers` to Outbound as `authorize` and `forget` as `renew`. While a token is renewed early, other threads go
    on with the one that still holds. Raises Unauthorised where the token endpoint refuses the client, Transient where
    it cannot be reached. The secret and the token never reach a message or a representation.
    """

    system: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    allow_loopback: bool = False
    elapsed: Callable[[], float] = monotonic
    _endpoint: Outbound = field(init=False, repr=False)
    _token: _Token | None = field(default=None, init=False, repr=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)
    _used: local = field(default_factory=local, init=False, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.token_url)
        self._endpoint = Outbound(
            system=f"{self.system}.token",
            base_url=f"{parts.scheme}://{parts.netloc}",
            allow_loopback=self.allow_loopback,
            pool_size=1,
        )

    def headers(self) -> Mapping[str, str]:
        """The header that lets a request in."""
        token = self._current()
        self._used.token = token
        return {"Authorization": f"Bearer {token.value}"}

    def forget(self) -> None:
        """Drop the token that this thread was refused with; a newer one, which another thread fetched, stays."""
        with self._lock:
            if self._token is getattr(self._used, "token", None):
                self._token = None

    def _current(self) -> _Token:
        token = self._token
        now = self.elapsed()
        if token is not None and now < token.renew_at:
            return token
        if token is not None and now < token.expires_at:
            return self._renew_early(token)
        with self._lock:
            token = self._token
            if token is None or self.elapsed() >= token.renew_at:
                token = self._token = self._fetch()
            return token

    def _renew_early(self, token: _Token) -> _Token:
        if not self._lock.acquire(blocking=False):
            return token
        try:
            if self._token is token:
                self._token = self._fetch()
            return self._token or token
        finally:
            self._lock.release()

    def _fetch(self) -> _Token:
        asked = self.elapsed()
        reply = self._endpoint.send(
            "POST",
            urlsplit(self.token_url).path,
            writes=False,
            form={
                "grant_type": "client_credentials",
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "scope": self.scope,
            },
            accept=REFUSED,
        )
        answer = _read(reply)
        if not reply.ok:
            raise self._refusal(reply, answer)
        if not isinstance(answer.get("access_token"), str):
            raise Transient(f"{self.system}.no_token", "the token endpoint answered without a token")
        life = _seconds(answer.get("expires_in"))
        return _Token(answer["access_token"], asked + life - min(EARLY_SECONDS, life / 2), asked + life)

    def _refusal(self, reply: Reply, answer: Mapping[str, Any]) -> Unauthorised:
        told = answer.get("error")
        error = told if isinstance(told, str) and told in ERRORS else "token_refused"
        said = str(answer.get("error_description") or error)
        message = f"the token endpoint refuses this client: {error}; check client id, secret and consent"
        return Unauthorised(f"{self.system}.{error}", message, about=self.client_id, said=said)


def _read(reply: Reply) -> Mapping[str, Any]:
    try:
        answer = json.loads(reply.body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _seconds(given: object) -> float:
    """`expires_in` as number or as text (Microsoft's older endpoint); the usual life where it is neither."""
    if isinstance(given, int | float) and not isinstance(given, bool) and given > 0:
        return float(given)
    if isinstance(given, str) and given.isdigit() and int(given) > 0:
        return float(given)
    return USUAL_LIFE
