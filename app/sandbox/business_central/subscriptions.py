"""Webhook subscriptions: handshake on creation and renewal, three days of life, what they hear of.

Source: "Working with webhooks in Dynamics 365 Business Central" of Microsoft's documentation.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import urllib3

from app.sandbox import moment
from app.sandbox.books import Books
from app.sandbox.business_central.company import Company, Kinds
from app.sandbox.business_central.entities import ENTITIES, LINES_OF
from app.sandbox.business_central.errors import bad_request, dialog, not_found
from app.sandbox.business_central.notifier import TIMEOUT, Notifier
from app.sandbox.business_central.values import read_body
from app.sandbox.faults import Faults

SUPPORTED = frozenset(
    {
        "accounts", "companyInformation", "countriesRegions", "currencies", "customerPaymentJournals", "customers",
        "dimensions", "employees", "generalLedgerEntries", "itemCategories", "items", "journals", "paymentMethods",
        "paymentTerms", "purchaseInvoices", "salesCreditMemos", "salesInvoices", "salesOrders", "salesQuotes",
        "shipmentMethods", "unitsOfMeasure", "vendors",
    }
)  # fmt: skip
LIFE = timedelta(days=3)

Environment = tuple[str, str]


class Subscriptions:
    """The subscriptions of all environments; their notifications go out while it is started."""

    def __init__(self, books: Books, faults: Faults, *, delay: float, collection_after: int) -> None:
        self._books = books
        self._client = urllib3.PoolManager(retries=False, timeout=TIMEOUT)
        self._rows: dict[str, Mapping[str, Any]] = {
            row["subscriptionId"]: row for row in books.documents("subscriptions") if not row.get("_deleted")
        }
        self.notifier = Notifier(
            books, faults, self._living, self._refused, delay=delay, collection_after=collection_after
        )

    def start(self) -> None:
        """Start to notify."""
        self.notifier.start()

    def stop(self) -> None:
        """Stop to notify; what was gathered is dropped."""
        self.notifier.stop()
        self._client.clear()

    def listed(self, environment: Environment) -> list[Mapping[str, Any]]:
        """Return the living subscriptions of an environment."""
        self._expire()
        return [row for row in list(self._rows.values()) if (row["_tenant"], row["_environment"]) == environment]

    def get(self, environment: Environment, key: str) -> Mapping[str, Any]:
        """Return one subscription. Raises Refusal."""
        for row in self.listed(environment):
            if row["subscriptionId"] == key:
                return row
        raise not_found("Webhook Subscription", key)

    def create(self, environment: Environment, body: Any) -> Mapping[str, Any]:
        """Register a subscription after its handshake. Raises Refusal."""
        entity = ENTITIES["subscriptions"]
        settings = read_body(entity, body, creating=True)
        set_name = str(settings.get("resource", "")).partition("?")[0].rstrip("/").rpartition("/")[2]
        if set_name not in SUPPORTED:
            raise bad_request(f"The resource '{settings.get('resource', '')}' does not support webhooks.")
        self._shake_hands(str(settings.get("notificationUrl", "")))
        instant = moment.text(moment.now())
        row = {**entity.blank(), **settings, "subscriptionId": uuid.uuid4().hex, "systemCreatedAt": instant}
        row.update(_tenant=environment[0], _environment=environment[1], _set=set_name)
        return self._keep(row)

    def renew(self, environment: Environment, key: str, body: Any) -> Mapping[str, Any]:
        """Give a subscription three more days after another handshake. Raises Refusal."""
        row = self.get(environment, key)
        merged = {**row, **read_body(ENTITIES["subscriptions"], body, creating=False)}
        self._shake_hands(merged["notificationUrl"])
        return self._keep(merged)

    def delete(self, key: str, because: str) -> None:
        """End a subscription."""
        row = self._rows.pop(key, None)
        if row is not None:
            self._books.keep("subscriptions", key, {**row, "_deleted": True, "_because": because})

    def age(self, days: float) -> None:
        """Let days pass for every subscription."""
        for row in list(self._rows.values()):
            end = moment.parse(row["expirationDateTime"]) - timedelta(days=days)
            self._store({**row, "expirationDateTime": moment.text(end)})

    def changed(self, company: Company, kinds: Kinds) -> None:
        """Note what a change means for who listens; called by the request that made it, so it only notes."""
        if not self._rows:
            return
        heard = [row for row in list(self._rows.values())
                 if (row["_tenant"], row["_environment"]) == (company.spec.tenant, company.spec.environment)
                 and company.id in row["resource"]]  # fmt: skip
        if not heard:
            return
        for (set_name, key), (kind, document) in kinds.items():
            if set_name in LINES_OF:  # a changed line is its document's change
                set_name, by = LINES_OF[set_name]
                key, kind = document[by], "updated"
            for row in heard:
                if row["_set"] == set_name:
                    resource = f"api/v2.0/companies({company.id})/{set_name}({key})"
                    modified = document.get("lastModifiedDateTime") or moment.text(moment.now())
                    self.notifier.note(row["subscriptionId"], resource, kind, modified)

    def _shake_hands(self, url: str) -> None:
        token = uuid.uuid4().hex
        separator = "&" if "?" in url else "?"
        try:
            answer = self._client.request("POST", f"{url}{separator}validationToken={quote(token)}")
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise dialog(f"The handshake with '{url}' failed: it cannot be reached.") from error
        if answer.status != 200 or answer.data.decode("utf-8", "replace").strip() != token:
            raise dialog(f"The handshake with '{url}' failed: it did not return the validation token with 200.")

    def _keep(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        instant = moment.now()
        ends = {"lastModifiedDateTime": moment.text(instant), "expirationDateTime": moment.text(instant + LIFE)}
        return self._store({**row, **ends, "@odata.etag": f'W/"{uuid.uuid4().hex}"'})

    def _store(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        self._rows[row["subscriptionId"]] = row
        self._books.keep("subscriptions", row["subscriptionId"], row)
        return row

    def _living(self, key: str) -> Mapping[str, Any] | None:
        self._expire()
        return self._rows.get(key)

    def _refused(self, key: str, status: int) -> None:
        self.delete(key, f"answered {status}")

    def _expire(self) -> None:
        instant = moment.text(moment.now())
        for row in list(self._rows.values()):
            if row["expirationDateTime"] < instant:
                self.delete(row["subscriptionId"], "expired")
