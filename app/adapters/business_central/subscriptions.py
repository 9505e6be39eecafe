"""Subscriptions to notifications: created with a handshake, renewed daily, since they live three days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.adapters.business_central.client import Company, Document
from app.adapters.business_central.settings import company_path
from app.adapters.business_central.verdicts import SYSTEM, Gone
from app.adapters.business_central.webhooks import SUBSCRIBED, TOPIC
from app.infra.remote.client import Outbound
from app.kernel.errors import NeedsAttention, Transient


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One collection that Business Central tells us about, until `expires_at` unless it is renewed."""

    resource: str
    subscription_id: str
    expires_at: datetime
    renewed: bool


@dataclass(frozen=True, slots=True)
class BusinessCentralSubscriptions:
    """The SubscriptionKeeper of one company. A subscription lives three days, so each look renews it."""

    remote: Outbound
    settings: Mapping[str, Any]

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> BusinessCentralSubscriptions:
        return cls(remote, settings)

    def ensure(self, address: str) -> tuple[str, ...]:
        """Without `client_state` nothing could be believed, so nothing is subscribed: the hub polls.

        Raises Transient where Business Central does not get its token back: the web may be starting just now.
        """
        if not self.settings["client_state"]:
            return ("nothing subscribed: set client_state, a secret of your own, to be notified",)
        try:
            found = ensure_subscriptions(self.remote, self.settings, notification_url=f"{address}/{TOPIC}")
        except NeedsAttention as refused:
            raise Transient(
                f"{SYSTEM}.handshake_failed", refused.message, said=refused.facts.get("said", "")
            ) from refused
        return tuple(
            f"{'renewed' if one.renewed else 'created'} {one.resource} until {one.expires_at:%Y-%m-%d %H:%M} UTC"
            for one in found
        )


def list_subscriptions(remote: Outbound, settings: Mapping[str, Any]) -> tuple[Document, ...]:
    """The subscriptions of this client that speak of the connection's company."""
    ours = company_path(settings).lower()
    rows = Company.of(remote, settings).rows("/subscriptions")
    return tuple(row for row in rows if ours in str(row["resource"]).lower())


def ensure_subscriptions(
    remote: Outbound, settings: Mapping[str, Any], *, notification_url: str
) -> tuple[Subscription, ...]:
    """Renew each subscription to `notification_url`, and create what is missing; safe to repeat, meant to run daily.

    Business Central calls the address with a token before it answers: the web process must be able to echo it then.
    """
    company = Company.of(remote, settings)
    held = {
        _collection(row): row
        for row in list_subscriptions(remote, settings)
        if row["notificationUrl"] == notification_url
    }
    return tuple(
        _renewed(company, settings, notification_url, name, held[name])
        if name in held
        else _created(company, settings, notification_url, name)
        for name in SUBSCRIBED
    )


def end_subscriptions(remote: Outbound, settings: Mapping[str, Any], *, notification_url: str) -> int:
    """Delete the subscriptions to an address; how many there were."""
    company = Company.of(remote, settings)
    ours = [row for row in list_subscriptions(remote, settings) if row["notificationUrl"] == notification_url]
    for row in ours:
        company.delete(f"/subscriptions('{row['subscriptionId']}')", etag=row.get("@odata.etag") or "*")
    return len(ours)


def _body(settings: Mapping[str, Any], notification_url: str, name: str) -> dict[str, str]:
    return {
        "notificationUrl": notification_url,
        "resource": f"/api/v2.0/{company_path(settings)}/{name}",
        "clientState": str(settings["client_state"]),
    }


def _created(company: Company, settings: Mapping[str, Any], notification_url: str, name: str) -> Subscription:
    return _read(company.post("/subscriptions", _body(settings, notification_url, name)), name, renewed=False)


def _renewed(
    company: Company, settings: Mapping[str, Any], notification_url: str, name: str, row: Document
) -> Subscription:
    path, etag = f"/subscriptions('{row['subscriptionId']}')", row.get("@odata.etag") or "*"
    try:
        return _read(company.patch(path, _body(settings, notification_url, name), etag=etag), name, renewed=True)
    except Gone:  # it expired between the two requests
        return _created(company, settings, notification_url, name)


def _read(row: Document, name: str, *, renewed: bool) -> Subscription:
    return Subscription(
        resource=name,
        subscription_id=str(row["subscriptionId"]),
        expires_at=datetime.fromisoformat(row["expirationDateTime"]),
        renewed=renewed,
    )


def _collection(row: Document) -> str:
    return str(row["resource"]).rsplit("/", 1)[-1]
