"""A shop's subscriptions: what is compared, what is mended, and what only the app's own settings can mend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from app.adapters.shopify import SPEC
from app.adapters.shopify.subscriptions import ShopifySubscriptions
from app.adapters.shopify.webhooks import TOPICS
from app.infra.remote.spec import SubscriptionKeeper
from app.kernel.errors import HubError
from tests.adapters.shopify.shop import Shop, a_shop
from tests.contracts.subscription_keeper import SubscriptionKeeperContract

pytestmark = pytest.mark.capability("SYS-shopify", "RT-16")
ADDRESS = "https://hub.example.com/webhooks/shop"


@dataclass
class Bench:
    shop: Shop
    address: str = ADDRESS
    topics: tuple[str, ...] = tuple(sorted(TOPICS))

    @property
    def port(self) -> SubscriptionKeeper:
        return SPEC.port(SubscriptionKeeper, self.shop.remote, self.shop.settings)

    def held(self) -> dict[str, str]:
        rows = self.shop.books("webhookSubscriptions")
        return {row["topic"]: row["address"] for row in rows if not row.get("_deleted")}

    def drop(self, topic: str) -> None:
        self.shop.post("/_shopify/subscriptions", {"topic": topic, "gone": True})

    def move(self, topic: str) -> None:
        elsewhere = f"https://old.example.com/webhooks/shop/{topic}"
        self.shop.post("/_shopify/subscriptions", {"topic": topic, "address": elsewhere})

    def lock_out(self) -> None:
        self.shop.settings["access_token"] = "revoked"


@pytest.fixture
def bench() -> Iterator[Bench]:
    with a_shop() as shop:
        yield Bench(shop)


class TestSubscriptions(SubscriptionKeeperContract):
    pass


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "xml"}, "its format was XML"),
        ({"fields": ["id", "name"]}, "it told only id, name"),
        ({"filter": "total_price:>100"}, "it was filtered by total_price:>100"),
    ],
)
def test_a_subscription_that_tells_otherwise_is_corrected(bench: Bench, change: dict[str, object], said: str) -> None:
    bench.port.ensure(ADDRESS)
    bench.shop.post("/_shopify/subscriptions", {"topic": "orders/create", **change})
    (found,) = (one for one in bench.port.ensure(ADDRESS) if one.did)
    assert (found.topic, found.state, found.did, found.said) == ("orders/create", "changed", "corrected", said)
    assert {one.state for one in bench.port.look(ADDRESS)} == {"well"}


def test_another_api_version_is_said_since_only_the_app_can_change_it(bench: Bench) -> None:
    bench.port.ensure(ADDRESS)
    bench.shop.post("/_shopify/subscriptions", {"topic": "orders/create", "api_version": "2025-10"})
    (found,) = (one for one in bench.port.ensure(ADDRESS) if one.state != "well")
    assert (found.topic, found.state, found.did) == ("orders/create", "changed", "")
    assert "2025-10" in found.said


def test_what_other_addresses_are_told_is_left_alone(bench: Bench) -> None:
    create = """mutation C($s: WebhookSubscriptionInput!) {
      webhookSubscriptionCreate(topic: ORDERS_CREATE, webhookSubscription: $s) { userErrors { message } } }"""
    bench.shop.admin(create, s={"uri": "https://elsewhere.example.com/orders/create", "format": "JSON"})
    bench.port.ensure(ADDRESS)
    addresses = [row["address"] for row in bench.shop.books("webhookSubscriptions")]
    assert len(addresses) == len(TOPICS) + 1
    assert "https://elsewhere.example.com/orders/create" in addresses


class NeverCorrects(ShopifySubscriptions):
    """Creates what is missing and looks no further."""

    def ensure(self, address):  # type: ignore[no-untyped-def]
        return tuple(
            self._mended(address, found, one) if one is None else found for found, one in self._compared(address)
        )


class CreatesEverythingAgain(ShopifySubscriptions):
    """Never looks what is there."""

    def ensure(self, address):  # type: ignore[no-untyped-def]
        return tuple(self._mended(address, found, None) for found, _ in self._compared(address))


@pytest.mark.parametrize(
    ("twin", "name"),
    [
        (NeverCorrects, "test_one_that_leads_elsewhere_is_corrected_in_its_place"),
        (CreatesEverythingAgain, "test_everything_is_created_once_and_then_well"),
    ],
)
def test_the_contract_catches_a_broken_twin(twin: type, name: str) -> None:
    with a_shop() as shop:

        class Broken(Bench):
            @property
            def port(self) -> SubscriptionKeeper:
                return twin.build(self.shop.remote, self.shop.settings)  # type: ignore[attr-defined,no-any-return]

        with pytest.raises((HubError, AssertionError)):
            getattr(SubscriptionKeeperContract(), name)(Broken(shop))
