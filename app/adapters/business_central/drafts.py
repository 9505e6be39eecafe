"""What can be done to a sales order while it is a draft, and what a person is told to do once it is not."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from app.adapters.business_central import held as holding
from app.adapters.business_central.client import Company, Document, query
from app.adapters.business_central.held import Held
from app.adapters.business_central.mapping.changes import Change, below_shipped, changes_to
from app.adapters.business_central.mapping.plan import ROUNDING, DocumentPlan, rounding_line
from app.adapters.business_central.mapping.proof import Proof, foreign
from app.adapters.business_central.mapping.rounding import within
from app.adapters.business_central.mapping.terms import Terms
from app.adapters.business_central.masters import Masters
from app.adapters.business_central.verdicts import AlreadyThere, EntityChanged, Gone
from app.kernel.errors import NeedsAttention, Transient
from app.kernel.money import Money

ROUNDS = 4  # others change a draft now and then, not all the time


@dataclass(frozen=True, slots=True)
class Drafts:
    """Changes to documents of one company: each with the etag that was read last, each safe to begin again."""

    company: Company
    terms: Terms

    def read(self, document_id: str) -> Document:
        found: Document = self.company.get(f"salesOrders({document_id})" + query(expand="salesOrderLines"))
        return found

    def adopting(self, document: Document, plan: DocumentPlan, masters: Masters) -> DocumentPlan:
        """The plan with the rounding line that the document has already."""
        line = next((each for each in document["salesOrderLines"] if each["sequence"] == ROUNDING), None)
        account = self.terms.accounts.get("rounding", "")
        amount = Decimal(line["unitPrice"]) if line is not None else None
        if amount is not None and not within(Money.rounded(amount, plan.currency), plan.total_slack):
            return plan
        adopted = plan.adopting(amount, account, self.terms.zero_tax_code)
        if adopted is not plan:
            self._want_account(account, masters)
        return adopted

    def brought(self, document: Document, plan: DocumentPlan, masters: Masters) -> tuple[Document, DocumentPlan]:
        """The document with the plan's lines: what is missing added, what differs set, what is too much deleted."""
        plan = self.adopting(document, plan, masters)
        return self._aligned(document, plan, masters), plan

    def rounded(
        self, document: Document, plan: DocumentPlan, proof: Proof, masters: Masters
    ) -> tuple[Document, DocumentPlan]:
        """The document with the rounding line that its real total asks for, where rounding explains the gap."""
        held = plan.line(ROUNDING)
        wanted = proof.missing + (held.unit_price if held is not None else Decimal(0))
        amount = Money.rounded(wanted, plan.currency)
        explained = amount.amount == wanted and within(amount, plan.total_slack)
        if proof.faults or not explained or document["status"] != "Draft":
            return document, plan
        account = self.terms.account("rounding")
        self._want_account(account, masters)
        plan = plan.with_rounding(rounding_line(amount, account, self.terms.zero_tax_code))
        return self._aligned(document, plan, masters), plan

    def readdressed(self, document: Document, plan: DocumentPlan) -> Document:
        """The document with the order's ship-to address."""
        moved = _moved(document, plan)
        if not moved:
            return document
        body = {name: plan.head[name] for name in plan.head if name in moved}
        try:
            self.company.patch(f"salesOrders({document['id']})", body, etag=document["@odata.etag"])
        except EntityChanged:
            fresh = self._again(document)
            self.company.patch(f"salesOrders({document['id']})", body, etag=fresh["@odata.etag"])
        return self._again(document)

    def cancelled(self, external_number: str, *, about: str) -> Document | None:
        """Delete a draft, or set its quantities to zero by policy; None where nothing is left.

        Raises NeedsAttention with what to do where Business Central has locked it.
        """
        for _ in range(ROUNDS):
            found = holding.look(self.company, external_number)
            if found is None:
                return None
            shipped = [line for line in found.document["salesOrderLines"] if line.get("shippedQuantity")]
            if found.order is None or not found.is_draft or found.invoices or shipped:
                raise _locked_cancel(found, about=about, shipped=bool(shipped))
            try:
                if self.terms.cancel_policy == "delete":
                    self.company.delete(f"salesOrders({found.order['id']})", etag=found.order["@odata.etag"])
                    return None
                if self._emptied(found.order):
                    return found.order
            except EntityChanged:
                continue
            except Gone:
                return None
        raise Transient("business_central.keeps_changing", f"{about}: the document changes faster than it is read")

    def refuse_changes(
        self, document: Document, plan: DocumentPlan, masters: Masters, *, status: str, number: str
    ) -> None:
        """Raise NeedsAttention with the exact changes where the document is locked or its goods have left."""
        if foreign(document, plan, masters.ids):
            return
        changes = changes_to(document, plan, masters.ids)
        blocked = changes if status != "Draft" else below_shipped(changes)
        if blocked:
            raise _released(number, status, [change.text for change in blocked])

    def refuse_address(self, found: Held, plan: DocumentPlan) -> None:
        """Raise NeedsAttention where a locked order is to go somewhere else now."""
        moved = _moved(found.document, plan)
        if moved and found.order is not None:
            raise _released(found.number, found.status, [f"{name}: set it as the order has it" for name in moved])

    def _aligned(self, document: Document, plan: DocumentPlan, masters: Masters) -> Document:
        for _ in range(ROUNDS):
            if foreign(document, plan, masters.ids):
                break  # not ours to touch: the proof says why
            changes = changes_to(document, plan, masters.ids)
            if not changes:
                break
            status, number = str(document["status"]), str(document["number"])
            self.refuse_changes(document, plan, masters, status=status, number=number)
            with suppress(EntityChanged, AlreadyThere, Gone):  # somebody was faster: the next round sees what he did
                self._apply(document, changes, masters)
            document = self._again(document)
        return document

    def _apply(self, document: Document, changes: list[Change], masters: Masters) -> None:
        for change in changes:
            if change.line is None and change.planned is not None:
                self.company.post(f"salesOrders({document['id']})/salesOrderLines", change.planned.body(masters.ids))
            elif change.line is not None and change.planned is not None:
                path = f"salesOrderLines({change.line['id']})"
                self.company.patch(path, change.planned.figures(), etag=change.line["@odata.etag"])
            elif change.line is not None:
                self.company.delete(f"salesOrderLines({change.line['id']})", etag=change.line["@odata.etag"])

    def _emptied(self, document: Document) -> bool:
        """Set every quantity to zero; whether they all are."""
        counted = [line for line in document["salesOrderLines"] if Decimal(line["quantity"])]
        for line in counted:
            self.company.patch(f"salesOrderLines({line['id']})", {"quantity": Decimal(0)}, etag=line["@odata.etag"])
        return not counted

    def _again(self, document: Document) -> Document:
        try:
            return self.read(str(document["id"]))
        except Gone as gone:
            raise Transient("business_central.gone_meanwhile", "the document went while it was changed") from gone

    def _want_account(self, account: str, masters: Masters) -> None:
        if account and account not in masters.ids.get("account", {}):
            masters.want("account", {account})
            masters.take(self.company.read_together(masters.paths()))


