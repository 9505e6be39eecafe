"""External id and ours, one to one for each connection and kind of thing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base
from app.infra.uow import UnitOfWork
from app.kernel.errors import NeedsAttention


class Binding(Base):
    """At `connection`, our `key` of this kind is `external_id`, which people call `number`."""

    __tablename__ = "binding"
    __table_args__ = (
        UniqueConstraint("connection", "kind", "external_id"),
        Index("ix_binding_external_id", "external_id"),
        Index("ix_binding_number", "number", postgresql_where=text("number <> ''")),
        Index("ix_binding_key", "key"),
        {"schema": "hub"},
    )

    connection: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str]
    number: Mapped[str] = mapped_column(server_default="")
    source_version: Mapped[datetime | None]
    bound_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


def bind(
    uow: UnitOfWork, connection: str, kind: str, key: str, external_id: str, *, number: str = "",
    source_version: datetime | None = None,
) -> None:  # fmt: skip
    """Tie our key to the remote's id. The same pair again is nothing; what is tied elsewhere is a case."""
    given = {"external_id": external_id, "number": number, "source_version": source_version}
    statement = (
        insert(Binding)
        .values(connection=connection, kind=kind, key=key, **given)
        .on_conflict_do_update(
            index_elements=["connection", "kind", "key"],
            set_={"number": number, "source_version": source_version},
            where=(Binding.external_id == external_id),
        )
        .returning(Binding.key)
    )
    try:
        with uow.session.begin_nested():
            tied = uow.session.execute(statement).scalar_one_or_none()
    except IntegrityError as clash:
        raise _tied(connection, kind, key, external_id) from clash
    if tied is None:
        raise _tied(connection, kind, key, external_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """A binding to make: at `connection`, our `key` of this kind is `external_id`."""

    connection: str
    kind: str
    key: str
    external_id: str
    number: str = ""


BIND_MANY = """
WITH given AS (
    SELECT * FROM unnest(%(connections)s::text[], %(kinds)s::text[], %(keys)s::text[], %(externals)s::text[],
                         %(numbers)s::text[]) g(connection, kind, key, external_id, number)),
tied AS (
    INSERT INTO hub.binding (connection, kind, key, external_id, number) SELECT * FROM given ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING RETURNING connection, kind, key)
SELECT connection, kind, key, external_id, number FROM given
 WHERE NOT EXISTS (SELECT FROM tied t WHERE (t.connection, t.kind, t.key) = (given.connection, given.kind, given.key))
"""


def bind_many(uow: UnitOfWork, ties: Sequence[Tie]) -> None:
    """Bind in one statement what is mostly new; what was bound before, or clashes, goes one by one as `bind` does."""
    if not ties:
        return
    left = uow.sql(
        BIND_MANY,
        {
            "connections": [tie.connection for tie in ties],
            "kinds": [tie.kind for tie in ties],
            "keys": [tie.key for tie in ties],
            "externals": [tie.external_id for tie in ties],
            "numbers": [tie.number for tie in ties],
        },
    ).fetchall()
    for connection, kind, key, external_id, number in left:
        bind(uow, connection, kind, key, external_id, number=number)


def unbind(uow: UnitOfWork, connection: str, kind: str, key: str) -> None:
    """Forget what our key was at the remote, so that it can be created there again."""
    uow.sql(
        "DELETE FROM hub.binding WHERE connection = %(c)s AND kind = %(k)s AND key = %(x)s",
        {"c": connection, "k": kind, "x": key},
    )


def by_external(uow: UnitOfWork, connection: str, kind: str, external_id: str) -> Binding | None:
    return uow.session.scalars(
        select(Binding).filter_by(connection=connection, kind=kind, external_id=external_id)
    ).one_or_none()


KNOWN = """
SELECT b.kind, b.key, b.external_id FROM unnest(%(kinds)s::text[], %(keys)s::text[]) w(kind, key)
  JOIN hub.binding b ON b.connection = %(c)s AND b.kind = w.kind AND b.key = w.key
UNION ALL
SELECT kind, key, external_id FROM hub.binding WHERE connection = %(c)s AND kind = ANY(%(whole)s::text[])
"""


def known(
    uow: UnitOfWork, connection: str, wanted: Mapping[str, Collection[str]], *, whole: Collection[str] = ()
) -> dict[str, dict[str, str]]:
    """Kind → our key → external id, of all that are bound, in one statement. `whole` are kinds read entirely."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in (*wanted, *whole)}
    pairs = [(kind, key) for kind, keys in wanted.items() for key in keys]
    rows = uow.sql(
        KNOWN,
        {
            "c": connection,
            "kinds": [kind for kind, _ in pairs],
            "keys": [key for _, key in pairs],
            "whole": list(whole),
        },
    )
    for kind, key, external_id in rows:
        found[kind][key] = external_id
    return found


def keys_of(uow: UnitOfWork, kind: str, named: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(connection, external id) → our key, of all that are bound, in one statement."""
    rows = uow.sql(
        "SELECT b.connection, b.external_id, b.key FROM unnest(%(connections)s::text[], %(externals)s::text[]) "
        "w(connection, external_id) JOIN hub.binding b "
        "ON b.connection = w.connection AND b.kind = %(kind)s AND b.external_id = w.external_id",
        {"kind": kind, "connections": [name for name, _ in named], "externals": [external for _, external in named]},
    )
    return {(connection, external_id): key for connection, external_id, key in rows}


def find_anywhere(uow: UnitOfWork, number: str) -> list[Binding]:
    """Every binding that has this as its number, external id or key: for the search box."""
    matches = or_(Binding.number == number, Binding.external_id == number, Binding.key == number)
    return list(uow.session.scalars(select(Binding).where(matches).limit(50)))


def _tied(connection: str, kind: str, key: str, external_id: str) -> NeedsAttention:
    return NeedsAttention(
        "bindings.tied_elsewhere",
        f"{kind} {key} cannot be {external_id} at {connection}: one of the two is tied to another",
        about=f"{kind} {external_id}",
        key=key,
    )
