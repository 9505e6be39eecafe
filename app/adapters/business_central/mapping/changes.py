"""From a document as it stands to its plan: the fewest changes, and what a person would have to do instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.adapters.business_central.mapping.pieces import LINE_STEP
from app.adapters.business_central.mapping.plan import SHIPPED_BELOW, DocumentPlan, Ids, PlannedLine

Document = Mapping[str, Any]
LAST_OF_OURS = 1_000_000  # people's own lines come after the last one of the document, by steps of 10,000


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line to delete (`line` alone), to add (`planned` alone) or to set anew (both)."""

    sequence: int
    line: Document | None = None
    planned: PlannedLine | None = None

    @property
    def text(self) -> str:
        """The change as a person makes it in Business Central."""
        if self.planned is None:
            return f"line {self.sequence}: delete it"
        if self.planned.line_type == "Comment":
            return f"line {self.sequence}: add the comment"
        figures = ", ".join(_figure(name, value, self.line) for name, value in self.planned.figures().items())
        verb = "set" if self.line is not None else f"add {self.planned.title} with"
        return f"line {self.sequence}: {verb} {figures}"


def changes_to(document: Document, plan: DocumentPlan, ids: Ids) -> list[Change]:
    """What has to change, deletions first: a line whose object is another one goes and comes again."""
    found = {line["sequence"]: line for line in document["salesOrderLines"]}
    deleted, changed, added = [], [], []
    for planned in plan.lines:
        line = found.pop(planned.sequence, None)
        if line is None:
            added.append(Change(sequence=planned.sequence, planned=planned))
        elif not _same_object(line, planned, ids):
            deleted.append(Change(sequence=planned.sequence, line=line))
            added.append(Change(sequence=planned.sequence, planned=planned))
        elif planned.line_type != "Comment" and not _same_figures(line, planned):
            changed.append(Change(sequence=planned.sequence, line=line, planned=planned))
    deleted += [Change(sequence=sequence, line=line) for sequence, line in found.items() if _ours(sequence)]
    return [*deleted, *changed, *added]


def below_shipped(changes: list[Change]) -> list[Change]:
    """Changes that would take back what has left already: never made, whatever the document's status."""
    return [
        change
        for change in changes
        if change.line is not None
        and Decimal(change.line.get("shippedQuantity") or 0)
        > (change.planned.quantity if change.planned is not None else Decimal(0))
    ]


def _same_object(line: Document, planned: PlannedLine, ids: Ids) -> bool:
    if line["lineType"] != planned.line_type:
        return False
    if planned.line_type == "Comment":
        return True
    return str(line[f"{planned.kind}Id"]).lower() == ids[planned.kind][planned.key].lower()


def _same_figures(line: Document, planned: PlannedLine) -> bool:
    return all(Decimal(line[name]) == value for name, value in planned.figures().items())


def _ours(sequence: int) -> bool:
    if sequence < SHIPPED_BELOW:
        return sequence % LINE_STEP in (0, 1)
    return sequence < LAST_OF_OURS


def _figure(name: str, value: Decimal, line: Document | None) -> str:
    words = {"quantity": "quantity", "unitPrice": "unit price", "discountAmount": "line discount amount"}
    found = value if line is None else Decimal(line[name])
    if found == value:
        return f"{words[name]} {value}"
    if found == found.quantize(value):  # with as many decimals as the planned one
        found = found.quantize(value)
    return f"{words[name]} {found} → {value}"
