"""The life of a product and of each of its variants, as a table."""

from __future__ import annotations

from enum import StrEnum

from app.kernel.lifecycle import Lifecycle


class Status(StrEnum):
    DRAFT = "draft"  # known; not offered yet
    ACTIVE = "active"  # offered
    RETIRED = "retired"  # not offered any more; orders of before still know it


PRODUCT = Lifecycle(
    "product",
    start=Status.DRAFT,
    moves={
        "activate": {Status.DRAFT: Status.ACTIVE, Status.RETIRED: Status.ACTIVE},
        "retire": {Status.DRAFT: Status.RETIRED, Status.ACTIVE: Status.RETIRED},
        "redraft": {Status.RETIRED: Status.DRAFT},
    },
    late={
        "activate": frozenset({Status.ACTIVE}),
        "retire": frozenset({Status.RETIRED}),
        "redraft": frozenset({Status.DRAFT}),
    },
)
