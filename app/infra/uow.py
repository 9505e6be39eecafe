"""One unit of work: one transaction, the facts it publishes, and no network inside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, cast

import psycopg
from psycopg.rows import TupleRow
from sqlalchemy.orm import Session, sessionmaker

from app.kernel.events import Fact

if TYPE_CHECKING:
    from app.infra.hub import Hub

_open: ContextVar[bool] = ContextVar("unit_of_work_open", default=False)


class NetworkInsideTransaction(AssertionError):
    """A remote call was attempted while a transaction was open."""


def forbid_open_transaction() -> None:
    """Called by the outbound client before every request."""
    if _open.get():
        raise NetworkInsideTransaction("close the unit of work first: plan, call, record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Where work came from: the correlation of its whole story, the event that caused it, where it began."""

    correlation_id: str
    causation_id: int | None = None
    origin: str = ""
    traceparent: str = ""


class Outbox(Protocol):
    """Writes facts and their deliveries in one statement and rings once the transaction stands."""

    def publish(self, uow: UnitOfWork, told: Sequence[tuple[Fact, Trail]]) -> Callable[[], None]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Where a unit of work stood when something began that may be undone."""

    told: int
    before: int
    after: int
    tallies: Counter[tuple[str, str]]


class UnitOfWork:
    """`with UnitOfWork(...) as uow:` commits on a clean exit, with every published fact, or not at all."""

    def __init__(self, sessions: sessionmaker[Session], trail: Trail, outbox: Outbox, hub: Hub) -> None:
        self._sessions, self.trail, self._outbox, self.hub = sessions, trail, outbox, hub
        self._told: list[tuple[Fact, Trail]] = []
        self._tallies: Counter[tuple[str, str]] = Counter()
        self._before: list[Callable[[], object]] = []
        self._after: list[Callable[[], None]] = []
        self._driver: psycopg.Connection[TupleRow] | None = None

    def __enter__(self) -> UnitOfWork:
        assert not _open.get(), "units of work do not nest"
        self.session = self._sessions()
        self._token: Token[bool] = _open.set(True)
        return self

    def publish(self, fact: Fact, trail: Trail | None = None) -> None:
        """Tell a fact when this unit of work commits."""
        self._told.append((fact, trail or self.trail))

    def tally(self, name: str, label: str = "", count: int = 1) -> None:
        """Count something when this unit of work commits."""
        if count:
            self._tallies[name, label] += count

    def before_commit(self, act: Callable[[], object]) -> None:
        """Run something in this transaction once its facts and their deliveries are written."""
        self._before.append(act)

    def after_commit(self, act: Callable[[], None]) -> None:
        """Run something that may be lost, such as a bell or a cache entry, once the transaction stands."""
        self._after.append(act)

    def attempt(self) -> Attempt:
        """Begin something that may be undone before this unit of work commits."""
        self.sql("SAVEPOINT attempt")
        return Attempt(
            told=len(self._told), before=len(self._before), after=len(self._after), tallies=self._tallies.copy()
        )

    def undo(self, attempt: Attempt) -> None:
        """Take back what was done since an attempt began: rows, facts, tallies, and what was to follow the commit."""
        self.sql("ROLLBACK TO SAVEPOINT attempt")
        del self._told[attempt.told :], self._before[attempt.before :], self._after[attempt.after :]
        self._tallies = attempt.tallies

    @property
    def driver(self) -> psycopg.Connection[TupleRow]:
        """The psycopg connection of this transaction, for statements that earn it."""
        if self._driver is None:
            raw: Any = self.session.connection().connection.driver_connection
            self._driver = cast(psycopg.Connection[TupleRow], raw)
        return self._driver

    def sql(self, statement: str, parameters: Mapping[str, Any] | None = None) -> psycopg.Cursor[TupleRow]:
        """Run one statement on the driver, after pending changes of the session."""
        if self.session.new or self.session.dirty or self.session.deleted:
            self.session.flush()
        return self.driver.execute(statement, parameters)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._commit()
            else:
                self.session.rollback()
        finally:
            try:
                self.session.close()  # raises where the connection broke since the last statement
            finally:
                _open.reset(self._token)  # else this thread could never begin another
        if kind is None:
            for act in self._after:
                act()

    def _commit(self) -> None:
        if self._told:
            self._after.append(self._outbox.publish(self, self._told))
        for act in self._before:
            act()
        if self._tallies:
            self.sql(
                "INSERT INTO hub.tally (name, label, n) "
                "SELECT * FROM unnest(%(names)s::text[], %(labels)s::text[], %(counts)s::bigint[])",
                {
                    "names": [name for name, _ in self._tallies],
                    "labels": [label for _, label in self._tallies],
                    "counts": list(self._tallies.values()),
                },
            )
        self.session.commit()
