"""The tax of a basket as an answer: from the hub's table, from an engine's words, or as the best guess that is left."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from app.domains.pricing.canonical.tax import LineTax, TaxPart, TaxQuote, TaxRequest
from app.domains.pricing.policy.tax_sums import Taxable, Taxed, TaxMode, TaxRounding, taxed, with_shipping
from app.domains.pricing.policy.tax_table import Owed, Rates, TaxTable
from app.kernel import codec
from app.kernel.errors import Refused
from app.kernel.money import Money, total

TABLE = "rate table"
SHIPPING = "shipping"
_PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRule:
    """How tax is rounded, as `system` does that will invoice, and whom it is asked of; no engine is the hub's table.

    An engine has `budget_ms` for a quote. Its answers are good for `keep_hours` where it does not answer; then
    `fallback_percent` of the net amount is the last word.
    """

    system: str = "erp"
    mode: TaxMode = TaxMode(rounding=TaxRounding.DOCUMENT)
    engine: str = ""
    budget_ms: int = 300
    keep_hours: int = 720
    fallback_percent: Decimal | None = None

    @property
    def words(self) -> str:
        return f"rounded by {self.mode.rounding}, half {self.mode.half}, as {self.system} invoices"


def by_table(table: TaxTable, rule: TaxRule, request: TaxRequest) -> TaxQuote:
    """What the hub's table says. Raises Refused(`pricing.unknown_tax_code`, `pricing.tax_rate_gap`)."""
    lines = _taxables(request, table.rates_for)
    if request.shipping is not None:
        codes = [line.tax_code for line in request.lines]
        lines += with_shipping(table, lines, codes, request.shipping, SHIPPING)
    return _answer(request, rule, taxed(lines, rule.mode, includes_tax=request.includes_tax), TABLE)


def by_shares(shares: Mapping[str, Decimal], rule: TaxRule, request: TaxRequest, source: str, why: str) -> TaxQuote:
    """An estimate by percentages of the net amount: by tax code, of shipping under `shipping`.

    Raises KeyError where one is not there.
    """

    def owed(code: str) -> Rates:
        percent = shares[code]
        return (Owed(jurisdiction="", name="estimated", percent=percent, share=Fraction(percent) / 100),)

    lines = _taxables(request, lambda code: owed(f"code {code}"))
    if request.shipping is not None:
        lines.append(Taxable(key=SHIPPING, amount=request.shipping, rates=owed(SHIPPING)))
    done = taxed(lines, rule.mode, includes_tax=request.includes_tax)
    return replace(_answer(request, rule, done, source), estimated=True, reason=why)


def flat(percent: Decimal, request: TaxRequest) -> dict[str, Decimal]:
    """The same percentage for everything in a basket."""
    return {**{f"code {line.tax_code}": percent for line in request.lines}, SHIPPING: percent}


def shares_of(quote: TaxQuote, request: TaxRequest) -> dict[str, Decimal]:
    """The percentages of an answer, by tax code; what a certificate or nothing at all was charged for is left out."""
    found: dict[str, Decimal] = {}
    for line, asked in zip(quote.lines, request.lines, strict=True):
        if (percent := _percent(line)) is not None:
            found[f"code {asked.tax_code}"] = percent
    if quote.shipping is not None and (percent := _percent(quote.shipping)) is not None:
        found[SHIPPING] = percent
    return found


def fingerprint(request: TaxRequest) -> str:
    """What makes two questions the same: everything but the time of day."""
    said = {**codec.dump(request), "at": request.at.date().isoformat()}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def place_key(request: TaxRequest, share: str) -> str:
    """Under which the percentage of a destination and tax code is kept."""
    return "|".join((request.country, request.region, request.postal_code, share))


def check_answer(quote: TaxQuote, request: TaxRequest) -> None:
    """Refuse an engine's answer that is not about this basket or does not add up.

    Raises Refused(`pricing.tax_answer_wrong`), which names the line.
    """
    if [line.line_id for line in quote.lines] != [line.line_id for line in request.lines]:
        raise Refused("pricing.tax_answer_wrong", "lines: the engine answered other lines than it was asked for")
    if (quote.shipping is None) != (request.shipping is None):
        raise Refused("pricing.tax_answer_wrong", "shipping: the engine left it out, or made it up")
    pairs = [(line, asked.amount) for line, asked in zip(quote.lines, request.lines, strict=True)]
    if quote.shipping is not None and request.shipping is not None:
        pairs.append((quote.shipping, request.shipping))
    for line, amount in pairs:
        parts = total((part.amount for part in line.parts), request.currency)
        given = line.net + line.tax if request.includes_tax else line.net
        if parts != line.tax or given != amount:
            raise Refused(
                "pricing.tax_answer_wrong",
                f"{line.line_id}: {line.net} and {line.tax} of {parts} in parts do not make {amount}",
                about=line.line_id,
            )


def _percent(line: LineTax) -> Decimal | None:
    if not line.tax or any(part.certificate for part in line.parts):
        return None
    return sum((part.percent for part in line.parts), Decimal(0)).quantize(_PLACES)


def _taxables(request: TaxRequest, rates: Callable[[str], Rates]) -> list[Taxable]:
    return [
        Taxable(key=f"line {place}", amount=line.amount, quantity=line.quantity, rates=rates(line.tax_code))
        for place, line in enumerate(request.lines)
    ]


def _answer(request: TaxRequest, rule: TaxRule, done: Sequence[Taxed], source: str) -> TaxQuote:
    found = {one.key: one for one in done}
    return TaxQuote(
        lines=tuple(_line(line.line_id, found[f"line {place}"]) for place, line in enumerate(request.lines)),
        shipping=_line(SHIPPING, found[SHIPPING]) if request.shipping is not None else None,
        mode=rule.words,
        source=source,
    )


def _line(line_id: str, one: Taxed) -> LineTax:
    return LineTax(line_id=line_id, net=one.net, tax=one.tax, parts=tuple(_part(*pair) for pair in one.taxes))


def _part(owed: Owed, amount: Money) -> TaxPart:
    return TaxPart(
        jurisdiction=owed.jurisdiction, name=owed.name, percent=owed.percent, amount=amount,
        certificate=owed.certificate,
    )  # fmt: skip
