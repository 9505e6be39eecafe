"""The way to one company of Business Central: addresses, exact numbers, batches of reads, pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlsplit

from app.adapters.business_central.imagined import imagined
from app.adapters.business_central.settings import company_path, service_path, token_url
from app.adapters.business_central.verdicts import SYSTEM, judge
from app.infra.remote.auth import ClientCredentials
from app.infra.remote.client import Outbound, Reply
from app.kernel.errors import Refused, Transient

SCOPE = "https://api.businesscentral.dynamics.com/.default"
ANSWER_SECONDS = 20.0  # three requests of an order stay within a call's budget of 60; an order takes one or two
BATCH_LIMIT = 100  # operations of one $batch, "Work with API limits"
PAGES = 1000  # of 20,000 rows at most each: an end, where a remote never comes to one

_NUMBER = re.compile(r'"\\u0000(-?\d+(?:\.\d+)?)\\u0000"')
Document = Mapping[str, Any]


def connect(settings: Mapping[str, Any]) -> Outbound:
    """The outbound client of one connection; it keeps its token for as long as the process keeps it."""
    loopback = bool(settings.get("allow_loopback", False))
    credentials = ClientCredentials(
        system=SYSTEM,
        token_url=token_url(settings),
        client_id=settings["client_id"],
        client_secret=settings["client_secret"],
        scope=SCOPE,
        allow_loopback=loopback,
    )
    return Outbound(
        system=SYSTEM,
        base_url=str(settings["base_url"]).rstrip("/"),
        authorize=credentials.headers,
        renew=credentials.forget,
        judge=judge,
        imagine=imagined,
        answer_seconds=ANSWER_SECONDS,
        allow_loopback=loopback,
    )


def written(body: object) -> bytes:
    """JSON with every Decimal as an exact number: 49.90, never through a float."""
    return _NUMBER.sub(r"\1", json.dumps(body, default=_marked)).encode()


def _marked(value: object) -> str:
    if isinstance(value, Decimal):
        return f"\0{value:f}\0"
    raise TypeError(f"{type(value).__name__} has no form in a request")


def read(body: bytes) -> Any:
    """JSON with every fraction as a Decimal."""
    return json.loads(body, parse_float=Decimal) if body else None


def literal(text: str) -> str:
    """A string of an OData filter, with its quotes doubled."""
    return "'" + text.replace("'", "''") + "'"


def any_of(field: str, values: Iterable[str]) -> str:
    return " or ".join(f"{field} eq {literal(value)}" for value in values)


def query(**options: str) -> str:
    """`?$filter=…&$expand=…`; spaces travel as %20, since OData does not read a plus as one."""
    return "?" + "&".join(f"${name}={quote(value, safe=chr(39) + '(),$=:')}" for name, value in options.items())


@dataclass(frozen=True, slots=True)
class Company:
    """One company behind an outbound client; `service` and `root` are paths, for example of `items` or `$batch`."""

    remote: Outbound
    service: str
    root: str

    @classmethod
    def of(cls, remote: Outbound, settings: Mapping[str, Any]) -> Company:
        return cls(remote, service_path(settings), company_path(settings))

    def get(self, path: str) -> Any:
        return read(self.remote.send("GET", self._address(path), writes=False).body)

    def post(self, path: str, body: Document) -> Any:
        return read(self.remote.send("POST", self._address(path), writes=True, body=written(body)).body)

    def patch(self, path: str, body: Document, *, etag: str) -> Any:
        return read(
            self.remote.send(
                "PATCH", self._address(path), writes=True, body=written(body), headers={"If-Match": etag}
            ).body
        )

    def delete(self, path: str, *, etag: str) -> None:
        self.remote.send("DELETE", self._address(path), writes=True, headers={"If-Match": etag})

    def act(self, path: str, action: str) -> None:
        """A bound action such as `post`; Business Central answers 204."""
        self.remote.send("POST", f"{self._address(path)}/Microsoft.NAV.{action}", writes=True, body=b"{}")

    def read_together(self, paths: Sequence[str]) -> list[list[Document]]:
        """The rows of several reads in one request (one for each hundred); every inner status is judged by itself."""
        if len(paths) > BATCH_LIMIT:
            return [*self.read_together(paths[:BATCH_LIMIT]), *self.read_together(paths[BATCH_LIMIT:])]
        if len(paths) < 2:
            return [self.rows(path) for path in paths]
        requests = [
            {"id": str(n), "method": "GET", "url": f"{self.root}/{path}", "headers": {"Accept": "application/json"}}
            for n, path in enumerate(paths)
        ]
        reply = self.remote.send("POST", f"{self.service}/$batch", writes=False, body=written({"requests": requests}))
        answers = {str(answer.get("id")): answer for answer in read(reply.body)["responses"]}
        return [self._rows_of(answers.get(str(n)), path) for n, path in enumerate(paths)]

    def rows(self, path: str) -> list[Document]:
        """All rows of a collection, page after page. A link that comes twice is an error."""
        return self._following(self.get(path))

    def _following(self, page: Any) -> list[Document]:
        found: list[Document] = list(page["value"])
        seen: set[str] = set()
        while link := page.get("@odata.nextLink"):
            if link in seen or len(seen) >= PAGES:
                raise Refused(f"{SYSTEM}.repeated_page", "the next page is one that was read already")
            seen.add(link)
            page = read(self.remote.send("GET", self._own(link), writes=False).body)
            found += page["value"]
        return found

    def _rows_of(self, answer: Document | None, path: str) -> list[Document]:
        if answer is None:
            raise Transient(f"{SYSTEM}.batch_incomplete", f"the batch has no answer for {path.split('?')[0]}")
        status = int(answer.get("status") or 0)
        body = answer.get("body")
        if not 200 <= status < 300:
            headers = {str(name).lower(): str(value) for name, value in (answer.get("headers") or {}).items()}
            verdict = judge(Reply(status, headers, json.dumps(body, default=str).encode()), False)
            raise verdict or Transient(f"{SYSTEM}.http_{status}", f"answered {status} inside a batch")
        return self._following(body)

    def _own(self, link: str) -> str:
        """The path of a next link; one that leads elsewhere is refused, since the token would go with it."""
        parts, base = urlsplit(link), urlsplit(self.remote.base_url)
        if (parts.scheme, parts.netloc) != (base.scheme, base.netloc) or not parts.path.startswith(base.path):
            raise Refused(f"{SYSTEM}.foreign_page", "the next page lies at another address")
        return parts.path[len(base.path) :] + (f"?{parts.query}" if parts.query else "")

    def _address(self, path: str) -> str:
        return f"{self.service}/{path[1:]}" if path.startswith("/") else f"{self.service}/{self.root}/{path}"
