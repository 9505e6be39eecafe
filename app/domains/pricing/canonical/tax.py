"""What is asked of whoever knows taxes, and the answer: the built-in table of rates or an engine outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxLine:
    """A line to be taxed: its amount after every discount, net or gross as the request says. It is never negative."""

    line_id: str
    sku: str
    tax_code: str
    quantity: Decimal
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRequest:
    """A basket as tax sees it. `includes_tax` holds for all lines and shipping; `region` is an ISO 3166-2 suffix."""

    company: str
    channel: str
    customer: str
    currency: str
    at: datetime
    includes_tax: bool
    country: str
    region: str = ""
    postal_code: str = ""
    lines: tuple[TaxLine, ...]
    shipping: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxPart:
    """One tax on one line: who asks for it, at which percentage, and the certificate that frees from it."""

    jurisdiction: str
    name: str
    percent: Decimal
    amount: Money
    certificate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTax:
    """The taxes of a line: `tax` is the sum of its parts; in a gross request net and tax add up to the amount."""

    line_id: str
    net: Money
    tax: Money
    parts: tuple[TaxPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxQuote:
    """The taxes of a basket: a line for each one asked, in their order. `mode` says how it was rounded and for whom.

    `source` is what gave it; `estimated` is true, with its `reason`, where that was not the first choice.
    """

    lines: tuple[LineTax, ...]
    shipping: LineTax | None
    mode: str
    source: str
    estimated: bool = False
    reason: str = ""
