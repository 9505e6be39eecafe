"""The only way out of the process: one urllib3 pool per connection, a verdict for every status."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import urlencode, urlsplit

from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from app.infra.remote.gate import Gate
from app.infra.remote.guard import ANSWER_SECONDS, AddressRefused, guarded_pool
from app.infra.remote.pulse import forbid_frozen_process
from app.infra.remote.quotas import Report
from app.infra.remote.reply import Reply as Reply
from app.infra.remote.reply import retry_after as retry_after
from app.infra.remote.shadow import Imagine, heed
from app.infra.uow import forbid_open_transaction
from app.kernel.errors import Ambiguous, HubError, NeedsAttention, Refused, Transient, Unauthorised, Waits

KEPT_TEXT = 2000

THROTTLED_SECONDS = 5.0  # where a 429 does not say when to come back; nothing is lost by asking again

Verdict = type[HubError]
_Request = tuple[
    str, str, bool, Any, Mapping[str, str] | None, Mapping[str, str] | None, Mapping[str, str] | None
]  # method, path, writes, body, headers, query, form
DEFAULT_VERDICTS: Mapping[int, Verdict] = {
    401: Unauthorised, 402: Unauthorised, 403: Unauthorised, 408: Transient, 423: Unauthorised, 425: Transient,
    429: Waits, 502: Transient, 503: Transient, 504: Ambiguous,
}  # fmt: skip


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
    report: Callable[[Reply], tuple[Report, ...]] | None = None  # what an answer says of the vendor's quotas
    gate: Gate | None = None  # the connection's breaker and quotas; set by the connection, not by its adapter
    answer_seconds: float = ANSWER_SECONDS
    allow_loopback: bool = False
    pool_size: int = 32
    shadow: bool = False  # no write leaves
    imagine: Imagine | None = None  # what the other side would answer to a write of a shadow, where that is known
    _lines: HTTPConnectionPool | None = None
    _prefix: str = ""

    def __post_init__(self) -> None:
        self._lines = guarded_pool(
            self.base_url, self.pool_size, allow_loopback=self.allow_loopback, answer_seconds=self.answer_seconds
        )
        self._prefix = urlsplit(self.base_url).path

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
        operation: str = "",
    ) -> Reply:
        """Send one request. `accept` are statuses besides 2xx that the caller reads itself.

        `operation` names requests that cost alike, where a vendor charges by cost. Raises Waits where the connection's
        breaker is open, or its quota used up for longer than a moment.
        """
        forbid_open_transaction()
        forbid_frozen_process()
        answer = heed(
            method, path, writes=writes, shadow=self.shadow, imagine=self.imagine, body=body, query=query, form=form
        )
        if answer is not None:
            return answer
        request = (method, path, writes, body, headers, query, form)
        reply, verdict = self._passed(operation, accept, request)
        if reply.status == 401 and self.renew is not None:
            self.renew()
            reply, verdict = self._passed(operation, accept, request)
        if verdict is not None:
            raise verdict
        return reply

    def _passed(self, operation: str, accept: tuple[int, ...], request: _Request) -> tuple[Reply, HubError | None]:
        """One exchange through the gate: the answer and the verdict on it."""
        writes = request[2]
        passage = self.gate.enter(operation, writes=writes) if self.gate else None
        try:
            reply = self._exchange(*request)
        except HubError as error:
            if passage:
                passage.lost(error)
            raise
        verdict = self._verdict(reply, writes, accept)
        if passage:
            passage.answered(reply, verdict, self.report(reply) if self.report else ())
        return reply, verdict

    def _verdict(self, reply: Reply, writes: bool, accept: tuple[int, ...]) -> HubError | None:
        verdict = self.judge(reply, writes) if self.judge else None
        if verdict is not None or reply.ok or reply.status in accept:
            return verdict
        return self._refusal(reply, writes)

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
        assert self._lines is not None
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
        target = f"{self._prefix}{path}" + (f"?{urlencode(query)}" if query else "")
        began = perf_counter()
        status = 0
        try:
            answer = self._lines.urlopen(method, target, body=content, headers=given, redirect=False)
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
        if issubclass(verdict, Waits):
            after = retry_after(reply)
            seconds = THROTTLED_SECONDS if after is None else after
            return verdict(code, f"answered {reply.status}", seconds=seconds, said=said)
        if issubclass(verdict, Transient):
            return verdict(code, f"answered {reply.status}", retry_after=retry_after(reply), said=said)
        return verdict(code, f"answered {reply.status}", said=said)


def _plain(cause: HTTPError) -> str:
    """What went wrong without the address, which may hold a secret."""
    return type(cause).__name__
