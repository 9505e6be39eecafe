"""Updates of what their source does not own: refused or held, one row for each however often they come, and counted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.acts import record_act
from app.infra.cases import end_cases, open_case
from app.infra.db import Base
from app.infra.ids import new_id
from app.infra.ownership import HOLD, Owner
from app.infra.uow import UnitOfWork
from app.kernel.errors import NotFound, Refused

STATES = ("refused", "held", "taken", "dropped")
CASE = "ownership.held"


class ForeignRow(Base):
    """`source` wanted to change a group of `key`, which `owner` owns; `told` is its newest word on it."""

    __tablename__ = "foreign_update"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in STATES)})", name="known_state"),
        UniqueConstraint("source", "entity", "field_group", "company", "key", name="uq_foreign_update_what"),
        Index("ix_foreign_update_state", "state", "last_at"),
        {"schema": "hub"},
    )  # fmt: skip

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    company: Mapped[str]
    entity: Mapped[str]
    field_group: Mapped[str]
    key: Mapped[str]
    source: Mapped[str]
    owner: Mapped[str]
    state: Mapped[str]
    told: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    count: Mapped[int] = mapped_column(BigInteger, server_default="1")
    first_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    last_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    decided_by: Mapped[str] = mapped_column(server_default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """An update of what its source does not own. `told` are JSON values by field, enough to take it over later."""

    company: str
    entity: str
    group: str
    key: str
    source: str
    owner: Owner
    told: Mapping[str, Any]


# What was decided stays decided while the source repeats itself; another word asks anew.
NOTE = """
INSERT INTO hub.foreign_update AS f (id, company, entity, field_group, key, source, owner, state, told)
SELECT * FROM unnest(%(ids)s::uuid[], %(companies)s::text[], %(entities)s::text[], %(groups)s::text[],
                     %(keys)s::text[], %(sources)s::text[], %(owners)s::text[], %(states)s::text[], %(told)s::jsonb[])
 ORDER BY 6, 3, 4, 2, 5
    ON CONFLICT (source, entity, field_group, company, key) DO UPDATE
   SET count = f.count + 1, last_at = now(), told = excluded.told, owner = excluded.owner,
       state = CASE WHEN f.state IN ('taken', 'dropped') AND f.told = excluded.told THEN f.state
                    ELSE excluded.state END
"""


def note_foreign(uow: UnitOfWork, updates: Sequence[Foreign]) -> None:
    """Keep updates that were not carried out, each once, and count them; those that are held are one case a source."""
    unique = {(one.source, one.entity, one.group, one.company, one.key): one for one in updates}
    if not unique:
        return
    rows = list(unique.values())
    uow.sql(
        NOTE,
        {
            "ids": [new_id() for _ in rows], "companies": [one.company for one in rows],
            "entities": [one.entity for one in rows], "groups": [one.group for one in rows],
            "keys": [one.key for one in rows], "sources": [one.source for one in rows],
            "owners": [one.owner.owner for one in rows],
            "states": ["held" if one.owner.otherwise == HOLD else "refused" for one in rows],
            "told": [json.dumps(dict(one.told), default=str) for one in rows],
        },
    )  # fmt: skip
    for one in rows:
        uow.tally("foreign_updates", f"{one.entity}.{one.group}:{one.source}")
    held = {one.source: one for one in rows if one.owner.otherwise == HOLD}
    for source, one in sorted(held.items()):
        if standing(uow, state="held", source=source, most=1):
            open_case(
                uow, code=CASE, connection=source, about=source, key=f"ownership:{source}",
                title=f"{source} changed what {one.owner.owner} owns: take it over, or drop it",
                facts={"group": f"{one.entity}.{one.group}", "example": one.key},
            )  # fmt: skip


def standing(
    uow: UnitOfWork, *, state: str = "", source: str = "", entity: str = "", most: int = 200
) -> list[ForeignRow]:
    """Foreign updates, the newest first."""
    rows = select(ForeignRow).order_by(ForeignRow.last_at.desc(), ForeignRow.id).limit(most)
    given = {name: value for name, value in (("state", state), ("source", source), ("entity", entity)) if value}
    return list(uow.session.scalars(rows.filter_by(**given).execution_options(populate_existing=True)))


def decide(uow: UnitOfWork, update_id: str, state: str, who: str, why: str = "") -> ForeignRow:
    """End a held update as taken or dropped. Raises NotFound, or Refused where it is not held (any more)."""
    row = uow.session.get(ForeignRow, update_id, with_for_update=True)
    if row is None:
        raise NotFound("ownership.no_update", f"there is no update {update_id}", about=update_id)
    if row.state != "held":
        raise Refused("ownership.not_held", f"the update is {row.state}: nothing is to be decided", about=update_id)
    row.state, row.decided_by = state, who
    facts = {"source": row.source, "group": f"{row.entity}.{row.field_group}", "told": row.told}
    record_act(uow, who, f"{state} an update", kind=row.entity, key=row.key, why=why, facts=facts)
    if not standing(uow, state="held", source=row.source, most=1):
        end_cases(uow, [CASE], row.source, row.source, who, why)
    return row
