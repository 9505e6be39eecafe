"""Every field that is sent and every field that is read exists in Microsoft's own documents.

Requests are taken as they went over the wire in a whole life of an order; what is read, from the adapter's source.
"""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

import app.adapters.business_central as adapter
from app.adapters.business_central import SPEC
from app.adapters.business_central.subscriptions import BusinessCentralSubscriptions
from app.domains.orders.canonical import DocumentChanged
from app.kernel.errors import HubError
from app.sandbox.assembly import create_sandbox
from app.sandbox.serving import Served
from app.sandbox.settings import Settings
from tests.adapters.business_central.erp import PAYMENT_ACCOUNTS, Erp, a_us_company, settings_for
from tests.contracts.payment_sink import a_payment
from tests.contracts.sales_order_sink import posting_of, two_lines, with_fewer
from tests.factories import an_address

pytestmark = pytest.mark.capability("SYS-dynamics-bc")

# What Microsoft's property tables do not name, each with what proves it.
READ_BESIDES: Mapping[str, str] = {
    "value": "OData 4.01 JSON, 4.2: rows of a collection",
    "responses": "OData 4.01 JSON, 19.6: answers of a batch",
    "body": "OData 4.01 JSON, 19.6: body of an answer inside a batch",
    "headers": "OData 4.01 JSON, 19.6: headers of an answer inside a batch",
    "@odata.etag": "OData 4.01 JSON, 4.6.3: the version of an entity",
    "@odata.nextLink": "OData 4.01 JSON, 4.6.5: the next page",
    "error": "dynamics-error-codes.md: body of a refusal",
    "message": "dynamics-error-codes.md: body of a refusal",
    "changeType": "dynamics-subscriptions.md: body of a notification",
}
OURS = frozenset(
    {
        "accounts", "amount", "base_url", "client_id", "client_secret", "client_state", "collecting_customers",
        "company", "company_id", "customer", "document_currency", "entity_fields", "environment", "local_currency",
        "location", "meaning", "order_customer", "payment_accounts", "payment_booking", "prices_include_tax_writable",
        "query", "set", "shipment_method", "tax_mode", "tax_payable", "tenant", "token_url", "variant",
        "variant_separator",
    }
)  # fmt: skip
OPTIONS = re.compile(r"\b(\w+) (?:eq|ne|gt|ge|lt|le)\b|startswith\((\w+),")


class Recording:
    """A sandbox that remembers every request it gets."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.requests: list[tuple[str, str, str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        content = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(content)
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        if "/api/v2.0/" in path:
            body = json.loads(content) if content else None
            self.requests.append((environ["REQUEST_METHOD"], path.partition("/api/v2.0/")[2], query, body))
        answer: Iterable[bytes] = self.inner(environ, start)
        return answer


@pytest.fixture(scope="module")
def requests() -> Iterator[list[tuple[str, str, str, Any]]]:
    """All requests of an order's life: posted, edited, paid both ways, shipped, read, cancelled, and the set-up."""
    spec = a_us_company()
    recording = Recording(create_sandbox(Settings(companies=(spec,))))
    with Served(recording) as served:  # type: ignore[arg-type]
        for booking in ("journal", "payment_journal"):
            settings = settings_for(served, spec, payment_booking=booking, payment_accounts=PAYMENT_ACCOUNTS,
                                    channel_dimension="SHOP", location="EAST")  # fmt: skip
            _live(Erp(served=served, spec=spec, settings=settings), key=booking)
        yield recording.requests


