"""Requests of people for their data: kept with their deadline, answered with a file or with a proof, never named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from app.domains.customers.canonical import Ask
from app.domains.customers.events import PrivacyAnswered, PrivacyRequested
from app.domains.customers.models import PrivacyExportRow, PrivacyRequestRow
from app.domains.customers.queries.privacy import pending_state
from app.infra.acts import record_act
from app.infra.ids import new_id
from app.infra.resealing import SEALED, Sealed
from app.infra.uow import Trail, UnitOfWork
from app.kernel.errors import Invalid, NotFound, Refused

DAYS = 30  # GDPR, article 12(3): one month; Shopify, "Privacy law compliance": 30 days after the webhook
KEPT_DAYS = 14  # how long a finished file can be fetched before it is deleted
OWNER = "privacy {key}"  # what the vault binds the values of a request to
SEALED.append(
    Sealed(
        table="customers.privacy_request", key="id", column="subject", kind="privacy", owner=OWNER,
        named="privacy request {key}",
    )
)  # fmt: skip
SEALED.append(
    Sealed(
        table="customers.privacy_export", key="request_id", column="sealed", kind="privacy", owner=OWNER,
        named="the file of privacy request {key}",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom a request is about. `everywhere` for a request of the merchant's own; else what one channel told counts.

    `terms`, `unmatched` (orders without an account) and `order_ids` are filled in while it is answered.
    """

    external_id: str = ""
    email: str = ""
    phone: str = ""
    order_numbers: tuple[str, ...] = ()
    account_ids: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    order_ids: tuple[str, ...] = ()
    terms: Mapping[str, Any] = field(default_factory=dict)
    everywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A request as it comes in. `key` is the same for the same request told twice."""

    ask: Ask
    key: str
    subject: Subject
    asked_by: str
    source: str
    connection: str = ""
    why: str = ""
    notice_id: int = 0
    asked_at: datetime | None = None


def open_request(uow: UnitOfWork, wanted: Wanted, trail: Trail | None = None) -> str:
    """Keep a request and tell of it; returns its id. Told twice it is one. Raises Invalid where it names nobody."""
    subject = wanted.subject
    if wanted.ask is not Ask.ERASE_SHOP and not (
        subject.external_id or subject.email or subject.order_numbers or subject.account_ids
    ):
        raise Invalid("customers.nobody_named", "name an account, an e-mail or a customer id", about="subject")
    known = uow.session.scalars(select(PrivacyRequestRow.id).filter_by(asked_key=wanted.key)).one_or_none()
    if known is not None:
        return known
    asked_at = wanted.asked_at or uow.hub.clock.now()
    row = PrivacyRequestRow(
        id=new_id(), kind=wanted.ask.value, state="open", connection=wanted.connection, source=wanted.source,
        asked_key=wanted.key, asked_by=wanted.asked_by, why=wanted.why, notice_id=wanted.notice_id, asked_at=asked_at,
        due_at=asked_at + timedelta(days=DAYS), proof={}, said="",
    )  # fmt: skip
    row.subject = uow.hub.vault.seal(asdict(subject), _owner(row.id))
    uow.session.add(row)
    facts = {"kind": row.kind, "connection": row.connection}
    record_act(uow, wanted.asked_by, "asked for privacy", kind="privacy", key=row.id, why=wanted.why, facts=facts)
    uow.publish(PrivacyRequested(request_id=row.id, connection=row.connection), trail)
    return row.id


def request_of(uow: UnitOfWork, request_id: str, *, lock: bool = False) -> PrivacyRequestRow:
    """One request. Raises NotFound (`customers.unknown_request`)."""
    row = uow.session.get(PrivacyRequestRow, request_id, with_for_update=lock or None, populate_existing=lock)
    if row is None:
        raise NotFound("customers.unknown_request", f"there is no privacy request {request_id}", about=request_id)
    return row


def subject_of(uow: UnitOfWork, row: PrivacyRequestRow) -> Subject:
    """Whom a request is about; nobody any more once it was answered."""
    if row.subject is None:
        return Subject()
    given = uow.hub.vault.open(row.subject, _owner(row.id))
    lists = {name: tuple(given[name]) for name in ("order_numbers", "account_ids", "unmatched", "order_ids")}
    return Subject(**{**given, **lists})


def keep_subject(uow: UnitOfWork, row: PrivacyRequestRow, subject: Subject) -> None:
    """Remember, sealed, what was found out about whom a request is about."""
    row.subject = uow.hub.vault.seal(asdict(subject), _owner(row.id))


def begin_run(uow: UnitOfWork, request_id: str, run_id: str) -> None:
    """The run that answers a request."""
    request_of(uow, request_id, lock=True).run_id = run_id


def note_waiting(row: PrivacyRequestRow, said: str) -> None:
    """Why a request cannot be answered yet; empty when it goes on."""
    row.state, row.said = ("waiting" if said else "open"), said


def insist(uow: UnitOfWork, request_id: str, who: str, why: str) -> PrivacyRequestRow:
    """A person wants an erasure although orders are open. Raises Invalid without a reason, Refused where it is over."""
    row = _pending(uow, request_id, why)
    row.proof = {**row.proof, "regardless_of_open_orders": True}
    record_act(uow, who, "erases in spite of open orders", kind="privacy", key=row.id, why=why)
    return row


def withdraw_request(uow: UnitOfWork, request_id: str, who: str, why: str) -> PrivacyRequestRow:
    """Nobody wants it any more: what is done stays done. Raises Invalid without a reason, Refused where it is over."""
    row = _pending(uow, request_id, why)
    _end(uow, row, "withdrawn", who)
    row.said = why
    record_act(uow, who, "withdrew a privacy request", kind="privacy", key=row.id, why=why)
    return row


def keep_export(uow: UnitOfWork, row: PrivacyRequestRow, document: Mapping[str, Any]) -> PrivacyExportRow:
    """Keep the file that answers a request, sealed; it is ready to be handed over."""
    plain = json.dumps(document, ensure_ascii=False, default=str)
    uow.session.execute(delete(PrivacyExportRow).filter_by(request_id=row.id))
    made = PrivacyExportRow(
        request_id=row.id, sealed=uow.hub.vault.seal({"file": plain}, _owner(row.id)), bytes=len(plain.encode()),
        sha256=hashlib.sha256(plain.encode()).hexdigest(), until=uow.hub.clock.now() + timedelta(days=KEPT_DAYS),
    )  # fmt: skip
    uow.session.add(made)
    row.state, row.said = "ready", ""
    row.proof = {**row.proof, "bytes": made.bytes, "sha256": made.sha256}
    return made


def read_export(uow: UnitOfWork, request_id: str, who: str) -> str:
    """The file of a request as JSON text, and that somebody fetched it. Raises NotFound where there is none (any more).

    The hub keeps it for `KEPT_DAYS`.
    """
    row, kept = request_of(uow, request_id), uow.session.get(PrivacyExportRow, request_id)
    if kept is None:
        raise NotFound("customers.no_export", "no file is kept for this request: ask again for one", about=request_id)
    record_act(uow, who, "fetched a file with personal data", kind="privacy", key=row.id, facts={"bytes": kept.bytes})
    return str(uow.hub.vault.open(kept.sealed, _owner(row.id))["file"])


def discard_export(uow: UnitOfWork, request_id: str) -> bool:
    """Delete the file of a request; False where it is gone already."""
    gone = uow.session.execute(delete(PrivacyExportRow).filter_by(request_id=request_id))
    if not gone.rowcount:  # type: ignore[attr-defined]
        return False
    record_act(uow, "hub", "deleted a file with personal data", kind="privacy", key=request_id)
    return True


def answer_request(
    uow: UnitOfWork, request_id: str, who: str, proof: Mapping[str, Any], why: str = ""
) -> PrivacyRequestRow:
    """A request is answered: whom it was about is forgotten, the proof stays. Raises Refused where it is over."""
    row = request_of(uow, request_id, lock=True)
    if not pending_state(row.state):
        raise Refused("customers.request_over", f"the request is {row.state} already", about=request_id)
    row.proof = {**row.proof, **proof}
    _end(uow, row, "answered", who)
    row.said = why
    did = "handed personal data over" if row.kind == Ask.EXPORT else "erased personal data"
    record_act(uow, who, did, kind="privacy", key=row.id, why=why, facts=dict(row.proof))
    return row


def _end(uow: UnitOfWork, row: PrivacyRequestRow, state: str, who: str) -> None:
    row.state, row.subject, row.ended_at, row.ended_by = state, None, uow.hub.clock.now(), who
    uow.publish(PrivacyAnswered(request_id=row.id))


def _pending(uow: UnitOfWork, request_id: str, why: str) -> PrivacyRequestRow:
    if not why.strip():
        raise Invalid("customers.reason_missing", "say why; it is kept with your name", about="why")
    row = request_of(uow, request_id, lock=True)
    if not pending_state(row.state):
        raise Refused("customers.request_over", f"the request is {row.state} already", about=request_id)
    return row


def _owner(request_id: str) -> str:
    return OWNER.format(key=request_id)
