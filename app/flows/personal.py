"""A person across the domains: what is held of her, told whole or erased, page by page for app/flows/privacy.py."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domains.customers import service as customers
from app.domains.customers.service import KIND, Subject
from app.domains.orders.service import erasing as orders
from app.domains.orders.service.erasing import PersonalOrder
from app.flows.forgetting import ORDER
from app.infra.erasing.messages import ERASED, blank_messages, blank_of, messages_about, read_messages
from app.infra.erasing.record import cases_of, erase_of_connection, erase_record
from app.infra.erasing.terms import Terms
from app.infra.masking import is_secret
from app.infra.runs.work import run_of
from app.infra.uow import UnitOfWork

FORMAT = "roundhouse.personal_data.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a request is about. `shared` are accounts that other channels know as well: they are not one channel's."""

    subject: Subject
    orders: Sequence[PersonalOrder]
    own: tuple[str, ...]
    shared: tuple[str, ...]


def gather(uow: UnitOfWork, subject: Subject, connection: str) -> Found:
    """Find a person's accounts and orders; for a channel's request, those of that channel."""
    channel = "" if subject.everywhere else connection
    known = customers.known_as(
        uow, connection=connection, external_id=subject.external_id, email=subject.email,
        account_ids=subject.account_ids,
    )  # fmt: skip
    named = orders.orders_named(uow, connection, subject.order_numbers) if subject.order_numbers else []
    named += orders.orders_by_id(uow, subject.unmatched)
    found = {one.order_id: one for one in [*named, *orders.orders_of(uow, known.account_ids, channel)]}
    shared = _shared(uow, known, channel) if channel else set()
    terms = _terms(uow, subject, sorted(found), [one for one in known.account_ids if one not in shared])
    filled = replace(
        subject, terms=terms.as_json(), account_ids=known.account_ids, order_ids=tuple(sorted(found))
    )  # fmt: skip
    own = tuple(one for one in known.account_ids if one not in shared)
    return Found(subject=filled, orders=[found[key] for key in sorted(found)], own=own, shared=tuple(sorted(shared)))


def search(uow: UnitOfWork, subject: Subject, connection: str, after: str, most: int) -> tuple[Subject, str]:
    """Look through the next orders that have no account: the person with those of hers, and where to go on."""
    known = customers.known_as(
        uow, connection=connection, external_id=subject.external_id, email=subject.email,
        account_ids=subject.account_ids,
    )  # fmt: skip
    held = [one for _, one in customers.told_of(uow, known.account_ids)]
    numbers = [(one["connection"], one["external_id"]) for account in held for one in account["known_as"]]
    hers, after = orders.unmatched(
        uow, after, most, channel="" if subject.everywhere else connection,
        emails=[subject.email, *(account["email"] for account in held)],
        numbers=[*numbers, (connection, subject.external_id)] if subject.external_id else numbers,
    )  # fmt: skip
    return replace(subject, unmatched=tuple(sorted({*subject.unmatched, *hers}))), after


def _shared(uow: UnitOfWork, known: customers.Known, channel: str) -> set[str]:
    elsewhere = {order.account_id for order in orders.orders_of(uow, known.account_ids) if order.channel != channel}
    return elsewhere | {one for one, names in known.channels.items() if names - {channel}}


def _terms(uow: UnitOfWork, subject: Subject, order_ids: Sequence[str], account_ids: Sequence[str]) -> Terms:
    """Her words so far and those that her orders and accounts hold now; what was erased already is in the former."""
    asked = Terms.of(emails=(subject.email, subject.email.lower()), phones=(subject.phone,))
    documents = [version["document"] for version in orders.versions_of(uow, order_ids)]
    return Terms.from_json(subject.terms) | asked | orders.terms_of(documents) | customers.terms_of(uow, account_ids)


def told(uow: UnitOfWork, found: Found, row: Any) -> dict[str, Any]:
    """All that is held of a person, as one JSON document (docs/operate/privacy.md says its shape)."""
    ids = [order.order_id for order in found.orders]
    versions = orders.versions_of(uow, ids)
    numbers = messages_about(
        uow, [(order.channel, order.external_id) for order in found.orders], [one["notice_id"] for one in versions]
    )
    keys = [f"orders:{one}" for one in ids] + [f"customers:{one}" for one in (*found.own, *found.shared)]
    return {
        "format": FORMAT,
        "made_at": uow.hub.clock.now().isoformat(),
        "asked_at": row.asked_at.isoformat(),
        "connection": row.connection,
        "accounts": [{"id": one, **held} for one, held in customers.told_of(uow, [*found.own, *found.shared])],
        "orders": [
            {
                "id": order.order_id, "channel": order.channel, "external_id": order.external_id, "name": order.name,
                "state": order.state,
                "versions": [
                    {"n": one["n"], "kept_at": one["kept_at"].isoformat(), "document": one["document"]}
                    for one in versions if one["order_id"] == order.order_id
                ],
            }
            for order in found.orders
        ],
        "messages": [_message(one) for one in read_messages(uow, numbers) if one["body"] != ERASED],
        "cases": cases_of(uow, keys),
    }  # fmt: skip


