"""One emulated company with an adapter connected to it over real HTTP, and switches for what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import urllib3

from app.adapters.business_central import SPEC
from app.domains.orders.ports import PaymentSink, Receipt, SalesOrderSink, ShipmentSource
from app.domains.product.ports import ProductSource
from app.infra.remote.client import Outbound
from app.infra.remote.spec import Dedupe
from app.kernel.money import Money
from app.sandbox.assembly import create_sandbox
from app.sandbox.companies import CompanySpec, marlow_us, vat_company
from app.sandbox.faults import Rule
from app.sandbox.serving import Served
from app.sandbox.settings import Settings
from tests.contracts.sales_order_sink import posting_of, two_lines

SECRET = "sandbox-erp-secret"
CLIENT_STATE = "a secret that only Business Central and the hub know"
TAXES = {
    "State tax": "2310", "County tax": "2320", "Maine State Tax": "2330", "Washington State Tax": "2340",
    "King County Tax": "2350",
}  # fmt: skip
ACCOUNTS: Mapping[str, Any] = {
    "shipping": "4100", "tip": "4200", "gift_card_liability": "2400", "duty": "4300", "fee": "4310",
    "custom": "4310", "cash_rounding": "4900", "rounding": "4910", "marketplace_tax": "2360",
    "refund_difference": "4800", "tax_payable": TAXES,
}  # fmt: skip
PAYMENT_ACCOUNTS = {"shopify_payments": "1100", "paypal": "1110"}


@dataclass(slots=True, kw_only=True)
class Erp:
    """A company of the sandbox and what an operator set up for it. Also the bench of the three contracts."""

    served: Served
    spec: CompanySpec
    settings: dict[str, Any]
    skus: tuple[str, str] = ("MO-TENT-2P", "MO-CAP-ONE")
    dedupe: Dedupe = Dedupe.LOOKUP
    sink: type | None = None  # a broken twin in place of the adapter's own
    number: str = ""
    external_id: str = ""
    _remotes: list[Outbound] = field(default_factory=list)

    @property
    def remote(self) -> Outbound:
        if not self._remotes:
            self._remotes.append(SPEC.connect(self.settings))
        return self._remotes[0]

    @property
    def orders(self) -> SalesOrderSink:
        if self.sink is not None:
            return self.sink.build(self.remote, self.settings)  # type: ignore[attr-defined, no-any-return]
        return SPEC.port(SalesOrderSink, self.remote, self.settings)

    @property
    def payments(self) -> PaymentSink:
        return SPEC.port(PaymentSink, self.remote, self.settings)

    @property
    def shipments(self) -> ShipmentSource:
        return SPEC.port(ShipmentSource, self.remote, self.settings)

    @property
    def products(self) -> ProductSource:
        return SPEC.port(ProductSource, self.remote, self.settings)

    def with_order(self) -> Receipt:
        """Post the contracts' usual order."""
        receipt = self.orders.post(posting_of(two_lines(self)))
        self.number, self.external_id = receipt.number, receipt.external_id
        return receipt

    def held(self, collection: str = "salesOrders") -> list[Mapping[str, Any]]:
        """The company's records of a collection that Business Central would still show, with their lines."""
        lines = {"salesOrders": "salesOrderLines", "salesInvoices": "salesInvoiceLines"}.get(collection)
        rows = self._shown(collection)
        if lines is None:
            return rows
        inner = self._shown(lines)
        return [{**row, lines: [line for line in inner if line["documentId"] == row["id"]]} for row in rows]

    def _shown(self, collection: str) -> list[Mapping[str, Any]]:
        rows = self.served.sandbox.books.documents(collection)
        return [row for row in rows if row.get("_company") == self.spec.id and not row.get("_deleted")]

    def lines(self, number: str) -> dict[int, Mapping[str, Any]]:
        [order] = [order for order in self.held() if order["number"] == number]
        return {line["sequence"]: line for line in order["salesOrderLines"]}

    def calls(self) -> dict[str, int]:
        return self.served.sandbox.books.calls("business_central")

    def documents(self) -> list[Money]:
        return [_money(order["totalAmountIncludingTax"], self.spec.currency) for order in self.held()]

    def booked(self) -> list[Money]:
        """What was credited to customers by the journals."""
        entries = [entry for entry in self.held("generalLedgerEntries") if entry["accountNumber"] == "1200"]
        return [_money(Decimal(e["creditAmount"]) - Decimal(e["debitAmount"]), self.spec.currency) for e in entries]

    def fault(self, **rule: Any) -> None:
        self.served.sandbox.faults.add(Rule(vendor="business_central", **rule))

    def lose_answer(self, *, after_effect: bool) -> None:
        written = "POST salesOrders|POST journals.post"
        self.fault(kind="drop_after" if after_effect else "drop_before", match=written, times=1)

    def throttle(self, *, retry_after: int) -> None:
        self.fault(kind="throttle", retry_after=retry_after)

    def lock_out(self) -> None:
        self.settings = self.settings | {"client_secret": "an old one"}
        self._remotes.clear()

    def tear(self, number: str) -> None:
        self.remove_line(number, 2000)

    def remove_line(self, number: str, sequence: int) -> None:
        """Somebody, or an extension that failed half-way, takes a line out of a document."""
        line = self.lines(number)[sequence]
        service = f"/v2.0/{self.spec.tenant}/{self.spec.environment}/api/v2.0/companies({self.spec.id})"
        path = f"{service}/salesOrderLines({line['id']})"
        self.remote.send("DELETE", path, writes=True, headers={"If-Match": str(line["@odata.etag"])})

    def release(self, number: str) -> None:
        self.people("release", number=number)

    def ship(self, quantities: dict[int, int] | None, *, invoice: bool = False) -> str:
        """Ship quantities by sequence, or all that is open; the shipment's number."""
        asked: dict[str, Any] = {"number": self.number, "invoice": invoice}
        if quantities is not None:
            asked["lines"] = [{"sequence": n, "quantity": str(quantity)} for n, quantity in quantities.items()]
        return str(self.people("ship", **asked)["shipment"]["number"])

    def undo(self, shipment: str) -> None:
        self.people("ship", undo=shipment)

    def people(self, what: str, **told: Any) -> Any:
        """What Business Central's own people do, by the sandbox's controls."""
        url = f"{self.served.url}/_business_central/{what}"
        answer = urllib3.request("POST", url, json=told, timeout=10, retries=False)
        assert answer.status == 200, answer.data
        return answer.json()


