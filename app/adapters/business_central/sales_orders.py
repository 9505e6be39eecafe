"""Sales orders: looked up, inserted whole, read back and proved; changed and cancelled while they are drafts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app.adapters.business_central import held as holding
from app.adapters.business_central.client import Company, Document, query
from app.adapters.business_central.drafts import Drafts
from app.adapters.business_central.held import Held
from app.adapters.business_central.mapping.bands import meaning_of
from app.adapters.business_central.mapping.document import build_plan
from app.adapters.business_central.mapping.plan import DocumentPlan
from app.adapters.business_central.mapping.proof import Proof, differs, prove
from app.adapters.business_central.mapping.terms import Terms, external_number
from app.adapters.business_central.masters import Masters
from app.domains.orders.ports import Learned, PostedLine, Posting, Receipt
from app.infra.remote.client import Outbound
from app.kernel.errors import HubError, NeedsAttention
from app.kernel.money import Money


@dataclass(frozen=True, slots=True)
class BusinessCentralSalesOrders:
    """The SalesOrderSink of one company.

    An order of a known customer with known items costs three requests: one batch of both look-ups, one deep insert,
    one read-back. Whatever was not answered is looked up before it is written again.
    """

    company: Company
    terms: Terms

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> BusinessCentralSalesOrders:
        return cls(Company.of(remote, settings), Terms.of(settings))

    def post(self, posting: Posting) -> Receipt:
        with blaming(posting):
            plan = build_plan(posting, self.terms)
            masters = Masters(plan, self.terms, posting.known)
            found = self._look(plan, masters)
            if found is None:
                masters.ensure_customer(self.company)
                if posting.again:  # the lost call had until now to arrive
                    found = holding.look(self.company, plan.external_number)
            if found is None:
                document, repeated = self._insert(plan, masters), False
                return self._settled(document, plan, masters, posting, repeated=repeated)
            return self._taken_up(found, plan, masters, posting)

    def find(self, posting: Posting) -> Receipt | None:
        with blaming(posting):
            number = external_number(self.terms, posting.key)
            found = holding.look(self.company, number)
            if found is None:
                return None
            plan = build_plan(posting, self.terms)
            masters = Masters(plan, self.terms, posting.known)
            masters.take(self.company.read_together(masters.paths()))
            plan = self._drafts.adopting(found.document, plan, masters)
            return self._proved(found, prove(found.document, plan, masters.ids), plan, masters, posting)

    def change(self, posting: Posting) -> Receipt:
        with blaming(posting):
            plan = build_plan(posting, self.terms)
            masters = Masters(plan, self.terms, posting.known)
            found = self._look(plan, masters)
            if found is None:
                raise NeedsAttention(
                    "erp.document_missing",
                    f"Business Central has no document {plan.external_number}; post the order again, or dismiss",
                    about=f"order {posting.order.name}",
                )
            if found.is_draft and found.order is not None:
                found = Held(order=self._drafts.readdressed(found.order, plan), invoices=found.invoices)
            else:
                self._drafts.refuse_address(found, plan)
            return self._taken_up(found, plan, masters, posting)

    def cancel(self, posting: Posting) -> Receipt | None:
        with blaming(posting):
            number = external_number(self.terms, posting.key)
            left = self._drafts.cancelled(number, about=f"order {posting.order.name}")
            if left is None:
                return None
            zero = self.terms.zero(posting.order)
            return Receipt(
                external_id=str(left["id"]), number=str(left["number"]), repeated=True, total=zero, tax=zero,
                lines=_lines(left, None), status=str(left["status"]),
            )  # fmt: skip

    @property
    def _drafts(self) -> Drafts:
        return Drafts(self.company, self.terms)

    def _look(self, plan: DocumentPlan, masters: Masters) -> Held | None:
        """Both look-ups and every id that is missing, in one request."""
        paths = holding.paths(plan.external_number)
        answers = self.company.read_together([*paths, *masters.paths()])
        found = holding.held_of(answers[: len(paths)], plan.external_number)
        masters.take(answers[len(paths) :])
        return found

    def _insert(self, plan: DocumentPlan, masters: Masters) -> Document:
        """One deep insert, one transaction. Its answer holds totals from before the lines, so it is read again."""
        body = plan.body(masters.ids, self.terms.entity_fields)
        made = self.company.post("salesOrders" + query(expand="salesOrderLines"), body)
        return self._drafts.read(str(made["id"]))

    def _taken_up(self, found: Held, plan: DocumentPlan, masters: Masters, posting: Posting) -> Receipt:
        """A document that was there: brought to the plan while it is a draft, else only proved."""
        if found.is_draft and found.order is not None:
            return self._settled(found.order, plan, masters, posting, repeated=True)
        document = found.document
        plan = self._drafts.adopting(document, plan, masters)
        self._drafts.refuse_changes(document, plan, masters, status=found.status, number=found.number)
        return self._proved(found, prove(document, plan, masters.ids), plan, masters, posting)

    def _settled(
        self, document: Document, plan: DocumentPlan, masters: Masters, posting: Posting, *, repeated: bool
    ) -> Receipt:
        document, plan = self._drafts.brought(document, plan, masters)
        proof = prove(document, plan, masters.ids)
        if proof.missing:
            document, plan = self._drafts.rounded(document, plan, proof, masters)
            proof = prove(document, plan, masters.ids)
        held = Held(order=document, invoices=())
        return self._proved(held, proof, plan, masters, posting, repeated=repeated)

    def _proved(
        self, found: Held, proof: Proof, plan: DocumentPlan, masters: Masters, posting: Posting, *,
        repeated: bool = True,
    ) -> Receipt:  # fmt: skip
        if not proof.holds:
            raise differs(plan, proof, number=found.number, about=f"order {posting.order.name}")
        bound = Learned(
            kind="sales_order", key=posting.order_id, external_id=found.external_id, number=found.number
        )  # fmt: skip
        return Receipt(
            external_id=found.external_id,
            number=found.number,
            repeated=repeated,
            total=plan.total,
            tax=Money.rounded(proof.tax, plan.currency),
            lines=_lines(found.document, plan),
            status=found.status,
            learned=(*masters.learned, bound),
            differences=proof.remarks,
        )


@contextmanager
def blaming(posting: Posting) -> Iterator[None]:
    """Name the order in an error that says nothing of what it is about."""
    try:
        yield
    except HubError as error:
        error.about = error.about or f"order {posting.order.name}"
        raise


def _lines(document: Document, plan: DocumentPlan | None) -> tuple[PostedLine, ...]:
    planned = {line.sequence: line for line in plan.lines} if plan is not None else {}
    return tuple(
        PostedLine(
            sequence=line["sequence"],
            meaning=meaning_of(line["sequence"]),
            line_id=planned[line["sequence"]].line_id if line["sequence"] in planned else "",
            external_id=str(line["id"]),
        )
        for line in document["salesOrderLines"]
    )
