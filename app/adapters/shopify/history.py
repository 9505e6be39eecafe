"""What the shop holds, by range: page by page for what is little, by a bulk operation for what is much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.adapters.shopify.bulk import BULK, Bulk
from app.adapters.shopify.client import Admin
from app.adapters.shopify.documents import history
from app.adapters.shopify.listing import named, whole_one
from app.adapters.shopify.orders import whole
from app.infra.remote.client import Outbound
from app.infra.remote.history import By, Listed, Page, Span
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Invalid, Refused

ORDER = "order"
# Shopify answers orders of the last 60 days only, without a word, where the app lacks the scope.
WITHOUT_ALL_ORDERS = timedelta(days=60)
MOST = 100  # orders named in one page
_PAGED = "page:"
_SORTED = {By.CREATED: "CREATED_AT", By.UPDATED: "UPDATED_AT"}
_FIELD = {By.CREATED: "created_at", By.UPDATED: "updated_at"}


@dataclass(frozen=True, slots=True)
class ShopifyHistory:
    """The History of one shop."""

    admin: Admin

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> ShopifyHistory:
        return cls(Admin.of(remote, settings))

    @property
    def kinds(self) -> tuple[str, ...]:
        return (ORDER,)

    def count(self, span: Span) -> int | None:
        """Shopify counts 10,000 and then says "at least": None."""
        _check(span)
        answer = self.admin.ask(history.COUNT_ORDERS, query=words(span))
        granted = {scope["handle"] for scope in answer["currentAppInstallation"]["accessScopes"]}
        if "read_all_orders" not in granted and SYSTEM_CLOCK.now() - span.since > WITHOUT_ALL_ORDERS:
            raise Refused(
                "shopify.only_sixty_days",
                "without the scope read_all_orders the shop shows orders of the last 60 days only: grant it to the "
                "app, or begin later",
            )
        counted = answer["count"]
        return int(counted["count"]) if counted and counted["precision"] == "EXACT" else None

    def page(self, span: Span, after: str = "", *, bulk: str = "", most: int = MOST) -> Page:
        """Orders by name; by bulk whole ones, as far as the file holds them."""
        _check(span)
        if bulk or after.startswith(BULK):
            return Bulk(self.admin).page(words(span), after, bulk, most)
        variables = {"query": words(span), "sort": _SORTED[span.by], "after": after.removeprefix(_PAGED) or None}
        page = self.admin.ask(history.LIST_ORDERS, **variables, first=max(1, min(most, MOST)))["page"]
        more = page["pageInfo"]["hasNextPage"]
        return Page(
            items=tuple(named(node) for node in page["nodes"]),
            after=f"{_PAGED}{page['pageInfo']['endCursor']}" if more else "",
        )

    def read(self, kind: str, external_id: str) -> Listed | None:
        if kind != ORDER:
            raise _unknown(kind)
        given = whole(self.admin, external_id)
        return None if given is None else whole_one(given)


def words(span: Span) -> str:
    """The span in Shopify's search syntax. Shopify keeps whole seconds: one that lies in the span in part is in it."""
    field = _FIELD[span.by]
    whole = span.until.replace(microsecond=0)
    until = whole if span.until == whole else whole + timedelta(seconds=1)
    return f"{field}:>='{_instant(span.since)}' AND {field}:<'{_instant(until)}'"


def _check(span: Span) -> None:
    if span.kind != ORDER:
        raise _unknown(span.kind)


def _unknown(kind: str) -> Invalid:
    return Invalid("history.unknown_kind", f"Shopify lists no {kind!r}; it lists {ORDER}", about=kind)


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
