"""The only way out of the process: one urllib3 pool per connection, a verdict for every status."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from app.infra.remote.guard import ANSWER_SECONDS, AddressRefused, guarded_pool
from app.infra.remote.pulse import forbid_frozen_process
from app.infra.uow import forbid_open_transaction
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Ambiguous, HubError, NeedsAttention, Refused, Transient, Unauthorised

KEPT_TEXT = 2000

Verdict = type[HubError]
DEFAULT_VERDICTS: Mapping[int, Verdict] = {
    401: Unauthorised, 402: Unauthorised, 403: Unauthorised, 408: Transient, 423: Unauthorised, 425: Transient,
    429: Transient, 502: Transient, 503: Transient, 504: Ambiguous,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, lower-case headers, raw body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass(slots=True)
class Outbound:
    """One remote system's manners: where it is, how long we wait, who we are, what its statuses mean.

    `send` raises Transient where nothing was changed, Ambiguous where a write got no answer, and otherwise the
    verdict of the status. Every refusal carries the other side's own words as `said`.
    """

    system: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    authorize: Callable[[], Mapping[str, str]] | None = None  # headers that may have to be fetched, such as a token
    renew: Callable[[], None] | None = None  # after a 401: forget the cached token; one more try
    verdicts: Mapping[int, Verdict] = field(default_factory=lambda: DEFAULT_VERDICTS)
    judge: Callable[[Reply, bool], HubError | None] | None = None  # the adapter's own reading of an answer
    observe: Callable[[str, str, int, float], None] | None = None  # method, path, status, seconds: for counts
    answer_seconds: float = ANSWER_SECONDS
    allow_loopback: bool = False
    pool_size: int = 32
    _pool: urllib3.PoolManager | None = None

    def __post_init__(self) -> None:
        self._pool = guarded_pool(
            self.pool_size, allow_loopback=self.allow_loopback, answer_seconds=self.answer_seconds
        )

    def send(
        self,
        method: str,
        path: str,
        *,
        writes: bool,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (),
    ) -> Reply:
        """Send one request. `accept` are statuses besides 2xx that the caller reads itself."""
        forbid_open_transaction()
        forbid_frozen_process()
        reply = self._exchange(method, path, writes, body, headers, query, form)
        if reply.status == 401 and self.renew is not None:
            self.renew()
            reply = self._exchange(method, path, writes, body, headers, query, form)
        verdict = self.judge(reply, writes) if self.judge else None
        if verdict is not None:
            raise verdict
        if reply.ok or reply.status in accept:
            return reply
        raise self._refusal(reply, writes)

    def _exchange(
        self,
        method: str,
        path: str,
        writes: bool,
        body: Any,
        headers: Mapping[str, str] | None,
        query: Mapping[str, str] | None,
        form: Mapping[str, str] | None,
    ) -> Reply:
        assert self._pool is not None
        given = {"Accept": "application/json", **self.headers}
        content: bytes | None = None
        if form is not None:
            content, given["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
        elif body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            given["Content-Type"] = "application/json"
        if self.authorize is not None:
            given.update(self.authorize())
        given.update(headers or {})
        url = f"{self.base_url}{path}" + (f"?{urlencode(query)}" if query else "")
        began = perf_counter()
        status = 0
        try:
            answer = self._pool.request(method, url, body=content, headers=given)
            status = answer.status
        except AddressRefused as refused:
            raise NeedsAttention(f"{self.system}.address_refused", str(refused), about=self.base_url) from refused
        except SSLError as cause:
            raise NeedsAttention(f"{self.system}.certificate", _plain(cause), about=self.base_url) from cause
        except (NewConnectionError, ConnectTimeoutError) as cause:  # nothing left us
            raise Transient(f"{self.system}.unreachable", _plain(cause)) from cause
        except HTTPError as cause:  # sent, perhaps; answered, no
            raise (Ambiguous if writes else Transient)(f"{self.system}.no_answer", _plain(cause)) from cause
        finally:
            if self.observe is not None:
                self.observe(method, path, status, perf_counter() - began)
        return Reply(status, {name.lower(): value for name, value in answer.headers.items()}, answer.data)

    def _refusal(self, reply: Reply, writes: bool) -> HubError:
        verdict = self.verdicts.get(reply.status, Refused if reply.status < 500 else Transient)
        if verdict is Transient and writes and reply.status >= 500 and reply.status != 503:
            verdict = Ambiguous  # the effect may have happened before the fault
        code, said = f"{self.system}.http_{reply.status}", reply.text[:KEPT_TEXT]
        if issubclass(verdict, Transient):
            return verdict(code, f"answered {reply.status}", retry_after=retry_after(reply), said=said)
        return verdict(code, f"answered {reply.status}", said=said)


def retry_after(reply: Reply) -> float | None:
    """Seconds the other side asks us to wait: a number or an HTTP date (RFC 9110, 10.2.3); None where it does not."""
    value = reply.headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.replace(".", "", 1).isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment - SYSTEM_CLOCK.now()).total_seconds())


def _plain(cause: HTTPError) -> str:
    """What went wrong without the address, which may hold a secret."""
    return type(cause).__name__
