"""A quote: what holds is read in one transaction, the rest is computed; a tax engine is asked outside of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.domains.pricing.canonical.basket import Basket
from app.domains.pricing.canonical.quote import Quote
from app.domains.pricing.policy import quoting
from app.domains.pricing.policy.tax_table import Place
from app.domains.pricing.queries.quoting import known
from app.domains.pricing.service.taxing import taxes_for
from app.infra.hub import Hub
from app.infra.uow import UnitOfWork
from app.kernel.errors import HubError

Answer = Callable[[], Quote]
Change = Callable[[UnitOfWork], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a basket costs as things are and as they would be; an error where it has no price."""

    basket: Basket
    before: Quote | HubError
    after: Quote | HubError


class _TakenBack(Exception):
    """A change that was only tried."""


def quote(hub: Hub, basket: Basket) -> Quote:
    """The price of a basket, each amount with the rule that gave it.

    Raises Refused where something has no price (`pricing.no_price`), lists cannot be mixed
    (`pricing.mixed_net_and_gross`), the floor does not hold (`pricing.below_floor`), or tax is unknown.
    """
    with hub.unit_of_work() as uow:
        answer = asked(uow, basket)
    return answer()


def asked(uow: UnitOfWork, basket: Basket) -> Answer:
    """Read what a quote is made from; what this gives is called outside the transaction, and raises as `quote` does."""
    there = basket.destination
    found = known(uow, basket)
    tax = taxes_for(
        uow, company=basket.company, channel=basket.channel, customer=basket.customer,
        place=Place(country=there.country, region=there.region, postal_code=there.postal_code),
    )  # fmt: skip
    return lambda: quoting.quote(basket, found, tax)


def preview(hub: Hub, baskets: Sequence[Basket], change: Change) -> list[Preview]:
    """What baskets cost before and after a change, which is made and taken back. Raises what `change` raises."""
    with hub.unit_of_work() as uow:
        before = [asked(uow, basket) for basket in baskets]
    after: list[Answer] = []
    try:
        with hub.unit_of_work() as uow:
            change(uow)
            after = [asked(uow, basket) for basket in baskets]
            raise _TakenBack
    except _TakenBack:
        pass
    return [
        Preview(basket=basket, before=_told(one), after=_told(other))
        for basket, one, other in zip(baskets, before, after, strict=True)
    ]


def _told(answer: Answer) -> Quote | HubError:
    try:
        return answer()
    except HubError as error:
        return error
