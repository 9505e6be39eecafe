"""Bundles: their components exist, none holds itself, and they do not lie deeper in one another than allowed."""

from __future__ import annotations

from collections import defaultdict

from app.domains.product.policy import BUNDLE_DEPTH, cycle_in, depth_of
from app.domains.product.service.batch import Batch
from app.infra.uow import UnitOfWork

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('product.bundles', 0))"
# Every bundle above and below what is told: a new component may close a circle over bundles that nobody told of.
AROUND = """
WITH RECURSIVE wanted AS (
    SELECT v.id FROM unnest(%(skus)s::text[], %(companies)s::text[]) g(sku, company)
      JOIN product.variant v USING (sku, company)),
down AS (SELECT id FROM wanted
         UNION SELECT b.component_id FROM down JOIN product.bundle_component b ON b.bundle_id = down.id),
up AS (SELECT id FROM wanted
       UNION SELECT b.bundle_id FROM up JOIN product.bundle_component b ON b.component_id = up.id)
SELECT v.company, v.sku, c.sku FROM product.bundle_component b
  JOIN product.variant v ON v.id = b.bundle_id JOIN product.variant c ON c.id = b.component_id
 WHERE b.bundle_id IN (SELECT id FROM down UNION SELECT id FROM up) ORDER BY 1, 2, b.position
"""
THERE = """
SELECT sku, company FROM unnest(%(skus)s::text[], %(companies)s::text[]) g(sku, company)
  JOIN product.variant v USING (sku, company)
"""


def hold_bundles(uow: UnitOfWork) -> None:
    """Change bundles one transaction at a time: two halves of a circle would not see one another."""
    uow.sql(ONE_AT_A_TIME)


def judge_bundles(uow: UnitOfWork, batch: Batch) -> None:
    """Refuse bundles whose components are missing, that hold themselves, or that lie too deep."""
    if not batch.columns.components:
        return
    named = {(part.sku, batch.company(v)) for v, parts in batch.columns.components.items() for part in parts}
    told = {(batch.columns.skus[v], batch.company(v)) for v in batch.columns.components}
    around = sorted(named | told)
    given = {"skus": [sku for sku, _ in around], "companies": [company for _, company in around]}
    there = {(sku, company) for sku, company in uow.sql(THERE, given)}
    kept: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for company, bundle, component in uow.sql(AROUND, given):
        kept[company][bundle].append(component)
    before = -1
    while before != len(batch.problems):  # a bundle that is left out may be what another one is made of
        before = len(batch.problems)
        holds = _holds(batch, kept)
        _judge_parts(batch, there, holds)
        if len(batch.problems) == before:  # no circle is left to measure
            _judge_depth(batch, holds)


Holds = dict[str, dict[str, list[str]]]  # company → bundle → what it holds


def _told(batch: Batch) -> list[int]:
    return [v for v in batch.columns.components if batch.columns.owners[v] not in batch.problems]


def _holds(batch: Batch, kept: Holds) -> Holds:
    """What every bundle would hold once the batch is taken in."""
    holds: Holds = defaultdict(dict, {company: dict(bundles) for company, bundles in kept.items()})
    for v in _told(batch):
        parts = batch.columns.components[v]
        holds[batch.company(v)][batch.columns.skus[v]] = [part.sku for part in parts]
    return holds


def _judge_parts(batch: Batch, there: set[tuple[str, str]], holds: Holds) -> None:
    columns = batch.columns
    here = there | {(columns.skus[v], batch.company(v)) for v in batch.good_variants()}
    for v in _told(batch):
        company, sku, n = batch.company(v), columns.skus[v], columns.owners[v]
        if missing := [part.sku for part in columns.components[v] if (part.sku, company) not in here]:
            said = f"bundle {sku} holds {', '.join(missing)}, which is no SKU here: add it first, or correct the name"
            batch.refuse(n, "product.component_missing", "components", said, sku=sku)
        elif way := cycle_in(sku, holds[company]):
            said = f"bundle {sku} would hold itself ({' > '.join(way)}): take one of them out"
            batch.refuse(n, "product.bundle_cycle", "components", said, sku=sku)


def _judge_depth(batch: Batch, holds: Holds) -> None:
    for v in _told(batch):
        sku = batch.columns.skus[v]
        if deep := _too_deep(sku, holds[batch.company(v)]):
            said = f"bundle {deep} would hold bundles more than {BUNDLE_DEPTH} deep: list the single items instead"
            batch.refuse(batch.columns.owners[v], "product.bundle_depth", "components", said, sku=sku)


def _too_deep(sku: str, holds: dict[str, list[str]]) -> str:
    """The bundle, this one or one above it, that would lie too deep; '' where none does."""
    above = {sku}
    while more := {bundle for bundle, parts in holds.items() if above.intersection(parts)} - above:
        above |= more
    return next((bundle for bundle in sorted(above) if depth_of(bundle, holds) > BUNDLE_DEPTH), "")
