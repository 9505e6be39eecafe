"""What people say about tax: the table of rates, certificates of exemption, and how each company's tax is rounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domains.pricing.policy.tax_quoting import TaxRule
from app.domains.pricing.policy.tax_reading import check_jurisdiction, read_tax_table
from app.domains.pricing.policy.tax_table import Certificate, Jurisdiction
from app.domains.pricing.ports import TaxQuoter
from app.domains.pricing.service.channel_prices import mark_taxed
from app.infra.acts import record_act
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid, NotFound

PUT = """
INSERT INTO pricing.tax_jurisdiction (code, title, zone, country, region, postal_from, postal_to, shipping,
                                      shipping_code, changed_at, changed_by)
SELECT g.*, now(), %(who)s FROM unnest(%(codes)s::text[], %(titles)s::text[], %(zones)s::text[], %(countries)s::text[],
       %(regions)s::text[], %(firsts)s::text[], %(lasts)s::text[], %(shippings)s::text[], %(shipping_codes)s::text[]) g
 ORDER BY 1
ON CONFLICT (code) DO UPDATE SET title = excluded.title, zone = excluded.zone, country = excluded.country,
       region = excluded.region, postal_from = excluded.postal_from, postal_to = excluded.postal_to,
       shipping = excluded.shipping, shipping_code = excluded.shipping_code, changed_at = now(),
       changed_by = excluded.changed_by
"""
RATES = """
INSERT INTO pricing.tax_rate (jurisdiction, tax_code, position, effective_from, effective_to, name, percent, compound)
SELECT * FROM unnest(%(codes)s::text[], %(tax_codes)s::text[], %(positions)s::smallint[], %(since)s::date[],
                     %(until)s::date[], %(names)s::text[], %(percents)s::numeric[], %(compounds)s::boolean[])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableTaken:
    """How much of a tax table was put in the place of what was there."""

    jurisdictions: int
    rates: int


def put_tax_table(uow: UnitOfWork, text: str, who: str, why: str = "") -> TableTaken:
    """Put the jurisdictions of a CSV file in the place of those with their codes; others stay.

    Raises Invalid(`pricing.tax_table`) and Refused(`pricing.tax_rate_gap`, `pricing.tax_rate_overlap`); then nothing
    is changed.
    """
    return put_jurisdictions(uow, read_tax_table(text), who, why)


def put_jurisdictions(uow: UnitOfWork, given: Sequence[Jurisdiction], who: str, why: str = "") -> TableTaken:
    """Put jurisdictions with all their rates in the place of those with their codes."""
    for one in given:
        check_jurisdiction(one)
    codes = [one.code for one in given]
    uow.sql(
        PUT,
        {
            "who": who, "codes": codes, "titles": [one.title for one in given], "zones": [one.zone for one in given],
            "countries": [one.country for one in given], "regions": [one.region for one in given],
            "firsts": [one.postal_from for one in given],
            "lasts": [one.postal_to or one.postal_from for one in given],
            "shippings": [str(one.shipping) for one in given],
            "shipping_codes": [one.shipping_code for one in given],
        },
    )  # fmt: skip
    uow.sql("DELETE FROM pricing.tax_rate WHERE jurisdiction = ANY(%(codes)s::text[])", {"codes": codes})
    rates = [rate for one in given for rate in one.rates]
    uow.sql(
        RATES,
        {
            "codes": [rate.jurisdiction for rate in rates], "tax_codes": [rate.tax_code for rate in rates],
            "positions": [rate.position for rate in rates], "since": [rate.effective_from for rate in rates],
            "until": [rate.effective_to for rate in rates], "names": [rate.name for rate in rates],
            "percents": [rate.percent for rate in rates], "compounds": [rate.compound for rate in rates],
        },
    )  # fmt: skip
    mark_taxed(uow, {one.country for one in given})
    taken = TableTaken(jurisdictions=len(given), rates=len(rates))
    facts = {"codes": codes[:100], "jurisdictions": taken.jurisdictions, "rates": taken.rates}
    record_act(uow, who, "put tax rates", kind="tax", key=codes[0] if len(codes) == 1 else "", why=why, facts=facts)
    return taken


def drop_jurisdiction(uow: UnitOfWork, code: str, who: str, why: str) -> None:
    """Take a jurisdiction and its rates away. Raises NotFound(`pricing.unknown_jurisdiction`)."""
    gone = uow.sql("DELETE FROM pricing.tax_jurisdiction WHERE code = %(c)s RETURNING title", {"c": code}).fetchone()
    if gone is None:
        raise NotFound("pricing.unknown_jurisdiction", f"there is no tax jurisdiction {code!r}", about=code)
    record_act(uow, who, "dropped a tax jurisdiction", kind="tax", key=code, why=why, facts={"title": gone[0]})


