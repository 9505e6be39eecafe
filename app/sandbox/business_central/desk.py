"""One API call from its address to its answer, alone or inside a batch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from app.sandbox.business_central import operations
from app.sandbox.business_central.addresses import Address
from app.sandbox.business_central.company import Change, Company, Row
from app.sandbox.business_central.entities import ENTITIES
from app.sandbox.business_central.errors import Refusal, not_allowed
from app.sandbox.business_central.kinds import KINDS
from app.sandbox.business_central.metadata import metadata
from app.sandbox.business_central.query import parse_query
from app.sandbox.business_central.reading import find, page_of, text_of
from app.sandbox.business_central.subscriptions import Environment, Subscriptions
from app.sandbox.web import Answer, encode, text_answer

_PAGE_SIZE = re.compile(r"odata\.maxpagesize=(\d+)")
_UNCOUNTED = {"totalAmountExcludingTax": 0, "totalTaxAmount": 0, "totalAmountIncludingTax": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call: `base` is the address of the service, `path` what comes after it, `body` the JSON read already."""

    method: str
    base: str
    path: str
    query: str
    address: Address
    body: Any = None
    if_match: str | None = None
    prefer: str = ""


class Desk:
    """Does the calls of one environment."""

    def __init__(
        self, environment: Environment, companies: Mapping[str, Company], subscriptions: Subscriptions
    ) -> None:
        self.environment = environment
        self.companies = companies
        self._subscriptions = subscriptions

    def perform(self, call: Call) -> Answer:
        """Do one call as a change of its own. Raises Refusal."""
        address = call.address
        if address.set_name == "subscriptions":
            return self._subscription(call)
        if address.set_name == "companies":
            return self._company(call)
        if address.set_name == "$metadata":
            return Answer(body=metadata().encode(), headers=(("Content-Type", "application/xml"),))
        company = self.company(address.company)
        if call.method == "GET":
            with company.lock:
                return self.read(call, company)
        with company.change() as change:
            return self.write(call, change)

    def company(self, key: str) -> Company:
        """Return a company by its id. Raises Refusal."""
        company = self.companies.get(key)
        if company is None:
            raise Refusal("Internal_CompanyNotFound", "Cannot process the request because the company cannot be found.",
                          status=404)  # fmt: skip
        return company

    def read(self, call: Call, company: Company) -> Answer:
        """Answer a GET inside a company. Raises Refusal."""
        address = call.address
        set_name = address.set_name
        query = parse_query(call.query, ENTITIES[set_name])
        context = f'{{"@odata.context":"{call.base}/$metadata#companies({company.id})/{set_name}'
        if address.action:
            raise not_allowed("GET", f"Microsoft.NAV.{address.action}")
        if address.key:
            row = find(company, set_name, address.key)
            return text_answer(f'{context}/$entity",{text_of(company, set_name, row, query)[1:]}')
        parent = find(company, *address.parent) if address.parent else None
        size = _PAGE_SIZE.search(call.prefer)
        page = page_of(company, set_name, query, parent=parent, size=int(size[1]) if size else None)
        count = f'"@odata.count":{page.found},' if query.count else ""
        text = f'{context}",{count}"value":[{",".join(page.texts)}]'
        if page.next_after:
            text += f',"@odata.nextLink":{encode(_next(call, page.next_after))}'
        return text_answer(text + "}")

    def write(self, call: Call, change: Change) -> Answer:
        """Do a POST, PATCH, PUT or DELETE inside a company as a part of a change. Raises Refusal."""
        address, company = call.address, change.company
        set_name = address.set_name
        if call.method == "POST" and address.action:
            row = find(company, set_name, address.key)
            operations.check_match(row, call.if_match, required=False)
            leads_to, made = operations.act(change, set_name, row, address.action)
            location = f"{call.base}/companies({company.id})/{leads_to}({made['id']})"
            return Answer(status=204, headers=(("Location", location),))
        if call.method == "POST" and not address.key:
            parent = find(company, *address.parent) if address.parent else None
            row = operations.insert(change, set_name, call.body, parent)
            return self._record(call, company, _as_inserted(set_name, row), status=201)
        if not address.key or address.action or call.method not in {"PATCH", "PUT", "DELETE"}:
            raise not_allowed(call.method, set_name)
        row = find(company, set_name, address.key)
        operations.check_match(row, call.if_match, required=True)
        if call.method == "DELETE":
            operations.delete(change, set_name, row)
            return Answer(status=204)
        return self._record(call, company, operations.update(change, set_name, row, call.body), status=200)

    def _record(self, call: Call, company: Company, row: Row, *, status: int) -> Answer:
        set_name = call.address.set_name
        query = parse_query(call.query, ENTITIES[set_name])
        context = f'{{"@odata.context":"{call.base}/$metadata#companies({company.id})/{set_name}/$entity",'
        return text_answer(context + text_of(company, set_name, row, query)[1:], status=status)

    def _company(self, call: Call) -> Answer:
        if call.method != "GET":
            raise not_allowed(call.method, "companies")
        query = parse_query(call.query, ENTITIES["companies"])
        rows = [Row(_company_document(company)) for company in self.companies.values()]
        if call.address.key:
            self.company(call.address.key)
            [row] = [row for row in rows if row["id"] == call.address.key]
            return text_answer(row.text)
        texts = ",".join(row.text for row in query.matching(rows))
        return text_answer(f'{{"@odata.context":"{call.base}/$metadata#companies","value":[{texts}]}}')

    def _subscription(self, call: Call) -> Answer:
        method, key, own = call.method, call.address.key, self._subscriptions
        if method == "POST" and not key:
            return text_answer(Row(own.create(self.environment, call.body)).text, status=201)
        if method == "GET":
            rows = [own.get(self.environment, key)] if key else own.listed(self.environment)
            texts = [Row(row).text for row in rows]
            return text_answer(texts[0] if key else f'{{"value":[{",".join(texts)}]}}')
        if not key or method not in {"PATCH", "DELETE"}:
            raise not_allowed(method, "subscriptions")
        row = own.get(self.environment, key)
        operations.check_match(Row(row), call.if_match, required=True)
        if method == "DELETE":
            own.delete(key, "deleted")
            return Answer(status=204)
        return text_answer(Row(own.renew(self.environment, key, call.body)).text)


def _as_inserted(set_name: str, row: Row) -> Row:
    """Show a new document as its POST does: the head's totals are taken before its lines are inserted."""
    return Row({**row.document, **_UNCOUNTED}) if set_name in KINDS else row


def _next(call: Call, after: str) -> str:
    options = [(name, value) for name, value in parse_qsl(call.query) if name not in {"$skiptoken", "$skip"}]
    return f"{call.base}/{call.path}?{urlencode([*options, ('$skiptoken', after)])}"


def _company_document(company: Company) -> dict[str, object]:
    return {
        **ENTITIES["companies"].blank(),
        "id": company.id,
        "systemVersion": "26.0",
        "name": company.spec.name,
        "displayName": company.spec.name,
    }
