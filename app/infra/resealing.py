"""HUB_SECRET_KEY is rotated: what other keys sealed is sealed again with the present one, value by value.

Whoever keeps sealed values declares their column in `SEALED`. Each value is a transaction of its own and tells by
itself which key it has, so a rotation that was stopped goes on where it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.infra.acts import record_act
from app.infra.hub import Hub
from app.kernel.errors import NeedsAttention


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A column of sealed values. `kind` is the audit's word for what a row is, and `named` says it to people.

    `owner` is what the vault bound the value to; in both, {key} stands for the row's key.
    """

    table: str
    key: str
    column: str
    kind: str
    owner: str
    named: str


SEALED: list[Sealed] = [
    Sealed(table="hub.connection", key="name", column="secrets", kind="connection", owner="{key}", named="{key}")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """What was sealed again, had the present key already, or opens with no key that is set."""

    again: tuple[str, ...]
    present: tuple[str, ...]
    unreadable: tuple[str, ...]


def reseal(hub: Hub, who: str) -> Resealed:
    """Seal everything with the present key; run twice, the second finds nothing to do."""
    found: dict[str, list[str]] = {"again": [], "present": [], "unreadable": []}
    for sealed in SEALED:
        for key in _keys(hub, sealed):
            if outcome := _one(hub, sealed, key, who):
                found[outcome].append(sealed.named.format(key=key))
    return Resealed(**{outcome: tuple(names) for outcome, names in found.items()})


def _keys(hub: Hub, sealed: Sealed) -> list[str]:
    statement = f"SELECT {sealed.key}::text FROM {sealed.table} WHERE {sealed.column} IS NOT NULL ORDER BY 1"
    with hub.unit_of_work() as uow:
        return [key for (key,) in uow.sql(statement)]


def _one(hub: Hub, sealed: Sealed, key: str, who: str) -> str:
    where, owner = f"WHERE {sealed.key}::text = %(key)s", sealed.owner.format(key=key)
    with hub.unit_of_work() as uow:
        row = uow.sql(f"SELECT {sealed.column} FROM {sealed.table} {where} FOR UPDATE", {"key": key}).fetchone()
        if row is None or row[0] is None:  # it was answered, discarded or taken away meanwhile
            return ""
        try:
            plain = hub.vault.open(row[0], owner)
        except NeedsAttention:
            return "unreadable"
        if hub.vault.is_present(row[0]):
            return "present"
        anew = {"key": key, "value": hub.vault.seal(plain, owner)}
        uow.sql(f"UPDATE {sealed.table} SET {sealed.column} = %(value)s {where}", anew)
        record_act(uow, who, "sealed secrets with the present key", kind=sealed.kind, key=key)
        return "again"
