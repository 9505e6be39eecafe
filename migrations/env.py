"""Runs migrations on DATABASE_URL. One transaction for each revision; never imports a service."""

from __future__ import annotations

import importlib
import pkgutil

from alembic import context
from sqlalchemy import create_engine, text

import app.domains
import app.infra
from app.infra.db import SCHEMAS, Base
from app.settings import Settings

COMPARES = {"check", "revision"}  # the commands that need every row class; to import them costs a second and a half
if COMPARES & {getattr(command, "__name__", "") for command in getattr(context.config.cmd_opts, "cmd", ())}:
    for package in (app.infra, app.domains):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if package is app.infra or ".models" in module.name:
                importlib.import_module(module.name)
target_metadata = Base.metadata


def _ours(name: str | None, kind: str, parents: dict[str, str | None]) -> bool:
    """Leave out what is no table of ours, and partitions, which the relay makes."""
    if kind == "schema":
        return name in SCHEMAS
    if kind == "table":
        return f"{parents['schema_name']}.{name}" in target_metadata.tables
    return True


def run() -> None:
    url = context.config.attributes.get("url") or Settings.from_environment().database_url
    # a role called like a schema would make that schema the default one, and its tables would be named without it
    engine = create_engine(url, connect_args={"options": "-c search_path=public"})
    with engine.connect() as connection:
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS hub"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=target_metadata,
            version_table_schema="hub",
            include_schemas=True,
            include_name=_ours,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
