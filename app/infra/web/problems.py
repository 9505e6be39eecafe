"""Errors as their readers want them: problem+json (RFC 9457) for programs, a page for people under /admin.

`title` is the code, `type` the address of its runbook, `errors` names field, rule and fix. A bug shows its
correlation id and nothing of its inside.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue
from flask_smorest import Api
from marshmallow import Schema, fields
from werkzeug.exceptions import HTTPException, InternalServerError

from app.infra.ids import new_id
from app.kernel.errors import HubError, Transient, Unauthenticated, Waits

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
PAGES = "problem_pages"
GIVEN_ID = re.compile(r"[A-Za-z0-9._:-]{8,64}")
FIXES = {
    "Missing data for required field.": "send this field",
    "Unknown field.": "leave this field out",
    "Field may not be null.": "send a value",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One refusal: what a program reads and a page prints."""

    status: int
    code: str
    detail: str
    correlation_id: str
    errors: tuple[Mapping[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class ProblemSchema(Schema):
    """The body of every refusal (RFC 9457)."""

    type = fields.String(required=True, metadata={"description": "Where the code is explained."})
    title = fields.String(required=True, metadata={"description": "The code: stable, documented."})
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "One sentence for a person."})
    correlation_id = fields.String(required=True, metadata={"description": "Finds this request in log and console."})
    errors = fields.List(
        fields.Dict(keys=fields.String(), values=fields.String()),
        metadata={"description": "For a wrong body: field, rule and fix of each error."},
    )


class ProblemApi(Api):  # type: ignore[misc]  # flask-smorest has no types
    """flask-smorest's Api with our error body; a refusal outside the API is not its business."""

    ERROR_SCHEMA = ProblemSchema

    def handle_http_exception(self, error: HTTPException) -> ResponseReturnValue:
        return answer(of_http(error))

    def _register_responses(self) -> None:
        """Document refusals, which are all that flask-smorest registers here, in the media type that they have."""
        self.DEFAULT_RESPONSE_CONTENT_TYPE = MEDIA_TYPE
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE


def correlation_id() -> str:
    """The id of the request's story: the caller's own, if it is harmless, else a new one."""
    if "correlation_id" not in g:
        given = request.headers.get("X-Correlation-ID", "")
        g.correlation_id = given if GIVEN_ID.fullmatch(given) else new_id()
    return str(g.correlation_id)


def register_problems(app: Flask) -> None:
    """Answer every HubError and HTTP error of the application; call it after flask-smorest's Api is made."""
    app.extensions.setdefault(PAGES, {})
    app.before_request(_name_in_logs)
    app.register_error_handler(HubError, lambda error: answer(of_hub(error)))
    app.register_error_handler(HTTPException, lambda error: answer(of_http(error)))


def _name_in_logs() -> None:
    """Whatever is logged while this request is answered carries its correlation id."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(correlation_id=correlation_id())


def show_as_page(app: Flask, prefix: str, render: Callable[[Problem], ResponseReturnValue]) -> None:
    """Under `prefix` a person reads: `render` makes the page."""
    app.extensions.setdefault(PAGES, {})[prefix] = render


def of_hub(error: HubError) -> Problem:
    headers: dict[str, str] = {}
    wait = error.seconds if isinstance(error, Waits) else getattr(error, "retry_after", None)
    if isinstance(error, Waits | Transient) and wait is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="roundhouse"'
    errors = error.facts.get("errors")
    return Problem(
        status=error.status,
        code=error.code,
        detail=error.message,
        correlation_id=correlation_id(),
        errors=tuple(errors) if isinstance(errors, list | tuple) else (),
        headers=headers,
    )


def of_http(error: HTTPException) -> Problem:
    status = error.code or 500
    given: Mapping[str, Any] = getattr(error, "data", None) or {}
    wrong = given.get("errors") or given.get("messages") or {}
    kept = {name: value for name, value in error.get_headers() if not name.lower().startswith("content-")}
    return Problem(
        status=status,
        code=_code(error),
        detail=str(given.get("message") or _sentence(error, status)),
        correlation_id=correlation_id(),
        errors=tuple(_flat("", wrong)),
        headers={**kept, **(given.get("headers") or {})},
    )


def answer(problem: Problem) -> ResponseReturnValue:
    """The problem in the form of the part of the house that was asked, and a line in the log."""
    log.info("web.refused", status=problem.status, code=problem.code)
    pages: Mapping[str, Callable[[Problem], ResponseReturnValue]] = current_app.extensions.get(PAGES, {})
    for prefix, render in pages.items():
        if request.path == prefix or request.path.startswith(f"{prefix}/"):
            return render(problem)
    body: dict[str, Any] = {
        "type": f"/admin/runbooks/{problem.code}",
        "title": problem.code,
        "status": problem.status,
        "detail": problem.detail,
        "correlation_id": problem.correlation_id,
    }
    if problem.errors:
        body["errors"] = list(problem.errors)
    return Response(json.dumps(body), status=problem.status, content_type=MEDIA_TYPE, headers=dict(problem.headers))


def _code(error: HTTPException) -> str:
    cause = getattr(error, "original_exception", None)
    if isinstance(error, InternalServerError) and cause is not None:
        return f"bug.{type(cause).__name__}"
    return "http." + error.name.lower().replace(" ", "_").replace("-", "_")


def _sentence(error: HTTPException, status: int) -> str:
    if status >= 500:
        return "Something inside the hub broke. Nothing was acknowledged; send it again, or tell us the correlation id."
    return error.description or error.name


def _flat(path: str, wrong: Any) -> Iterator[dict[str, str]]:
    """marshmallow's nested messages as a list of field, rule and fix."""
    if isinstance(wrong, Mapping):
        for name, inner in wrong.items():
            top = not path and name in ("json", "query", "headers", "files", "form")
            yield from _flat("" if top else f"{path}.{name}".lstrip("."), inner)
        return
    for rule in wrong if isinstance(wrong, list | tuple) else [wrong]:
        yield {"field": path, "rule": str(rule), "fix": FIXES.get(str(rule), "send a value that keeps the rule")}
