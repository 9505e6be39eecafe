"""Words of one system in the words of another: locations, carriers, units, tax codes. Data that operators edit."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.acts import record_act
from app.infra.db import Base
from app.infra.uow import UnitOfWork


class ValueMapRow(Base):
    """At `connection`, our word `source` of this kind is `target`."""

    __tablename__ = "value_map"
    __table_args__ = ({"schema": "hub"},)

    connection: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str]
    changed_by: Mapped[str] = mapped_column(server_default="")
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


def translate(uow: UnitOfWork, connection: str, kind: str, source: str) -> str | None:
    """The connection's word for ours; None where nobody has said."""
    row = uow.session.get(ValueMapRow, (connection, kind, source))
    return row.target if row else None


TRANSLATIONS = """
SELECT kind, source, target FROM hub.value_map
 WHERE connection = %(c)s AND kind = ANY(%(kinds)s::text[]) AND source = ANY(%(sources)s::text[])
"""


def translations(
    uow: UnitOfWork, connection: str, kinds: Collection[str], sources: Collection[str]
) -> dict[str, dict[str, str]]:
    """Kind → our word → the connection's, for these words, in one statement."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in kinds}
    given = {"c": connection, "kinds": list(kinds), "sources": list(sources)}
    for kind, source, target in uow.sql(TRANSLATIONS, given):
        found[kind][source] = target
    return found


def set_value(uow: UnitOfWork, connection: str, kind: str, source: str, target: str, who: str) -> None:
    """Say what a word of ours is at a connection."""
    given = {"target": target, "changed_by": who, "changed_at": text("now()")}
    uow.session.execute(
        insert(ValueMapRow)
        .values(connection=connection, kind=kind, source=source, **given)
        .on_conflict_do_update(index_elements=["connection", "kind", "source"], set_=given)
    )
    record_act(uow, who, "mapped a value", kind=f"value_map.{kind}", key=f"{connection}:{source}", facts={"to": target})
