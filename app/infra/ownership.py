"""Who owns what: for each entity and group of fields one system of record, by company. Data that operators edit.

An owner is a connection, `role:<role>` (whoever plays it live for the company), `hub` (people and programs that speak
for no system), or `*` for anybody: the latest word counts. The most particular rule holds: one of a company before one
of all, one of a group before one of the whole entity. What is new is taken from whoever brings it; people decide.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from sqlalchemy import CheckConstraint, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.acts import record_act
from app.infra.db import Base
from app.infra.ping_pong import settle
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound

FRESH_SECONDS = 1.0  # how old a process' picture of the rules may be
ANYBODY, HUB, ROLE = "*", "hub", "role:"
REFUSE, HOLD = "refuse", "hold"
# Entity → group → owner where no rule says otherwise. Groups of stock are locations, those of prices are price lists:
# any may be named.
DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "product": dict.fromkeys(
        ("text", "class", "tax", "status", "structure", "attributes", "images", "gtin", "weight", "units", "bundle"),
        ANYBODY,
    ),
    "stock": {},
    "price": {},
    "customer": {
        "contact": ANYBODY, "tax": ANYBODY, "consent": ANYBODY, "terms": f"{ROLE}erp", "groups": ANYBODY,
        "business": ANYBODY,
    },
}  # fmt: skip
MAY_HOLD = frozenset({"product"})  # what is held can be taken over later; a count is old by then


class OwnerRow(Base):
    """In `company` (empty: any) `owner` writes this group (empty: all) of `entity`; others are refused or held."""

    __tablename__ = "owner_rule"
    __table_args__ = (
        CheckConstraint("otherwise IN ('refuse', 'hold')", name="known_otherwise"),
        {"schema": "hub"},
    )

    company: Mapped[str] = mapped_column(primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    field_group: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    otherwise: Mapped[str] = mapped_column(server_default=REFUSE)
    changed_by: Mapped[str] = mapped_column(server_default="")
    why: Mapped[str] = mapped_column(server_default="")
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who owns a group, what becomes of others' updates, and whether a rule or the default says so."""

    owner: str
    otherwise: str = REFUSE
    ruled: bool = False


Rules = Mapping[tuple[str, str, str], Owner]  # (company, entity, group)


class Owners:
    """This process' picture of the rules, at most a second old."""

    def __init__(self) -> None:
        self._rules: Rules = {}
        self._read_at = float("-inf")

    def rules(self, uow: UnitOfWork) -> Rules:
        if monotonic() - self._read_at > FRESH_SECONDS:
            self._rules, self._read_at = read_rules(uow), monotonic()
        return self._rules

    def forget(self) -> None:
        """Read the table again at the next question."""
        self._read_at = float("-inf")


def read_rules(uow: UnitOfWork) -> dict[tuple[str, str, str], Owner]:
    """Every rule as the database has it now."""
    rows = uow.driver.execute("SELECT company, entity, field_group, owner, otherwise FROM hub.owner_rule").fetchall()
    return {(row[0], row[1], row[2]): Owner(owner=row[3], otherwise=row[4], ruled=True) for row in rows}


def owner_in(rules: Rules, company: str, entity: str, group: str) -> Owner:
    """The owner that the most particular rule names, else the default."""
    for key in ((company, entity, group), (company, entity, ""), ("", entity, group), ("", entity, "")):
        if key in rules:
            return rules[key]
    return Owner(owner=DEFAULTS.get(entity, {}).get(group, ANYBODY))


def owner_of(uow: UnitOfWork, company: str, entity: str, group: str) -> Owner:
    """Who owns a group of fields in a company."""
    return owner_in(uow.hub.owners.rules(uow), company, entity, group)


def allowed(uow: UnitOfWork, company: str, entity: str, group: str, source: str) -> bool:
    """Whether this source's update of a group counts; a person's or program's own word, from no system, always does."""
    return not source or _owns(uow, owner_of(uow, company, entity, group), company, source)


