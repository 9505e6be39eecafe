"""The database: naming, engine, sessions. PostgreSQL 15 or newer, one schema for each domain and `hub`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import Engine, MetaData, Text, create_engine, event
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from app.infra.arrays import write_arrays

NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
SCHEMAS = ("hub", "product", "pricing", "inventory", "orders", "returns", "settlement", "customers")
CONNECT_SECONDS = 5  # a database that does not take a connection in five seconds is down
# A server that vanished without a word (power, network, failover) is given up within half a minute, not two hours.
LINE: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}  # fmt: skip
PREPARE_AFTER = 2  # executions before psycopg prepares a statement
# Connection lost or refused, shutting down, starting, crashed, out of connections (PostgreSQL, appendix A).
AWAY_STATES = ("08", "57P01", "57P02", "57P03", "53300")


class Base(DeclarativeBase):
    """Base of every row class."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {str: Text, datetime: TIMESTAMP(timezone=True), dict[str, Any]: JSONB, list[str]: JSONB}


def make_engine(url: str, *, pool_size: int = 10, prepared: bool = True) -> Engine:
    """An engine over psycopg 3. `prepared=False` is for poolers that cannot keep prepared statements."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=False,
        pool_recycle=1800,  # half an hour: shorter than the idle cut of common network gear
        connect_args={
            **LINE,
            "prepare_threshold": PREPARE_AFTER if prepared else None,
            "application_name": "roundhouse",
        },
    )
    event.listen(engine, "connect", lambda line, _: write_arrays(line))
    return engine


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    return sessionmaker(engine, expire_on_commit=False, autoflush=True)


def is_away(error: BaseException) -> bool:
    """Whether the database was not to be reached or the connection broke: the work itself did nothing wrong."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or (error.orig is not None and is_away(error.orig))
    if not isinstance(error, psycopg.OperationalError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(AWAY_STATES)  # libpq's own errors have no state


def is_contention(error: BaseException) -> bool:
    """Whether others were in the way, in a deadlock or a conflict: nothing was changed, and again it will do."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)
