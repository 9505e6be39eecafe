"""What two systems keep changing back and forth is left as it is, and noted: app/infra/ping_pong.py says when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.domains.product.canonical import Group
from app.domains.product.service.batch import Batch
from app.domains.product.service.columns import PRODUCT, VARIANT
from app.infra.foreign import Foreign, note_foreign
from app.infra.ownership import HUB, Owner
from app.infra.ping_pong import Change, stopped
from app.infra.uow import UnitOfWork

ENTITY = "product"
ORIGINS = """
SELECT p.id::text, o.key, o.value ->> 'source'
  FROM product.product p CROSS JOIN LATERAL jsonb_each(p.origins) o WHERE p.id = ANY(%(ids)s::uuid[])
"""


def leave_fights_out(uow: UnitOfWork, batch: Batch) -> None:
    """Take out of a judged batch what its source and another fight over. What people decide is never held."""
    if batch.decided or not batch.source:
        return
    changes = _changes(uow, batch)
    held = stopped(uow, ENTITY, batch.source, [change for _, change in changes])
    if not held:
        return
    left = [(place, change) for place, change in changes if change.place in held]
    for (n, v), change in left:
        _leave(batch, n, v, Group(change.group))
    note_foreign(
        uow,
        [
            Foreign(
                company=one.company, entity=ENTITY, group=one.group, key=one.key, source=batch.source,
                owner=Owner(owner=HUB), told=one.value,
            )
            for _, one in left
        ],
    )  # fmt: skip


Places = list[tuple[tuple[int, int | None], Change]]  # (product, variant or None for the product itself) of a change


def _changes(uow: UnitOfWork, batch: Batch) -> Places:
    """What the batch would change, by the columns that tell it."""
    own = [n for n in batch.own if n not in batch.problems]
    variants = [v for v in batch.differ if batch.columns.owners[v] not in batch.problems]
    ids = {*(batch.product_ids[n] for n in own), *(batch.homes[v] for v in variants)} - {""}
    if not ids:
        return []
    last = {(row[0], row[1]): row[2] for row in uow.sql(ORIGINS, {"ids": sorted(ids)})}
    found: Places = []
    for n in own:
        told = _told(batch.columns.product, PRODUCT, n, batch.own[n])
        key, home = f"product {batch.columns.codes[n]}", batch.product_ids[n]
        found += [((n, None), _change(batch, n, key, last.get((home, group), ""), group, told)) for group in told]
    for v in variants:
        told, n = _told(batch.columns.variant, VARIANT, v, batch.differ[v]), batch.columns.owners[v]
        key, home = f"sku {batch.columns.skus[v]}", batch.homes[v]
        found += [((n, v), _change(batch, n, key, last.get((home, group), ""), group, told)) for group in told]
    return found


def _change(batch: Batch, n: int, key: str, last: str, group: Group, told: Mapping[Group, Any]) -> Change:
    return Change(company=batch.columns.companies[n], key=key, group=group.value, last=last, value=told[group])


def _told(
    columns: Mapping[str, list[Any]], groups: Mapping[str, Group], place: int, wanted: Iterable[Group]
) -> dict[Group, dict[str, Any]]:  # fmt: skip
    """What the columns tell of these groups at a place."""
    found: dict[Group, dict[str, Any]] = {}
    for name, values in columns.items():
        if groups[name] in wanted and values[place] is not None:
            found.setdefault(groups[name], {})[name] = values[place]
    return found


def _leave(batch: Batch, n: int, v: int | None, group: Group) -> None:
    columns, groups, place = (
        (batch.columns.product, PRODUCT, n) if v is None else (batch.columns.variant, VARIANT, v)
    )  # fmt: skip
    for name, values in columns.items():
        if groups[name] == group:
            values[place] = None
    differ = batch.own if v is None else batch.differ
    differ[place] -= {group}
    if not differ[place]:
        del differ[place]
