"""Reads of tax: all that a quote needs of one place in one statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from app.domains.pricing.policy.tax_quoting import TaxRule
from app.domains.pricing.policy.tax_sums import TaxMode, TaxRounding
from app.domains.pricing.policy.tax_table import (
    Certificate,
    Jurisdiction,
    Place,
    Rate,
    ShippingTax,
    TaxTable,
    plain_postal,
)
from app.infra.uow import UnitOfWork
from app.kernel.errors import NotFound
from app.kernel.money import Half

# Postal codes compare by bytes, whatever the database's collation is; rates as text, since JSON knows no decimals.
TAXES = """
SELECT (SELECT jsonb_build_array(r.system, r.rounding, r.half, r.engine, r.budget_ms, r.keep_hours,
                                 r.fallback_percent::text)
          FROM pricing.tax_rule r
         WHERE r.company IN ('', %(company)s) AND r.channel IN ('', %(channel)s)
         ORDER BY r.channel = '', r.company = '' LIMIT 1),
       (SELECT jsonb_agg(jsonb_build_array(j.code, j.title, j.zone, j.country, j.region, j.postal_from, j.postal_to,
                                           j.shipping, j.shipping_code, r.rates))
          FROM pricing.tax_jurisdiction j CROSS JOIN LATERAL (
               SELECT coalesce(jsonb_agg(jsonb_build_array(t.tax_code, t.position, t.name, t.percent::text, t.compound,
                                                           t.effective_from, t.effective_to)), '[]') AS rates
                 FROM pricing.tax_rate t WHERE t.jurisdiction = j.code) r
         WHERE j.country IN ('', %(country)s) AND j.region IN ('', %(region)s)
           AND (j.postal_from = '' OR (
                left(%(postal)s, length(j.postal_from)) COLLATE "C" >= j.postal_from
                AND left(%(postal)s, length(j.postal_to)) COLLATE "C" <= j.postal_to))),
       (SELECT jsonb_agg(jsonb_build_array(c.certificate_id, c.country, c.region, c.tax_code, c.effective_from,
                                           c.effective_to))
          FROM pricing.tax_certificate c WHERE c.customer = %(customer)s AND %(customer)s <> ''
           AND c.country = %(country)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxes:
    """How tax of one company, channel and place is found: its rule, and what the table knows of the place."""

    rule: TaxRule
    place: Place
    jurisdictions: tuple[Jurisdiction, ...]
    certificates: tuple[Certificate, ...]

    def table(self, instant: datetime) -> TaxTable:
        """Raises Refused(`pricing.no_tax_jurisdiction`)."""
        return TaxTable.of(self.jurisdictions, self.place, instant, self.certificates)


def taxes_at(uow: UnitOfWork, *, company: str, channel: str, customer: str, place: Place) -> Taxes:
    """Everything about tax at a place, in one statement."""
    row = uow.sql(
        TAXES,
        {
            "company": company, "channel": channel, "customer": customer, "country": place.country,
            "region": place.region, "postal": plain_postal(place.postal_code),
        },
    ).fetchone()  # fmt: skip
    assert row is not None
    rule, jurisdictions, certificates = row
    return Taxes(
        rule=_rule(rule) if rule else TaxRule(),
        place=place,
        jurisdictions=tuple(_jurisdiction(one) for one in jurisdictions or ()),
        certificates=tuple(_certificate(customer, one) for one in certificates or ()),
    )


def _rule(given: list[Any]) -> TaxRule:
    system, rounding, half, engine, budget_ms, keep_hours, fallback = given
    return TaxRule(
        system=system, mode=TaxMode(rounding=TaxRounding(rounding), half=Half(half)), engine=engine,
        budget_ms=budget_ms, keep_hours=keep_hours, fallback_percent=None if fallback is None else Decimal(fallback),
    )  # fmt: skip


def _jurisdiction(given: list[Any]) -> Jurisdiction:
    code, title, zone, country, region, postal_from, postal_to, shipping, shipping_code, rates = given
    return Jurisdiction(
        code=code, title=title, zone=zone, country=country, region=region, postal_from=postal_from,
        postal_to=postal_to, shipping=ShippingTax(shipping), shipping_code=shipping_code,
        rates=tuple(_rate(code, one) for one in rates),
    )  # fmt: skip


def _rate(jurisdiction: str, given: list[Any]) -> Rate:
    tax_code, position, name, percent, compound, since, until = given
    return Rate(
        jurisdiction=jurisdiction, name=name, percent=Decimal(percent), tax_code=tax_code, position=position,
        compound=compound, effective_from=date.fromisoformat(since), effective_to=_day(until),
    )  # fmt: skip


def _certificate(customer: str, given: list[Any]) -> Certificate:
    certificate_id, country, region, tax_code, since, until = given
    return Certificate(
        certificate_id=certificate_id, customer=customer, country=country, region=region, tax_code=tax_code,
        effective_from=date.fromisoformat(since), effective_to=_day(until),
    )  # fmt: skip


def _day(given: str | None) -> date | None:
    return None if given is None else date.fromisoformat(given)


ANSWERS = """
SELECT kind, key, answer, answered_at FROM pricing.tax_answer
 WHERE engine = %(engine)s AND answered_at > %(since)s
   AND ((kind = 'basket' AND key = %(basket)s) OR (kind = 'rate' AND key = ANY(%(rates)s::text[])))
"""


def last_answers(
    uow: UnitOfWork, rule: TaxRule, now: datetime, basket: str, rates: Collection[str]
) -> Mapping[tuple[str, str], tuple[Any, datetime]]:
    """(kind, key) → what the engine last said and when, of what is fresh enough by the rule."""
    given = {
        "engine": rule.engine, "since": now - timedelta(hours=rule.keep_hours), "basket": basket, "rates": list(rates),
    }  # fmt: skip
    return {(kind, key): (answer, at) for kind, key, answer, at in uow.sql(ANSWERS, given)}


JURISDICTIONS = """
SELECT j.code, j.title, j.zone, j.country, j.region, j.postal_from, j.postal_to, j.shipping, j.shipping_code,
       coalesce((SELECT jsonb_agg(jsonb_build_array(t.tax_code, t.position, t.name, t.percent::text, t.compound,
                                                    t.effective_from, t.effective_to)
                                  ORDER BY t.tax_code, t.position, t.effective_from)
                   FROM pricing.tax_rate t WHERE t.jurisdiction = j.code), '[]')
  FROM pricing.tax_jurisdiction j
 WHERE %(country)s IN ('', j.country) AND %(code)s IN ('', j.code) AND j.code > %(after)s ORDER BY j.code LIMIT %(most)s
"""


def jurisdictions(
    uow: UnitOfWork, country: str = "", *, after: str = "", most: int | None = None
) -> tuple[Jurisdiction, ...]:
    """Jurisdictions of a country, or of all, with their rates, in the order of their codes; so many after one."""
    rows = uow.sql(JURISDICTIONS, {"country": country, "code": "", "after": after, "most": most})
    return tuple(_jurisdiction(list(row)) for row in rows)


def jurisdiction(uow: UnitOfWork, code: str) -> Jurisdiction:
    """One jurisdiction with its rates. Raises NotFound(`pricing.unknown_jurisdiction`)."""
    row = uow.sql(JURISDICTIONS, {"country": "", "code": code, "after": "", "most": 1}).fetchone()
    if row is None:
        raise NotFound("pricing.unknown_jurisdiction", f"there is no tax jurisdiction {code!r}", about=code)
    return _jurisdiction(list(row))


def rules(uow: UnitOfWork) -> list[tuple[str, str, TaxRule]]:
    """Every tax rule with its company and channel."""
    rows = uow.sql(
        "SELECT company, channel, system, rounding, half, engine, budget_ms, keep_hours, fallback_percent::text "
        "FROM pricing.tax_rule ORDER BY company, channel"
    )
    return [(company, channel, _rule(list(rest))) for company, channel, *rest in rows]


def certificates(uow: UnitOfWork, customer: str = "") -> list[Certificate]:
    """Certificates of a customer, or of all, at most a thousand."""
    rows = uow.sql(
        "SELECT customer, certificate_id, country, region, tax_code, effective_from::text, effective_to::text "
        "FROM pricing.tax_certificate WHERE %(c)s IN ('', customer) ORDER BY 1, 2 LIMIT 1000",
        {"c": customer},
    )
    return [_certificate(customer_, list(rest)) for customer_, *rest in rows]
