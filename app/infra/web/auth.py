"""API keys: `rh_<prefix>_<secret>`, stored as a SHA-256 of the secret's 32 random bytes, checked in constant time.

A key is shown once, when it is made. One that is bound to a connection opens that connection's routes alone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import g, request
from sqlalchemy import LargeBinary, select, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.infra.db import Base
from app.infra.ids import new_id
from app.infra.uow import UnitOfWork
from app.infra.web.scopes import SCOPES
from app.infra.web.wiring import hub
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.errors import Forbidden, Invalid, NotFound, Unauthenticated

P = ParamSpec("P")
R = TypeVar("R")
SECRET_BYTES = 32
PREFIX_BYTES = 4
USE_NOTED_EVERY = timedelta(minutes=1)  # `last_used_at` is a hint for people, not worth a write for each call


class ApiKeyRow(Base):
    """One API key; the secret itself is nowhere."""

    __tablename__ = "api_key"
    __table_args__ = ({"schema": "hub"},)

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    prefix: Mapped[str] = mapped_column(unique=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")
    connection: Mapped[str] = mapped_column(server_default="")
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    last_used_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is calling. `connection` is empty where the caller is not bound to one."""

    name: str
    scopes: frozenset[str]
    connection: str = ""


def create_key(
    uow: UnitOfWork,
    *,
    name: str,
    scopes: Collection[str],
    connection: str = "",
    expires_at: datetime | None = None,
) -> tuple[str, str]:
    """Make a key; returns (its prefix, the whole key, which nobody can read again)."""
    if unknown := sorted(set(scopes) - SCOPES.keys()):
        raise Invalid("keys.unknown_scope", f"there is no scope {unknown[0]!r}; there are {', '.join(sorted(SCOPES))}")
    if not name.strip():
        raise Invalid("keys.no_name", "give the key a name that says who uses it")
    prefix, secret = secrets.token_hex(PREFIX_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    uow.session.add(
        ApiKeyRow(
            id=new_id(),
            prefix=prefix,
            secret_hash=_digest(secret),
            name=name.strip(),
            scopes=sorted(set(scopes)),
            connection=connection,
            expires_at=expires_at,
        )
    )
    return prefix, f"rh_{prefix}_{secret}"


def adopt_key(uow: UnitOfWork, token: str, *, name: str, scopes: Collection[str], connection: str = "") -> None:
    """Keep a key that was made elsewhere, such as for the demo's own warehouse. The same key again changes nothing."""
    kind, prefix, secret = (token.split("_", 2) + ["", ""])[:3]
    if kind != "rh" or not prefix or not secret:
        raise Invalid("keys.form", "a key has the form rh_<prefix>_<secret>")
    if uow.session.scalar(select(ApiKeyRow).filter_by(prefix=prefix)) is None:
        uow.session.add(
            ApiKeyRow(
                id=new_id(), prefix=prefix, secret_hash=_digest(secret), name=name, scopes=sorted(scopes),
                connection=connection,
            )
        )  # fmt: skip


def revoke_key(uow: UnitOfWork, prefix: str) -> None:
    """End a key at once, in every process. Revoking it twice changes nothing."""
    row = uow.session.scalar(select(ApiKeyRow).filter_by(prefix=prefix).with_for_update())
    if row is None:
        raise NotFound("keys.unknown", f"there is no key {prefix!r}; `flask key list` shows them", about=prefix)
    row.revoked_at = row.revoked_at or SYSTEM_CLOCK.now()


def authenticate(session: Session, authorization: str) -> Principal:
    """Who holds the key of an Authorization header; raises Unauthenticated with one answer for every kind of wrong."""
    scheme, _, token = authorization.partition(" ")
    kind, _, rest = token.strip().partition("_")
    prefix, _, secret = rest.partition("_")
    if scheme.lower() != "bearer" or kind != "rh" or not secret:
        raise Unauthenticated("auth.no_key", "send the header `Authorization: Bearer rh_…` with an API key of this hub")
    row = session.scalar(select(ApiKeyRow).filter_by(prefix=prefix))
    now = SYSTEM_CLOCK.now()
    same = hmac.compare_digest(_digest(secret), row.secret_hash if row else bytes(hashlib.sha256().digest_size))
    if row is None or not same or row.revoked_at or (row.expires_at and row.expires_at <= now):
        raise Unauthenticated("auth.key_refused", "this key is unknown, expired or revoked; make a new one")
    if row.last_used_at is None or row.last_used_at < now - USE_NOTED_EVERY:
        row.last_used_at = now
    return Principal(name=f"key:{row.name}", scopes=frozenset(row.scopes), connection=row.connection)


def require_scope(*scopes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view run only for a key with one of `scopes`; where the key is bound, only for its own `<connection>`.

    Put it outermost, so that nothing of a stranger's body is read. It documents itself in OpenAPI.
    """
    if unknown := set(scopes) - SCOPES.keys():
        raise ValueError(f"no scope {min(unknown)!r}: add it to app/infra/web/scopes.py")

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*given: P.args, **named: P.kwargs) -> R:
            admit(*scopes)
            return view(*given, **named)

        documented = dict(getattr(view, "_apidoc", {}))
        security = [{"key": [scope]} for scope in scopes]  # alternatives, as OpenAPI has it
        documented["manual_doc"] = {**documented.get("manual_doc", {}), "security": security}
        guarded._apidoc = documented  # type: ignore[attr-defined]
        return guarded

    return decorate


def admit(*scopes: str) -> Principal:
    """The caller of the current request, if its key has one of `scopes`; Unauthenticated or Forbidden if not."""
    with hub().sessions.begin() as session:
        principal = authenticate(session, request.headers.get("Authorization", ""))
    if principal.scopes.isdisjoint(scopes):
        lacks = " or ".join(repr(scope) for scope in scopes)
        raise Forbidden("auth.scope", f"this key lacks the scope {lacks}", about=principal.name)
    wanted = (request.view_args or {}).get("connection")
    if principal.connection and wanted is not None and wanted != principal.connection:
        raise Forbidden("auth.other_connection", f"this key is for the connection {principal.connection!r} alone")
    g.principal = principal
    return principal


def current_principal() -> Principal:
    """Who the current request speaks for; Unauthenticated where nobody was admitted."""
    found = g.get("principal")
    if found is None:
        raise Unauthenticated("auth.nobody", "this route was reached without a key")
    return cast(Principal, found)


def security_schemes() -> dict[str, Any]:
    """For the OpenAPI document: what `security: [{"key": […]}]` refers to."""
    return {"key": {"type": "http", "scheme": "bearer", "description": "An API key of this hub: rh_…"}}


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
