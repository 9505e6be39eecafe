"""Orders listed by range: by pages, by a bulk operation's file, and what a broken listing is caught by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.adapters.shopify import SPEC
from app.adapters.shopify import bulk as bulk_module
from app.adapters.shopify.history import ShopifyHistory
from app.domains.orders.canonical import Order
from app.domains.orders.policy import require_proof
from app.infra.remote.history import By, History, Listed, Page, Span
from app.infra.remote.spec import Message
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import HubError, NeedsAttention, Refused, Transient, Unauthorised, Waits
from tests.adapters.shopify.shop import Shop, a_shop
from tests.contracts.history import MORNING, HistoryContract, every

pytestmark = pytest.mark.capability("SYS-shopify", "RT-15")
RICH = {
    "lines": [{"sku": "MO-TENT-2P", "quantity": 3}, *({"sku": "MO-SCK-M", "quantity": n} for n in range(1, 16))],
    "discounts": [{"title": "TENTH", "value": 10, "percentage": True}],
}


def translated(listed: Listed) -> Order:
    message = Message(connection="shop", topic=listed.topic, headers={}, body=listed.body)
    order = SPEC.topics[listed.topic](message, {})
    assert isinstance(order, Order)
    return order


@dataclass
class Bench:
    shop: Shop
    kind: str = "order"
    template: dict[str, Any] = field(default_factory=dict)

    @property
    def port(self) -> History:
        return self.shop.kinds.get("history", ShopifyHistory).build(self.shop.remote, self.shop.settings)

    def put(self, created: datetime, updated: datetime) -> str:
        """The first order is placed as a customer does; the others are its twins, which is what a list needs."""
        if not self.template:
            self.template = self.shop.place()
            self.shop.put(
                "orders", {**self.template, "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z"}
            )
        number = self.shop.listening.sandbox.vendors["shopify"].store.records.next_id()  # type: ignore[attr-defined]
        stamps = {
            "created_at": created.isoformat(),
            "updated_at": updated.isoformat(),
            "processed_at": created.isoformat(),
        }
        gid = f"gid://shopify/Order/{number}"
        self.shop.put("orders", {**self.template, "id": number, "admin_graphql_api_id": gid, "refunds": [], **stamps})
        return str(number)

    def change(self, external_id: str, at: datetime) -> None:
        (found,) = (one for one in self.shop.books("orders") if str(one["id"]) == external_id)
        self.shop.put("orders", {**found, "updated_at": at.isoformat()})

    def reads_as(self, listed: Listed) -> tuple[str, datetime]:
        order = translated(listed)
        return order.ref.external_id, order.source_version

    def lose_answer(self) -> None:
        self.shop.fault("drop_before", "query orders")

    def lock_out(self) -> None:
        self.shop.settings["access_token"] = "revoked"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with a_shop() as one:
        one.post("/_shopify/bulk", {"seconds": 0})
        yield one


@pytest.fixture
def bench(shop: Shop) -> Bench:
    return Bench(shop)


class TestHistory(HistoryContract):
    pass


def now_span() -> Span:
    now = SYSTEM_CLOCK.now()
    return Span(kind="order", by=By.CREATED, since=now - timedelta(days=1), until=now + timedelta(days=1))


def history(shop: Shop) -> ShopifyHistory:
    return ShopifyHistory.build(shop.remote, shop.settings)


def test_a_bulk_listing_has_whole_orders_that_say_what_a_fetch_says(shop: Shop) -> None:
    placed = [shop.place(seed=seed) for seed in range(12)] + [shop.place(**RICH)]
    port = history(shop)
    by_bulk = {one.external_id: one for one in every(port, now_span(), bulk="run-1")}
    assert sorted(by_bulk) == sorted(str(order["id"]) for order in placed)
    assert sum(bool(one.body) for one in by_bulk.values()) > 5
    for one in by_bulk.values():
        whole = one if one.body else port.read("order", one.external_id)
        assert whole is not None
        order = translated(whole)
        assert order == shop.source.fetch(one.external_id)
        assert require_proof(order).decides


def test_what_a_file_cannot_hold_is_named_and_read_by_itself(shop: Shop) -> None:
    plain, refunded, edited = shop.place(), shop.place(), shop.place()
    shop.act(refunded, "refund")
    shop.act(edited, "edit", lines=[{"id": edited["line_items"][0]["id"], "quantity": 1}])
    listed = {one.external_id: bool(one.body) for one in every(history(shop), now_span(), bulk="run-1")}
    assert listed == {str(plain["id"]): True, str(refunded["id"]): False, str(edited["id"]): False}


def test_a_file_is_read_in_parts_of_whole_orders(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_module, "PART_BYTES", 20_000)
    ids = [str(shop.place(**RICH)["id"]) for _ in range(6)]
    parts: list[int] = []
    listed = every(history(shop), now_span(), bulk="run-1", after_page=lambda page: parts.append(len(page.items)))
    assert [one.external_id for one in listed] == ids
    assert all(one.body for one in listed)
    assert max(parts) < 6


def test_a_part_holds_as_many_orders_as_are_wanted(shop: Shop) -> None:
    ids = [str(shop.place()["id"]) for _ in range(5)]
    port, after, parts = history(shop), "", []
    while not parts or after:
        page = port.page(now_span(), after, bulk="run-1", most=2)
        after = page.after
        parts += [[one.external_id for one in page.items]] if page.items or not after else []
    assert [one for one in parts if one] == [ids[:2], ids[2:4], ids[4:]]


def test_a_host_that_sends_the_whole_file_at_once_is_read_all_the_same(shop: Shop) -> None:
    shop.post("/_shopify/bulk", {"seconds": 0, "ignore_range": True})
    ids = [str(shop.place()["id"]) for _ in range(3)]
    assert [one.external_id for one in every(history(shop), now_span(), bulk="run-1")] == ids


def test_the_files_host_is_told_no_token(shop: Shop) -> None:
    shop.place()
    seen: list[dict[str, Any]] = []
    answer = shop.listening.sandbox.application

    def listen(environ: Any, start: Any) -> Any:
        if environ["PATH_INFO"].startswith("/shopify_files"):
            seen.append(dict(environ))
        return answer(environ, start)

    shop.listening.sandbox.application = listen  # type: ignore[assignment]
    every(history(shop), now_span(), bulk="run-1")
    assert len(seen) == 1
    assert "HTTP_X_SHOPIFY_ACCESS_TOKEN" not in seen[0]


def test_a_listing_that_was_begun_is_found_again_and_not_begun_twice(shop: Shop) -> None:
    shop.place()
    shop.fault("drop_after", "mutation bulkOperationRunQuery")
    port = history(shop)
    with pytest.raises(HubError):
        port.page(now_span(), bulk="run-1")
    assert len(every(port, now_span(), bulk="run-1")) == 1
    assert len(shop.books("bulkOperations")) == 1
    every(port, now_span(), bulk="run-2")
    assert len(shop.books("bulkOperations")) == 2


def test_a_file_that_misses_lines_is_remarked(shop: Shop) -> None:
    shop.post("/_shopify/bulk", {"seconds": 0, "lose": 1})
    shop.place()
    pages: list[Page] = []
    port, after = history(shop), ""
    while not pages or pages[-1].after:
        pages.append(port.page(now_span(), after, bulk="run-1"))
        after = pages[-1].after
    assert pages[-1].expected == 1
    assert len(pages[-1].remarks) == 1


def test_an_empty_bulk_listing_has_no_file_and_is_no_error(shop: Shop) -> None:
    assert every(history(shop), now_span(), bulk="run-1") == []


@pytest.mark.parametrize("code", ["ACCESS_DENIED", "TIMEOUT", "INTERNAL_SERVER_ERROR"])
def test_a_bulk_operation_that_failed_needs_a_person(shop: Shop, code: str) -> None:
    shop.post("/_shopify/bulk", {"seconds": 0, "fail": code})
    with pytest.raises(NeedsAttention, match="by pages") as failed:
        every(history(shop), now_span(), bulk="run-1")
    assert failed.value.code == "shopify.bulk_failed"


def test_a_shop_that_is_at_work_on_too_many_is_waited_for(shop: Shop) -> None:
    shop.post("/_shopify/bulk", {"seconds": 60})
    port = history(shop)
    for n in range(5):
        assert port.page(now_span(), bulk=f"run-{n}").wait > 0
    with pytest.raises(Waits) as busy:
        port.page(now_span(), bulk="run-5")
    assert busy.value.seconds > 0


def test_an_expired_address_of_a_file_does_not_pause_the_shop(shop: Shop) -> None:
    shop.place()
    port = history(shop)
    begun = port.page(now_span(), bulk="run-1")
    shop.fault("status", "file bulk", status=403)
    with pytest.raises(Transient):
        every(port, now_span(), bulk="run-1")
    assert len(every(port, replace(now_span()), bulk="run-1")) == 1
    assert begun.after


def test_orders_of_more_than_sixty_days_ago_need_their_scope(shop: Shop) -> None:
    without = [scope for scope in shop.post("/_shopify/scopes", {})["scopes"] if scope != "read_all_orders"]
    port, now = history(shop), SYSTEM_CLOCK.now()
    old = Span(kind="order", by=By.CREATED, since=now - timedelta(days=61), until=now)
    assert port.count(old) == 0
    shop.post("/_shopify/scopes", {"scopes": without})
    with pytest.raises(Refused, match="read_all_orders"):
        port.count(old)
    assert port.count(replace(old, since=now - timedelta(days=59))) == 0


# Broken twins.


class TakesTheEndIn(ShopifyHistory):
    """Lists what lies at the end of the span too."""

    def page(self, span: Span, after: str = "", *, bulk: str = "", most: int = 100) -> Page:
        return super().page(replace(span, until=span.until + timedelta(hours=1)), after, bulk=bulk, most=most)


class StopsAtTheFirstPage(ShopifyHistory):
    def page(self, span: Span, after: str = "", *, bulk: str = "", most: int = 100) -> Page:
        return replace(super().page(span, after, bulk=bulk, most=most), after="")


class ListsByCreation(ShopifyHistory):
    """Never looks at what changed."""

    def page(self, span: Span, after: str = "", *, bulk: str = "", most: int = 100) -> Page:
        return super().page(replace(span, by=By.CREATED), after, bulk=bulk, most=most)


class MakesUpVersions(ShopifyHistory):
    def read(self, kind: str, external_id: str) -> Listed | None:
        found = super().read(kind, external_id)
        return None if found is None else replace(found, version=MORNING)


class SwallowsEverything(ShopifyHistory):
    def page(self, span: Span, after: str = "", *, bulk: str = "", most: int = 100) -> Page:
        try:
            return super().page(span, after, bulk=bulk, most=most)
        except HubError:
            return Page(items=())

    def count(self, span: Span) -> int | None:
        try:
            return super().count(span)
        except Unauthorised:
            return 0


CAUGHT_BY: dict[type, set[str]] = {
    TakesTheEndIn: {"test_a_span_lists_what_lies_in_it_once_its_end_left_out"},
    StopsAtTheFirstPage: {"test_many_come_in_pages_each_once"},
    ListsByCreation: {"test_what_was_changed_in_a_span_is_listed_with_its_version"},
    MakesUpVersions: {"test_what_is_read_is_what_the_adapters_own_translation_reads"},
    SwallowsEverything: {
        "test_a_lost_answer_may_be_asked_again",
        "test_dead_credentials_pause_the_connection",
        "test_a_kind_that_is_not_listed_is_refused_by_name",
    },
}


@pytest.mark.parametrize("twin", CAUGHT_BY, ids=lambda twin: twin.__name__)
def test_the_contract_catches_a_broken_twin(twin: type) -> None:
    def fails(name: str) -> bool:
        with a_shop({"history": twin}) as shop:
            try:
                getattr(HistoryContract(), name)(Bench(shop))
            except (HubError, AssertionError, ValueError, pytest.fail.Exception):
                return True
        return False

    assert {name for name in CAUGHT_BY[twin] if fails(name)} == CAUGHT_BY[twin]
