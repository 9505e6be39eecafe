"""A connection of a thread's own, in autocommit: for a single statement that is its own transaction."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import TupleRow
from sqlalchemy import Engine

from app.infra.db import CONNECT_SECONDS, PREPARE_AFTER
from app.kernel.errors import Transient

COME_BACK_SECONDS = 5.0  # what a caller is told while the database is away


class Lines:
    """One connection for each thread that asks, made on first use and again after it broke."""

    def __init__(self, engine: Engine, *, prepared: bool) -> None:
        self._url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._prepare_after = PREPARE_AFTER if prepared else None
        self._local = threading.local()
        self._all: list[psycopg.Connection[TupleRow]] = []

    def run(self, statement: str, parameters: Mapping[str, Any]) -> list[TupleRow]:
        """Run a statement that commits by itself. Raises Transient while the database cannot be reached."""
        line: psycopg.Connection[TupleRow] | None = getattr(self._local, "line", None)
        if line is None or line.closed:
            line = self._connect()
        try:
            return line.execute(statement, parameters).fetchall()
        except psycopg.OperationalError as away:
            line.close()
            raise Transient("hub.database_away", "the database is away", retry_after=COME_BACK_SECONDS) from away

    def close(self) -> None:
        for line in self._all:
            line.close()

    def _connect(self) -> psycopg.Connection[TupleRow]:
        try:
            line = psycopg.connect(
                self._url, autocommit=True, connect_timeout=CONNECT_SECONDS, prepare_threshold=self._prepare_after
            )
        except psycopg.OperationalError as away:
            raise Transient("hub.database_away", "the database is away", retry_after=COME_BACK_SECONDS) from away
        self._local.line = line
        self._all.append(line)
        return line
