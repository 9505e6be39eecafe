"""What lies there, by item: `items.inventory`, physical, all locations and variants together.

API v2.0 has stock neither by location nor by variant, and an item's own stamp does not move with its stock: what moved
is read from `itemLedgerEntries`. An item with variants has no figure for any one SKU and is named as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.adapters.business_central.client import Company, Document, any_of, literal, query
from app.adapters.business_central.masters import AT_ONCE
from app.domains.inventory.canonical import Reports
from app.domains.inventory.ports import Counted, Counts
from app.infra.remote.client import Outbound

ITEMS, ENTRIES = 500, 1000  # rows of a page: a request of about a second
FIELDS = "number,inventory,type"
INNER = "itemVariants($select=code)"
COUNTED = "Inventory"  # services and non-inventory items have no stock


@dataclass(frozen=True, slots=True)
class BusinessCentralStock:
    """The StockSource of one company. A mark is the number of an item ledger entry; pages have so many rows."""

    company: Company
    items: int = ITEMS
    entries: int = ENTRIES

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> BusinessCentralStock:
        return cls(Company.of(remote, settings))

    @property
    def reports(self) -> Reports:
        return Reports.PHYSICAL

    def page(self, since: str, after: str) -> Counts:
        return self._moved(after or since) if since else self._whole(after)

    def read(self, items: Sequence[str]) -> tuple[Counted, ...]:
        return _counts(self._named(items)).figures

    def _whole(self, after: str) -> Counts:
        """Items by number. The first page notes the last entry before it reads: what moves meanwhile comes again."""
        mark = "" if after else self._last_entry()
        wanted = [f"type eq {literal(COUNTED)}", *([f"number gt {literal(after)}"] if after else [])]
        rows = self.company.rows(
            "items"
            + query(filter=" and ".join(wanted), orderby="number", top=str(self.items), select=FIELDS, expand=INNER)
        )  # fmt: skip
        return _counts(rows, after=str(rows[-1]["number"]) if len(rows) == self.items else "", mark=mark)

    def _moved(self, since: str) -> Counts:
        """What has entries after a number, each item once with its figure of now."""
        entries = self.company.rows(
            "itemLedgerEntries"
            + query(
                filter=f"entryNumber gt {int(since)}", orderby="entryNumber", top=str(self.entries),
                select="entryNumber,itemNumber",
            )
        )  # fmt: skip
        if not entries:
            return Counts(figures=(), mark=since)
        last = str(entries[-1]["entryNumber"])
        rows = self._named(list(dict.fromkeys(str(entry["itemNumber"]) for entry in entries)))
        return _counts(rows, after=last if len(entries) == self.entries else "", mark=last)

    def _named(self, numbers: Sequence[str]) -> list[Document]:
        paths = [
            "items" + query(filter=any_of("number", numbers[start : start + AT_ONCE]), select=FIELDS, expand=INNER)
            for start in range(0, len(numbers), AT_ONCE)
        ]
        return [row for rows in self.company.read_together(paths) for row in rows if row["type"] == COUNTED]

    def _last_entry(self) -> str:
        options = query(orderby="entryNumber desc", top="1", select="entryNumber")
        rows = self.company.rows("itemLedgerEntries" + options)
        return str(rows[0]["entryNumber"]) if rows else "0"


def _counts(rows: Iterable[Document], *, after: str = "", mark: str = "") -> Counts:
    figures: list[Counted] = []
    unfit: list[str] = []
    for row in rows:
        if row.get("itemVariants"):
            unfit.append(str(row["number"]))
        else:
            figures.append(Counted(item=str(row["number"]), on_hand=Decimal(row["inventory"])))
    return Counts(figures=tuple(figures), after=after, mark=mark, unfit=tuple(unfit))