def set_tax_rule(uow: UnitOfWork, company: str, channel: str, rule: TaxRule, who: str) -> None:
    """Say how tax of a company or channel is rounded and whom it is asked of; empty means all.

    Raises NotFound for an engine that is no connection, NeedsAttention for one that knows no taxes.
    """
    if not 10 <= rule.budget_ms <= 10_000:
        raise Invalid("pricing.tax_rule", "budget_ms: is out of range; give 10 to 10000 ms", about="budget_ms")
    if not rule.system:
        raise Invalid("pricing.tax_rule", "system: is missing; name the one that will invoice", about="system")
    if rule.engine:
        uow.hub.connections.get(uow.session, rule.engine).capability(TaxQuoter)
    given = {
        "company": company, "channel": channel, "system": rule.system, "rounding": str(rule.mode.rounding),
        "half": str(rule.mode.half), "engine": rule.engine, "budget": rule.budget_ms, "hours": rule.keep_hours,
        "fallback": rule.fallback_percent, "who": who,
    }  # fmt: skip
    uow.sql(
        "INSERT INTO pricing.tax_rule (company, channel, system, rounding, half, engine, budget_ms, keep_hours, "
        "fallback_percent, changed_by) VALUES (%(company)s, %(channel)s, %(system)s, %(rounding)s, %(half)s, "
        "%(engine)s, %(budget)s, %(hours)s, %(fallback)s, %(who)s) ON CONFLICT (company, channel) DO UPDATE SET "
        "system = excluded.system, rounding = excluded.rounding, half = excluded.half, engine = excluded.engine, "
        "budget_ms = excluded.budget_ms, keep_hours = excluded.keep_hours, changed_at = now(), "
        "fallback_percent = excluded.fallback_percent, changed_by = excluded.changed_by",
        given,
    )
    facts = {name: str(value) for name, value in given.items() if name not in ("who", "company", "channel")}
    record_act(
        uow,
        who,
        "set a tax rule",
        kind="tax",
        key=" ".join(part for part in (company, channel) if part) or "everybody",
        facts=facts,
    )


def add_certificate(uow: UnitOfWork, given: Certificate, who: str) -> None:
    """Keep a customer's certificate, or change its days. Raises Invalid(`pricing.tax_certificate`)."""
    if not given.certificate_id.strip() or not given.customer.strip() or not given.country:
        fix = "an exemption needs the customer, the certificate's own number and its country"
        raise Invalid("pricing.tax_certificate", f"certificate_id: {fix}", about="certificate_id")
    if given.effective_to is not None and given.effective_to < given.effective_from:
        raise Invalid("pricing.tax_certificate", "effective_to: lies before effective_from", about="effective_to")
    facts = {
        "customer": given.customer, "certificate": given.certificate_id, "country": given.country,
        "region": given.region, "tax_code": given.tax_code, "since": given.effective_from.isoformat(),
        "until": given.effective_to and given.effective_to.isoformat(),
    }  # fmt: skip
    uow.sql(
        "INSERT INTO pricing.tax_certificate (customer, certificate_id, country, region, tax_code, effective_from, "
        "effective_to, changed_by) VALUES (%(customer)s, %(certificate)s, %(country)s, %(region)s, %(tax_code)s, "
        "%(since)s, %(until)s, %(who)s) ON CONFLICT (customer, certificate_id, country, region, tax_code) DO UPDATE "
        "SET effective_from = excluded.effective_from, effective_to = excluded.effective_to, changed_at = now(), "
        "changed_by = excluded.changed_by",
        {**facts, "who": who},
    )
    record_act(uow, who, "kept a tax certificate", kind="tax", key=given.customer, facts=facts)


def end_certificate(uow: UnitOfWork, customer: str, certificate_id: str, who: str, why: str) -> None:
    """Take a certificate away. Raises NotFound(`pricing.unknown_certificate`)."""
    gone = uow.sql(
        "DELETE FROM pricing.tax_certificate WHERE customer = %(c)s AND certificate_id = %(i)s RETURNING 1",
        {"c": customer, "i": certificate_id},
    ).fetchall()
    if not gone:
        said = f"{customer} has no certificate {certificate_id!r}"
        raise NotFound("pricing.unknown_certificate", said, about=certificate_id)
    facts = {"certificate": certificate_id}
    record_act(uow, who, "took a tax certificate away", kind="tax", key=customer, why=why, facts=facts)
