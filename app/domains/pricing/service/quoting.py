"""A quote: what holds is read in one transaction, the rest is computed; a tax engine is asked outside of it."""

from __future__ import annotations

from app.domains.pricing.canonical.basket import Basket
from app.domains.pricing.canonical.quote import Quote
from app.domains.pricing.policy import quoting
from app.domains.pricing.policy.tax_table import Place
from app.domains.pricing.queries.quoting import known
from app.domains.pricing.service.taxing import taxes_for
from app.infra.hub import Hub


def quote(hub: Hub, basket: Basket) -> Quote:
    """The price of a basket, each amount with the rule that gave it.

    Raises Refused where something has no price (`pricing.no_price`), lists cannot be mixed
    (`pricing.mixed_net_and_gross`), the floor does not hold (`pricing.below_floor`), or tax is unknown.
    """
    there = basket.destination
    with hub.unit_of_work() as uow:
        found = known(uow, basket)
        tax = taxes_for(
            uow, company=basket.company, channel=basket.channel, customer=basket.customer,
            place=Place(country=there.country, region=there.region, postal_code=there.postal_code),
        )  # fmt: skip
    return quoting.quote(basket, found, tax)
