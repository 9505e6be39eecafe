"""Subscriptions to notifications: created with a handshake, renewed in time, since they live three days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from app.adapters.business_central.client import Company, Document
from app.adapters.business_central.settings import company_path
from app.adapters.business_central.verdicts import SYSTEM, Gone
from app.adapters.business_central.webhooks import SUBSCRIBED, TOPIC
from app.infra.remote.client import Outbound
from app.infra.remote.spec import Subscribed
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import NeedsAttention, Transient

RENEWED_BEFORE = timedelta(hours=36)  # half of a subscription's three days: a day of trouble costs none


@dataclass(frozen=True, slots=True)
class BusinessCentralSubscriptions:
    """The SubscriptionKeeper of one company."""

    remote: Outbound
    settings: Mapping[str, Any]

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> BusinessCentralSubscriptions:
        return cls(remote, settings)

    def look(self, address: str) -> tuple[Subscribed, ...]:
        """Business Central deletes a subscription whose address did not answer, or that was not renewed: missing."""
        if not self.settings["client_state"]:
            return _without_secret()
        held = self._held(address)
        return tuple(_compared(name, held.get(name), f"{address}/{TOPIC}") for name in SUBSCRIBED)

    def ensure(self, address: str) -> tuple[Subscribed, ...]:
        """Without `client_state` nothing could be believed, so nothing is subscribed: the hub polls.

        Raises Transient where Business Central does not get its token back: the web may be starting just now.
        """
        if not self.settings["client_state"]:
            return _without_secret()
        held = self._held(address)
        try:
            return tuple(self._kept(name, held.get(name), f"{address}/{TOPIC}") for name in SUBSCRIBED)
        except NeedsAttention as refused:
            raise Transient(
                f"{SYSTEM}.handshake_failed", refused.message, said=refused.facts.get("said", "")
            ) from refused

    def _held(self, address: str) -> dict[str, Document]:
        """The subscriptions at our address, or at our path of another one: the hub's public address was another."""
        wanted = f"{address}/{TOPIC}"
        rows = list_subscriptions(self.remote, self.settings)
        ours = [row for row in rows if urlsplit(str(row["notificationUrl"])).path == urlsplit(wanted).path]
        return {_collection(row): row for row in sorted(ours, key=lambda row: row["notificationUrl"] == wanted)}

    def _kept(self, name: str, row: Document | None, address: str) -> Subscribed:
        found = _compared(name, row, address)
        if row is not None and found.state == "well":
            return found
        company, body = Company.of(self.remote, self.settings), _body(self.settings, address, name)
        did = {"missing": "created", "expiring": "renewed"}.get(found.state, "corrected")
        try:
            made = _patched(company, row, body) if row is not None else company.post("/subscriptions", body)
        except Gone:  # it expired between the two requests
            made, did = company.post("/subscriptions", body), "created"
        return replace(found, did=did, expires_at=_ends(made))


def _compared(name: str, row: Document | None, address: str) -> Subscribed:
    if row is None:
        return Subscribed(topic=name, state="missing")
    ends = _ends(row)
    if row["notificationUrl"] != address:
        return Subscribed(
            topic=name, state="changed", said=f"its address was {row['notificationUrl']}", expires_at=ends
        )  # fmt: skip
    state = "expiring" if ends - SYSTEM_CLOCK.now() < RENEWED_BEFORE else "well"
    return Subscribed(topic=name, state=state, expires_at=ends)


def _without_secret() -> tuple[Subscribed, ...]:
    said = "nothing is subscribed: set client_state, a secret of your own, to be notified"
    return tuple(Subscribed(topic=name, state="refused", said=said) for name in SUBSCRIBED)


def list_subscriptions(remote: Outbound, settings: Mapping[str, Any]) -> tuple[Document, ...]:
    """The subscriptions of this client that speak of the connection's company."""
    ours = company_path(settings).lower()
    rows = Company.of(remote, settings).rows("/subscriptions")
    return tuple(row for row in rows if ours in str(row["resource"]).lower())


def _body(settings: Mapping[str, Any], notification_url: str, name: str) -> dict[str, str]:
    return {
        "notificationUrl": notification_url,
        "resource": f"/api/v2.0/{company_path(settings)}/{name}",
        "clientState": str(settings["client_state"]),
    }


def _patched(company: Company, row: Document, body: Document) -> Document:
    changed: Document = company.patch(
        f"/subscriptions('{row['subscriptionId']}')", body, etag=row.get("@odata.etag") or "*"
    )
    return changed


def _ends(row: Document) -> datetime:
    return datetime.fromisoformat(row["expirationDateTime"])


def _collection(row: Document) -> str:
    return str(row["resource"]).rsplit("/", 1)[-1]
