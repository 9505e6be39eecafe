"""A connection of a thread's own, in autocommit: for a single statement that is its own transaction."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.rows import TupleRow
from sqlalchemy import Engine

from app.infra.db import LINE, PREPARE_AFTER
from app.kernel.errors import Transient

COME_BACK_SECONDS = 5.0  # what a caller is told while the database is away


@dataclass(frozen=True, slots=True)
class Sealed:
    """A statement for `Lines.execute`: prepared once on each line, its values given as bytes in a fixed order.

    psycopg's cursors cost more than a hot statement's own work on our side; libpq's call costs a tenth.
    """

    name: bytes
    text: bytes
    parameters: tuple[str, ...]
    formats: tuple[Format, ...]

    @classmethod
    def of(cls, name: str, statement: str, *, binary: frozenset[str] = frozenset()) -> Sealed:
        """From a statement with `%(name)s` parameters; those of `binary` are sent as they are."""
        parameters = tuple(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
        text = re.sub(r"%\((\w+)\)s", lambda found: f"${parameters.index(found[1]) + 1}", statement)
        formats = tuple(Format.BINARY if one in binary else Format.TEXT for one in parameters)
        return cls(name.encode(), text.encode(), parameters, formats)


class Lines:
    """One connection for each thread that asks, made on first use and again after it broke."""

    def __init__(self, engine: Engine, *, prepared: bool) -> None:
        self._url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._prepare_after = PREPARE_AFTER if prepared else None
        self._local = threading.local()
        self._all: list[psycopg.Connection[TupleRow]] = []

    def run(self, statement: str, parameters: Mapping[str, Any]) -> list[TupleRow]:
        """Run a statement that commits by itself. Raises Transient while the database cannot be reached."""
        line = self._line()
        try:
            return line.execute(statement, parameters).fetchall()
        except psycopg.OperationalError as away:
            raise self._lost(line) from away

    def execute(self, statement: Sealed, values: Mapping[str, bytes]) -> list[tuple[bytes | None, ...]]:
        """Run a sealed statement that commits by itself; values and rows are PostgreSQL's text. Raises as `run`."""
        line = self._line()
        given = [values[name] for name in statement.parameters]
        try:
            result = self._sent(line, statement, given)
            if result.status != ExecStatus.TUPLES_OK:
                raise error_from_result(result)
        except psycopg.OperationalError as away:
            raise self._lost(line) from away
        return [tuple(result.get_value(row, n) for n in range(result.nfields)) for row in range(result.ntuples)]

    def _sent(
        self, line: psycopg.Connection[TupleRow], statement: Sealed, given: Sequence[bytes]
    ) -> psycopg.pq.abc.PGresult:
        if self._prepare_after is None:
            return line.pgconn.exec_params(statement.text, given, param_formats=statement.formats)
        if statement.name not in self._local.prepared:
            made = line.pgconn.prepare(statement.name, statement.text)
            if made.status != ExecStatus.COMMAND_OK:
                raise error_from_result(made)
            self._local.prepared.add(statement.name)
        return line.pgconn.exec_prepared(statement.name, given, statement.formats)

    def close(self) -> None:
        for line in self._all:
            line.close()

    def _line(self) -> psycopg.Connection[TupleRow]:
        line: psycopg.Connection[TupleRow] | None = getattr(self._local, "line", None)
        if line is None or line.closed or line.pgconn.status == ConnStatus.BAD:
            line = self._connect()
        return line

    def _lost(self, line: psycopg.Connection[TupleRow]) -> Transient:
        line.close()
        return Transient("hub.database_away", "the database is away", retry_after=COME_BACK_SECONDS)

    def _connect(self) -> psycopg.Connection[TupleRow]:
        try:
            line = psycopg.connect(self._url, autocommit=True, prepare_threshold=self._prepare_after, **LINE)
        except psycopg.OperationalError as away:
            raise Transient("hub.database_away", "the database is away", retry_after=COME_BACK_SECONDS) from away
        self._local.line, self._local.prepared = line, set[bytes]()
        self._all.append(line)
        return line
