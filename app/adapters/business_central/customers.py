"""Customers with their terms, credit and balance. Pages go by number, as those of items do.

Microsoft Learn, "customer resource type" (API v2.0) and the page behind it: `creditLimit` is Credit Limit (LCY), in
the company's own currency whatever the customer is invoiced in, and 0 is no limit; `customerFinancialDetail.balance`
is Balance (LCY), all that is posted and not paid, and moves without the customer's own stamp.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.adapters.business_central.client import Company, Document, literal, query
from app.adapters.business_central.items import all_of, changed_since
from app.domains.customers.canonical import Address, Credit, CustomerDraft, Kind
from app.domains.customers.ports import Batch, Refusal
from app.infra.remote.client import Outbound
from app.kernel.errors import Invalid, Refused
from app.kernel.money import Money

CHANGED, LIMITED = "changed", "limited"  # what a page is of: all or those that changed, then those with a limit
FIELDS = (
    "id,number,displayName,type,addressLine1,addressLine2,city,state,country,postalCode,phoneNumber,email,"
    "taxRegistrationNumber,creditLimit,blocked,lastModifiedDateTime"
)
INNER = "customerFinancialDetail($select=id,balance),paymentTerm($select=id,code,dueDateCalculation)"
DAYS: Mapping[str, int] = {"D": 1, "W": 7, "M": 30, "Q": 91, "Y": 365}
MOST_DAYS = 730
_PERIOD = re.compile(r"\+?(\d{1,3})([DWMQY])")
_SPACE = "_x0020_"  # how OData writes the option " ", which is "not blocked"


@dataclass(frozen=True, slots=True)
class BusinessCentralCustomers:
    """The CustomerSource of one company. Collecting customers stand for many buyers and are left out."""

    company: Company
    currency: str
    collecting: frozenset[str]

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> BusinessCentralCustomers:
        collecting = frozenset(number.upper() for number in settings["collecting_customers"].values())
        return cls(Company.of(remote, settings), str(settings["local_currency"]), collecting)

    def page(self, *, since: datetime | None, after: str = "", most: int = 500) -> Batch:
        """Customers by number; then, of a span, all that have a credit limit."""
        what, _, number = after.partition(":")
        what = what or CHANGED
        rule = "creditLimit gt 0" if what == LIMITED else changed_since(since)
        rows = self._read(all_of(rule, f"number gt {literal(number)}" if number else ""), most)
        if len(rows) == most:
            return self._batch(rows, f"{what}:{rows[-1]['number']}")
        return self._batch(rows, f"{LIMITED}:" if what == CHANGED and since is not None else "")

    def _read(self, wanted: str, most: int) -> list[Document]:
        options = {"filter": wanted} if wanted else {}
        return self.company.rows(
            "customers" + query(**options, orderby="number", top=str(most), select=FIELDS, expand=INNER)
        )

    def _batch(self, rows: Sequence[Document], after: str) -> Batch:
        drafts: list[CustomerDraft] = []
        refused: list[Refusal] = []
        for row in rows:
            if str(row["number"]).upper() in self.collecting:
                continue
            try:
                drafts.append(draft_of(row, self.currency))
            except (Invalid, Refused) as wrong:
                refused.append(Refusal(key=str(row["number"]), code=wrong.code, said=wrong.message))
        return Batch(drafts=tuple(drafts), after=after, refused=tuple(refused))


def draft_of(row: Document, currency: str) -> CustomerDraft:
    """What a customer of Business Central is to the hub. Raises Invalid or Refused where an amount is none.

    Blocked for shipping or invoicing is blocked: Business Central takes no new order of one in either case.
    """
    terms, money = row.get("paymentTerm") or {}, row.get("customerFinancialDetail") or {}
    limit = Money.parse(Decimal(row["creditLimit"]), currency)
    address = Address(
        name=_told(row["displayName"]), line1=_told(row["addressLine1"]), line2=_told(row["addressLine2"]),
        city=_told(row["city"]), province_code=_told(row["state"]), postal_code=_told(row["postalCode"]),
        country_code=_told(row["country"]), phone=_told(row["phoneNumber"]),
    )  # fmt: skip
    credit = Credit(
        currency=currency,
        limit=limit if limit else None,
        balance=Money.parse(Decimal(money["balance"]), currency) if "balance" in money else None,
        days=days_of(_told(terms.get("dueDateCalculation"))),
        terms=_told(terms.get("code")),
        blocked=bool(_told(str(row["blocked"]).replace(_SPACE, " "))),
    )
    return CustomerDraft(
        external_id=str(row["id"]), number=str(row["number"]), name=_told(row["displayName"]),
        kind=Kind.COMPANY if row["type"] == "Company" else Kind.PERSON, email=_told(row["email"]),
        phone=_told(row["phoneNumber"]), country=_told(row["country"]), tax_id=_told(row["taxRegistrationNumber"]),
        address=address if address.line1 else None, credit=credit,
        version=datetime.fromisoformat(str(row["lastModifiedDateTime"])),
    )  # fmt: skip


def days_of(formula: str) -> int:
    """About how many days a date formula such as `1M` or `14D` gives; 0 for one that names no single period."""
    found = _PERIOD.fullmatch(formula.strip().upper().strip("<>"))
    return min(int(found[1]) * DAYS[found[2]], MOST_DAYS) if found else 0


def _told(value: object) -> str:
    return str(value).strip() if value is not None else ""
