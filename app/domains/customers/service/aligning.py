"""Alignment: what a source holds of customers compared with the hub, customer by customer. It repairs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domains.customers.canonical import CustomerDraft
from app.domains.customers.policy import email_of, phone_of, words_of
from app.domains.customers.service.importing import KIND, buyer_of, sight
from app.infra.uow import UnitOfWork
from app.kernel.money import Money

OURS = """
SELECT b.external_id, a.kind, a.name, a.company, a.email, a.phone, a.country, a.withheld, b.number, t.currency,
       t.limit_minor, coalesce(t.blocked, false), coalesce(t.days, 0)
  FROM unnest(%(ids)s::text[]) w(external_id)
  JOIN hub.binding b ON b.connection = %(connection)s AND b.kind = %(kind)s AND b.external_id = w.external_id
  JOIN customers.account k ON k.id = b.key::uuid JOIN customers.account a ON a.id = coalesce(k.merged_into, k.id)
  LEFT JOIN customers.credit_terms t ON t.account_id = a.id AND t.account_id = k.id
"""
VANISHED = """
SELECT b.number, b.external_id FROM customers.sighting s
  JOIN hub.binding b ON b.connection = s.connection AND b.kind = %(kind)s AND b.external_id = s.external_id
  JOIN customers.account a ON a.id = b.key::uuid AND a.erased_at IS NULL
 WHERE s.connection = %(connection)s AND s.seen_at < %(since)s ORDER BY 1, 2 LIMIT %(most)s
"""
MOST_VANISHED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A customer that is not alike: its number there, and which fields; none where one side lacks it altogether.

    Values are not told: they are personal.
    """

    number: str
    kind: str  # differs, missing_here, missing_there
    fields: tuple[str, ...] = ()


def compare(uow: UnitOfWork, source: str, drafts: Sequence[CustomerDraft]) -> list[Difference]:
    """How a page of a source differs from the hub. What a source does not tell differs from nothing."""
    sight(uow, source, [draft.external_id for draft in drafts])
    given = {"connection": source, "kind": KIND, "ids": [draft.external_id for draft in drafts]}
    ours = {row[0]: row[1:] for row in uow.sql(OURS, given)}
    found: list[Difference] = []
    for draft in drafts:
        if draft.external_id not in ours:
            found.append(Difference(number=draft.number, kind="missing_here"))
        elif fields := _differing(source, draft, ours[draft.external_id]):
            found.append(Difference(number=draft.number, kind="differs", fields=fields))
    return found


def vanished(uow: UnitOfWork, source: str, since: datetime) -> list[Difference]:
    """Customers that a source showed before and not since an instant at which a reading of the whole began."""
    given = {"connection": source, "kind": KIND, "since": since, "most": MOST_VANISHED}
    return [Difference(number=number or key, kind="missing_there") for number, key in uow.sql(VANISHED, given)]


def _differing(source: str, draft: CustomerDraft, row: Sequence[object]) -> tuple[str, ...]:
    kind, name, company, email, phone, country, withheld, number, currency, limit, blocked, days = row
    told = buyer_of(source, draft)
    ours = Money(limit, str(currency)) if isinstance(limit, int) else None
    facts = {"number": number != draft.number, "limit": ours != draft.credit.limit,
             "blocked": blocked != draft.credit.blocked, "terms": days != draft.credit.days,
             "kind": kind != draft.kind.value}  # fmt: skip
    if not withheld:  # of whom the hub may keep nothing it has nothing to compare
        words = ((words_of(told.name), name), (words_of(told.company), company), (email_of(told.email), email),
                 (phone_of(told.phone, told.country), phone), (told.country.strip().upper(), country))  # fmt: skip
        names = ("name", "company", "email", "phone", "country")
        facts |= {field: bool(theirs) and theirs != mine for field, (theirs, mine) in zip(names, words, strict=True)}
    return tuple(field for field, differs in facts.items() if differs)
