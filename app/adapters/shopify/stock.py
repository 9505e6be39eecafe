"""Stock told to a shop: one figure of one place, set over what was expected to stand there.

Source: Shopify's introspections of 2026-10 and 2026-04 (`inventorySetQuantities`, `inventoryActivate`, both
`@idempotent`); shopify.dev, "Manage inventory quantities and states".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from app.adapters.shopify.client import Admin, user_errors
from app.adapters.shopify.documents import stock
from app.adapters.shopify.naming import number, with_skus
from app.adapters.shopify.places import Spreading
from app.adapters.shopify.refusals import refusal
from app.domains.inventory.ports import Became, Figure, Level, LevelAnswer, Levels
from app.infra.remote.client import Outbound
from app.kernel.errors import NeedsAttention, Transient

ITEM, LOCATION = "gid://shopify/InventoryItem/", "gid://shopify/Location/"
MOST = 250  # shopify.dev, "Input array size limits": so many entries of an input array
AT_ONCE = 50  # SKUs in one search text; two items may have the same SKU, so a page holds twice as many
ROUNDS = 6  # what is refused leaves the call, and the rest goes again: usually once
STALE = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})
GONE, NOT_STOCKED = "INVALID_INVENTORY_ITEM", "ITEM_NOT_STOCKED_AT_LOCATION"
SPENT = frozenset({"IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"})
UNFIT = frozenset({"NON_MUTABLE_INVENTORY_ITEM", "INVALID_QUANTITY_TOO_HIGH", "INVALID_QUANTITY_NEGATIVE"})
Found = Mapping[str, int | None]  # item → what stands at the place, None where it is not stocked there


@dataclass(frozen=True, slots=True)
class ShopifyAvailability:
    """The AvailabilitySink of one place of one shop. A listing's external id is the number of its inventory item."""

    admin: Admin
    figure: Figure
    location: str

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> ShopifyAvailability:
        figure = Figure(settings.get("stock_figure") or Figure.AVAILABLE)
        return cls(Admin.of(remote, settings), figure, str(settings.get("stock_location") or ""))

    @property
    def most(self) -> int:
        return MOST

    def tell(self, levels: Levels) -> tuple[LevelAnswer, ...]:
        if any(level.parts for level in levels.levels):
            return tuple(Spreading(self, levels).run())
        return tuple(_Telling(self, levels, self._place()).run())

    def look(self, external_ids: Sequence[str]) -> dict[str, int]:
        place = self._place()
        found: dict[str, int] = {}
        for start in range(0, len(external_ids), MOST):
            stands = self.stands([_item(one) for one in external_ids[start : start + MOST]], place)
            found.update({number(item): there for item, there in stands.items() if there is not None})
        return found

    def stands(self, items: Sequence[str], place: str) -> Found:
        """What stands at a place, by the item's global id; items that the shop does not have are left out."""
        nodes = self.admin.ask(stock.LEVELS, ids=list(items), place=place, names=[self.figure.value])["nodes"]
        return {node["id"]: _standing(node) for node in nodes if node}

    def listed(self, skus: Sequence[str], place: str) -> dict[str, dict[str, int | None]]:
        """SKU → item → what stands at the place: several items where the shop uses a SKU more than once."""
        found: dict[str, dict[str, int | None]] = {}
        for start in range(0, len(skus), AT_ONCE):
            text = with_skus(skus[start : start + AT_ONCE])
            page = self.admin.ask(stock.LEVELS_BY_SKU, query=text, place=place, names=[self.figure.value])
            for node in page["inventoryItems"]["nodes"]:
                found.setdefault(node["sku"] or "", {})[node["id"]] = _standing(node)
        return found

    def _place(self) -> str:
        """The place that is meant: the connection's, or the only one of the shop."""
        if self.location:
            return f"{LOCATION}{number(self.location)}"
        places = self.admin.ask(stock.PLACES)["locations"]["nodes"]
        if len(places) == 1:
            return str(places[0]["id"])
        raise unmapped(f"the shop has several: {', '.join(one['name'] for one in places)} …")


