"""Configured remotes: settings in clear, secrets encrypted, a pause switch that all processes see."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any, TypeVar

import structlog
from marshmallow import ValidationError
from sqlalchemy import BigInteger, LargeBinary, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.infra.db import Base
from app.infra.gates import Gates
from app.infra.remote.client import Outbound
from app.infra.remote.gate import Gate
from app.infra.remote.spec import AdapterSpec, Capability
from app.infra.secrets import Vault
from app.kernel.errors import Invalid, NeedsAttention, NotFound

P = TypeVar("P")
log = structlog.get_logger()
LAST_DELIVERY = 2**63 - 1  # the greatest bigint
FRESH_SECONDS = 1.0  # how old a process' picture of the connections may be: a pause holds everywhere after this


class ConnectionRow(Base):
    """One configured remote."""

    __tablename__ = "connection"
    __table_args__ = ({"schema": "hub"},)

    name: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True, server_default=text("nextval('hub.connection_number')"))
    adapter: Mapped[str]
    title: Mapped[str] = mapped_column(server_default="")
    company: Mapped[str] = mapped_column(server_default="")
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    secrets: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(server_default="on")
    paused_code: Mapped[str] = mapped_column(server_default="")
    paused_by: Mapped[str] = mapped_column(server_default="")
    paused_reason: Mapped[str] = mapped_column(server_default="")
    paused_at: Mapped[datetime | None]
    tested_at: Mapped[datetime | None]
    probes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    drain_to: Mapped[int | None] = mapped_column(BigInteger)  # the last delivery that a draining connection still does
    drained_at: Mapped[datetime | None]
    shadow: Mapped[bool] = mapped_column(server_default="false")


@dataclass(slots=True)
class Connection:
    """A connection ready for use. `settings` holds its secrets too, so it is never logged or shown."""

    name: str
    number: int
    company: str
    state: str
    version: int
    spec: AdapterSpec
    settings: Mapping[str, Any] = field(repr=False)
    drain_to: int | None = None  # while it drains: the last delivery that is still done
    shadow: bool = False  # whatever is to be sent to it is only recorded
    gate: Gate | None = None  # its breaker and quotas
    _remote: Outbound | None = None

    @property
    def remote(self) -> Outbound:
        """Its one pool of kept connections, made on first use and kept for the process."""
        if self._remote is None:
            remote = self.spec.connect(self.settings)
            remote.gate = self.gate
            self._remote = remote
        self._remote.shadow = self.shadow
        return self._remote

    @property
    def last_delivery(self) -> int:
        """The last delivery that may be called for: any, unless it drains."""
        return self.drain_to if self.state == "draining" and self.drain_to is not None else LAST_DELIVERY

    @property
    def concurrency(self) -> int:
        """How many calls it may have under way, over all processes and in one queue."""
        return int(self.settings.get("concurrency") or self.spec.concurrency)

    def port(self, wanted: type[P]) -> P:
        return self.spec.port(wanted, self.remote, self.settings)

    def capability(self, wanted: type) -> Capability:
        return self.spec.capability(wanted)


class Connections:
    """This process' picture of all connections, at most a second old."""

    def __init__(
        self, adapter: Callable[[str], AdapterSpec], vault: Vault, gates: Gates, *, allow_loopback: bool
    ) -> None:
        self._adapter, self._vault, self._gates, self._allow_loopback = adapter, vault, gates, allow_loopback
        self._known: dict[str, Connection] = {}
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def all(self, session: Session) -> Mapping[str, Connection]:
        """Every connection by name; reads the table when the picture is old."""
        if monotonic() - self._read_at > FRESH_SECONDS:
            rows = session.scalars(select(ConnectionRow).execution_options(populate_existing=True)).all()
            with self._lock:
                self._known = {row.name: self._ready(row) for row in rows}
                self._read_at = monotonic()
        return self._known

    def get(self, session: Session, name: str) -> Connection:
        known = self.all(session)
        if name not in known:
            self.forget()
            known = self.all(session)
        if name not in known:
            raise NotFound("connections.unknown", f"there is no connection {name!r}", about=name)
        return known[name]

    def known(self, name: str) -> Connection | None:
        """What this process last read, without asking the database."""
        return self._known.get(name)

    def fresh(self, name: str) -> Connection | None:
        """A connection of this process' picture while that is at most a second old."""
        return self._known.get(name) if monotonic() - self._read_at <= FRESH_SECONDS else None

    def forget(self) -> None:
        """Read the table again at the next question."""
        self._read_at = float("-inf")

    def _ready(self, row: ConnectionRow) -> Connection:
        before = self._known.get(row.name)
        if before is not None and before.version == row.version:
            before.state, before.drain_to, before.shadow = row.state, row.drain_to, row.shadow
            return before
        spec, state = self._adapter(row.adapter), row.state
        try:
            secrets = self._vault.open(row.secrets, row.name) if row.secrets else {}
            settings = spec.settings().load({**row.settings, **secrets})
            gate = self._gates.of(row.name, spec.quotas, settings)
        except (ValidationError, NeedsAttention, Invalid) as wrong:  # one bad row must not stop the others
            log.error("connections.unreadable", connection=row.name, error=type(wrong).__name__)
            settings, state = dict(row.settings), "paused"
            gate = self._gates.of(row.name, spec.quotas, {})
        settings |= {"allow_loopback": self._allow_loopback, "name": row.name}
        return Connection(
            row.name, row.number, row.company, state, row.version, spec, settings, row.drain_to, row.shadow, gate
        )
