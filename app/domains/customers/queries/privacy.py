"""Reads of privacy requests, none of which names anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.domains.customers.models import PrivacyExportRow, PrivacyRequestRow
from app.infra.uow import UnitOfWork
from app.kernel.errors import NotFound

PENDING = ("open", "waiting", "ready")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyRequest:
    """A request as people see it. `file_until` is empty where there is no file."""

    request_id: str
    kind: str
    state: str
    connection: str
    source: str
    asked_by: str
    why: str
    asked_at: datetime
    due_at: datetime
    run_id: str
    said: str
    proof: Mapping[str, Any]
    ended_at: datetime | None
    ended_by: str
    file_until: datetime | None

    @property
    def pending(self) -> bool:
        return pending_state(self.state)


def pending_state(state: str) -> bool:
    """Whether a request in this state still wants an answer."""
    return state in PENDING


def requests_listed(
    uow: UnitOfWork, *, pending: bool = False, before: str = "", most: int = 50
) -> list[PrivacyRequest]:
    """Requests, the newest first; `before` is the id of the last one of the page before."""
    wanted = select(PrivacyRequestRow, PrivacyExportRow.until).outerjoin(PrivacyExportRow)
    if pending:
        wanted = wanted.where(PrivacyRequestRow.state.in_(PENDING))
    if before:
        wanted = wanted.where(PrivacyRequestRow.id < before)
    rows = uow.session.execute(wanted.order_by(PrivacyRequestRow.id.desc()).limit(most))
    return [_shown(row, until) for row, until in rows]


def request_view(uow: UnitOfWork, request_id: str) -> PrivacyRequest:
    """One request. Raises NotFound (`customers.unknown_request`)."""
    row = uow.session.get(PrivacyRequestRow, request_id)
    if row is None:
        raise NotFound("customers.unknown_request", f"there is no privacy request {request_id}", about=request_id)
    kept = uow.session.get(PrivacyExportRow, request_id)
    return _shown(row, kept.until if kept else None)


def _shown(row: PrivacyRequestRow, until: datetime | None) -> PrivacyRequest:
    names = ("kind", "state", "connection", "source", "asked_by", "why", "asked_at", "due_at", "said", "proof",
             "ended_at", "ended_by")  # fmt: skip
    return PrivacyRequest(
        request_id=row.id, run_id=row.run_id or "", file_until=until, **{name: getattr(row, name) for name in names}
    )
