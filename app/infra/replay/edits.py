"""Payloads that a person edits: a set-aside delivery runs with other words than its fact was told in.

Only that delivery sees the edit. The fact stays as it was told, since other steps may have acted on it; each of them
that is set aside too is edited by itself. Before and after are kept with a name and a reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.acts import record_act
from app.infra.db import Base
from app.infra.locate import Key
from app.infra.replay.again import release
from app.infra.rows import DeliveryRow, EventRow
from app.infra.uow import UnitOfWork
from app.infra.whereabouts import not_here
from app.kernel import codec
from app.kernel.errors import HubError, Invalid, NotFound, Refused
from app.kernel.events import REGISTRY, UPCASTS, newest

UNREADABLE = (HubError, ValueError, TypeError, LookupError, ArithmeticError)
EDITABLE = ("parked", "rejected", "dismissed")


class PayloadEditRow(Base):
    """One edit: the payload before and after, who made it and why."""

    __tablename__ = "payload_edit"
    __table_args__ = (Index("ix_payload_edit_event_id_delivery", "event_id", "delivery"), {"schema": "hub"})

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger)
    delivery: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    who: Mapped[str]
    why: Mapped[str]
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One place where two payloads differ; `before` or `after` is None where it is not there."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A checked edit: what the delivery would run with, and what that changes. `original` is the fact as told."""

    type: str
    original: Mapping[str, Any]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    changes: tuple[Change, ...]


def payload_of(uow: UnitOfWork, key: Key) -> tuple[DeliveryRow, EventRow]:
    """A delivery with its fact. Raises NotFound(`deliveries.unknown`)."""
    row = uow.session.scalar(select(DeliveryRow).filter_by(event_id=key[0], id=key[1]))
    fact = uow.session.get(EventRow, key[0])
    if row is None or fact is None:
        name = f"{key[0]}.{key[1]}"
        unknown = NotFound("deliveries.unknown", f"there is no delivery {name}", about=name)
        raise not_here(uow, "delivery", key[1], unknown)
    return row, fact


def check_edit(uow: UnitOfWork, key: Key, after: object) -> Edit:
    """Check an edit against its event's form and the rules of the values in it; changes nothing.

    Raises Refused(`edits.not_set_aside`), or Invalid naming field, rule and fix.
    """
    row, fact = payload_of(uow, key)
    if row.state not in EDITABLE:
        said = f"delivery {row.id} is {row.state}: only what is parked, rejected or dismissed can be edited"
        raise Refused("edits.not_set_aside", said, about=str(row.id))
    clean = checked(fact.type, fact.key, after, fact.payload)
    before = _whole(fact.type, row.edited if row.edited is not None else fact.payload)
    changes = tuple(differences(before, clean))
    if not changes:
        raise Invalid("edits.nothing_changed", "the payload is what the delivery has already: change something")
    return Edit(type=fact.type, original=fact.payload, before=before, after=clean, changes=changes)


def checked(event_type: str, lane_key: str, payload: object, original: Mapping[str, Any]) -> dict[str, Any]:
    """A payload as its event would write it. Raises Invalid where it does not fit the event or its lane.

    What was told in an earlier version of its event keeps that version's words, and fits if it reads as today's.
    A field that this release does not know may stay where the original has it, since another release wrote that.
    """
    kind = newest(event_type)
    if kind is None:
        raise NotFound("edits.unknown_event", f"this release does not know {event_type}", about=event_type)
    if not isinstance(payload, dict):
        raise Invalid("edits.invalid", "the payload is a JSON object, {…}")
    try:
        today = _today(event_type, payload)
        fact = codec.load(kind, today)
    except UNREADABLE as wrong:
        about = wrong.about if isinstance(wrong, HubError) else ""
        raise Invalid("edits.invalid", f"{about + ': ' if about else ''}{wrong}", about=about) from wrong
    clean: dict[str, Any] = codec.dump(fact)
    if unknown := sorted(_gone(today, clean) - _known_before(event_type, original, clean)):
        raise Invalid("edits.unknown_field", f"{unknown[0]}: {event_type} has no such field; take it out")
    if fact.lane_key != lane_key:
        raise Invalid(
            "edits.key_changed",
            f"{kind.event_key}: it is {lane_key!r} and orders the work; leave it, and correct the source instead",
        )
    return clean if event_type == kind.event_type else payload


