"""Orders as the shop has them now, and the ERP's number shown on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.adapters.shopify.client import SYSTEM, UNKNOWN_OBJECT, Admin, user_errors
from app.adapters.shopify.documents import numbers, orders
from app.adapters.shopify.mapping.order import order as canonical
from app.adapters.shopify.refusals import names_unknown_owner, refusal
from app.domains.orders.canonical import Order
from app.domains.orders.ports import OrderReference
from app.infra.remote.client import Outbound
from app.kernel.errors import NeedsAttention, Refused, Transient

MOST_PAGES = 50  # 1,500 lines; a cursor that never ends would be worse than a case
MOVED_AGAIN = 2.0  # seconds: an edit in the admin saves in several steps
MOST_TRANSACTIONS = 100
_WITHHELD = frozenset({"customer", "email", "phone"})

Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ShopifyOrderSource:
    """Reads an order whole, at one version: a page that belongs to another version starts it again."""

    admin: Admin
    connection: str = ""

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> ShopifyOrderSource:
        return cls(Admin.of(remote, settings), str(settings.get("name") or SYSTEM))

    def fetch(self, external_id: str) -> Order | None:
        """The order; None where the shop does not know it.

        Orders older than 60 days are unknown too unless the app has the scope `read_all_orders`.
        """
        given = whole(self.admin, external_id)
        return None if given is None else canonical(given, self.connection)


def whole(admin: Admin, external_id: str) -> Found | None:
    """The whole document of an order, which the translation of webhooks reads; None where the shop does not know it."""
    gid = f"gid://shopify/Order/{external_id}"
    answer = admin.ask(orders.ORDER, id=gid)
    given = answer["order"]
    if given is None:
        return None
    _Reader(admin, gid, given["updated_at"]).complete(given)
    if any(_WITHHELD & set(path) for path in answer.get("withheld", ())):
        del given["customer"]  # not a guest: nobody may tell who it is
    return dict(given)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads what did not fit into the first page of one order, at the version of that page."""

    admin: Admin
    gid: str
    version: str

    def complete(self, given: Found) -> None:
        for name in ("discount_applications", "shipping_lines"):
            _whole(given[name], name)
        if (lines := given["line_items"])["pageInfo"]["hasNextPage"]:
            lines["nodes"] += self.pages(orders.ORDER_LINES, lines["pageInfo"]["endCursor"])
        if given["transactionsCount"]["count"] > len(given["transactions"]):
            given["transactions"] = self.transactions()
        given["refunds"] = [self.refund(one["admin_graphql_api_id"]) for one in given["refunds"]]
        tipped = any(given["total_tip_received_set"][side]["amount"].strip("0.") for side in _SIDES)
        if given["edited"] or tipped:  # an agreement alone says which line is a tip
            given["agreements"] = list(self.pages(orders.ORDER_AGREEMENTS, None))
            for one in given["agreements"]:
                _whole(one["sales"], "sales")
        if given["payment_terms"] is not None:
            given["payment_terms"] = self.same(orders.PAYMENT_TERMS)["payment_terms"]

    def pages(self, document: str, after: str | None) -> Iterator[Found]:
        for _ in range(MOST_PAGES):
            page = self.same(document, after=after)["page"]
            yield from page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return
            if page["pageInfo"]["endCursor"] == after:
                break
            after = page["pageInfo"]["endCursor"]
        raise NeedsAttention("shopify.pages_without_end", "the shop's pages of this order never end", about=self.gid)

    def transactions(self) -> list[Found]:
        read: list[Found] = self.same(orders.ORDER_TRANSACTIONS)["transactions"]
        if len(read) >= MOST_TRANSACTIONS:
            raise NeedsAttention("shopify.too_many_rows", "the order has 100 transactions or more", about=self.gid)
        return read

    def refund(self, gid: str) -> Found:
        given = self.admin.ask(orders.REFUND, id=gid)["refund"]
        self._check(None if given is None else given["order"])
        for name in ("refund_line_items", "refund_shipping_lines", "order_adjustments", "transactions"):
            _whole(given[name], name)
        return dict(given)

    def same(self, document: str, **variables: Any) -> Found:
        given = self.admin.ask(document, id=self.gid, **variables)["order"]
        self._check(given)
        return dict(given)

    def _check(self, given: Mapping[str, Any] | None) -> None:
        if given is None or given["updated_at"] != self.version:
            raise Transient("shopify.order_moved", "the order changed while it was read", retry_after=MOVED_AGAIN)


_SIDES = ("shop_money", "presentment_money")


def _whole(connection: Mapping[str, Any], name: str) -> None:
    """Refuse to go on with a part of a list that orders have a handful of."""
    if connection["pageInfo"]["hasNextPage"]:
        raise NeedsAttention("shopify.too_many_rows", f"the order has more {name} than one page holds", about=name)


@dataclass(frozen=True, slots=True)
class ShopifyOrderReferences:
    """Writes the ERP's number into a metafield, and as a tag where the connection wants one.

    Not into note, attributes or tags as a whole: `orderUpdate` overwrites what the merchant put there.
    """

    admin: Admin
    namespace: str
    key: str
    tag_prefix: str

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> ShopifyOrderReferences:
        return cls(
            Admin.of(remote, settings),
            str(settings.get("number_namespace") or "roundhouse"),
            str(settings.get("number_key") or "erp_number"),
            str(settings.get("tag_prefix") or ""),
        )

    def tell(self, reference: OrderReference) -> bool:
        """One request, safe to repeat: the same value is no change and a tag is in a set. False: no such order."""
        field = {
            "ownerId": reference.order_gid,
            "namespace": self.namespace,
            "key": self.key,
            "type": "single_line_text_field",
            "value": reference.number,
        }
        try:
            payloads = self._write(reference, field)
        except Refused as refused:
            if refused.code == UNKNOWN_OBJECT:
                return False
            raise
        errors = [error for payload in payloads.values() for error in user_errors(payload)]
        if names_unknown_owner(errors):
            return False
        if errors:
            raise refusal(errors, about=reference.order_gid)
        return True

    def _write(self, reference: OrderReference, field: dict[str, str]) -> Mapping[str, Any]:
        if not self.tag_prefix:
            return self.admin.change(numbers.TELL_NUMBER, metafields=[field])
        tags = [f"{self.tag_prefix}{reference.number}"]
        return self.admin.change(numbers.TELL_NUMBER_AND_TAG, metafields=[field], id=reference.order_gid, tags=tags)