class _Telling:
    """One call's levels on their way: what is refused is answered and leaves, the rest goes again."""

    def __init__(self, sink: ShopifyAvailability, levels: Levels, place: str) -> None:
        self.sink, self.levels, self.place = sink, levels, place
        self.answers: dict[str, LevelAnswer] = {}
        self.open = {level.sku: level for level in levels.levels}
        self.read: set[str] = set()  # SKUs whose level was read in this call: what is found there is expected
        self.round = 0

    def run(self) -> Iterable[LevelAnswer]:
        self.search()
        self.look([level for level in self.open.values() if level.expected is None])
        while self.open:
            if self.round == ROUNDS:
                raise Transient("shopify.stock_moves", "the shop's stock changed under every attempt to set it")
            self.set()
        return [self.answers[level.sku] for level in self.levels.levels]

    def search(self) -> None:
        """Find the items of listings that were never met; a SKU of several items is for a person."""
        wanted = [level.sku for level in self.open.values() if not level.external_id]
        listed = self.sink.listed(wanted, self.place) if wanted else {}
        for sku in wanted:
            items = listed.get(sku, {})
            if len(items) > 1:
                numbers = ", ".join(number(item) for item in items)
                self.end(sku, Became.REFUSED, said=f"{len(items)} items of the shop have this SKU: {numbers}")
            for item, there in items.items() if len(items) == 1 else ():
                self.take(sku, item, there)
            if not items:
                self.end(sku, Became.UNLISTED)

    def look(self, levels: Sequence[Level]) -> None:
        """Read what stands there, and expect it from now on."""
        wanted = {_item(level.external_id): level.sku for level in levels if level.sku not in self.read}
        there = self.sink.stands(list(wanted), self.place) if wanted else {}
        for item, sku in wanted.items():
            if item in there:
                self.take(sku, item, there[item])
            else:
                self.end(sku, Became.UNLISTED)

    def take(self, sku: str, item: str, there: int | None) -> None:
        """A level as it was found: nothing to do where it stands so, stocked first where it is not."""
        self.read.add(sku)
        level = replace(self.open[sku], external_id=number(item), expected=there)
        self.open[sku] = level
        if there is None:
            self.stock(level)
        elif there == level.quantity:
            self.end(sku, Became.SET)

    def stock(self, level: Level) -> None:
        """Stock an item at the place with its figure."""
        figure: dict[str, int | None] = {"available": None, "onHand": None}
        figure["available" if self.sink.figure is Figure.AVAILABLE else "onHand"] = level.quantity
        given = {"item": _item(level.external_id), "place": self.place, **figure}
        payload = self.sink.admin.change(stock.STOCK_ITEM, key=f"{self.levels.key}-{level.external_id}", **given)
        if errors := user_errors(payload["inventoryActivate"]):
            self.end(level.sku, Became.REFUSED, said="; ".join(str(one["message"]) for one in errors))
        else:
            self.end(level.sku, Became.SET)

    def set(self) -> None:
        """One call for all that is open; who is refused leaves, for each reason in its own way."""
        sent = list(self.open.values())
        given = {
            "name": self.sink.figure.value, "reason": "correction", "referenceDocumentUri": self.levels.reference,
            "quantities": [
                {
                    "inventoryItemId": _item(one.external_id), "locationId": self.place, "quantity": one.quantity,
                    "changeFromQuantity": one.expected,
                }
                for one in sent
            ],
        }  # fmt: skip
        key = f"{self.levels.key}-{self.round}" if self.round else self.levels.key
        self.round += 1
        payload = self.sink.admin.change(stock.SET_LEVELS, input=given, key=key)["inventorySetQuantities"]
        if not (errors := user_errors(payload)):
            at = _moment((payload["inventoryAdjustmentGroup"] or {}).get("createdAt"))
            for one in sent:
                self.end(one.sku, Became.SET, at=at)
            return
        self.refused(sent, errors)

    def refused(self, sent: Sequence[Level], errors: Sequence[Mapping[str, Any]]) -> None:
        codes = {str(error.get("code") or "") for error in errors}
        if "INVALID_LOCATION" in codes:
            raise unmapped("the shop has no such location any more")
        if "IDEMPOTENCY_CONCURRENT_REQUEST" in codes:
            raise Transient("shopify.busy", "the same call is still under way at the shop")
        if codes <= SPENT:  # an attempt with this key failed, so nothing of it stands: again with the next one
            return
        named = {_entry(error): error for error in errors}
        if not named.keys() <= set(range(len(sent))):
            raise refusal(errors, about=self.levels.key)
        stale = [sent[n] for n, error in named.items() if error.get("code") in STALE]
        for n, error in named.items():
            self.leave(sent[n], str(error.get("code") or ""), error)
        if stale:
            self.stale(stale)

    def leave(self, level: Level, code: str, error: Mapping[str, Any]) -> None:
        if code == GONE:
            self.end(level.sku, Became.UNLISTED)
        elif code == NOT_STOCKED:
            self.stock(level)
        elif code in UNFIT:
            self.end(level.sku, Became.REFUSED, said=str(error.get("message", "")))
        elif code not in STALE:
            raise refusal([error], about=f"sku {level.sku}")

    def stale(self, levels: Sequence[Level]) -> None:
        """What was expected is not there: a finding, also where it is what was wanted, for the shop itself made it so.

        What was read in this call has moved since and is set over what stands there now.
        """
        mine = {level.sku for level in levels if level.sku in self.read}
        there = self.sink.stands([_item(level.external_id) for level in levels], self.place)
        for level in levels:
            found = there.get(_item(level.external_id))
            if found is None:
                self.end(level.sku, Became.UNLISTED)
            elif level.sku not in mine:
                self.end(level.sku, Became.STALE, found=found)
            elif found == level.quantity:
                self.end(level.sku, Became.SET)
            else:
                self.open[level.sku] = replace(level, expected=found)

    def end(self, sku: str, became: Became, **more: Any) -> None:
        level = self.open.pop(sku)
        external_id = "" if became is Became.UNLISTED else number(level.external_id)
        self.answers[sku] = LevelAnswer(sku=sku, became=became, external_id=external_id, **more)


def unmapped(why: str) -> NeedsAttention:
    """Nobody said which place's stock is meant."""
    return NeedsAttention(
        "inventory.location_unmapped",
        f"name the location whose stock the hub sets in the connection's settings: {why}",
        about="stock_location",
    )


def _entry(error: Mapping[str, Any]) -> int:
    """The place in the list that an error is about; -1 where it names none."""
    path = [str(one) for one in error.get("field") or ()]
    return next((int(one) for one in path if one.isdigit()), -1)


def _standing(node: Mapping[str, Any]) -> int | None:
    level = node.get("inventoryLevel")
    return int(level["quantities"][0]["quantity"]) if level else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _item(external_id: str) -> str:
    return f"{ITEM}{number(external_id)}"
