"""Products taken in from a source, a thousand or so in a transaction: a dozen statements, however many they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from app.domains.product.canonical import Group, ProductDraft
from app.domains.product.service.batch import Batch, Problem
from app.domains.product.service.bundling import hold_bundles, judge_bundles
from app.domains.product.service.columns import Columns, columns_of
from app.domains.product.service.fighting import leave_fights_out
from app.domains.product.service.judging import find, judge_changes, judge_form
from app.domains.product.service.owning import leave_foreign_out
from app.domains.product.service.telling import tell
from app.domains.product.service.writing import Stands, write
from app.infra.foreign import Foreign
from app.infra.uow import UnitOfWork


class Tell(StrEnum):
    """How changes are told: a fact for each product, or one for the batch where many change at once."""

    EACH = "each"
    BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upserted:
    """What a batch did. `ids` is the product of each draft, '' where it was refused; `stands` what it changed."""

    ids: tuple[str, ...]
    stands: tuple[Stands, ...]
    problems: tuple[Problem, ...]
    foreign: tuple[Foreign, ...] = ()  # what was left out since another system owns it

    @property
    def created(self) -> int:
        return sum(1 for one in self.stands if one.version == 1)

    @property
    def changed(self) -> int:
        return len(self.stands) - self.created


def upsert_many(
    uow: UnitOfWork, drafts: Sequence[ProductDraft], *, source: str, groups: Collection[Group] | None = None,
    decided: bool = False, speaks_for: str = "", tells: Tell = Tell.EACH,
) -> Upserted:  # fmt: skip
    """Take in what a source says of products: at most a thousand or so in one transaction.

    What a draft does not tell stays. A product with a problem is left whole as it was and named in `problems`; the
    others are taken in. `groups` are those that the source may write, all for None. `decided` says that a person or a
    client decides, who may offer again what another source retired. `speaks_for` names the system as whose word a
    decision is judged all the same: what another owns is a problem then, unless a rule holds it for a person.
    Nothing changed is nothing told.
    Raises Transient `product.raced` where somebody else added the same SKU at the same moment.
    """
    placing = [draft.placing for draft in drafts]
    if all(placing) or not any(placing):
        columns = columns_of(drafts, placing=all(placing))
        return upsert_columns(
            uow, columns, source=source, groups=groups, decided=decided, speaks_for=speaks_for, tells=tells
        )
    ids, stands, problems, foreign = [""] * len(drafts), list[Stands](), list[Problem](), list[Foreign]()
    for wanted in (True, False):
        part = [n for n, draft in enumerate(drafts) if draft.placing is wanted]
        columns = columns_of([drafts[n] for n in part], placing=wanted)
        done = upsert_columns(
            uow, columns, source=source, groups=groups, decided=decided, speaks_for=speaks_for, tells=tells
        )
        for n, product_id in zip(part, done.ids, strict=True):
            ids[n] = product_id
        stands += done.stands
        foreign += done.foreign
        problems += [replace(problem, n=part[problem.n]) for problem in done.problems]
    return Upserted(ids=tuple(ids), stands=tuple(stands), problems=tuple(problems), foreign=tuple(foreign))


def upsert_columns(
    uow: UnitOfWork, columns: Columns, *, source: str, groups: Collection[Group] | None = None,
    decided: bool = False, speaks_for: str = "", tells: Tell = Tell.EACH,
) -> Upserted:  # fmt: skip
    """`upsert_many` of a batch that is columns already: what a bulk import fills without a value for each row."""
    if groups is not None:
        columns.only(groups)
    batch = Batch(columns, source, decided, speaks_for)
    if columns.components:
        hold_bundles(uow)
    judge_form(batch)
    find(uow, batch)
    _tell_homeless(batch)
    foreign = leave_foreign_out(uow, batch)
    judge_changes(uow, batch)
    leave_fights_out(uow, batch)
    judge_bundles(uow, batch)
    batch.settle()
    written = write(uow, batch, uow.hub.clock.now())
    tell(uow, written, source=source, batch=tells is Tell.BATCH)
    homes = {columns.owners[v]: home for v, home in enumerate(batch.homes)}  # of a product that lies elsewhere
    ids = ["" if n in batch.problems else one or homes[n] for n, one in enumerate(batch.product_ids)]
    problems = tuple(batch.problems[n] for n in sorted(batch.problems))
    return Upserted(ids=tuple(ids), stands=tuple(written.stands), problems=problems, foreign=tuple(foreign))


TAKEN_OVER = ("title", "tax_code", "status")  # by a SKU whose draft names a product that it does not lie under


def _tell_homeless(batch: Batch) -> None:
    """A source that does not place tells of single items: what it says of one is said of the SKU where that lies."""
    columns = batch.columns
    if columns.placing:
        return
    away = [v for v, home in enumerate(batch.homes) if home and home != batch.product_ids[columns.owners[v]]]
    for name in TAKEN_OVER if away else ():
        said = columns.product.get(name)
        if said is None:
            continue
        values = columns.variant.setdefault(name, [None] * len(columns.skus))
        for v in away:
            if values[v] is None:
                values[v] = said[columns.owners[v]]
