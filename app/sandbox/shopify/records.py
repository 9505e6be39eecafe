"""The shop's documents: where they lie in the books, how they are numbered, and which belong to which order."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.sandbox import moment
from app.sandbox.books import Books, Change, Document

ZONE = "America/Denver"
# Collections whose documents belong to an order, and the field that names it.
_OF_ORDERS = {
    "fulfillmentOrders": "order_id",
    "fulfillments": "order_id",
    "fulfillmentLineItems": "order_id",
    "transactions": "order_id",
    "agreements": "order_id",
    "metafields": "owner_id",
}
_zone = ZoneInfo(ZONE)


def rest_instant(instant: datetime) -> str:
    """Write an instant as REST documents do: whole seconds in the shop's own zone."""
    return instant.astimezone(_zone).isoformat(timespec="seconds")


@lru_cache(maxsize=4096)
def graph_instant(written: str) -> str:
    """Write a REST instant as GraphQL answers do: whole seconds in UTC."""
    return moment.text(moment.parse(written))[:19] + "Z"


def gid(kind: str, number: object) -> str:
    """Return the global id of an object."""
    return f"gid://shopify/{kind}/{number}"


def number_of(identity: str, kind: str) -> int | None:
    """Return the number in a global id of this kind, None when it is the id of something else."""
    prefix = f"gid://shopify/{kind}/"
    number = identity.removeprefix(prefix).partition("?")[0] if identity.startswith(prefix) else ""
    return int(number) if number.isdigit() else None


def metafield_key(owner: str, namespace: str, key: str) -> str:
    """Return the key of a metafield in the books: an owner has one of a name."""
    return f"{owner} {namespace}.{key}"


def key_of(collection: str, document: Document) -> str:
    """Return the key that a document has in the books."""
    if collection == "metafields":
        return metafield_key(document["owner"], document["namespace"], document["key"])
    return str(document["id"])


class Records:
    """The documents, read by number. Changes are made under `lock`, by writing new versions."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.lock = threading.RLock()
        # Ids grow with time, so that a sandbox that forgot its orders never gives a known id to a new one.
        self._ids = itertools.count(int(moment.now().timestamp() * 1_000_000))
        self._of_order: dict[tuple[str, int], list[str]] = {}
        self._orders = 1000
        for collection in _OF_ORDERS:
            for document in books.documents(collection):
                self._index(collection, key_of(collection, document), document)
        for order in books.documents("orders"):
            self._orders = max(self._orders, int(order.get("order_number") or 0))

    def next_id(self) -> int:
        """Return an id that nothing has."""
        return next(self._ids)

    def next_order_number(self) -> int:
        """Return the next order's number."""
        with self.lock:
            self._orders += 1
            return self._orders

    def read(self, collection: str, number: object) -> Document | None:
        """Return a document by its number, None when the shop has none or deleted it."""
        document = self.books.read(collection, str(number))
        return None if document is None or document.get("_deleted") else document

    def all(self, collection: str) -> list[Document]:
        """Return a collection's documents but the deleted ones."""
        return [document for document in self.books.documents(collection) if not document.get("_deleted")]

    def of_order(self, collection: str, order: int) -> list[Document]:
        """Return what belongs to an order, oldest first."""
        keys = self._of_order.get((collection, order), ())
        return [document for key in keys if (document := self.read(collection, key)) is not None]

    def variant_of_item(self, item: object) -> Document | None:
        """Return the variant that an inventory item counts, None where there is none."""
        return next((each for each in self.all("variants") if each["inventory_item_id"] == item), None)

    def write(self, changes: Sequence[Change]) -> None:
        """Keep new versions of documents, all or none."""
        with self.lock:
            for collection, key, document in changes:
                if collection in _OF_ORDERS and self.books.read(collection, key) is None:
                    self._index(collection, key, document)
            self.books.write(changes)

    def _index(self, collection: str, key: str, document: Document) -> None:
        self._of_order.setdefault((collection, int(document[_OF_ORDERS[collection]])), []).append(key)


def changes_of(collection: str, documents: Iterable[Document]) -> list[Change]:
    """Return the changes that keep documents under their own ids."""
    return [(collection, key_of(collection, document), document) for document in documents]
