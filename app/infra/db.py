"""The database: naming, engine, sessions. PostgreSQL 15 or newer, one schema for each domain and `hub`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Engine, MetaData, Text, create_engine
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
SCHEMAS = ("hub", "product", "pricing", "inventory", "orders", "returns", "settlement", "customers")
CONNECT_SECONDS = 5  # a database that does not take a connection in five seconds is down
PREPARE_AFTER = 2  # executions before psycopg prepares a statement


class Base(DeclarativeBase):
    """Base of every row class."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {str: Text, datetime: TIMESTAMP(timezone=True), dict[str, Any]: JSONB, list[str]: JSONB}


def make_engine(url: str, *, pool_size: int = 10, prepared: bool = True) -> Engine:
    """An engine over psycopg 3. `prepared=False` is for poolers that cannot keep prepared statements."""
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=False,
        pool_recycle=1800,  # half an hour: shorter than the idle cut of common network gear
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "prepare_threshold": PREPARE_AFTER if prepared else None,
            "application_name": "roundhouse",
        },
    )


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    return sessionmaker(engine, expire_on_commit=False, autoflush=True)
