"""Items and their variants as products. API v2.0 knows no item units with factors, bundles, weights or variant GTINs.

Pages go by number, so that an item which changes meanwhile is neither left out nor shifts another out of its page.
OData of Business Central joins different fields by `and` only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.adapters.business_central.client import Company, Document, any_of, literal, query
from app.adapters.business_central.masters import AT_ONCE
from app.domains.product.canonical import ProductDraft, VariantDraft
from app.domains.product.ports import Batch, Refusal
from app.infra.remote.client import Outbound
from app.kernel.errors import Invalid

ITEMS, VARIANTS = "items", "variants"  # what a page is of: changed items, then items whose variants changed
FIELDS = "id,number,displayName,itemCategoryCode,blocked,gtin,taxGroupCode,baseUnitOfMeasureCode,lastModifiedDateTime"
INNER = "itemVariants($select=id,itemId,code,description)"


@dataclass(frozen=True, slots=True)
class BusinessCentralItems:
    """The ProductSource of one company. A variant's SKU is its item's number, the separator and its code."""

    company: Company
    separator: str

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> BusinessCentralItems:
        return cls(Company.of(remote, settings), str(settings["variant_separator"]))

    def page(self, *, since: datetime | None, after: str = "", most: int = 500) -> Batch:
        """Items by number; then, of a span, those whose variants changed: an item's own stamp does not tell that."""
        what, _, number = after.partition(":")
        if what != VARIANTS:
            rows = self._items(since, number, most)
            if len(rows) == most:
                return self._batch(rows, f"{ITEMS}:{rows[-1]['number']}")
            return self._batch(rows, f"{VARIANTS}:" if since is not None else "")
        moved = self._moved(since, number, min(most, AT_ONCE))
        numbers = list(dict.fromkeys(str(row["itemNumber"]) for row in moved))
        rows = self._named(numbers) if numbers else []
        return self._batch(rows, f"{VARIANTS}:{numbers[-1]}" if len(moved) == min(most, AT_ONCE) else "")

    def _items(self, since: datetime | None, number: str, most: int) -> list[Document]:
        wanted = all_of(changed_since(since), f"number gt {literal(number)}" if number else "")
        options = {"filter": wanted} if wanted else {}
        return self._read(ITEMS, **options, orderby="number", top=str(most), select=FIELDS, expand=INNER)

    def _moved(self, since: datetime | None, number: str, most: int) -> list[Document]:
        wanted = all_of(changed_since(since), f"itemNumber gt {literal(number)}" if number else "")
        return self._read(
            "itemVariants", filter=wanted, orderby="itemNumber", top=str(most), select="id,itemId,itemNumber,code"
        )

    def _named(self, numbers: Sequence[str]) -> list[Document]:
        return self._read(ITEMS, filter=any_of("number", numbers), orderby="number", select=FIELDS, expand=INNER)

    def _read(self, collection: str, **options: str) -> list[Document]:
        return self.company.rows(collection + query(**options))

    def _batch(self, rows: Sequence[Document], after: str) -> Batch:
        drafts: list[ProductDraft] = []
        refused: list[Refusal] = []
        for row in rows:
            try:
                drafts.append(draft_of(row, self.separator))
            except Invalid as wrong:
                refused.append(Refusal(key=str(row["number"]), code=wrong.code, said=wrong.message))
        return Batch(drafts=tuple(drafts), after=after, refused=tuple(refused))


def draft_of(item: Document, separator: str) -> ProductDraft:
    """What an item says of a product. A blank is a field that nobody filled in here, not one that was emptied.

    A blocked item is retired. Raises Invalid as the draft does, for example `product.gtin_check_digit`.
    """
    number, status = str(item["number"]), "retired" if item["blocked"] else "active"
    uom, variants = _told(item["baseUnitOfMeasureCode"]), item.get("itemVariants") or ()
    if variants:
        made = tuple(
            VariantDraft(
                sku=f"{number}{separator}{variant['code']}", title=_told(variant["description"]), uom=uom, status=status
            )
            for variant in sorted(variants, key=lambda one: str(one["code"]))
        )
    else:
        made = (VariantDraft(sku=number, gtin=_told(item["gtin"]), uom=uom, status=status),)
    return ProductDraft(
        code=number, title=_told(item["displayName"]), product_type=_told(item["itemCategoryCode"]),
        tax_code=_told(item["taxGroupCode"]), status=status, variants=made,
    )  # fmt: skip


def _told(value: object) -> str | None:
    return str(value).strip() or None if value is not None else None


def changed_since(since: datetime | None) -> str:
    """A filter's rule for what changed at or after an instant; none for None."""
    if since is None:
        return ""
    moment = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"lastModifiedDateTime ge {moment}"


def all_of(*rules: str) -> str:
    """A filter of the rules that are any."""
    return " and ".join(rule for rule in rules if rule)
