"""Who speaks of a location where a rule names one: others' figures and movements are refused and noted, and the named
one takes over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from app.domains.inventory.canonical import Movement, Snapshot
from app.infra.foreign import Foreign, note_foreign
from app.infra.ownership import Owner, foreign_groups, owner_of
from app.infra.uow import UnitOfWork
from app.kernel.errors import Refused

ENTITY = "stock"  # its groups of fields are locations
NOT_THE_OWNER = "inventory.not_the_owner"
Said = Snapshot | Movement
Owners = Mapping[tuple[str, str], tuple[str, Owner, bool]]  # (source, location) → company, owner, whether it is another


def owners_of(uow: UnitOfWork, snapshots: Collection[Said]) -> Owners:
    """What rules say of these sources at these locations; empty where no rule names a location of theirs."""
    found: dict[tuple[str, str], tuple[str, Owner, bool]] = {}
    connections = uow.hub.connections.all(uow.session)
    for source, location in {(one.source, one.location) for one in snapshots}:
        connection = connections.get(source)
        company = connection.company if connection else ""
        owner = owner_of(uow, company, ENTITY, location)
        if owner.ruled:
            foreign = bool(foreign_groups(uow, company, ENTITY, [location], source))
            found[source, location] = company, owner, foreign
    return found


def is_foreign(snapshot: Said, owners: Owners) -> bool:
    """Whether a rule names another source for its location."""
    said = owners.get((snapshot.source, snapshot.location))
    return said is not None and said[2]


def not_the_owner(snapshot: Said, owners: Owners) -> Refused | None:
    """The refusal of a figure or movement of a location that a rule gives to another."""
    if not is_foreign(snapshot, owners):
        return None
    _, owner, _ = owners[snapshot.source, snapshot.location]
    what = "moves" if isinstance(snapshot, Movement) else "lies"
    said = f"{snapshot.location} is counted by {owner.owner}: {snapshot.source} may not say what {what} there"
    return Refused(NOT_THE_OWNER, said, about=f"{snapshot.sku} at {snapshot.location}")


def foreign_movements(uow: UnitOfWork, movements: Sequence[Movement]) -> list[Refused]:
    """Why these movements may not be taken from their sources, by location; those are noted as refused."""
    owners = owners_of(uow, movements)
    foreign = [one for one in movements if is_foreign(one, owners)]
    note_refused(uow, foreign, owners)
    refusals = {(one.source, one.location): not_the_owner(one, owners) for one in foreign}
    return [refusal for refusal in refusals.values() if refusal is not None]


def note_refused(uow: UnitOfWork, snapshots: Sequence[Said], owners: Owners) -> None:
    """Keep what was refused, one row for each SKU and location however often it comes."""
    noted = []
    for one in snapshots:
        company, owner, _ = owners[one.source, one.location]
        told = (
            {"on_hand": one.on_hand, "as_of": one.as_of}
            if isinstance(one, Snapshot)
            else {"moved": one.quantity, "kind": one.kind, "at": one.at}
        )
        noted.append(
            Foreign(
                company=company, entity=ENTITY, group=one.location, key=f"sku {one.sku}", source=one.source,
                owner=owner, told=told,
            )
        )  # fmt: skip
    note_foreign(uow, noted)
