"""Bulk operations: the shop writes a whole range into a file of JSON lines, which is read part by part.

Source: shopify.dev, "Perform bulk operations with the GraphQL Admin API", and its schema: the file lies at an address
of its own for seven days, each row of a connection is a line, a row's parent is named by `__parentId` and, grouped,
comes right before it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.adapters.shopify.client import SYSTEM, Admin, user_errors
from app.adapters.shopify.documents import history
from app.adapters.shopify.listing import named, whole_one
from app.adapters.shopify.refusals import refusal
from app.infra.remote.client import DEFAULT_VERDICTS, Outbound, Verdict
from app.infra.remote.history import Listed, Page
from app.kernel.errors import NeedsAttention, Transient, Waits

BULK = "bulk:"
GID = "gid://shopify/BulkOperation/"
PART_BYTES = 512 * 1024  # about a hundred orders: they are kept in one transaction
ORDER_BYTES = 8 * 1024  # of a larger order, to guess how much to read for so many
MOST_BYTES = 16 * 1024 * 1024  # of one order: 1,500 lines with all their taxes are a quarter of it
LOOK_SECONDS = 5.0  # a small operation takes seconds, a large one minutes
BUSY_SECONDS = 60.0  # an app may run few at once; another's may take long
_AT_WORK = frozenset({"CREATED", "RUNNING", "CANCELING"})
_BUSY = frozenset({"OPERATION_IN_PROGRESS", "LIMIT_REACHED"})
# The file's host knows no token of ours: whatever it refuses says nothing about the connection.
_FILE_VERDICTS: Mapping[int, Verdict] = {**DEFAULT_VERDICTS, 401: Transient, 402: Transient, 403: Transient}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which operation's file to go on: a byte, and how many lines and orders lie before it."""

    operation: str
    at: int = 0
    lines: int = 0
    orders: int = 0

    @classmethod
    def of(cls, cursor: str) -> Place:
        operation, at, lines, orders = cursor.removeprefix(BULK).split(":")
        return cls(operation, int(at), int(lines), int(orders))

    @property
    def cursor(self) -> str:
        return f"{BULK}{self.operation}:{self.at}:{self.lines}:{self.orders}"


@dataclass(frozen=True, slots=True)
class Bulk:
    """Lists orders by a bulk operation of one shop."""

    admin: Admin

    def page(self, span: str, after: str, name: str, most: int) -> Page:
        """Begin the operation, wait for it, or read the next part of its file."""
        if not after:
            operation = self._known(name) or self._begin(name, span)
            return Page(items=(), after=Place(operation).cursor, wait=LOOK_SECONDS)
        place = Place.of(after)
        found = self.admin.ask(history.BULK, id=GID + place.operation)["operation"]
        status = found["status"] if found else "EXPIRED"
        if status in _AT_WORK:
            return Page(items=(), after=after, wait=LOOK_SECONDS)
        if status != "COMPLETED":
            raise _failed(place.operation, status, (found or {}).get("errorCode") or "")
        if found["url"] is None:  # nothing was found, so there is no file
            return Page(items=(), expected=0)
        return self._part(place, found, most)

    def _known(self, name: str) -> str:
        """The operation that an earlier attempt began under this name, where there is one that is of use."""
        for one in self.admin.ask(history.RECENT_BULKS)["page"]["nodes"]:
            if history.bulk_name(name) in one["query"] and one["status"] in {*_AT_WORK, "COMPLETED"}:
                return str(one["id"]).removeprefix(GID)
        return ""

    def _begin(self, name: str, span: str) -> str:
        (payload,) = self.admin.change(history.RUN_BULK, query=history.bulk_orders(name, span)).values()
        errors = user_errors(payload)
        if any(error.get("code") in _BUSY for error in errors):
            raise Waits("shopify.bulk_busy", "the shop is at work on other bulk operations", seconds=BUSY_SECONDS)
        if errors:
            raise refusal(errors, about="bulk operation")
        return str(payload["bulkOperation"]["id"]).removeprefix(GID)

    def _part(self, place: Place, found: Mapping[str, Any], most: int) -> Page:
        size = min(PART_BYTES, max(1, most) * ORDER_BYTES)
        while True:
            text, last = self._file(str(found["url"]), place.at, size)
            kept = _first_orders(text if last else _whole_orders(text), most)
            if kept or last:
                break
            if size >= MOST_BYTES:
                raise NeedsAttention("shopify.bulk_unreadable", f"one order has more than {MOST_BYTES} bytes")
            size *= 4
        rows = _rows(kept)
        items = tuple(_listed(order) for order in _orders(rows))
        then = Place(place.operation, place.at + len(kept), place.lines + len(rows), place.orders + len(items))
        expected = int(found["rootObjectCount"])
        if not last or len(kept) < len(text):
            return Page(items=items, after=then.cursor, expected=expected)
        counted = int(found["objectCount"])
        said = f"the shop counted {counted} objects, its file has {then.lines}"
        return Page(items=items, expected=expected, remarks=() if counted == then.lines else (said,))

    def _file(self, address: str, start: int, size: int) -> tuple[bytes, bool]:
        """Some bytes of the file from `start`, and whether they are its last. No token goes to the file's host."""
        parts, remote = urlsplit(address), self.admin.remote
        if parts.scheme != "https" and not remote.allow_loopback:
            raise NeedsAttention("shopify.bulk_unreadable", "the file's address does not begin with https://")
        files = Outbound(
            system=f"{SYSTEM}_file", base_url=f"{parts.scheme}://{parts.netloc}", verdicts=_FILE_VERDICTS,
            allow_loopback=remote.allow_loopback, pool_size=1,
        )  # fmt: skip
        wanted = {"Range": f"bytes={start}-{start + size - 1}", "Accept": "*/*", "Accept-Encoding": "identity"}
        reply = files.send("GET", f"{parts.path}?{parts.query}", writes=False, headers=wanted, accept=(416,))
        if reply.status == 416:  # a part ended exactly where the file does
            return b"", True
        if reply.status == 206:
            total = reply.headers.get("content-range", "").rpartition("/")[2]
            return reply.body, total.isdigit() and start + len(reply.body) >= int(total)
        return reply.body[start : start + size], start + size >= len(reply.body)  # a host that sends all or nothing


