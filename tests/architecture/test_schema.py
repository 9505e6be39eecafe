"""The database's own rules: one head, up and down again, no drift, no foreign key between schemas."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from app.settings import Settings

ROOT = Path(__file__).parents[2]


def alembic(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:1", "HUB_SECRET_KEY": "k" * 48}
    command = [sys.executable, "-m", "alembic", *arguments]
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def empty_database(settings: Settings, worker_id: str):
    """The address of a database with nothing in it."""
    name = f"hub_empty_{worker_id}"
    admin = create_engine(settings.database_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(settings.database_url).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def test_there_is_one_head():
    assert len(alembic("postgresql://127.0.0.1/none", "heads").stdout.split("\n")) == 2


def test_every_revision_goes_up_and_down_and_up_again_and_the_models_agree(empty_database: str):
    for step in (("upgrade", "head"), ("downgrade", "base"), ("upgrade", "head"), ("check",)):
        done = alembic(empty_database, *step)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_no_foreign_key_leaves_its_schema(engine: Engine):
    statement = """
        SELECT c.conname FROM pg_constraint c
          JOIN pg_class a ON a.oid = c.conrelid JOIN pg_class b ON b.oid = c.confrelid
         WHERE c.contype = 'f' AND a.relnamespace <> b.relnamespace"""
    with engine.connect() as connection:
        assert list(connection.scalars(text(statement))) == []
