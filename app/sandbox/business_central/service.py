"""The emulated service: who asks, how often, where to, and what Business Central's people do meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal

from app.sandbox.books import Books
from app.sandbox.business_central.addresses import Address, parse_address
from app.sandbox.business_central.batch import perform_batch
from app.sandbox.business_central.company import Committed, Company, Kinds
from app.sandbox.business_central.desk import Call, Desk
from app.sandbox.business_central.errors import Refusal, bad_request, no_segment, refuse
from app.sandbox.business_central.people import People
from app.sandbox.business_central.seeding import seed_company
from app.sandbox.business_central.subscriptions import Environment, Subscriptions
from app.sandbox.business_central.tokens import Tokens
from app.sandbox.companies import CompanySpec, marlow_us
from app.sandbox.faults import Faults
from app.sandbox.limits import Limits, SlidingWindow
from app.sandbox.seed import catalogue
from app.sandbox.settings import Settings
from app.sandbox.web import Answer, Answerer, Request, Unreadable

VENDOR = "business_central"
_NESTED = (("salesOrders", "salesOrderLines", "documentId"), ("salesInvoices", "salesInvoiceLines", "documentId"),
           ("salesShipments", "salesShipmentLines", "documentId"), ("journals", "journalLines", "journalId"),
           ("salesCreditMemos", "salesCreditMemoLines", "documentId"))  # fmt: skip


class BusinessCentral:
    """Business Central with all its environments and companies."""

    def __init__(self, settings: Settings, books: Books, faults: Faults, limits: Limits) -> None:
        self._settings, self._books, self._faults, self._limits = settings, books, faults, limits
        self._tokens = Tokens({settings.client_id: settings.client_secret})
        self._windows: dict[str, SlidingWindow] = {}
        self._desks: dict[Environment, Desk] = {}
        self.companies: dict[str, Company] = {}
        self.listeners: list[Committed] = []
        self.subscriptions = Subscriptions(
            books, faults, delay=settings.notification_delay, collection_after=settings.collection_after
        )
        for parent, child, by in _NESTED:
            books.nest(parent, child, by)
        kept = [_spec(document["_spec"]) for document in books.documents("companies")]
        specs = kept or settings.companies or (marlow_us(settings.tenant, settings.environment),)
        for spec in specs:
            self.add_company(spec)
        self.people = People(self.companies, self.add_company, self.subscriptions)

    def answerers(self) -> Mapping[str, Answerer]:
        """Return what answers for the vendor and for its controls."""
        return {"business-central": self.answer, "_business_central": self.people.answer}

    def start(self) -> None:
        """Start to notify."""
        self.subscriptions.start()

    def stop(self) -> None:
        """Stop to notify."""
        self.subscriptions.stop()

    def add_company(self, spec: CompanySpec) -> Company:
        """Set up a company, or take it over from the books where an earlier process left it."""
        company = Company(spec, self._books, self._committed)
        if self._books.read("companies", spec.id) is None:
            seed_company(company, catalogue(self._settings.seed))
            rates = [[area, code, str(percent)] for (area, code), percent in spec.rates.items()]
            document = {"id": spec.id, "name": spec.name, "_spec": {**asdict(spec), "rates": rates}}
            self._books.keep("companies", spec.id, document)
        else:
            company.restore()
        self.companies[spec.id] = company
        environment = (spec.tenant, spec.environment)
        own = {key: each for key, each in self.companies.items()
               if (each.spec.tenant, each.spec.environment) == environment}  # fmt: skip
        self._desks[environment] = Desk(environment, own, self.subscriptions)
        return company

    def _committed(self, company: Company, kinds: Kinds) -> None:
        self.subscriptions.changed(company, kinds)
        for listener in self.listeners:
            listener(company, kinds)

    def answer(self, request: Request) -> Answer:
        """Answer a request to the token endpoint or to the API."""
        try:
            return self._answer(request)
        except Refusal as refusal:
            return refusal.answer()
        except Unreadable as error:
            return bad_request(str(error)).answer()

    def _answer(self, request: Request) -> Answer:
        parts = request.path.split("/", 5)
        if len(parts) == 6 and parts[1] == "v2.0" and parts[4] == "api":
            return self._api(request, (parts[2], parts[3]), parts[5])
        if request.method == "POST" and parts[2:] == ["oauth2", "v2.0", "token"]:
            self._books.called(VENDOR, "POST token")
            return self._faults.around(VENDOR, "POST token", lambda: self._tokens.grant(parts[1], request), refuse)
        raise no_segment(request.path)

    def _api(self, request: Request, environment: Environment, rest: str) -> Answer:
        version, _, path = rest.partition("/")
        client = self._tokens.client(environment[0], request)
        desk = self._desks.get(environment)
        if version != "v2.0" or desk is None:
            raise no_segment(environment[1] if desk is None else version)
        window = self._windows.setdefault(client, SlidingWindow())
        wait = window.enter(self._limits.of(VENDOR))
        if wait is not None:
            return refuse(429, wait)
        try:
            address = parse_address(path)
            operation = address.operation(request.method)
            self._books.called(VENDOR, operation)
            return self._faults.around(
                VENDOR, operation, lambda: self._perform(request, desk, environment, path, address), refuse
            )
        finally:
            window.leave()

    def _perform(self, request: Request, desk: Desk, environment: Environment, path: str, address: Address) -> Answer:
        try:
            host = request.environ.get("HTTP_HOST", "127.0.0.1")
            base = f"http://{host}/business-central/v2.0/{environment[0]}/{environment[1]}/api/v2.0"
            if address.set_name == "$batch":
                return perform_batch(
                    desk,
                    base,
                    request.json(),
                    isolated=(request.header("Isolation") or "").lower() == "snapshot",
                    going_on="continue-on-error" in (request.header("Prefer") or ""),
                    count=lambda operation: self._books.called(VENDOR, operation),
                )
            return desk.perform(
                Call(
                    method=request.method,
                    base=base,
                    path=path,
                    query=request.query,
                    address=address,
                    body=request.json() if request.body else {},
                    if_match=request.environ.get("HTTP_IF_MATCH"),
                    prefer=request.environ.get("HTTP_PREFER", ""),
                )
            )
        except Refusal as refusal:
            return refusal.answer()


def _spec(kept: Mapping[str, object]) -> CompanySpec:
    rates = {(area, code): Decimal(percent) for area, code, percent in kept["rates"]}  # type: ignore[attr-defined]
    return CompanySpec(**{**kept, "rates": rates})  # type: ignore[arg-type]