def _message(kept: Mapping[str, Any]) -> dict[str, Any]:
    """A message as it came: its body as text, or in base64 where it is none."""
    headers = {name: value for name, value in kept["headers"].items() if not is_secret(name)}
    shown = {
        "received_at": kept["received_at"].isoformat(), "connection": kept["connection"], "topic": kept["topic"],
        "headers": headers,
    }  # fmt: skip
    try:
        return {**shown, "body": bytes(kept["body"]).decode()}
    except UnicodeDecodeError:
        return {**shown, "body_base64": base64.b64encode(bytes(kept["body"])).decode()}


def erase_orders(uow: UnitOfWork, order_ids: Sequence[str], terms: Terms, mark: str) -> dict[str, int]:
    """Erase a person from her orders and from what was told of them."""
    versions = orders.versions_of(uow, order_ids)
    own = terms | orders.terms_of([one["document"] for one in versions])
    brief = {one.order_id: one for one in orders.orders_by_id(uow, order_ids)}
    about = [(one.channel, one.external_id) for one in brief.values()]
    customers.remember_erased(uow, [(ORDER, channel, key) for channel, key in about])
    blanked = blank_messages(uow, messages_about(uow, about, [one["notice_id"] for one in versions]))
    keys = [f"orders:{one}" for one in order_ids] + [f"hub:{name}:order:{key}" for name, key in about]
    rows = erase_record(uow, keys, {one.correlation_id for one in brief.values()}, own, mark)
    stripped, remarks = orders.erase_orders(uow, order_ids, own, mark)
    return {
        "orders": len(order_ids), "order_versions": stripped, "remarks": remarks, "messages": blanked, "record": rows
    }  # fmt: skip


def erase_accounts(uow: UnitOfWork, found: Found, row: Any) -> dict[str, int]:
    """Erase the accounts that are only hers here; the others forget what this channel called her."""
    _remember(uow, found, row.connection)
    gone = customers.erase_accounts(uow, found.own)
    forgotten = customers.forget_customers(uow, row.connection, found.shared) if found.shared else 0
    keys = [f"customers:{one}" for one in (*found.own, *found.shared)]
    rows = erase_record(uow, keys, (), Terms.from_json(found.subject.terms), row.id[-12:])
    counts = {f"{name}_rows" if name != "account" else "accounts": n for name, n in gone.items()}
    return {**counts, "accounts_kept_for_others": len(found.shared), "customers_forgotten": forgotten, "record": rows}


def _remember(uow: UnitOfWork, found: Found, channel: str) -> None:
    """What systems call her, so that none of them brings her back: of accounts that stay, this channel's name alone."""
    named = {(KIND, channel, found.subject.external_id)} if channel and found.subject.external_id else set()
    for account_id, told in customers.told_of(uow, (*found.own, *found.shared)):
        ties = [(tie["kind"], tie["connection"], tie["external_id"]) for tie in told["known_as"]]
        named |= {tie for tie in ties if account_id in found.own or tie[:2] == (KIND, channel)}
    customers.remember_erased(uow, named)


def erase_shop_orders(uow: UnitOfWork, page: Sequence[PersonalOrder], channel: str, mark: str) -> dict[str, int]:
    """Erase a page of a channel's orders, and the accounts that no other channel knows."""
    ids = [one.order_id for one in page]
    terms = orders.terms_of([one["document"] for one in orders.versions_of(uow, ids)])
    rows = erase_of_connection(uow, channel, terms.telling, mark)
    counts = Counter(erase_orders(uow, ids, terms, mark))
    counts["record"] += rows
    counts.update(_erase_only_here(uow, channel, {one.account_id for one in page if one.account_id}))
    return dict(counts)


def erase_shop_accounts(uow: UnitOfWork, channel: str, most: int) -> dict[str, int] | None:
    """Erase some of the accounts that a channel's customers are bound to; None where none is left."""
    ids = customers.only_at(uow, channel, most)
    return _erase_only_here(uow, channel, ids) if ids else None


def _erase_only_here(uow: UnitOfWork, channel: str, account_ids: Collection[str]) -> dict[str, int]:
    known = customers.known_as(uow, account_ids=account_ids)
    shared = _shared(uow, known, channel)
    gone = customers.erase_accounts(uow, [one for one in known.account_ids if one not in shared])
    forgotten = customers.forget_customers(uow, channel, account_ids)
    return {"accounts": gone["account"], "accounts_kept_for_others": len(shared), "customers_forgotten": forgotten}


def erase_shop_messages(uow: UnitOfWork, connection: str, after: int) -> tuple[int | None, int]:
    """Erase the next messages of a connection: the id to go on after, None at the end; and how many had a body."""
    return blank_of(uow, connection, after)


def forget_asking(uow: UnitOfWork, row: Any) -> None:
    """Erase the message by which a channel asked, which names the person too."""
    blank_messages(uow, [row.notice_id])


def counted(uow: UnitOfWork, run_id: str, last: Mapping[str, int]) -> dict[str, int]:
    """What a run counted, with its last page."""
    counts = Counter(run_of(uow, run_id).counts)
    counts.update(last)
    return {name: n for name, n in sorted(counts.items()) if n}
