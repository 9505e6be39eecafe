"""What a channel is told of a SKU, so that nothing it sold already is given back, and nothing is taken off twice.

A channel lowers its own figure when it sells; the hub lowers its offer when the order has arrived. Between the two the
channel's figure is right and the hub's is not. So from the figure last set, `sent`:

    owed     = owed then + (sent − what stands there now) − what arrived of the channel's orders since   (at least 0)
    told     = offered − owed

What nothing has explained after `GRACE` was no order but somebody's hand: it is owed no more, and is a finding.
Where the figure is on hand, the channel subtracts its open orders itself: told = offered + its orders that are open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from app.domains.inventory.canonical import NOTHING
from app.domains.inventory.policy.offering import floor

GRACE = timedelta(minutes=10)  # an order's webhook takes seconds; the gap scan finds a lost one within ten minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of one SKU at a channel. `sent`, `owed` hold since `sent_at`; `found` is the channel's own word."""

    sku: str
    wanted: int = 1
    sent: Decimal | None = None
    sent_at: datetime | None = None
    owed: Decimal = NOTHING
    owed_since: datetime | None = None
    trying: Decimal | None = None
    tried_at: datetime | None = None
    trying_owed: Decimal = NOTHING
    trying_over: Decimal | None = None
    found: Decimal | None = None
    found_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is to stand at the channel, over what is expected there now; None is unknown. `owed` is subtracted in it.

    `strayed` is what nothing explains any more. Where it is not `sure` what stands there, the channel is asked by
    setting it: what it said last may be older than what arrived since.
    """

    quantity: Decimal
    expected: Decimal | None
    owed: Decimal = NOTHING
    owed_since: datetime | None = None
    strayed: Decimal = NOTHING
    sure: bool = True

    @property
    def stands(self) -> bool:
        """Whether it stands there already."""
        return self.sure and self.expected == self.quantity


def target_available(
    offered: Decimal, standing: Standing, arrived: Decimal, now: datetime, *, shared: bool = False
) -> Target:  # fmt: skip
    """What the channel may sell. `arrived` are its own orders since `standing.sent_at`.

    `shared` says that some of `arrived` may be orders of a bundle, which lower the bundle's figure and not this one.
    """
    sent, owed = standing.sent, standing.owed
    if sent is None:
        return Target(quantity=max(NOTHING, floor(offered)), expected=standing.found)
    explained = sent if shared and standing.found is None else sent - max(NOTHING, arrived - owed)
    expected = explained if standing.found is None else standing.found
    left = max(NOTHING, owed - arrived + (NOTHING if standing.found is None else sent - standing.found))
    since = _since(standing, left, owed, now)
    strayed = NOTHING
    if since is not None and now - since >= GRACE:
        strayed, left, since = left, NOTHING, None
    elif expected > explained and standing.found_at is not None and now - standing.found_at >= GRACE:
        strayed = explained - expected
    quantity = max(NOTHING, floor(offered - left))
    sure = not (shared and arrived) if standing.found is None else standing.found == explained
    return Target(
        quantity=quantity, expected=expected, owed=left, owed_since=since, strayed=strayed, sure=sure
    )  # fmt: skip


def target_again(standing: Standing, now: datetime) -> Target:
    """The unanswered call once more, exactly as it was: by its key it is one effect.

    Another call in its place could not tell a call that was lost from one that was done and sold empty since.
    """
    since = (standing.owed_since or now) if standing.trying_owed else None
    quantity = NOTHING if standing.trying is None else standing.trying
    return Target(quantity=quantity, expected=standing.trying_over, owed=standing.trying_owed, owed_since=since)


def _since(standing: Standing, left: Decimal, owed: Decimal, now: datetime) -> datetime | None:
    """Since when the newest of what is owed is: a part that has arrived makes the rest no younger."""
    if not left:
        return None
    if left <= owed:
        return standing.owed_since or now
    return standing.found_at or now


def target_on_hand(offered: Decimal, standing: Standing, open_orders: Decimal) -> Target:
    """What lies there for the channel: what it may sell, and what it has sold and not shipped."""
    expected = standing.sent if standing.found is None else standing.found
    return Target(quantity=max(NOTHING, floor(offered + open_orders)), expected=expected)
