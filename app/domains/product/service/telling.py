"""What a batch tells: of each product that is new or changed, or of all of them at once; of what is retired always."""

from __future__ import annotations

from app.domains.product.events import CatalogueChanged, ProductChanged, ProductRetired
from app.domains.product.lifecycle import Status
from app.domains.product.service.statements import RETIRED_SKUS
from app.domains.product.service.writing import Written
from app.infra.ids import new_id
from app.infra.uow import UnitOfWork

MOST = 1000  # products of one fact


def tell(uow: UnitOfWork, written: Written, *, source: str, batch: bool) -> None:
    stands = sorted(written.stands, key=lambda one: one.product_id)
    if batch:
        for company in sorted({one.company for one in stands}):
            ids = [one.product_id for one in stands if one.company == company]
            for start in range(0, len(ids), MOST):
                part = tuple(ids[start : start + MOST])
                fact = CatalogueChanged(batch=new_id(), product_ids=part, source=source, company=company)
                uow.publish(fact)
    else:
        for one in stands:
            uow.publish(
                ProductChanged(
                    product_id=one.product_id, code=one.code, version=one.version, company=one.company, source=source,
                    changed=tuple(sorted(group.value for group in one.changed)), created=not one.was,
                )
            )  # fmt: skip
    _tell_retired(uow, written)


def _tell_retired(uow: UnitOfWork, written: Written) -> None:
    """Name the SKUs that were retired, by product: its variants one by one, or all of them with it."""
    ended = [one for one in written.stands if one.was not in ("", Status.RETIRED) and one.status == Status.RETIRED]
    if not written.retired and not ended:
        return
    by_id = {one.product_id: one for one in written.stands}
    given = {"products": list(by_id), "variants": written.retired, "whole": [one.product_id for one in ended]}
    for product_id, skus, whole in uow.sql(RETIRED_SKUS, given).fetchall():
        one = by_id[product_id]
        if skus or one in ended:
            uow.publish(
                ProductRetired(
                    product_id=product_id, code=one.code, version=one.version, skus=tuple(skus or ()),
                    company=one.company, whole=bool(whole),
                )
            )  # fmt: skip
