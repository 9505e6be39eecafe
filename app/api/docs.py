"""/api/docs: the API's OpenAPI document as a page that needs no script and nothing from elsewhere.

The document itself is /api/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Response
from flask_smorest import Api
from markupsafe import Markup, escape

METHODS = ("get", "post", "put", "patch", "delete")
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
PAGE = Markup(
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<link rel="stylesheet" href="/admin/assets/roundhouse.css"></head><body><main><h1>{title}</h1>'
    "<p>Send <code>Authorization: Bearer rh_…</code> with an API key (<code>flask key create</code>). "
    'Refusals are problem+json. The whole contract: <a href="/api/openapi.json">openapi.json</a>.</p>'
    "{body}</main></body></html>"
)
SECTION = Markup("<h2>{name}</h2><p>{about}</p><table><thead><tr><th>Method</th><th>Address</th><th>What it does</th>")
HEAD = Markup("<th>Scope</th><th>Answers</th></tr></thead><tbody>{rows}</tbody></table>")
ROW = Markup(
    "<tr><td><code>{method}</code></td><td><code>{path}</code></td><td>{about}</td><td>{scope}</td><td>{answers}</td></tr>"
)


def make_docs(api: Api) -> Blueprint:
    """The page of an Api's document."""
    blueprint = Blueprint("api_docs", __name__)

    @blueprint.get("/api/docs")
    def page() -> Response:
        """What the API offers."""
        response = Response(render(api.spec.to_dict()), content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return blueprint


def render(document: Mapping[str, Any]) -> str:
    """The page of an OpenAPI document."""
    body = Markup("").join(_sections(document))
    return str(PAGE.format(title=f"{document['info']['title']} API", body=body))


def _sections(document: Mapping[str, Any]) -> Iterator[Markup]:
    for tag in document.get("tags", ()):
        rows = Markup("").join(_rows(document, tag["name"]))
        yield SECTION.format(name=tag["name"], about=tag.get("description", "")) + HEAD.format(rows=rows)


def _rows(document: Mapping[str, Any], tag: str) -> Iterator[Markup]:
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations and tag in operations[method].get("tags", ()):
                operation = operations[method]
                scopes = [name for need in operation.get("security", ()) for names in need.values() for name in names]
                answers = [status for status in operation.get("responses", ()) if status != "default"]
                yield ROW.format(
                    method=method.upper(), path=path, about=operation.get("summary", ""),
                    scope=", ".join(scopes), answers=escape(", ".join(answers)),
                )  # fmt: skip
