"""What people do to bindings: link, unlink, move, merge, forget and bring back; each is looked at before it is done.

A plan says which ties go and which come; carrying it out does just that, or nothing where somebody changed one since.
What goes is kept, so that it can be brought back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Identity, Index, select, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.acts import record_act
from app.infra.bindings import Binding, Tie, bind_many, by_external, find_anywhere
from app.infra.db import Base
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound, Refused


class PastBinding(Base):
    """A tie that somebody took apart: `did` says how."""

    __tablename__ = "binding_past"
    __table_args__ = (
        Index("ix_binding_past_key", "key"),
        Index("ix_binding_past_external_id", "external_id"),
        {"schema": "hub"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    connection: Mapped[str]
    kind: Mapped[str]
    key: Mapped[str]
    external_id: Mapped[str]
    number: Mapped[str] = mapped_column(server_default="")
    did: Mapped[str]
    who: Mapped[str]
    why: Mapped[str] = mapped_column(server_default="")
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a deed would do: ties that go, ties that come, and what follows from it in words."""

    did: str
    goes: tuple[Tie, ...] = ()
    comes: tuple[Tie, ...] = ()
    follows: tuple[str, ...] = ()


def plan_link(uow: UnitOfWork, connection: str, kind: str, key: str, external_id: str, number: str = "") -> Change:
    """Tie our key to their id. Raises Refused (`references.tied`) where either is tied to another."""
    uow.hub.connections.get(uow.session, connection)
    for name, value in (("kind", kind), ("key", key), ("external_id", external_id)):
        if not value.strip():
            raise Invalid("references.empty", f"{name}: give one", about=name)
    tie = Tie(connection=connection, kind=kind, key=key, external_id=external_id, number=number)
    for held in _ties(uow, connection, kind, key), _theirs(uow, connection, kind, external_id):
        for one in held:
            said = f"{kind} {one.key} is {one.external_id} at {connection} already: unlink or move that first"
            raise Refused("references.tied", said, about=f"{kind} {one.key}")
    follows = (f"From now on {kind} {key} is {external_id} at {connection}: it is changed there, and not made again.",)
    return Change(did="linked", comes=(tie,), follows=follows)


def plan_unlink(uow: UnitOfWork, connection: str, kind: str, key: str) -> Change:
    """Part our key and their id, which are not the same thing. Raises NotFound (`references.unknown`)."""
    goes = _some(uow, connection, kind, key)
    follows = (
        f"{goes[0].external_id} stays at {connection} as it is, and the hub changes it no more.",
        f"The next time {kind} {key} is sent there it is looked for, and made where it is not found.",
    )
    return Change(did="unlinked", goes=goes, follows=follows)


def plan_forget(uow: UnitOfWork, connection: str, kind: str, key: str) -> Change:
    """What was deleted there is no more: the tie goes with what hangs on it, and the next send makes it anew."""
    goes = _some(uow, connection, kind, key)
    parts = tuple(one for one in _of_key(uow, connection, key) if one not in goes)
    follows = (
        f"{goes[0].external_id} counts as deleted at {connection}: the next time {kind} {key} is sent it is made anew.",
        f"{len(parts)} ties of its parts there go with it." if parts else "Nothing else hangs on it there.",
        "If it is there after all, bring the tie back before anything is sent: else it is there twice.",
    )
    return Change(did="forgot", goes=goes + parts, follows=follows)


def plan_move(uow: UnitOfWork, connection: str, kind: str, key: str, to: str) -> Change:
    """Their id belongs to another thing of ours. Raises Refused (`references.tied`) where that has one already."""
    (goes,) = _some(uow, connection, kind, key)
    if not to.strip() or to == key:
        raise Invalid("references.empty", "to: give another key", about="to")
    for one in _ties(uow, connection, kind, to):
        said = f"{kind} {to} is {one.external_id} at {connection} already: unlink that first, or merge the two"
        raise Refused("references.tied", said, about=f"{kind} {to}")
    follows = (
        f"{goes.external_id} at {connection} is {kind} {to} then: changes of {to} reach it.",
        f"{kind} {key} has nothing there: the next time it is sent it is looked for, and made where it is not found.",
    )
    return Change(did="moved", goes=(goes,), comes=(_moved(goes, to),), follows=follows)


def plan_merge(uow: UnitOfWork, kind: str, key: str, into: str) -> Change:
    """Two things of ours are one: everywhere the ties of `key` go to `into`, where that has none of its own."""
    if not into.strip() or into == key:
        raise Invalid("references.empty", "into: give another key", about="into")
    goes = tuple(_tie(row) for row in _rows(uow, kind=kind, key=key))
    if not goes:
        raise NotFound("references.unknown", f"no system has anything for {kind} {key}", about=f"{kind} {key}")
    held = {row.connection: row.external_id for row in _rows(uow, kind=kind, key=into)}
    comes = tuple(_moved(one, into) for one in goes if one.connection not in held)
    double = [one for one in goes if one.connection in held]
    follows = [f"{one.external_id} at {one.connection} is {kind} {into} then." for one in comes]
    follows += [
        f"{one.connection} has two: {held[one.connection]} stays tied, {one.external_id} is left alone; end it there."
        for one in double
    ]
    return Change(did="merged", goes=goes, comes=comes, follows=tuple(follows))