def _live(erp: Erp, *, key: str) -> None:
    order = two_lines(erp)
    number = erp.orders.post(posting_of(order, key=key, again=True)).number
    fewer = replace(with_fewer(order, quantity=1, total="47.77"), ship_to=an_address(city="Salem"))
    erp.orders.change(posting_of(fewer, key=key))
    erp.payments.book(replace(a_payment(f"pay-{key}", amount="47.77"), order_key=key))
    erp.shipments.progress(number)
    erp.shipments.changed_since(datetime(2026, 1, 1, tzinfo=UTC))
    erp.shipments.number_of(DocumentChanged(kind="sales_invoice", external_id=erp.spec.id))
    assert SPEC.probe is not None
    SPEC.probe(erp.remote, erp.settings)
    with pytest.raises(HubError):  # nobody listens there: the request is what counts
        BusinessCentralSubscriptions.build(erp.remote, erp.settings).ensure("http://127.0.0.1:9/webhooks/erp")
    erp.orders.cancel(posting_of(order, key=key))


@pytest.fixture(scope="module")
def fields(contracts: Path) -> dict[str, set[str]]:
    """Entity set → properties and navigations, as Microsoft's documents list them."""
    resources = json.loads((contracts / "d365-business-central" / "v2.0-resources.json").read_text(encoding="utf-8"))
    plural = {"currency": "currencies", "generalLedgerEntry": "generalLedgerEntries", "company": "companies"}
    return {
        plural.get(name, name if name in ("subscriptions", "generalLedgerSetup") else f"{name}s"): {
            *(each["name"] for each in resource["properties"]),
            *(each["name"] for each in resource["navigation"]),
        }
        for name, resource in resources.items()
    }


def _set_of(path: str) -> str:
    parts = [part.split("(")[0] for part in path.split("/") if not part.startswith("Microsoft.NAV")]
    return [part for part in parts if part != "companies"][-1] if parts != ["companies"] else "companies"


def _calls(requests: list[tuple[str, str, str, Any]]) -> Iterator[tuple[str, str, str, Any]]:
    for method, path, query, body in requests:
        if path == "$batch":
            for inner in body["requests"]:
                url = urlsplit(inner["url"])
                yield inner["method"], url.path, url.query, None
        elif path != "$metadata":
            yield method, path, query, body


def test_every_field_that_is_sent_is_microsoft_s(
    requests: list[tuple[str, str, str, Any]], fields: dict[str, set[str]]
) -> None:
    unknown: list[str] = []
    sent = 0
    for method, path, _, body in _calls(requests):
        if body and method != "GET":
            name = _set_of(path)
            rows = [(name, body), *(("salesOrderLines", line) for line in body.get("salesOrderLines", ()))]
            unknown += [f"{of}.{field}" for of, row in rows for field in row if field not in fields[of]]
            sent += sum(len(row) for _, row in rows)
    assert unknown == []
    assert sent > 100


def test_every_field_that_is_asked_for_is_microsoft_s(
    requests: list[tuple[str, str, str, Any]], fields: dict[str, set[str]]
) -> None:
    unknown: list[str] = []
    asked = 0
    for _, path, query, _ in _calls(requests):
        options = dict(parse_qsl(query))
        names = [*options.get("$select", "").split(","), *options.get("$expand", "").split(",")]
        names += [name for found in OPTIONS.findall(options.get("$filter", "")) for name in found]
        wanted = [name for name in names if name]
        asked += len(wanted)
        unknown += [f"{_set_of(path)}.{name}" for name in wanted if name not in fields[_set_of(path)]]
    assert unknown == []
    assert asked > 50


def test_every_field_that_is_read_is_microsoft_s(fields: dict[str, set[str]]) -> None:
    known = {name for names in fields.values() for name in names} | {*READ_BESIDES} | OURS
    unknown = {name for name in _subscripts() if name not in known}
    assert unknown == set()
    assert _subscripts() >= {"totalAmountIncludingTax", "salesOrderLines", "orderNumber", "debitAmount"}


def _subscripts() -> set[str]:
    """Every constant that the adapter looks up in something: `row["number"]`, `row.get("number")`."""
    found: set[str] = set()
    for file in Path(adapter.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
                found |= _text(node.slice)
    return found


def _text(node: ast.AST) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()
