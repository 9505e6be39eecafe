"""The webhook subscriptions that the hub needs of a shop, compared and mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from app.adapters.shopify.client import Admin, user_errors
from app.adapters.shopify.documents import account
from app.adapters.shopify.levels import TOPICS as LEVEL_TOPICS
from app.adapters.shopify.levels import tells
from app.adapters.shopify.price_reports import TOPICS as PRICE_TOPICS
from app.adapters.shopify.price_reports import tells_prices
from app.adapters.shopify.refusals import refusal
from app.adapters.shopify.webhooks import TOPICS
from app.infra.remote.client import Outbound
from app.infra.remote.spec import Subscribed
from app.kernel.errors import NeedsAttention, Refused, Unauthorised

MOST_PAGES = 20
# Without these the hub misses orders, changes or its own dismissal; the others save it a look now and then.
NEEDED_TOPICS = (
    "orders/create", "orders/updated", "orders/edited", "orders/cancelled", "refunds/create", "fulfillments/create",
    "app/uninstalled",
)  # fmt: skip
SORTED_TOPICS = tuple(sorted(TOPICS, key=lambda topic: topic not in NEEDED_TOPICS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One webhook subscription as the shop has it; `topic` in the words of the webhook's header."""

    external_id: str
    topic: str
    uri: str
    api_version: str
    format: str = "JSON"
    include_fields: tuple[str, ...] = ()
    filter: str = ""


@dataclass(frozen=True, slots=True)
class ShopifySubscriptions:
    """The SubscriptionKeeper of one shop. What other addresses get is left alone. `topics` are those that it needs."""

    admin: Admin
    topics: tuple[str, ...] = SORTED_TOPICS

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> ShopifySubscriptions:
        return cls(Admin.of(remote, settings), (*SORTED_TOPICS, *tells(settings), *tells_prices(settings)))

    def look(self, address: str) -> tuple[Subscribed, ...]:
        return tuple(found for found, _ in self._compared(address))

    def ensure(self, address: str) -> tuple[Subscribed, ...]:
        """Whole and unfiltered, at `<address>/<topic>`. A topic that the hub can do without may be refused.

        The API version is the app's own and cannot be mended from here: it is said.
        """
        return tuple(self._mended(address, found, one) for found, one in self._compared(address))

    def _compared(self, address: str) -> list[tuple[Subscribed, Subscription | None]]:
        ours: dict[str, Subscription] = {}
        for one in every_subscription(self.admin):
            if one.topic in self.topics and _is_ours(one, address) and (one.topic not in ours or _at(one, address)):
                ours[one.topic] = one
        return [(self._compare(address, topic, ours.get(topic)), ours.get(topic)) for topic in self.topics]

    def _compare(self, address: str, topic: str, one: Subscription | None) -> Subscribed:
        if one is None:
            return Subscribed(topic=topic, state="missing")
        wrong = [
            said
            for holds, said in (
                (_at(one, address), f"its address was {one.uri}"),
                (one.format == "JSON", f"its format was {one.format}"),
                (not one.include_fields, f"it told only {', '.join(one.include_fields)}"),
                (not one.filter, f"it was filtered by {one.filter}"),
                (one.api_version == self.admin.version, _another_version(one.api_version, self.admin.version)),
            )
            if not holds
        ]
        return Subscribed(topic=topic, state="changed" if wrong else "well", said="; ".join(wrong))

    def _mended(self, address: str, found: Subscribed, one: Subscription | None) -> Subscribed:
        wish = {"uri": f"{address}/{found.topic}", "format": "JSON", "includeFields": [], "filter": ""}
        try:
            if one is None:
                _change(self.admin, account.CREATE_SUBSCRIPTION, topic=_name(found.topic), subscription=wish)
                return replace(found, did="created")
            if not (_at(one, address) and one.format == "JSON" and not one.include_fields and not one.filter):
                _change(self.admin, account.UPDATE_SUBSCRIPTION, id=one.external_id, subscription=wish)
                return replace(found, did="corrected")
        except (NeedsAttention, Refused, Unauthorised) as refused:
            if found.topic in NEEDED_TOPICS:
                raise
            return replace(found, state="refused", said=refused.message)
        return found


def every_subscription(admin: Admin) -> tuple[Subscription, ...]:
    """Every webhook subscription of this app at the shop."""
    found: list[Subscription] = []
    after = None
    for _ in range(MOST_PAGES):
        page = admin.ask(account.SUBSCRIPTIONS, after=after)["webhookSubscriptions"]
        found += [_subscription(node) for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return tuple(found)
        after = page["pageInfo"]["endCursor"]
    raise NeedsAttention("shopify.pages_without_end", "the shop's pages of subscriptions never end")


def _is_ours(one: Subscription, address: str) -> bool:
    """At our address, or at our path of another one: the hub's public address was another then."""
    return _at(one, address) or urlsplit(one.uri).path == f"{urlsplit(address).path}/{one.topic}"


def _at(one: Subscription, address: str) -> bool:
    return one.uri == f"{address}/{one.topic}"


def _another_version(found: str, pinned: str) -> str:
    return f"it tells in API version {found}, pinned is {pinned}: set the app's webhook version to {pinned}"


def _change(admin: Admin, document: str, **variables: Any) -> None:
    (payload,) = admin.change(document, **variables).values()
    if errors := user_errors(payload):
        raise refusal(errors, about=str(variables.get("topic") or variables.get("id")))


def _name(topic: str) -> str:
    return topic.replace("/", "_").upper()


_TOPIC_OF = {_name(topic): topic for topic in (*TOPICS, *LEVEL_TOPICS, *PRICE_TOPICS)}


def _subscription(node: Mapping[str, Any]) -> Subscription:
    return Subscription(
        external_id=node["id"],
        topic=_TOPIC_OF.get(node["topic"], node["topic"].lower()),
        uri=node["uri"],
        api_version=node["apiVersion"]["handle"],
        format=node["format"],
        include_fields=tuple(node["includeFields"]),
        filter=node["filter"] or "",
    )
