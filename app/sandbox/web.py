"""The sandbox's own thin web layer: requests, answers, and dispatch by the first part of the path."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

Headers = tuple[tuple[str, str], ...]
StartResponse = Callable[[str, list[tuple[str, str]]], object]

_JSON: Headers = (("Content-Type", "application/json; charset=utf-8"),)
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def _number(value: object) -> int | float:
    """Write a decimal as a JSON number: the shortest double reproduces every amount of up to 15 digits exactly."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no JSON form in the sandbox")
    whole = int(value)
    return whole if whole == value else float(value)


encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), default=_number).encode


def decode(body: bytes | str) -> Any:
    """Read JSON with exact decimals. Raises ValueError when it is not JSON."""
    return json.loads(body, parse_float=Decimal)


class Unreadable(Exception):
    """The request cannot be understood; the message is the sentence that the caller is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request; `path` without the leading slash and percent-decoded, `query` raw."""

    method: str
    path: str
    query: str
    body: bytes
    environ: Mapping[str, Any]

    def header(self, name: str) -> str | None:
        """Return a header by its name in any case, None when it was not sent."""
        key = name.upper().replace("-", "_")
        value = self.environ.get(key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}")
        return None if value is None else str(value)

    def parameters(self) -> dict[str, str]:
        """Return the query's parameters, the last of a repeated one."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def json(self) -> Any:
        """Return the body as JSON, with decimals exact. Raises Unreadable."""
        try:
            return decode(self.body)
        except ValueError as error:
            raise Unreadable(f"The body is not JSON: {error}.") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back. `lost` closes the connection in the middle, so that the caller never learns the outcome."""

    status: int = 200
    body: bytes = b""
    headers: Headers = ()
    lost: bool = False


Answerer = Callable[[Request], Answer]


def json_answer(document: object, *, status: int = 200, headers: Headers = ()) -> Answer:
    """Answer a document as JSON."""
    return Answer(status=status, body=encode(document).encode(), headers=_JSON + headers)


def text_answer(text: str, *, status: int = 200) -> Answer:
    """Answer JSON that is written already."""
    return Answer(status=status, body=text.encode(), headers=_JSON)


def refusal(status: int, sentence: str) -> Answer:
    """Answer a control's refusal: the sentence says what is wrong."""
    return json_answer({"error": sentence}, status=status)


class Wsgi:
    """A WSGI application that gives each request to the vendor or control its first path part names."""

    def __init__(self, answerers: Mapping[str, Answerer]) -> None:
        self._answerers = dict(answerers)

    def __call__(self, environ: Mapping[str, Any], start: StartResponse) -> Iterable[bytes]:
        """Answer one request. Safe to call from many threads."""
        answer = self.answer(_request(environ))
        if answer.lost:
            # Fewer bytes than promised, and then the end of the connection: the client has no answer.
            start("200 OK", [("Content-Length", "64"), ("Connection", "close")])
            return [b" "]
        start(_STATUS_LINES[answer.status], [*answer.headers, ("Content-Length", str(len(answer.body)))])
        return [answer.body]

    def answer(self, request: Request) -> Answer:
        """Answer one request without a server around it."""
        first = request.path.partition("/")[0]
        answerer = self._answerers.get(first)
        if answerer is None:
            known = ", ".join(f"/{name}" for name in sorted(self._answerers))
            return refusal(404, f"Nothing answers at /{first}. The sandbox knows {known}.")
        try:
            return answerer(request)
        except Unreadable as error:
            return refusal(400, str(error))


def _request(environ: Mapping[str, Any]) -> Request:
    length = environ.get("CONTENT_LENGTH")
    if length:
        body = environ["wsgi.input"].read(int(length))
    elif "HTTP_TRANSFER_ENCODING" in environ:
        body = environ["wsgi.input"].read()
    else:
        body = b""
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")[1:],
        query=environ.get("QUERY_STRING", ""),
        body=body,
        environ=environ,
    )
