"""Orders of a person: found, told whole, and stripped of the person. Amounts, taxes and what proves them stay.

What stays, and why: docs/operate/privacy.md.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domains.orders.lifecycle import State
from app.infra.erasing.terms import Terms
from app.infra.erasing.texts import scrub
from app.infra.uow import UnitOfWork

# Nobody needs to know any more who the buyer is: what is still sent, shown or booked goes by numbers.
CLOSED = frozenset({State.SHIPPED, State.CANCELLED, State.HISTORICAL})
COLUMNS = "o.id::text, o.channel, o.external_id, o.name, o.state, coalesce(o.account_id::text, ''), o.correlation_id"
BY_ACCOUNT = f"""
SELECT {COLUMNS} FROM orders.sales_order o
 WHERE o.account_id = ANY(%(accounts)s::uuid[]) AND %(channel)s IN ('', o.channel) ORDER BY o.id
"""
BY_NUMBER = f"""
SELECT {COLUMNS} FROM orders.sales_order o
 WHERE o.channel = %(channel)s AND o.external_id = ANY(%(externals)s::text[]) ORDER BY o.id
"""
BY_ID = f"SELECT {COLUMNS} FROM orders.sales_order o WHERE o.id = ANY(%(ids)s::uuid[]) ORDER BY o.id"
OF_CHANNEL = f"""
SELECT {COLUMNS} FROM orders.sales_order o
 WHERE o.channel = %(channel)s AND o.id > coalesce(nullif(%(after)s, ''), '00000000-0000-0000-0000-000000000000')::uuid
 ORDER BY o.id LIMIT %(most)s
"""
# Held orders and history have no account yet: they are known by what they say.
UNMATCHED = """
SELECT o.id::text, lower(coalesce(nullif(v.document ->> 'email', ''), v.document -> 'customer' ->> 'email', ''))
                   = ANY(%(emails)s::text[])
       OR EXISTS (SELECT FROM unnest(%(connections)s::text[], %(externals)s::text[]) w(connection, external_id)
                   WHERE w.connection = o.channel AND w.external_id = v.document -> 'customer' ->> 'external_id')
  FROM orders.sales_order o JOIN orders.order_version v ON v.order_id = o.id AND v.n = o.version
 WHERE o.account_id IS NULL AND %(channel)s IN ('', o.channel)
   AND o.id > coalesce(nullif(%(after)s, ''), '00000000-0000-0000-0000-000000000000')::uuid
 ORDER BY o.id LIMIT %(most)s
"""
OPEN_AT = "SELECT count(*) FROM orders.sales_order WHERE channel = %(channel)s AND NOT state = ANY(%(rest)s::text[])"
VERSIONS = """
SELECT order_id::text, n, source, notice_id, kept_at, document FROM orders.order_version
 WHERE order_id = ANY(%(ids)s::uuid[]) ORDER BY order_id, n
"""
REWRITE = """
UPDATE orders.order_version v SET document = g.document
  FROM unnest(%(ids)s::uuid[], %(ns)s::int[], %(documents)b::text[]::jsonb[]) g(order_id, n, document)
 WHERE v.order_id = g.order_id AND v.n = g.n
"""
UNLIKE = "UPDATE orders.sales_order SET likeness = '' WHERE id = ANY(%(ids)s::uuid[]) AND likeness <> ''"
MOVE = """
UPDATE orders.sales_order SET account_id = %(to)s::uuid
 WHERE id IN (SELECT id FROM orders.sales_order WHERE account_id = %(from)s::uuid AND (%(only)s::uuid[] IS NULL
              OR id = ANY(%(only)s::uuid[])) ORDER BY id FOR UPDATE)
RETURNING id::text
"""
TEXTS = ("orders.finding", "orders.hold", "orders.order_move")
PLACE = frozenset({"province", "province_code", "country", "country_code"})  # of an address: where tax was due
ZIP = 5  # digits of a US postal code that a sales tax jurisdiction is found by
WORDS = ("email", "phone", "note", "po_number")
LISTS = ("tags", "properties")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalOrder:
    """An order that names a person. `open` while its channel or an ERP still needs her."""

    order_id: str
    channel: str
    external_id: str
    name: str
    state: str
    account_id: str
    correlation_id: str

    @property
    def open(self) -> bool:
        return self.state not in CLOSED


def orders_of(uow: UnitOfWork, account_ids: Collection[str], channel: str = "") -> list[PersonalOrder]:
    """The orders of accounts, of one channel or all."""
    return _orders(uow, BY_ACCOUNT, {"accounts": list(account_ids), "channel": channel})


def orders_named(uow: UnitOfWork, channel: str, external_ids: Collection[str]) -> list[PersonalOrder]:
    """The orders with a channel's own ids."""
    return _orders(uow, BY_NUMBER, {"channel": channel, "externals": list(external_ids)})


def orders_by_id(uow: UnitOfWork, order_ids: Collection[str]) -> list[PersonalOrder]:
    """These orders."""
    return _orders(uow, BY_ID, {"ids": list(order_ids)})


def orders_at(uow: UnitOfWork, channel: str, after: str, most: int) -> list[PersonalOrder]:
    """A page of all orders of a channel, by their id."""
    return _orders(uow, OF_CHANNEL, {"channel": channel, "after": after, "most": most})