def _whole_orders(text: bytes) -> bytes:
    """The part without its last order, of which more may follow."""
    end = text.rfind(b"\n") + 1
    while end:
        begin = text.rfind(b"\n", 0, end - 1) + 1
        if b'"__parentId":' not in text[begin:end]:
            return text[:begin]
        end = begin
    return b""


def _first_orders(text: bytes, most: int) -> bytes:
    """The first so many orders with all their rows."""
    end = 0
    for line in text.splitlines(keepends=True):
        if b'"__parentId":' not in line:
            if not most:
                return text[:end]
            most -= 1
        end += len(line)
    return text


def _rows(text: bytes) -> list[Row]:
    try:
        return [json.loads(line, parse_float=str, parse_constant=str) for line in text.split(b"\n") if line.strip()]
    except ValueError as wrong:
        raise NeedsAttention("shopify.bulk_unreadable", "the shop's file holds a line that is not JSON") from wrong


def _orders(rows: list[Row]) -> Iterator[tuple[Row, list[Row]]]:
    """Each order's row with the rows that belong to it."""
    parent: Row | None = None
    children: list[Row] = []
    for row in rows:
        if "__parentId" in row:
            children.append(row)
            continue
        if parent is not None:
            yield parent, children
        parent, children = row, []
    if parent is not None:
        yield parent, children


_CHILD_OF = {"LineItem": "line_items", "ShippingLine": "shipping_lines", "LocalizedField": "localized_fields"}


def _listed(order: tuple[Row, list[Row]]) -> Listed:
    """One order; without a body where the file cannot hold all of it, so that it is read by itself."""
    given, children = order
    body: Row = {**given, "id": given["legacy"], "admin_graphql_api_id": given["id"]}
    if _holds_more(given):
        return named(body)
    lists: dict[str, list[Row]] = {name: [] for name in (*_CHILD_OF.values(), "discount_applications")}
    for child in children:
        lists[_CHILD_OF.get(child["__typename"], "discount_applications")].append(child)
    return whole_one(body | {name: {"nodes": rows} for name, rows in lists.items()})


def _holds_more(given: Row) -> bool:
    """Refunds, edits, tips and terms have rows of their own inside lists, which a bulk operation does not write."""
    tips = given["total_tip_received_set"]
    tipped = any(tips[side]["amount"].strip("0.") for side in ("shop_money", "presentment_money"))
    more = given["transactionsCount"]["count"] > len(given["transactions"])
    return bool(given["refunds"] or given["edited"] or tipped or given["payment_terms"] or more)


def _failed(operation: str, status: str, code: str) -> NeedsAttention:
    said = f"bulk operation {operation} is {status.lower()}{f' ({code.lower()})' if code else ''}"
    return NeedsAttention("shopify.bulk_failed", f"{said}; list the range by pages, or in smaller parts", said=said)
