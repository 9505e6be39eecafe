"""The three sales documents that share one form: a head, lines, a number series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One sales document: where its head and lines are kept, its drafts' and posted documents' number series.

    `dated` is the property with the document's own date, `word` what Business Central calls the type.
    """

    head: str
    lines: str
    word: str
    dated: str
    series: str
    posted_series: str = ""


ORDER = Kind(head="salesOrders", lines="salesOrderLines", word="Order", dated="orderDate", series="SO")
INVOICE = Kind(
    head="salesInvoices", lines="salesInvoiceLines", word="Invoice", dated="invoiceDate", series="SI",
    posted_series="PSI",
)  # fmt: skip
MEMO = Kind(
    head="salesCreditMemos", lines="salesCreditMemoLines", word="Credit Memo", dated="creditMemoDate", series="SCM",
    posted_series="PSCM",
)  # fmt: skip
SHIPMENT_SERIES = "S"

KINDS: Mapping[str, Kind] = MappingProxyType({kind.head: kind for kind in (ORDER, INVOICE, MEMO)})
KINDS_BY_LINES: Mapping[str, Kind] = MappingProxyType({kind.lines: kind for kind in (ORDER, INVOICE, MEMO)})
