"""What a basket would cost now and then, were a change kept: tried, looked at, taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask import request

from app.domains.pricing.canonical.basket import Asked, Basket, Destination
from app.domains.pricing.canonical.quote import Quote
from app.domains.pricing.policy.periods import zone_of
from app.domains.pricing.service.quoting import Change, preview
from app.infra.web.wiring import hub
from app.kernel.errors import HubError, Invalid
from app.kernel.money import Money
from app.kernel.written import number_of

MOST_TIMES = 4  # instants that are looked at: now, and the next at which the change begins or ends
ASKED = ("currency", "channel", "company", "customer", "customer_group", "country", "region", "postal_code",
         "shipping", "lines")  # fmt: skip
TRIED = "try_"  # before the names of the basket's fields, where they stand in the form of what is tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One instant: what the basket costs as things are and as they would be; words where it has no price."""

    when: str
    before: Quote | None
    after: Quote | None
    said_before: str
    said_after: str


def previewed(zone: str, change: Change, instants: Sequence[datetime | None], currency: str = "") -> list[Looked]:
    """The basket of the form at these instants and now. Raises what `change` raises, Invalid(`lines`) for no basket."""
    given = {name: request.form.get(f"{TRIED}{name}", "").strip() for name in ASKED}
    given["currency"] = currency or given["currency"]
    if not given["lines"] or not given["currency"]:
        fix = "write a currency and, on each line, a SKU and how many of it"
        raise Invalid("pricing.basket", "no basket", errors=[{"field": "lines", "rule": "nothing to try", "fix": fix}])
    now, clock = hub().clock.now(), zone_of(zone)
    wanted = basket(given, now)
    times = sorted({at for at in instants if at is not None and at > now})
    baskets = [replace(wanted, at=at) for at in (now, *times)][:MOST_TIMES]
    return [
        Looked(
            when="Now" if one.basket.at == now else f"{one.basket.at.astimezone(clock):%Y-%m-%d %H:%M} {zone}",
            before=_quote(one.before), after=_quote(one.after), said_before=_said(one.before),
            said_after=_said(one.after),
        )
        for one in preview(hub(), baskets, change)
    ]  # fmt: skip


def basket(given: dict[str, str], at: datetime) -> Basket:
    """The basket that a person wrote down: a SKU, a quantity and, where it is not the SKU's own, a unit on each line.

    Raises Invalid, naming the line.
    """
    asked = []
    for n, line in enumerate(given["lines"].splitlines(), 1):
        if parts := line.split():
            number = number_of(parts[1] if len(parts) > 1 else "1", f"line {n}", "pricing.basket")
            asked.append(
                Asked(line_id=str(n), sku=parts[0], quantity=number, unit=parts[2] if len(parts) > 2 else "")
            )  # fmt: skip
    currency = given["currency"].upper()
    names = ("channel", "company", "customer", "customer_group")
    where = Destination(
        country=given["country"].upper(), region=given["region"].upper(), postal_code=given["postal_code"]
    )
    return Basket(
        currency=currency, at=at, lines=tuple(asked), destination=where,
        shipping=Money.parse(given["shipping"], currency) if given["shipping"] else None,
        **{name: given[name] for name in names},
    )  # fmt: skip


def _quote(found: Quote | HubError) -> Quote | None:
    return None if isinstance(found, HubError) else found


def _said(found: Quote | HubError) -> str:
    return found.message if isinstance(found, HubError) else ""
