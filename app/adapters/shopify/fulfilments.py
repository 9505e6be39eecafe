"""Shipments shown to the shop's customers: one fulfilment for each assigned location, each exactly once.

Shopify takes no idempotency key here, so what may have arrived is looked for before it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.adapters.shopify.client import Admin
from app.adapters.shopify.fulfilment_plan import Plan, Relocate, Sent, fits, ours, plan
from app.adapters.shopify.fulfilment_state import GID, State, fulfilments_of, state
from app.adapters.shopify.fulfilment_writes import Writes
from app.adapters.shopify.settings import NOTIFY_ALWAYS, NOTIFY_WITH_TRACKING
from app.domains.orders.ports import FulfilledLine, Fulfilment, FulfilmentReceipt
from app.infra.remote.client import Outbound
from app.kernel.errors import NeedsAttention, Refused

MOST_ROUNDS = 6  # release, open, accept, move, and two for what changes meanwhile
_MOVED = frozenset(
    f"shopify.{what}"
    for what in (
        "fulfilment_on_hold", "fulfilment_not_open", "fulfilment_quantity", "fulfilment_split", "unknown_object",
    )
)  # fmt: skip
_UNKNOWN = FulfilmentReceipt(external_ids=(), repeated=False, known=False)


@dataclass(frozen=True, slots=True)
class ShopifyShipments:
    """Fulfils, tracks and undoes shipments. `notify` is the connection's policy: the customer is told once at most."""

    admin: Admin
    writes: Writes
    notify: str

    @classmethod
    def build(cls, remote: Outbound, settings: Mapping[str, Any]) -> ShopifyShipments:
        admin = Admin.of(remote, settings)
        policy = str(settings.get("notify_customer") or NOTIFY_WITH_TRACKING)
        return cls(admin, Writes(admin, settings.get("carriers") or {}), policy)

    def ship(self, fulfilment: Fulfilment) -> FulfilmentReceipt:
        """Fulfil the shipment's units where they are open, less what an earlier attempt fulfilled.

        Units that are no longer open come back as `unfulfilled`. NeedsAttention (`shopify.fulfilment_blocked`) where
        the merchant or Shopify holds them: the goods are on their way, so a person decides.
        """
        if fulfilment.bound:
            return FulfilmentReceipt(external_ids=fulfilment.bound, repeated=True)
        found = state(self.admin, fulfilment.order_gid)
        return _UNKNOWN if found is None else _Shipping(self, fulfilment, found).run()

    def track(self, fulfilment: Fulfilment) -> FulfilmentReceipt:
        """Set the tracking of the shipment's fulfilments, absolutely; what is already so is left alone."""
        sent = self._bound(fulfilment)
        if not sent:
            return _UNKNOWN
        stale = [one for one in sent if not one.cancelled and one.numbers != _numbers(fulfilment)]
        silent = True
        for one in stale:
            tells = silent and not one.numbers and self.tells(fulfilment, NOTIFY_WITH_TRACKING)
            self.writes.track(one.external_id, fulfilment, notify=tells)
            silent = silent and not tells
        return FulfilmentReceipt(external_ids=fulfilment.bound, repeated=not stale)

    def undo(self, fulfilment: Fulfilment) -> FulfilmentReceipt:
        """Cancel the shipment's fulfilments.

        NeedsAttention (`shopify.partial_undo`) where a part of what was fulfilled is undone: the API takes back whole
        fulfilments only.
        """
        sent = self._bound(fulfilment)
        if not sent:
            return _UNKNOWN
        undone, fulfilled = _units(fulfilment), _summed(sent)
        if undone and undone != fulfilled:
            raise NeedsAttention(
                "shopify.partial_undo",
                "the shop takes back whole fulfilments only: cancel it there, and fulfil again what stays shipped",
                about=fulfilment.shipment_id,
                undone=undone,
                fulfilled=fulfilled,
            )
        standing = [one for one in sent if not one.cancelled]
        for one in standing:
            self.writes.cancel(one.external_id)
        return FulfilmentReceipt(external_ids=fulfilment.bound, repeated=not standing)

    def tells(self, fulfilment: Fulfilment, *policies: str) -> bool:
        """Whether the customer is written to, under these policies."""
        return fulfilment.notify_customer and self.notify in policies

    def _bound(self, fulfilment: Fulfilment) -> tuple[Sent, ...]:
        if not fulfilment.bound:
            raise NeedsAttention(
                "shopify.not_fulfilled", "this shipment has no fulfilment at the shop", about=fulfilment.shipment_id
            )
        return fulfilments_of(self.admin, [f"{GID}{one}" for one in fulfilment.bound])


