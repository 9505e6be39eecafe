"""Ids of items, accounts and locations, and the customer: known, or looked up and learned."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.adapters.business_central.client import Company, Document, any_of, literal, query
from app.adapters.business_central.mapping.buyers import NUMBER
from app.adapters.business_central.mapping.plan import DocumentPlan, Ids
from app.adapters.business_central.mapping.terms import Terms
from app.adapters.business_central.verdicts import AlreadyThere
from app.domains.orders.ports import Learned
from app.kernel.errors import NeedsAttention, Transient

PLACES = {
    "item": ("items", "number"), "account": ("accounts", "number"), "location": ("locations", "code"),
    "shipment_method": ("shipmentMethods", "code"), "payment_method": ("paymentMethods", "code"),
}  # fmt: skip
AT_ONCE = 40  # numbers in one filter: the address stays below 2,000 characters
_ID = re.compile(r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")


@dataclass(slots=True)
class Masters:
    """The ids one document needs. Give `paths` to a batch, and its rows to `take`."""

    plan: DocumentPlan
    terms: Terms
    known: Ids
    ids: dict[str, dict[str, str]] = field(default_factory=dict)
    learned: list[Learned] = field(default_factory=list)
    _numbers: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # kind → number or code → our keys of it
    _asked: list[str] = field(default_factory=list)  # the kind that each path asks for

    def __post_init__(self) -> None:
        for kind, keys in self.plan.wants.items():
            self.want(kind, keys)
        buyer = self.plan.buyer
        if buyer.own and (customer := self.known.get("customer", {}).get(buyer.key)):
            self.ids["customer"] = {buyer.key: customer}

    def want(self, kind: str, keys: set[str]) -> None:
        """Note what is needed: an id that is known, or a number to look for (our key, or what a value map says)."""
        found = self.ids.setdefault(kind, {})
        for key in sorted(keys - found.keys()):
            value = self.known.get(kind, {}).get(key, key)
            if _ID.match(value):
                found[key] = value
            else:
                self._numbers.setdefault(kind, {}).setdefault(value.upper(), []).append(key)

    @property
    def customer_missing(self) -> bool:
        return self.plan.buyer.own and not self.ids.get("customer")

    def paths(self) -> list[str]:
        """The reads that are missing, one for up to forty numbers."""
        asked: list[tuple[str, str]] = []
        for kind, numbers in self._numbers.items():
            if kind == "variant":
                asked += [(kind, self._variant(key, code)) for code, keys in numbers.items() for key in keys]
                continue
            collection, name = PLACES[kind]
            possible = [number for number in numbers if len(number) <= NUMBER]
            for start in range(0, len(possible), AT_ONCE):
                wanted = any_of(name, possible[start : start + AT_ONCE])
                asked.append((kind, collection + query(filter=wanted, select=f"id,{name}")))
        if self.customer_missing:
            asked.append(("customer", "customers" + query(filter=self._customer_filter(), select="id,number")))
        self._asked = [kind for kind, _ in asked]
        return [path for _, path in asked]

    def take(self, answers: Sequence[Sequence[Document]]) -> None:
        """Read the answers. Raises NeedsAttention naming the first thing that Business Central does not have."""
        for kind, rows in zip(self._asked, answers, strict=True):
            if kind == "customer":
                self._take_customer(rows)
            elif kind == "variant":
                self._take_variant(rows)
            else:
                self._take(kind, rows)
        for kind, numbers in self._numbers.items():
            for number, keys in sorted(numbers.items()):
                if keys:
                    raise self._missing(kind, number, keys[0])

    def ensure_customer(self, company: Company) -> None:
        """Create the shopper's own customer where there is none yet; somebody may be faster."""
        if not self.customer_missing:
            return
        buyer = self.plan.buyer
        try:
            paid_by = self.ids.get("payment_method", {}).get(buyer.payment_method)
            made = company.post("customers", {**buyer.fields, **({"paymentMethodId": paid_by} if paid_by else {})})
        except AlreadyThere as taken:
            rows = company.rows("customers" + query(filter=self._customer_filter(), select="id,number"))
            if not rows:
                raise Transient("business_central.customer_hidden", "the customer is there and is not shown") from taken
            self._take_customer(rows)
        else:
            self._learn("customer", buyer.key, made["id"], made["number"])

    def _variant(self, sku: str, code: str) -> str:
        """The read for one variant: its code is unique within its item only."""
        item = self.known.get("item", {}).get(sku, sku)
        of_item = f"itemId eq {item}" if _ID.match(item) else f"itemNumber eq {literal(item.upper())}"
        wanted = f"{of_item} and code eq {literal(code)}"
        return "itemVariants" + query(filter=wanted, select="id,itemId,itemNumber,code")

    def _customer_filter(self) -> str:
        buyer = self.plan.buyer
        if self.terms.customer_numbers == "computed":
            return f"number eq {literal(buyer.number)}"
        name = f"displayName eq {literal(buyer.fields['displayName'])}"
        return f"email eq {literal(buyer.fields.get('email', ''))} and {name}"

    def _take_customer(self, rows: Sequence[Document]) -> None:
        if len(rows) > 1:
            raise NeedsAttention(
                "customers.ambiguous",
                f"{len(rows)} customers in Business Central have this e-mail and name: "
                f"{', '.join(row['number'] for row in rows)}; bind the right one",
                about=f"customer {self.plan.buyer.key}",
                numbers=[row["number"] for row in rows],
            )
        for row in rows:
            self._learn("customer", self.plan.buyer.key, row["id"], row["number"])

    def _take(self, kind: str, rows: Sequence[Document]) -> None:
        numbers, name = self._numbers[kind], PLACES[kind][1]
        for row in rows:
            for key in numbers.pop(str(row[name]).upper(), ()):
                self._learn(kind, key, row["id"], row[name])

    def _take_variant(self, rows: Sequence[Document]) -> None:
        for row in rows:
            keys = self._numbers["variant"].get(row["code"], [])
            for key in [key for key in keys if self._is_of(key, row)]:
                keys.remove(key)
                self._learn("variant", key, row["id"], row["code"])

    def _is_of(self, sku: str, variant: Document) -> bool:
        item = self.known.get("item", {}).get(sku, sku)
        return item.casefold() in (str(variant["itemId"]).casefold(), str(variant["itemNumber"]).casefold())

    def _learn(self, kind: str, key: str, external_id: str, number: str) -> None:
        self.ids.setdefault(kind, {})[key] = external_id
        self.learned.append(Learned(kind=kind, key=key, external_id=external_id, number=number))

    def _missing(self, kind: str, number: str, key: str) -> NeedsAttention:
        if kind == "item":
            title = next((line.description for line in self.plan.lines if (line.kind, line.key) == (kind, key)), "")
            return NeedsAttention(
                "orders.sku_unmapped",
                f"Business Central has no item {number}; create it there, or map SKU {key} to an item",
                about=f"sku {key}",
                sku=key,
                title=title,
            )
        return NeedsAttention(
            f"erp.{kind}_missing",
            f"Business Central has no {kind} {number}; correct the connection's settings",
            about=f"{kind} {number}",
        )
