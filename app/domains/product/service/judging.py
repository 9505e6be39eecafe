"""What of a batch cannot be taken in, found before anything is written."""

from __future__ import annotations

from typing import Any

from app.domains.product.canonical import Group, check_units
from app.domains.product.policy import STATUSES, keeps_retired, may_become
from app.domains.product.service.batch import Batch, Locked
from app.domains.product.service.statements import (
    DIFFER_PRODUCTS,
    DIFFER_VARIANTS,
    FIND_PRODUCTS,
    FIND_VARIANTS,
    LOCK,
)
from app.infra.ids import new_id
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid


def judge_form(batch: Batch) -> None:
    """What the batch says twice, statuses that there are not, units with one name."""
    columns = batch.columns
    codes: set[tuple[str, str]] = set()
    for n, code in enumerate(zip(columns.codes, columns.companies, strict=True)):
        if code in codes:
            batch.refuse(n, "product.told_twice", "code", f"product {code[0]} comes twice in one batch: give it once")
        codes.add(code)
    skus: dict[tuple[str, str], int] = {}
    for v, sku in enumerate(columns.skus):
        owner = columns.owners[v]
        if skus.setdefault((sku, batch.company(v)), owner) != owner:
            said = f"SKU {sku} comes under two products in one batch: give it to one"
            batch.refuse(owner, "product.told_twice", "sku", said, sku=sku)
    _judge_statuses(batch)
    bases = columns.variant.get("uom")
    for v, units in columns.units.items():
        try:
            check_units((bases[v] if bases else None) or "", units)
        except Invalid as wrong:
            batch.refuse(columns.owners[v], wrong.code, "units", wrong.message, sku=columns.skus[v])


def _judge_statuses(batch: Batch) -> None:
    columns = batch.columns
    for n, status in enumerate(columns.product.get("status", ())):
        if status is not None and status not in STATUSES:
            batch.refuse(n, "product.unknown_status", "status", _unknown(status))
    for v, status in enumerate(columns.variant.get("status", ())):
        if status is not None and status not in STATUSES:
            batch.refuse(columns.owners[v], "product.unknown_status", "status", _unknown(status), sku=columns.skus[v])


def _unknown(status: str) -> str:
    return f"status is {status!r}: give draft, active or retired"


def find(uow: UnitOfWork, batch: Batch) -> None:
    """Look up what is known and lock its products in order; name the products that are to be made.

    A product is made for a SKU that is new, or that its source places under it.
    """
    columns = batch.columns
    batch.product_ids = [""] * len(columns.codes)
    batch.variant_ids, batch.homes = [""] * len(columns.skus), [""] * len(columns.skus)
    given: dict[str, Any] = {"codes": columns.codes, "companies": columns.companies}
    for n, product_id in uow.sql(FIND_PRODUCTS, given):
        batch.product_ids[n] = product_id
    given = {"skus": columns.skus, "companies": [batch.company(v) for v in range(len(columns.skus))]}
    for v, variant_id, product_id in uow.sql(FIND_VARIANTS, given):
        batch.variant_ids[v], batch.homes[v] = variant_id, product_id
    ids = sorted({*batch.product_ids, *batch.homes} - {""})
    if ids:
        for product_id, code, company, status, told_by, units_told in uow.sql(LOCK, {"ids": ids}):
            batch.locked[product_id] = Locked(
                code=code, company=company, status=status, status_by=told_by or "", units_told=units_told
            )
    used = {owner for v, owner in enumerate(columns.owners) if columns.placing or not batch.homes[v]}
    batch.fresh = {n for n in used if not batch.product_ids[n]}
    for n in batch.fresh:
        batch.product_ids[n] = new_id()


def judge_changes(uow: UnitOfWork, batch: Batch) -> None:
    """What differs from what is there, noted by product; moves that its life does not have are refused."""
    wanted = [n for n in batch.good_products() if batch.product_ids[n] and n not in batch.fresh]
    places = {batch.product_ids[n]: n for n in wanted}
    given = {"ids": [batch.product_ids[n] for n in wanted], **batch.columns.products(wanted)}
    changes = [] if not wanted else uow.sql(DIFFER_PRODUCTS, given).fetchall()
    for product_id, groups in changes:
        n, was = places[product_id], batch.locked[product_id].status
        left = {*groups} - ({"status"} if not _moves(batch, product_id, n, None, was) else set())
        if left:
            batch.own[n] = {Group(group) for group in left}
    _judge_variants(uow, batch)


def _judge_variants(uow: UnitOfWork, batch: Batch) -> None:
    known = [v for v in batch.good_variants() if batch.variant_ids[v]]
    if not known:
        return
    places = {batch.variant_ids[v]: v for v in known}
    given = {
        "ids": list(places), "product_ids": [batch.home(v) for v in known],
        **batch.columns.variants(known),
    }  # fmt: skip
    for variant_id, product_id, uom, status, groups in uow.sql(DIFFER_VARIANTS, given).fetchall():
        v, left = places[variant_id], {*groups}
        owner = batch.columns.owners[v]
        if "status" in left and not _moves(batch, product_id, owner, v, status):
            left.discard("status")
        if "units" in left and status != "draft" and batch.locked[product_id].units_told:
            said = (
                f"{batch.columns.skus[v]} is counted in {uom}, and its stock and orders are: "
                f"keep {uom}, or retire the SKU and open another"
            )
            batch.refuse(owner, "product.base_unit", "uom", said, sku=batch.columns.skus[v])
        if owner not in batch.problems and left:
            batch.differ[v] = {Group(group) for group in left}


def _moves(batch: Batch, product_id: str, n: int, v: int | None, was: str) -> bool:
    """Whether the told status is taken over; a move that its life does not have refuses the product."""
    values = batch.columns.product.get("status") if v is None else batch.columns.variant.get("status")
    place = n if v is None else v
    if values is None or values[place] is None or values[place] == was:
        return False
    wanted, told_by = values[place], batch.locked[product_id].status_by
    if keeps_retired(was, wanted, told_by=told_by, source=batch.source, decided=batch.decided):
        values[place] = None
        return False
    if not may_become(was, wanted):
        said = f"it is {was} and cannot become {wanted}: retire it instead"
        batch.refuse(n, "product.illegal_move", "status", said, sku="" if v is None else batch.columns.skus[v])
    return True
