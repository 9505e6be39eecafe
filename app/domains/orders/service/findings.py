"""What a person may want to know about an order that goes on all the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.infra.uow import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One finding. The same (order, code, about) is noted once."""

    order_id: str
    code: str
    about: str = ""
    said: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


FIND = """
INSERT INTO orders.finding (order_id, code, about, said, facts)
SELECT * FROM unnest(%(ids)s::uuid[], %(codes)s::text[], %(abouts)s::text[], %(saids)s::text[], %(facts)s::jsonb[])
ON CONFLICT (order_id, code, about) DO UPDATE SET said = excluded.said, facts = excluded.facts
"""


def find_many(uow: UnitOfWork, found: Sequence[Found]) -> None:
    """Note findings in one statement."""
    if found:
        uow.sql(
            FIND,
            {
                "ids": [one.order_id for one in found],
                "codes": [one.code for one in found],
                "abouts": [one.about for one in found],
                "saids": [one.said for one in found],
                "facts": [json.dumps(dict(one.facts), default=str) for one in found],
            },
        )


def find(uow: UnitOfWork, order_id: str, code: str, said: str, *, about: str = "", **facts: object) -> None:
    """Note one finding."""
    find_many(uow, [Found(order_id=order_id, code=code, about=about, said=said, facts=facts)])
