"""The shop's account: a connection test, and the webhook subscriptions that the hub needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.adapters.shopify.client import Admin, user_errors
from app.adapters.shopify.documents import account
from app.adapters.shopify.refusals import refusal
from app.adapters.shopify.settings import API_VERSIONS
from app.adapters.shopify.webhooks import TOPICS
from app.infra.remote.client import Outbound
from app.infra.remote.spec import Probe
from app.kernel.errors import HubError, NeedsAttention, Refused, Unauthorised

MOST_PAGES = 20
# Without these the hub misses orders, changes or its own dismissal; the others save it a look now and then.
NEEDED_TOPICS = (
    "orders/create", "orders/updated", "orders/edited", "orders/cancelled", "refunds/create", "fulfillments/create",
    "app/uninstalled",
)  # fmt: skip
# What the adapter calls needs these; a write scope holds its read scope.
REQUIRED_SCOPES = ("write_orders", "read_customers", "write_merchant_managed_fulfillment_orders")
WANTED_SCOPES = ("read_all_orders",)  # without it orders older than 60 days do not exist for us


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One webhook subscription as the shop has it; `topic` in the words of the webhook's header."""

    external_id: str
    topic: str
    uri: str
    api_version: str
    include_fields: tuple[str, ...] = ()
    filter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What `repair` did about the topics."""

    created: tuple[str, ...]
    corrected: tuple[str, ...]
    kept: tuple[str, ...]
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShopifySubscriptions:
    """The SubscriptionKeeper of one shop."""

    remote: Outbound
    settings: Mapping[str, Any]

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> ShopifySubscriptions:
        return cls(remote, settings)

    def ensure(self, address: str) -> tuple[str, ...]:
        """Every topic that the hub reads; one that it can do without may be refused, as for want of a scope."""
        done = repair(self.remote, self.settings, address)
        words = (("created", done.created), ("corrected", done.corrected), ("was refused", done.refused))
        return tuple(f"{did} {topic}" for did, topics in words for topic in topics)


def probe(remote: Outbound, settings: Mapping[str, Any]) -> tuple[Probe, ...]:
    """Whether the shop answers, is the right one, lets us do what we need, serves our API version and tells us."""
    admin = Admin.of(remote, settings)
    try:
        answer = admin.ask(account.PROBE)
        told = subscriptions(remote, settings)
    except HubError as refused:
        return (Probe(name="reachable", passed=False, said=f"{refused.code}: {refused.message}"),)
    shop = answer["shop"]
    granted = {scope["handle"] for scope in answer["currentAppInstallation"]["accessScopes"]}
    served = {one["handle"] for one in answer["publicApiVersions"] if one["supported"]}
    return (
        Probe(name="reachable", passed=True, said=f"{shop['name']}, {shop['currencyCode']}, {shop['ianaTimezone']}"),
        _same_shop(shop["myshopifyDomain"], str(settings["shop"])),
        _scopes(granted),
        _version(admin.version, served),
        _told(told),
    )


def subscriptions(remote: Outbound, settings: Mapping[str, Any]) -> tuple[Subscription, ...]:
    """Every webhook subscription of this app at the shop."""
    admin, found, after = Admin.of(remote, settings), [], None
    for _ in range(MOST_PAGES):
        page = admin.ask(account.SUBSCRIPTIONS, after=after)["webhookSubscriptions"]
        found += [_subscription(node) for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return tuple(found)
        after = page["pageInfo"]["endCursor"]
    raise NeedsAttention("shopify.pages_without_end", "the shop's pages of subscriptions never end")


def subscribe(remote: Outbound, settings: Mapping[str, Any], topic: str, address: str) -> None:
    """Subscribe one topic; the shop refuses a second subscription of a topic for the same address."""
    _change(
        Admin.of(remote, settings), account.CREATE_SUBSCRIPTION, topic, topic=_name(topic), subscription=_wish(address)
    )


def repair(remote: Outbound, settings: Mapping[str, Any], address: str, topics: Iterable[str] = TOPICS) -> Repair:
    """Make the shop tell `topics` at `<address>/<topic>`, whole and unfiltered. What other addresses get is left.

    Raises what the shop says to one of NEEDED_TOPICS; another that it does not let us have is named as refused.
    """
    admin = Admin.of(remote, settings)
    known = {one.topic: one for one in subscriptions(remote, settings) if one.uri.startswith(f"{address}/")}
    created, corrected, kept, refused = [], [], [], []
    for topic in sorted(topics, key=lambda topic: topic not in NEEDED_TOPICS):
        uri, one = f"{address}/{topic}", known.get(topic)
        try:
            if one is None:
                subscribe(remote, settings, topic, uri)
                created.append(topic)
            elif one.uri != uri or one.include_fields or one.filter:
                _change(admin, account.UPDATE_SUBSCRIPTION, topic, id=one.external_id, subscription=_wish(uri))
                corrected.append(topic)
            else:
                kept.append(topic)
        except (NeedsAttention, Refused, Unauthorised):
            if topic in NEEDED_TOPICS:
                raise
            refused.append(topic)
    return Repair(created=tuple(created), corrected=tuple(corrected), kept=tuple(kept), refused=tuple(refused))


def _change(admin: Admin, document: str, about: str, **variables: Any) -> None:
    (payload,) = admin.change(document, **variables).values()
    if errors := user_errors(payload):
        raise refusal(errors, about=about)


def _wish(uri: str) -> dict[str, Any]:
    return {"uri": uri, "format": "JSON", "includeFields": [], "filter": ""}


def _name(topic: str) -> str:
    return topic.replace("/", "_").upper()


_TOPIC_OF = {_name(topic): topic for topic in TOPICS}


def _subscription(node: Mapping[str, Any]) -> Subscription:
    return Subscription(
        external_id=node["id"],
        topic=_TOPIC_OF.get(node["topic"], node["topic"].lower()),
        uri=node["uri"],
        api_version=node["apiVersion"]["handle"],
        include_fields=tuple(node["includeFields"]),
        filter=node["filter"] or "",
    )


def _same_shop(found: str, wanted: str) -> Probe:
    said = found if found == wanted else f"the token belongs to {found}, the connection is for {wanted}"
    return Probe(name="shop", passed=found == wanted, said=said)


def _scopes(granted: set[str]) -> Probe:
    missing = [scope for scope in REQUIRED_SCOPES if scope not in granted]
    wanted = [scope for scope in WANTED_SCOPES if scope not in granted]
    if missing:
        return Probe(name="scopes", passed=False, said=f"grant the app {', '.join(missing)}")
    return Probe(name="scopes", passed=True, said=f"without {', '.join(wanted)}" if wanted else "all that is needed")


def _version(pinned: str, served: set[str]) -> Probe:
    if pinned in served:
        return Probe(name="api_version", passed=True, said=pinned)
    others = ", ".join(sorted(served.intersection(API_VERSIONS))) or "none that this adapter speaks"
    return Probe(name="api_version", passed=False, said=f"{pinned} is no longer served; served is {others}")


def _told(found: tuple[Subscription, ...]) -> Probe:
    topics = {one.topic for one in found}
    missing = [topic for topic in NEEDED_TOPICS if topic not in topics]
    said = f"not subscribed: {', '.join(missing)}" if missing else f"{len(topics)} topics"
    return Probe(name="webhooks", passed=not missing, said=said)
