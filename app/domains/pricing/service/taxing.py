"""The tax of a quote: `taxes_for` reads what is needed in the caller's transaction, its answer is then asked outside.

    with hub.unit_of_work() as uow:
        tax = taxes_for(uow, company=…, channel=…, customer=…, place=Place(country=…))
    answer = tax(request)           # as often as the quote needs it: the table again costs nothing, an engine's
                                    # budget is for all of them together

Without an engine the answer is computed from the hub's table and touches nothing. With one it is asked within its
budget; where no answer comes, the last one that was good stands in, then the table, then the rule's own percentage,
each marked as estimated with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from time import perf_counter
from typing import Any

from app.domains.pricing.canonical.tax import TaxQuote, TaxRequest
from app.domains.pricing.policy import tax_quoting
from app.domains.pricing.policy.tax_table import Place
from app.domains.pricing.ports import TaxQuoter
from app.domains.pricing.queries.tax import Taxes, last_answers, taxes_at
from app.infra.asking import ask_within
from app.infra.connections import Connection
from app.infra.hub import Hub
from app.infra.uow import UnitOfWork
from app.kernel import codec
from app.kernel.errors import HubError, Refused, Transient

SOONEST = 0.01  # seconds: what is left of a budget below this is not worth a question
FORGOTTEN = 200  # old answers deleted with each new one, so that the table stays as small as its rule says

REMEMBER = """
WITH gone AS (
    DELETE FROM pricing.tax_answer WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM pricing.tax_answer WHERE answered_at < %(now)s - make_interval(hours => %(hours)s)
         ORDER BY answered_at LIMIT %(most)s)))
INSERT INTO pricing.tax_answer AS a (engine, kind, key, answer, answered_at)
SELECT %(engine)s, g.kind, g.key, g.answer::jsonb, %(now)s
  FROM unnest(%(kinds)s::text[], %(keys)s::text[], %(answers)s::text[]) g(kind, key, answer) ORDER BY g.kind, g.key
ON CONFLICT (engine, kind, key) DO UPDATE SET answer = excluded.answer, answered_at = excluded.answered_at
 WHERE a.answered_at < excluded.answered_at
"""


def taxes_for(uow: UnitOfWork, *, company: str, channel: str, customer: str, place: Place) -> Taxing:
    """What answers for the tax of one basket; reads the rule and the place's rates in one statement."""
    taxes = taxes_at(uow, company=company, channel=channel, customer=customer, place=place)
    engine = uow.hub.connections.get(uow.session, taxes.rule.engine) if taxes.rule.engine else None
    return Taxing(uow.hub, taxes, engine)


@dataclass(slots=True)
class Taxing:
    """Answers for the tax of one basket, as often as it is asked. `calls_out` says that it must be asked outside a
    transaction, since an engine is called.

    Raises Refused(`pricing.unknown_tax_code`, `pricing.tax_rate_gap`, `pricing.no_tax_jurisdiction`) as the table does,
    and Transient(`pricing.tax_unavailable`) where an engine gave no answer and nothing can stand in for it.
    """

    hub: Hub
    taxes: Taxes
    engine: Connection | None = None
    _left: float = field(init=False)
    _gave_up: str = ""

    def __post_init__(self) -> None:
        self._left = self.taxes.rule.budget_ms / 1000

    @property
    def calls_out(self) -> bool:
        return self.engine is not None

    def __call__(self, request: TaxRequest) -> TaxQuote:
        rule = self.taxes.rule
        if self.engine is None:
            return tax_quoting.by_table(self.taxes.table(request.at), rule, request)
        if not self._gave_up:
            began = perf_counter()
            try:
                return self._asked(self.engine, request)
            except HubError as error:
                self._gave_up = f"{rule.engine}: {error.message} ({error.code})"
            finally:
                self._left -= perf_counter() - began
        return self._estimated(request, self._gave_up)

    def _asked(self, engine: Connection, request: TaxRequest) -> TaxQuote:
        seconds = max(self._left, SOONEST)
        answer = ask_within(engine, lambda connection: connection.port(TaxQuoter).quote(request), seconds)
        tax_quoting.check_answer(answer, request)
        answer = replace(answer, source=engine.name)
        _remember(self.hub, self.taxes, request, answer)
        return answer

    def _estimated(self, request: TaxRequest, why: str) -> TaxQuote:
        rule, basket = self.taxes.rule, tax_quoting.fingerprint(request)
        wanted = {f"code {line.tax_code}" for line in request.lines}
        if request.shipping is not None:
            wanted.add(tax_quoting.SHIPPING)
        keys = {tax_quoting.place_key(request, share): share for share in wanted}
        with self.hub.unit_of_work() as uow:
            uow.tally("tax_estimated", rule.engine)
            found = last_answers(uow, rule, self.hub.clock.now(), basket, keys)
        if ("basket", basket) in found:
            answer, at = found["basket", basket]
            return replace(
                codec.load(TaxQuote, answer), estimated=True, reason=f"{why}; as it said of the same basket {_on(at)}"
            )
        return self._guessed(request, why, {keys[key]: value for (kind, key), value in found.items() if kind == "rate"})

    def _guessed(self, request: TaxRequest, why: str, rates: Mapping[str, tuple[Any, datetime]]) -> TaxQuote:
        """By the percentages it last said, else by the table, else by the one percentage of the rule."""
        rule, source = self.taxes.rule, f"{self.taxes.rule.engine}, last known"
        try:
            shares = {share: Decimal(percent) for share, (percent, _) in rates.items()}
            oldest = _on(min((at for _, at in rates.values()), default=request.at))
            said = f"{why}; by the rates it gave for this place, the oldest {oldest}"
            return tax_quoting.by_shares(shares, rule, request, source, said)
        except KeyError:
            pass  # it never said what one of the tax codes costs here
        try:
            answer = tax_quoting.by_table(self.taxes.table(request.at), rule, request)
            return replace(answer, estimated=True, reason=f"{why}; by the hub's own table")
        except Refused as unknown:
            if rule.fallback_percent is None:
                raise Transient(
                    "pricing.tax_unavailable",
                    f"{why}, it never priced this place, and {unknown.message}; add a fallback percentage to the rule",
                    retry_after=rule.budget_ms / 1000, about=f"tax engine {rule.engine}",
                ) from unknown  # fmt: skip
            said = f"{why}; {rule.fallback_percent.normalize():f} % as configured"
            shares = tax_quoting.flat(rule.fallback_percent, request)
            return tax_quoting.by_shares(shares, rule, request, "fallback", said)


def _remember(hub: Hub, taxes: Taxes, request: TaxRequest, answer: TaxQuote) -> None:
    """Keep an engine's answer for the time when it gives none."""
    shares = tax_quoting.shares_of(answer, request)
    rows = [("basket", tax_quoting.fingerprint(request), json.dumps(codec.dump(answer)))]
    rows += [
        ("rate", tax_quoting.place_key(request, share), json.dumps(str(percent))) for share, percent in shares.items()
    ]
    with hub.unit_of_work() as uow:
        uow.sql(
            REMEMBER,
            {
                "engine": taxes.rule.engine, "now": hub.clock.now(), "hours": taxes.rule.keep_hours, "most": FORGOTTEN,
                "kinds": [kind for kind, _, _ in rows], "keys": [key for _, key, _ in rows],
                "answers": [said for _, _, said in rows],
            },
        )  # fmt: skip


def _on(at: datetime) -> str:
    return f"on {at:%Y-%m-%d at %H:%M} UTC"