def unmatched(
    uow: UnitOfWork, after: str, most: int, *, emails: Collection[str], numbers: Collection[tuple[str, str]],
    channel: str = "",
) -> tuple[list[str], str]:  # fmt: skip
    """Of the next orders without an account those of a person, by e-mail or (channel, customer id); where to go on.

    The second value is empty at the end.
    """
    given = {
        "after": after, "most": most, "channel": channel, "emails": [email.lower() for email in emails if email],
        "connections": [name for name, _ in numbers], "externals": [number for _, number in numbers],
    }  # fmt: skip
    rows = uow.sql(UNMATCHED, given).fetchall()
    return [order_id for order_id, hers in rows if hers], rows[-1][0] if len(rows) == most else ""


def open_at(uow: UnitOfWork, channel: str) -> int:
    """How many orders of a channel are not closed."""
    row = uow.sql(OPEN_AT, {"channel": channel, "rest": [state.value for state in CLOSED]}).fetchone()
    return int(row[0]) if row else 0


def versions_of(uow: UnitOfWork, order_ids: Collection[str]) -> list[Mapping[str, Any]]:
    """Every kept version: order_id, n, source, notice_id, kept_at, document."""
    names = ("order_id", "n", "source", "notice_id", "kept_at", "document")
    return [dict(zip(names, row, strict=True)) for row in uow.sql(VERSIONS, {"ids": list(order_ids)})]


def terms_of(documents: Sequence[Mapping[str, Any]]) -> Terms:
    """What the person of these documents is recognised by."""
    found: dict[str, set[str]] = {kind: set() for kind in ("emails", "phones", "names", "lines", "words")}
    for document in documents:
        parties = [part for part in (document.get(name) for name in ("customer", "bill_to", "ship_to")) if part]
        for party in (document, *parties):
            found["emails"].add(party.get("email") or "")
            found["phones"].add(party.get("phone") or "")
        for party in parties:
            first, last = party.get("first_name") or "", party.get("last_name") or ""
            found["names"] |= {party.get("name") or "", f"{first} {last}"}
            found["words"] |= {first, last}
            found["lines"] |= {party.get("line1") or "", party.get("line2") or ""}
    return Terms.of(**found)


def erase_orders(uow: UnitOfWork, order_ids: Collection[str], terms: Terms, mark: str) -> tuple[int, int]:
    """Take the person out of every version and every remark: (versions, remarks) that were rewritten."""
    kept = versions_of(uow, order_ids)
    made = [(one["order_id"], one["n"], stripped(one["document"])) for one in kept]
    fresh = [row for row, one in zip(made, kept, strict=True) if row[2] != one["document"]]
    uow.sql(
        REWRITE,
        {
            "ids": [row[0] for row in fresh],
            "ns": [row[1] for row in fresh],
            "documents": [json.dumps(row[2]) for row in fresh],
        },
    )
    uow.sql(UNLIKE, {"ids": list(order_ids)})
    given = {"ids": list(order_ids)}
    remarks = sum(scrub(uow, table, "t.order_id = ANY(%(ids)s::uuid[])", given, terms, mark) for table in TEXTS)
    return len(fresh), remarks


def stripped(document: Mapping[str, Any]) -> dict[str, Any]:
    """An order without its person. Of a business that bought, the company and its tax ids stay: its invoice needs them.

    It loads as an order still; its customer is one whom the channel does not tell.
    """
    made = dict(document)
    business = bool(document.get("company"))
    for name in WORDS:
        if made.get(name):
            made[name] = ""
    for name in LISTS:
        if made.get(name):
            made[name] = []
    if not business and made.get("tax_ids"):
        made["tax_ids"] = []
    if made.get("customer"):
        kept = {name: made["customer"][name] for name in ("tax_exempt", "exemptions") if name in made["customer"]}
        made["customer"] = {**kept, "withheld": True}
    for name in ("bill_to", "ship_to"):
        if made.get(name):
            made[name] = _place(made[name], business=business)
    made["lines"] = [{**line, "properties": []} if line.get("properties") else line for line in made["lines"]]
    for name in ("transactions", "refunds", "edits"):
        if made.get(name):
            made[name] = [_silent(one) for one in made[name]]
    return made


def move_orders(uow: UnitOfWork, from_account: str, to_account: str, only: Collection[str] | None = None) -> list[str]:
    """Let orders be another account's, all or `only` these; returns which were."""
    wanted = None if only is None else list(only)
    rows = uow.sql(MOVE, {"from": from_account, "to": to_account, "only": wanted})
    return sorted(row[0] for row in rows)


def _orders(uow: UnitOfWork, statement: str, given: Mapping[str, Any]) -> list[PersonalOrder]:
    names = ("order_id", "channel", "external_id", "name", "state", "account_id", "correlation_id")
    return [PersonalOrder(**dict(zip(names, row, strict=True))) for row in uow.sql(statement, given)]


def _place(address: Mapping[str, Any], *, business: bool) -> dict[str, Any]:
    kept = {name: value for name, value in address.items() if name in PLACE}
    if address.get("country_code") == "US" and address.get("postal_code"):
        kept["postal_code"] = address["postal_code"][:ZIP]
    if business and address.get("company"):
        kept["company"] = address["company"]
    return kept


def _silent(part: Mapping[str, Any]) -> dict[str, Any]:
    """A refund, edit or movement of money without what somebody wrote about it."""
    made: dict[str, Any] = {name: "" if name in ("note", "reason") and value else value for name, value in part.items()}
    for name in ("adjustments", "transactions"):
        if made.get(name):
            made[name] = [_silent(one) for one in made[name]]
    return made
