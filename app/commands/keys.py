"""`flask key …`: API keys for programs that call the hub."""

from __future__ import annotations

from datetime import timedelta

import click
from sqlalchemy import select

from app.commands.terminal import Commands, as_json, listed, tell, who
from app.infra.acts import record_act
from app.infra.web.auth import ApiKeyRow, create_key, revoke_key
from app.infra.web.scopes import SCOPES
from app.infra.web.wiring import hub

keys = Commands("key", help="API keys for programs that call the hub.")


@keys.command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(sorted(SCOPES)))
@click.option("--connection", default="", help="Bind the key to one connection.")
@click.option("--days", type=click.IntRange(min=1), help="How long it lasts; for ever without.")
@as_json
def create(name: str, scopes: tuple[str, ...], connection: str, days: int | None, json_wanted: bool) -> None:
    """Make a key for NAME, who will use it; prints it once."""
    with hub().unit_of_work() as uow:
        if connection:
            hub().connections.get(uow.session, connection)
        expires = uow.hub.clock.now() + timedelta(days=days) if days else None
        prefix, token = create_key(uow, name=name, scopes=scopes, connection=connection, expires_at=expires)
        record_act(uow, who(), "made an API key", kind="key", key=prefix, facts={"name": name, "scopes": list(scopes)})
    facts = {"prefix": prefix, "key": token, "name": name, "scopes": list(scopes), "connection": connection}
    tell(f"Key {prefix} for {name}, shown once: {token}", facts, json_wanted=json_wanted)


@keys.command("list")
@as_json
def list_all(json_wanted: bool) -> None:
    """Every key, without its secret."""
    with hub().unit_of_work() as uow:
        found = list(uow.session.scalars(select(ApiKeyRow).order_by(ApiKeyRow.created_at)))
    rows = [
        {
            "prefix": key.prefix, "name": key.name, "scopes": list(key.scopes), "connection": key.connection,
            "expires_at": key.expires_at, "revoked_at": key.revoked_at, "last_used_at": key.last_used_at,
        }
        for key in found
    ]  # fmt: skip
    columns = ("prefix", "name", "scopes", "connection", "expires_at", "revoked_at", "last_used_at")
    listed(rows, columns, json_wanted=json_wanted, nothing="No key yet; `flask key create` makes one.")


@keys.command("revoke")
@click.argument("prefix")
@click.option("--why", required=True, help="Kept in the audit.")
@as_json
def revoke(prefix: str, why: str, json_wanted: bool) -> None:
    """End the key with this PREFIX at once."""
    with hub().unit_of_work() as uow:
        revoke_key(uow, prefix)
        record_act(uow, who(), "revoked an API key", kind="key", key=prefix, why=why)
    tell(f"Key {prefix} is revoked.", {"prefix": prefix, "revoked": True}, json_wanted=json_wanted)