class _Shipping:
    """One shipment on its way: what is left of it, and the fulfilments that hold the rest."""

    def __init__(self, sink: ShopifyShipments, shipment: Fulfilment, found: State) -> None:
        self.sink, self.shipment, self.found = sink, shipment, found
        self.place = shipment.location.rpartition("/")[2]  # a value map may hold the prefix too
        self.left = _units(shipment)
        self.ids: list[str] = []
        self.made = 0
        self.unmovable: frozenset[str] = frozenset()

    def run(self) -> FulfilmentReceipt:
        if self.shipment.again:
            self.take(ours(self.sent(), self.shipment, self.left))
        try:
            self.fulfil(self.way())
        except (NeedsAttention, Refused) as changed:  # the shop moved between reading and writing: once more
            if changed.code not in _MOVED or not self.read():
                raise
            self.fulfil(self.way())
        rest = tuple(FulfilledLine(line_id=line, quantity=count) for line, count in self.left.items() if count)
        return FulfilmentReceipt(
            external_ids=tuple(self.ids), repeated=bool(self.ids) and not self.made, unfulfilled=rest
        )

    def way(self) -> Plan:
        """The plan once nothing that we can clear stands in its way, less what the shop holds already."""
        for _ in range(MOST_ROUNDS):
            decided = plan(self.left, self.found.orders, self.place, self.unmovable)
            if decided.blocked:
                raise self.blocked("; ".join(decided.blocked))
            if not decided.clearings:
                self.recognise({line.line_id: line.quantity for line in decided.missing})
                return decided
            for one in decided.clearings:
                try:
                    self.sink.writes.clear(one)
                except (NeedsAttention, Refused):
                    if not isinstance(one, Relocate):
                        raise
                    self.unmovable |= {one.order}  # fulfilled from where it is
            self.read()
        raise self.blocked("the shop keeps putting obstacles back")

    def recognise(self, missing: dict[str, int]) -> None:
        """Bind what already fulfilled the units that are no longer open: an earlier attempt, or the merchant."""
        if not missing:
            return
        sent = self.sent()
        known = ours(sent, self.shipment, missing)
        self.take(known)
        rest = {line: count - _summed(known).get(line, 0) for line, count in missing.items()}
        other = fits(sent, self.shipment, {line: count for line, count in rest.items() if count})
        if other is not None and other not in known:
            self.take((other,))
            if not other.numbers and _numbers(self.shipment):
                tells = self.sink.tells(self.shipment, NOTIFY_WITH_TRACKING)
                self.sink.writes.track(other.external_id, self.shipment, notify=tells)

    def fulfil(self, decided: Plan) -> None:
        policies = (NOTIFY_ALWAYS, NOTIFY_WITH_TRACKING) if _numbers(self.shipment) else (NOTIFY_ALWAYS,)
        for picks in decided.creations:
            tells = not self.ids and self.sink.tells(self.shipment, *policies)
            self.ids.append(self.sink.writes.create(self.shipment, picks, notify=tells))
            self.made += 1
            for pick in picks:
                self.left[pick.line_id] -= pick.quantity

    def take(self, sent: Iterable[Sent]) -> None:
        for one in sent:
            self.ids.append(one.external_id)
            for line, count in one.units.items():
                self.left[line] -= count

    def sent(self) -> tuple[Sent, ...]:
        return fulfilments_of(
            self.sink.admin, [gid for gid in self.found.sent if gid.removeprefix(GID) not in self.ids]
        )

    def read(self) -> bool:
        """Read the shop's state again; False where the order is gone."""
        found = state(self.sink.admin, self.shipment.order_gid)
        self.found = found or self.found
        return found is not None

    def blocked(self, why: str) -> NeedsAttention:
        return NeedsAttention("shopify.fulfilment_blocked", why, about=self.shipment.order_gid)


def _units(fulfilment: Fulfilment) -> dict[str, int]:
    units: dict[str, int] = {}
    for line in fulfilment.lines:
        units[line.line_id] = units.get(line.line_id, 0) + line.quantity
    return units


def _summed(sent: Iterable[Sent]) -> dict[str, int]:
    units: dict[str, int] = {}
    for one in sent:
        for line, count in one.units.items():
            units[line] = units.get(line, 0) + count
    return units


def _numbers(fulfilment: Fulfilment) -> frozenset[str]:
    return frozenset(package.tracking_number for package in fulfilment.packages if package.tracking_number)