def _moved(document: Document, plan: DocumentPlan) -> list[str]:
    """Fields of the ship-to address that are not the order's; how they are written does not count."""
    return [
        name
        for name, value in plan.head.items()
        if name.startswith("shipTo") and str(document[name]).casefold() != str(value).casefold()
    ]


def _released(number: str, status: str, changes: list[str]) -> NeedsAttention:
    return NeedsAttention(
        "erp.order_released",
        f"order {number} is {status} in Business Central and cannot be changed by API; reopen it there and make these "
        f"changes, then replay: {'; '.join(changes)}",
        number=number,
        status=status,
        changes=changes,
    )


def _locked_cancel(found: Held, *, about: str, shipped: bool) -> NeedsAttention:
    if found.invoices:
        numbers = ", ".join(str(invoice["number"]) for invoice in found.invoices)
        todo = f"cancel invoice {numbers} if it is unpaid, else post a credit memo for it"
    elif shipped:
        todo = f"take the shipped goods of {found.number} back, then delete what is open of it"
    else:
        todo = f"stop its picking, reopen {found.number} and delete it"
    return NeedsAttention(
        "erp.order_released",
        f"{about} is cancelled and {found.number} is {found.status} in Business Central: {todo}, then replay",
        about=about,
        number=found.number,
        status=found.status,
        changes=[todo],
    )