def foreign_groups(
    uow: UnitOfWork, company: str, entity: str, groups: Collection[str], source: str
) -> dict[str, Owner]:
    """The groups that this source may not update, with their owners."""
    rules = uow.hub.owners.rules(uow)
    owners = {group: owner_in(rules, company, entity, group) for group in groups} if source else {}
    return {group: owner for group, owner in owners.items() if not _owns(uow, owner, company, source)}


def _owns(uow: UnitOfWork, owner: Owner, company: str, source: str) -> bool:
    if owner.owner.startswith(ROLE):
        return source in uow.hub.routes.find(uow, owner.owner.removeprefix(ROLE), company) or _plays(
            uow, owner.owner.removeprefix(ROLE), source
        )
    return owner.owner in (ANYBODY, source)


def _plays(uow: UnitOfWork, role: str, source: str) -> bool:
    """Whether any route, such as one of a channel, gives this source the role."""
    row = uow.sql(
        "SELECT FROM hub.route WHERE connection = %(c)s AND role = %(r)s LIMIT 1", {"c": source, "r": role}
    ).fetchone()
    return row is not None


def set_owner(
    uow: UnitOfWork, company: str, entity: str, group: str, owner: str, who: str, why: str = "", *,
    otherwise: str = REFUSE,
) -> None:  # fmt: skip
    """Name the owner of a group. Raises Invalid (`ownership.unknown`) or NotFound (`connections.unknown`)."""
    check(uow, entity, group, owner, otherwise)
    given = {"owner": owner, "otherwise": otherwise, "changed_by": who, "why": why, "changed_at": text("now()")}
    uow.session.execute(
        insert(OwnerRow)
        .values(company=company, entity=entity, field_group=group, **given)
        .on_conflict_do_update(index_elements=["company", "entity", "field_group"], set_=given)
    )
    facts = {"owner": owner, "otherwise": otherwise, "company": company}
    record_act(uow, who, "named an owner", kind="owner", key=f"{entity}.{group or '*'}", why=why, facts=facts)
    settle(uow, entity, group, f"{who} named {owner} the owner")
    uow.after_commit(uow.hub.owners.forget)


def unset_owner(uow: UnitOfWork, company: str, entity: str, group: str, who: str, why: str = "") -> None:
    """Take a rule away: a less particular one holds, or the default. Raises NotFound (`ownership.no_rule`)."""
    row = uow.session.get(OwnerRow, (company, entity, group), with_for_update=True)
    if row is None:
        said = f"nobody named an owner of {entity} {group or 'as a whole'} for {company or 'all companies'}"
        raise NotFound("ownership.no_rule", said, about=f"{entity}.{group}")
    facts = {"owner": row.owner, "company": company}
    uow.session.delete(row)
    record_act(uow, who, "took an owner away", kind="owner", key=f"{entity}.{group or '*'}", why=why, facts=facts)
    uow.after_commit(uow.hub.owners.forget)


def check(uow: UnitOfWork, entity: str, group: str, owner: str, otherwise: str) -> None:
    """Raises Invalid naming the field, or NotFound for a connection that is not there."""
    if entity not in DEFAULTS:
        raise Invalid("ownership.unknown", f"entity {entity!r}: give one of {', '.join(DEFAULTS)}", about="entity")
    if group and DEFAULTS[entity] and group not in DEFAULTS[entity]:
        said = f"group {group!r}: {entity} has {', '.join(DEFAULTS[entity])}"
        raise Invalid("ownership.unknown", said, about="group")
    if otherwise not in (REFUSE, HOLD) or (otherwise == HOLD and entity not in MAY_HOLD):
        said = f"otherwise {otherwise!r}: give refuse, or hold for {', '.join(sorted(MAY_HOLD))}"
        raise Invalid("ownership.unknown", said, about="otherwise")
    if owner.startswith(ROLE):
        if owner.removeprefix(ROLE) not in uow.hub.outbox.roles:
            said = f"owner {owner!r}: there is no such role; there are {', '.join(sorted(uow.hub.outbox.roles))}"
            raise Invalid("ownership.unknown", said, about="owner")
    elif owner not in (ANYBODY, HUB):
        uow.hub.connections.get(uow.session, owner)