def edit_payload(uow: UnitOfWork, key: Key, after: object, who: str, why: str, *, replays: bool = True) -> Edit:
    """Let one delivery run with another payload, and by default run now. Raises Invalid without a reason."""
    if not why.strip():
        raise Invalid("edits.reason_missing", "say why: the next one to look sees two payloads")
    uow.sql("SELECT 1 FROM hub.delivery WHERE event_id = %(event)s AND id = %(id)s FOR UPDATE", _given(key))
    edit = check_edit(uow, key, after)
    uow.session.add(
        PayloadEditRow(
            event_id=key[0], delivery=key[1], who=who, why=why, before=dict(edit.before), after=dict(edit.after)
        )
    )
    kept = None if edit.after == _whole(edit.type, edit.original) else json.dumps(edit.after)
    statement = "UPDATE hub.delivery SET edited = %(edited)s::jsonb WHERE event_id = %(event)s AND id = %(id)s"
    uow.sql(statement, {**_given(key), "edited": kept})
    facts = {"type": edit.type, "fields": [change.path for change in edit.changes][:20]}
    record_act(uow, who, "edited a payload", kind="delivery", key=str(key[1]), why=why, facts=facts)
    if replays:
        release(uow, [key], who)
    return edit


def edits_of(uow: UnitOfWork, key: Key) -> list[PayloadEditRow]:
    """Every edit of a delivery, oldest first."""
    wanted = select(PayloadEditRow).filter_by(event_id=key[0], delivery=key[1]).order_by(PayloadEditRow.id)
    return list(uow.session.scalars(wanted))


def differences(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """Where two JSON values differ, field by field; lists are compared place by place."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            inner = f"{path}.{name}" if path else name
            yield from _inner(before, after, name, inner, name in before, name in after)
    elif isinstance(before, list) and isinstance(after, list):
        for n in range(max(len(before), len(after))):
            yield from _inner(before, after, n, f"{path}[{n}]", n < len(before), n < len(after))
    elif before != after:
        yield Change(path=path, before=before, after=after)


def _whole(event_type: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """A payload with what its release left to defaults, where it can be read: that is no change of a person's."""
    if event_type in UPCASTS:
        return payload
    try:
        whole: Mapping[str, Any] = codec.dump(codec.load(REGISTRY[event_type], payload))
    except UNREADABLE:
        return payload
    return whole


def _today(event_type: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """A payload in the words of the newest version of its event."""
    while event_type in UPCASTS:
        kind, change = UPCASTS[event_type]
        event_type, payload = kind.event_type, change(payload)
    return payload


def _known_before(event_type: str, original: Mapping[str, Any], clean: Any) -> set[str]:
    try:
        return _gone(_today(event_type, original), clean)
    except UNREADABLE:  # the original is what is wrong: it excuses nothing
        return set()


def put(document: Any, path: str, value: Any) -> None:
    """Set one field of a JSON value in place: `lines.0.sku`. Raises LookupError or ValueError where there is none."""
    *way, last = path.split(".")
    for name in way:
        document = document[int(name)] if isinstance(document, list) else document[name]
    if isinstance(document, list):
        document[int(last)] = value
    elif isinstance(document, dict):
        document[last] = value
    else:
        raise LookupError(f"{path} leads nowhere")


def _gone(before: Any, after: Any) -> set[str]:
    return {change.path for change in differences(before, after) if change.after is None}


def _inner(
    before: Mapping[Any, Any] | Sequence[Any], after: Mapping[Any, Any] | Sequence[Any], at: Any, path: str,
    was: bool, is_there: bool,
) -> Iterator[Change]:  # fmt: skip
    if was and is_there:
        yield from differences(before[at], after[at], path)
    else:
        yield Change(path=path, before=before[at] if was else None, after=after[at] if is_there else None)


def _given(key: Key) -> dict[str, int]:
    return {"event": key[0], "id": key[1]}
