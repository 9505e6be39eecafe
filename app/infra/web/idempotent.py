"""The Idempotency-Key ledger: the same key and body get the first answer again, another body under the key is refused.

One transaction claims the key, the view works in its own, a third stores the answer. A request that failed gives its
key back; one that died keeps it for a minute, after which a repeat may take it over: views are safe to repeat. Answers
are kept for three days (`app/infra/retention/ages.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec

from flask import Response, current_app, make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import LargeBinary, delete, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.infra.db import Base
from app.infra.web.auth import current_principal
from app.infra.web.wiring import hub
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Invalid, Transient

P = ParamSpec("P")
MOST_CHARACTERS = 255
DEAD_AFTER = timedelta(minutes=1)  # longer than any request of ours may take


class IdempotencyRow(Base):
    """One key of one caller, and the answer once there is one."""

    __tablename__ = "idempotency"
    __table_args__ = ({"schema": "hub"},)

    principal: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))


def idempotent(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Honour the header `Idempotency-Key` on a view that writes; without the header the view runs as it is."""

    @wraps(view)
    def guarded(*given: P.args, **named: P.kwargs) -> ResponseReturnValue:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return view(*given, **named)
        if len(key) > MOST_CHARACTERS:
            raise Invalid("idempotency.key_too_long", f"an Idempotency-Key has at most {MOST_CHARACTERS} characters")
        who, digest = current_principal().name, _digest()
        with hub().sessions.begin() as session:
            stored = _claim(session, who, key, digest)
        if stored is not None:
            return _again(stored)
        try:
            response = make_response(current_app.ensure_sync(view)(*given, **named))
        except BaseException:
            _forget(who, key)
            raise
        _keep(who, key, response)
        return response

    return guarded


def _claim(session: Session, who: str, key: str, digest: bytes) -> IdempotencyRow | None:
    """Take the key; the row of an answered request if there is one. Raises where the key says something else."""
    now = SYSTEM_CLOCK.now()
    fresh = insert(IdempotencyRow).values(principal=who, key=key, request_hash=digest, at=now)
    if session.execute(fresh.on_conflict_do_nothing().returning(IdempotencyRow.key)).first():
        return None
    row = session.scalars(select(IdempotencyRow).filter_by(principal=who, key=key).with_for_update()).one()
    if row.request_hash != digest:
        raise Invalid("idempotency.other_request", "this Idempotency-Key was used for another request; make a new one")
    if row.status is not None:
        return row
    if row.at > now - DEAD_AFTER:
        raise _InFlight("idempotency.in_flight", "the first request with this key is still running", retry_after=1)
    row.at = now
    return None


class _InFlight(Transient):
    status = 409


def _again(row: IdempotencyRow) -> Response:
    body = current_app.json.dumps(row.answer)
    headers = {"Idempotent-Replayed": "true"}
    return Response(body, status=row.status, content_type="application/json", headers=headers)


def _keep(who: str, key: str, response: Response) -> None:
    if response.status_code >= 500 or not response.is_json:
        _forget(who, key)
        return
    answer = {"status": response.status_code, "answer": response.get_json()}
    with hub().sessions.begin() as session:
        session.execute(update(IdempotencyRow).filter_by(principal=who, key=key).values(**answer))


def _forget(who: str, key: str) -> None:
    with hub().sessions.begin() as session:
        session.execute(delete(IdempotencyRow).filter_by(principal=who, key=key))


def _digest() -> bytes:
    told = f"{request.method} {request.full_path}\n".encode() + request.get_data()
    return hashlib.sha256(told).digest()
