"""Stock told to several places of a shop: the sum is what was expected, and each place is set over what stands there.

A listing that stands at its places as it should costs reading only. One whose sum is not the expected one is stale, as
at one place. Source: Shopify's introspections of 2026-10 and 2026-04 (`inventorySetQuantities`, `inventoryActivate`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from app.adapters.shopify.client import Admin, user_errors
from app.adapters.shopify.documents import stock
from app.adapters.shopify.naming import number
from app.adapters.shopify.refusals import refusal
from app.domains.inventory.ports import Became, Figure, Level, LevelAnswer, Levels
from app.kernel.errors import Transient

ENTRIES = 250  # of one input array
ROUNDS = 6
# Something else stands there, or an attempt with this key failed, so that nothing of it stands: read and set anew.
AGAIN = frozenset(
    {
        "CHANGE_FROM_QUANTITY_STALE",
        "COMPARE_QUANTITY_STALE",
        "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
        "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED",
    }
)
ITEM, LOCATION = "gid://shopify/InventoryItem/", "gid://shopify/Location/"
Standing = dict[str, dict[str, int | None]]  # place → item → what stands there


class Placing(Protocol):
    """What a call over several places asks of the sink that it is of."""

    @property
    def admin(self) -> Admin: ...

    @property
    def figure(self) -> Figure: ...

    def stands(self, items: Sequence[str], place: str) -> Mapping[str, int | None]: ...

    def listed(self, skus: Sequence[str], place: str) -> dict[str, dict[str, int | None]]: ...


@dataclass(slots=True)
class Spreading:
    """One call's levels over several places."""

    sink: Placing
    levels: Levels
    answers: dict[str, LevelAnswer] = field(default_factory=dict)

    def run(self) -> list[LevelAnswer]:
        places = sorted({f"{LOCATION}{number(place)}" for one in self.levels.levels for place, _ in one.parts})
        size = max(1, ENTRIES // len(places))
        named = self._named(places[0])
        for start in range(0, len(named), size):
            self._tell(named[start : start + size], places, f"{self.levels.key}-{start}" if start else self.levels.key)
        return [self.answers[one.sku] for one in self.levels.levels]

    def _tell(self, levels: Sequence[Level], places: Sequence[str], key: str) -> None:
        """Read what stands there and set what differs; what moves in between is read again."""
        items = [f"{ITEM}{one.external_id}" for one in levels]
        for turn in range(ROUNDS):
            there: Standing = {place: dict(self.sink.stands(items, place)) for place in places}
            due = [one for one in levels if one.sku not in self.answers and self._differs(one, there)]
            if not due or self._set(due, there, f"{key}-{turn}" if turn else key):
                return
        raise Transient("shopify.stock_moves", "the shop's stock changed under every attempt to set it")

    def _named(self, place: str) -> list[Level]:
        """The levels with their items; a SKU of several items is for a person."""
        unmet = [one.sku for one in self.levels.levels if not one.external_id]
        listed = self.sink.listed(unmet, place) if unmet else {}
        named = []
        for one in self.levels.levels:
            items = [one.external_id] if one.external_id else [number(item) for item in listed.get(one.sku, {})]
            if len(items) > 1:
                said = f"{len(items)} items of the shop have this SKU: {', '.join(items)}"
                self._end(one, Became.REFUSED, said=said)
            elif not items:
                self._end(replace(one, external_id=""), Became.UNLISTED)
            else:
                named.append(replace(one, external_id=items[0]))
        return named

    def _differs(self, level: Level, there: Standing) -> bool:
        """Whether something is to be set; what the shop does not have or did not stand as expected is answered."""
        item = f"{ITEM}{level.external_id}"
        if not any(item in found for found in there.values()):
            self._end(replace(level, external_id=""), Became.UNLISTED)
            return False
        stands = {place: found.get(item) for place, found in there.items()}
        if all((stands[place] or 0) == quantity for place, quantity in _wanted(level)):
            self._end(level, Became.SET)
            return False
        total = sum(quantity or 0 for quantity in stands.values())
        if level.expected is not None and total != level.expected:
            self._end(level, Became.STALE, found=total)
            return False
        return True

    def _set(self, levels: Sequence[Level], there: Standing, key: str) -> bool:
        """One call for all places of these levels; False where something else stands there by now."""
        quantities = []
        for level in levels:
            item = f"{ITEM}{level.external_id}"
            for place, quantity in _wanted(level):
                stands = there[place].get(item)
                if stands is None and quantity:
                    self._stock(level, place, quantity)
                elif stands is not None and stands != quantity:
                    entry = {"inventoryItemId": item, "locationId": place, "quantity": quantity}
                    quantities.append({**entry, "changeFromQuantity": stands})
        given = {
            "name": self.sink.figure.value, "reason": "correction", "referenceDocumentUri": self.levels.reference,
            "quantities": quantities,
        }  # fmt: skip
        if quantities and not self._done(given, key):
            return False
        for level in levels:
            if level.sku not in self.answers:
                self._end(level, Became.SET)
        return True

    def _done(self, given: Mapping[str, Any], key: str) -> bool:
        payload = self.sink.admin.change(stock.SET_LEVELS, input=given, key=key)["inventorySetQuantities"]
        errors = user_errors(payload)
        codes = {str(one.get("code") or "") for one in errors}
        if errors and not codes <= AGAIN:
            raise refusal(errors, about=self.levels.key)
        return not errors

    def _stock(self, level: Level, place: str, quantity: int) -> None:
        """Stock an item at a place where it never was."""
        figure = {"available": None, "onHand": None}
        given = {**figure, "available" if self.sink.figure is Figure.AVAILABLE else "onHand": quantity}
        key = f"{self.levels.key}-{level.external_id}-{number(place)}"
        item = f"{ITEM}{level.external_id}"
        payload = self.sink.admin.change(stock.STOCK_ITEM, key=key, item=item, place=place, **given)
        if errors := user_errors(payload["inventoryActivate"]):
            self._end(level, Became.REFUSED, said="; ".join(str(one["message"]) for one in errors))

    def _end(self, level: Level, became: Became, *, found: int | None = None, said: str = "") -> None:
        self.answers[level.sku] = LevelAnswer(
            sku=level.sku, became=became, external_id=level.external_id, found=found, said=said
        )


def _wanted(level: Level) -> list[tuple[str, int]]:
    """What is to stand at each place; two words for one place are added up."""
    wanted: dict[str, int] = {}
    for place, quantity in level.parts:
        gid = f"{LOCATION}{number(place)}"
        wanted[gid] = wanted.get(gid, 0) + quantity
    return sorted(wanted.items())
