"""Products that a person or a client decides about, with a line in the audit."""

from __future__ import annotations

from collections.abc import Sequence

from app.domains.product.canonical import ProductDraft
from app.domains.product.service.upserting import Upserted, upsert_many
from app.infra.acts import record_act
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, Refused

VERSION = "SELECT version FROM product.product WHERE code = %(code)s AND company = %(company)s FOR UPDATE"


def keep_many(uow: UnitOfWork, drafts: Sequence[ProductDraft], who: str, *, why: str = "") -> Upserted:
    """Take in what a client says of several products, each by itself; what does not hold is in `problems`."""
    done = upsert_many(uow, drafts, source=who, decided=True)
    if done.stands:
        one = done.stands[0]
        record_act(
            uow, who, "changed a product" if len(done.stands) == 1 else "changed products", kind="product",
            key=one.product_id if len(done.stands) == 1 else "", why=why,
            facts={"created": done.created, "changed": done.changed, "codes": [at.code for at in done.stands[:20]]},
        )  # fmt: skip
    return done


def keep(uow: UnitOfWork, draft: ProductDraft, who: str, *, version: int | None = None, why: str = "") -> Upserted:
    """Take in one product, with `version` only where it still stands there.

    Raises Invalid with the code of what does not hold, Refused `product.version_moved`.
    """
    if version is not None:
        row = uow.sql(VERSION, {"code": draft.code, "company": draft.company}).fetchone()
        if (row[0] if row else 0) != version:
            said = (
                f"product {draft.code} is version {row[0] if row else 0}, not {version}: read it again and decide anew"
            )
            raise Refused("product.version_moved", said, about=f"product {draft.code}")
    done = keep_many(uow, [draft], who, why=why)
    for problem in done.problems:
        raise Invalid(problem.code, problem.said, about=problem.key, errors={problem.field: [problem.said]})
    return done
