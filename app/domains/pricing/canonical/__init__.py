"""Values of pricing. A wrong one cannot be built."""

from __future__ import annotations

from app.domains.pricing.canonical.tax import LineTax, TaxLine, TaxPart, TaxQuote, TaxRequest

__all__ = ["LineTax", "TaxLine", "TaxPart", "TaxQuote", "TaxRequest"]
