"""What a person or a program asks of listings: have products shown at a channel, hidden there, or sent anew."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from app.domains.product import queries as products
from app.domains.product import service as catalogue
from app.domains.product.lifecycle import ListingState
from app.flows.catalogue_out import publishing_at
from app.infra.acts import record_act
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid

Mark = Callable[[UnitOfWork, str], int]
WHICH: Mapping[str, Mark] = {
    "waiting": lambda uow, channel: catalogue.mark_again(uow, channel, (ListingState.WAITING,)),
    "rejected": lambda uow, channel: catalogue.mark_again(uow, channel, (ListingState.REJECTED,)),
    "live": lambda uow, channel: catalogue.mark_again(uow, channel, (ListingState.LIVE,)),
    "drift": lambda uow, channel: catalogue.mark_products_again(uow, channel, catalogue.drifted(uow, channel)),
}


def list_products(
    uow: UnitOfWork, channel: str, product_ids: Collection[str], who: str, *, wanted: bool, why: str = ""
) -> int:
    """Have products shown at a channel, or hidden there; what stands there already is sent anew. Returns how many.

    Raises NotFound for no connection, Refused `product.lists_nothing`.
    """
    connection = publishing_at(uow, channel)
    return catalogue.choose_listings(uow, channel, connection.company, product_ids, who, wanted=wanted, why=why)


def list_codes(
    uow: UnitOfWork, channel: str, codes: Collection[str], who: str, *, wanted: bool, why: str = ""
) -> int:  # fmt: skip
    """`list_products` of products named by their codes. Raises NotFound `product.unknown` for one that is not known."""
    company = publishing_at(uow, channel).company
    found = products.ids_of(uow, codes, company)
    for code in codes:
        if code not in found:
            raise products.unknown(code)
    return list_products(uow, channel, list(found.values()), who, wanted=wanted, why=why)


def send_again(uow: UnitOfWork, channel: str, which: str, who: str, *, why: str = "") -> int:
    """Send a channel's listings anew, at most a thousand: those that wait, were rejected, drifted or are live.

    Raises Invalid `product.which_listings`, and what `list_products` raises. Returns how many.
    """
    publishing_at(uow, channel)
    if which not in WHICH:
        said = f"which: there is no {which!r}, give one of {', '.join(WHICH)}"
        raise Invalid("product.which_listings", said, about="which")
    due = WHICH[which](uow, channel)
    record_act(
        uow, who, "had listings sent anew", kind="listing", key=channel, why=why, facts={"which": which, "due": due}
    )
    return due
