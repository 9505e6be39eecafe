"""What the company holds of an order, or would: read for a comparison of two ERPs. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.adapters.business_central import held as holding
from app.adapters.business_central.client import Company, Document
from app.adapters.business_central.mapping.document import build_plan
from app.adapters.business_central.mapping.terms import Terms, external_number
from app.adapters.business_central.sales_orders import blaming
from app.domains.orders.ports import ErpOrder, ErpOrderLine, Posting
from app.infra.remote.client import Outbound
from app.kernel.money import Money

COMMENT = "Comment"


@dataclass(frozen=True, slots=True)
class BusinessCentralOrderBooks:
    """The OrderBooks of one company."""

    company: Company
    terms: Terms

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> BusinessCentralOrderBooks:
        return cls(Company.of(remote, settings), Terms.of(settings))

    def read(self, posting: Posting) -> ErpOrder | None:
        with blaming(posting):
            found = holding.look(self.company, external_number(self.terms, posting.key))
        if found is None:
            return None
        document = found.document
        currency = str(document["currencyCode"] or self.terms.currency_of(posting.order))
        return ErpOrder(
            number=found.number, reference=str(document["externalDocumentNumber"]), status=found.status,
            customer=str(document["customerNumber"]), total=_money(document["totalAmountIncludingTax"], currency),
            tax=_money(document["totalTaxAmount"], currency),
            lines=tuple(
                _line(line, currency) for line in document["salesOrderLines"] if line["lineType"] != COMMENT
            ),
        )  # fmt: skip

    def would(self, posting: Posting) -> ErpOrder:
        """From the plan alone, as `post` makes it; what only the company can tell (number, status) is empty."""
        with blaming(posting):
            plan = build_plan(posting, self.terms)
        return ErpOrder(
            number="", reference=plan.external_number, status="", customer=plan.buyer.number, total=plan.total,
            tax=plan.tax,
            lines=tuple(
                ErpOrderLine(
                    sequence=line.sequence, item=line.key.upper(), quantity=line.quantity, unit_price=line.unit_price,
                    amount=line.amount(plan.currency),
                )
                for line in plan.lines
                if line.line_type != COMMENT
            ),
        )  # fmt: skip


def _line(line: Document, currency: str) -> ErpOrderLine:
    quantity, price = Decimal(line["quantity"]), Decimal(line["unitPrice"])
    discount = Money.rounded(Decimal(line["discountAmount"]), currency)
    return ErpOrderLine(
        sequence=int(line["sequence"]), item=str(line["lineObjectNumber"]).upper(), quantity=quantity, unit_price=price,
        amount=Money.rounded(quantity * price, currency) - discount,
    )  # fmt: skip


def _money(amount: Any, currency: str) -> Money:
    return Money.rounded(Decimal(amount), currency)