def plan_restore(uow: UnitOfWork, past_id: int) -> Change:
    """Bring back a tie that was taken apart. Raises NotFound, or Refused where either side is tied by now."""
    row = uow.session.get(PastBinding, past_id)
    if row is None:
        raise NotFound("references.unknown", f"there is no past tie {past_id}", about=str(past_id))
    change = plan_link(uow, row.connection, row.kind, row.key, row.external_id, row.number)
    return Change(did="brought back", comes=change.comes, follows=change.follows)


GO = """
DELETE FROM hub.binding b
 USING unnest(%(connections)s::text[], %(kinds)s::text[], %(keys)s::text[], %(externals)s::text[])
       g(connection, kind, key, external_id)
 WHERE (b.connection, b.kind, b.key, b.external_id) = (g.connection, g.kind, g.key, g.external_id)
"""


def carry_out(uow: UnitOfWork, change: Change, who: str, why: str) -> None:
    """Do what was planned, with an act. Raises Invalid without a reason, Refused (`references.changed`) if stale."""
    if not why.strip():
        raise Invalid("references.reason_missing", "say why; it is kept with your name", about="why")
    goes = change.goes
    given = {
        "connections": [one.connection for one in goes], "kinds": [one.kind for one in goes],
        "keys": [one.key for one in goes], "externals": [one.external_id for one in goes],
    }  # fmt: skip
    if goes and uow.sql(GO, given).rowcount != len(goes):
        raise Refused("references.changed", "somebody changed one of these ties just now: look again")
    for one in goes:
        facts = {"connection": one.connection, "kind": one.kind, "key": one.key, "external_id": one.external_id}
        uow.session.add(PastBinding(**facts, number=one.number, did=change.did, who=who, why=why))
    bind_many(uow, change.comes)
    first = (*goes, *change.comes)[0]
    told = {"goes": [_words(one) for one in goes], "comes": [_words(one) for one in change.comes]}
    record_act(uow, who, f"{change.did} a reference", kind=first.kind, key=first.key, why=why, facts=told)


def found(uow: UnitOfWork, words: str) -> tuple[list[Tie], list[PastBinding]]:
    """The ties that have this as their key, their id or number, and those that had it, the newest first; 50 of each."""
    ties = [_tie(row) for row in find_anywhere(uow, words)] if words else []
    matches = (PastBinding.key == words) | (PastBinding.external_id == words)
    past = select(PastBinding).where(matches).order_by(PastBinding.id.desc()).limit(50)
    return ties, list(uow.session.scalars(past))


def _rows(uow: UnitOfWork, **by: str) -> Sequence[Binding]:
    wanted = select(Binding).filter_by(**by).order_by(Binding.connection, Binding.kind, Binding.key)
    return uow.session.scalars(wanted.execution_options(populate_existing=True)).all()


def _ties(uow: UnitOfWork, connection: str, kind: str, key: str) -> tuple[Tie, ...]:
    return tuple(_tie(row) for row in _rows(uow, connection=connection, kind=kind, key=key))


def _some(uow: UnitOfWork, connection: str, kind: str, key: str) -> tuple[Tie, ...]:
    ties = _ties(uow, connection, kind, key)
    if not ties:
        raise NotFound("references.unknown", f"{connection} has nothing for {kind} {key}", about=f"{kind} {key}")
    return ties


def _theirs(uow: UnitOfWork, connection: str, kind: str, external_id: str) -> tuple[Tie, ...]:
    row = by_external(uow, connection, kind, external_id)
    return (_tie(row),) if row else ()


def _of_key(uow: UnitOfWork, connection: str, key: str) -> tuple[Tie, ...]:
    """The ties of a thing of ours and of its parts, whose keys begin with its own and a #."""
    parts = Binding.key.startswith(f"{key}#", autoescape=True)
    wanted = select(Binding).where(Binding.connection == connection, (Binding.key == key) | parts).limit(1000)
    return tuple(_tie(row) for row in uow.session.scalars(wanted))


def _tie(row: Binding) -> Tie:
    return Tie(
        connection=row.connection, kind=row.kind, key=row.key, external_id=row.external_id, number=row.number
    )  # fmt: skip


def _moved(tie: Tie, key: str) -> Tie:
    return Tie(connection=tie.connection, kind=tie.kind, key=key, external_id=tie.external_id, number=tie.number)


def _words(tie: Tie) -> str:
    return f"{tie.kind} {tie.key} = {tie.external_id} at {tie.connection}"
