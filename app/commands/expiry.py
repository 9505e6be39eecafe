"""`flask expiry …`: what runs out on a known day."""

from __future__ import annotations

from sqlalchemy import select

from app.commands.terminal import Commands, as_json, listed, tell
from app.infra.expiry import ExpiryRow, warn
from app.infra.web.wiring import hub

expiry = Commands("expiry", help="Secrets, certificates, keys and subscriptions that run out on a known day.")


@expiry.command("list")
@as_json
def list_all(json_wanted: bool) -> None:
    """Everything whose last day is known, the nearest first."""
    now = hub().clock.now()
    with hub().unit_of_work() as uow:
        rows = [
            {
                "connection": row.connection, "kind": row.kind, "name": row.name, "ends_at": row.ends_at,
                "days_left": (row.ends_at - now).days, "told_at_days": row.warned,
            }
            for row in uow.session.scalars(select(ExpiryRow).order_by(ExpiryRow.ends_at))
        ]  # fmt: skip
    columns = ("connection", "kind", "name", "ends_at", "days_left", "told_at_days")
    nothing = "No last day is known; `flask connection test` learns those of certificates."
    listed(rows, columns, json_wanted=json_wanted, nothing=nothing)


@expiry.command("check")
@as_json
def check(json_wanted: bool) -> None:
    """Look now, as the hub does every day, and open a case for what has come nearer."""
    with hub().unit_of_work() as uow:
        told = warn(uow, hub().clock.now())
    tell(f"{told} things were told of.", {"told": told}, json_wanted=json_wanted)
