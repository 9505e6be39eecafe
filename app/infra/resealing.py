"""HUB_SECRET_KEY is rotated: what other keys sealed is sealed again with the present one, connection by connection."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from app.infra.acts import record_act
from app.infra.connections import ConnectionRow
from app.infra.hub import Hub
from app.kernel.errors import NeedsAttention


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """Connections whose secrets were sealed again, had the present key already, or open with no key that is set."""

    again: tuple[str, ...]
    present: tuple[str, ...]
    unreadable: tuple[str, ...]


def reseal(hub: Hub, who: str) -> Resealed:
    """Seal every connection's secrets with the present key; run twice, the second finds nothing to do."""
    with hub.unit_of_work() as uow:
        names = list(uow.session.scalars(select(ConnectionRow.name).order_by(ConnectionRow.name)))
    found: dict[str, list[str]] = {"again": [], "present": [], "unreadable": []}
    for name in names:
        if outcome := _one(hub, name, who):
            found[outcome].append(name)
    return Resealed(**{outcome: tuple(names) for outcome, names in found.items()})


def _one(hub: Hub, name: str, who: str) -> str:
    with hub.unit_of_work() as uow:
        row = uow.session.get(ConnectionRow, name, with_for_update=True)
        if row is None or row.secrets is None:
            return ""
        try:
            secrets = hub.vault.open(row.secrets, name)
        except NeedsAttention:
            return "unreadable"
        if hub.vault.is_present(row.secrets):
            return "present"
        row.secrets = hub.vault.seal(secrets, name)
        record_act(uow, who, "sealed secrets with the present key", kind="connection", key=name)
        return "again"