def _money(amount: Any, currency: str) -> Money:
    return Money.parse(Decimal(amount), currency)


def settings_for(served: Served, spec: CompanySpec, **given: Any) -> dict[str, Any]:
    """Loaded settings of a connection to one company, tax_lines and draft unless told otherwise."""
    base = f"{served.url}/business-central"
    raw = {
        "base_url": base, "token_url": f"{base}/{spec.tenant}/oauth2/v2.0/token", "tenant": spec.tenant,
        "environment": spec.environment, "company_id": spec.id, "client_id": "roundhouse", "client_secret": SECRET,
        "client_state": CLIENT_STATE, "local_currency": spec.currency,
        "tax_mode": "tax_lines" if spec.sales_tax else "gross",
        "zero_tax_code": "NONTAXABLE" if spec.sales_tax else "ZERO",
        "shipping_tax_code": "" if spec.sales_tax else "STANDARD",
        "accounts": dict(ACCOUNTS),
    } | given  # fmt: skip
    return {**SPEC.settings().load(raw), "allow_loopback": True}


@contextmanager
def an_erp(spec: CompanySpec, *, sink: type | None = None, **settings: Any) -> Iterator[Erp]:
    """Serve a sandbox with one company and connect to it."""
    with Served(create_sandbox(Settings(companies=(spec,)))) as served:
        yield Erp(served=served, spec=spec, settings=settings_for(served, spec, **settings), sink=sink)


def a_us_company() -> CompanySpec:
    return marlow_us()


def a_vat_company(currency: str = "EUR", *, standard: str = "19") -> CompanySpec:
    return vat_company(currency=currency, standard=standard)
