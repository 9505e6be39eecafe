"""Words of an order that an ERP has words of its own for: shipping method, country, payment method, tax.

A kind that an ERP's value map does not have at all is sent as the channel says it, or not at all. A kind that is mapped
is mapped whole: a word it lacks is a case, one for all orders that say it, and they go on once it is there. The word *
stands for all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from app.domains.orders.canonical import Order
from app.domains.orders.ports import Posting
from app.infra.uow import UnitOfWork
from app.infra.value_maps import OTHERS, mapped_kinds
from app.kernel.errors import NeedsAttention

TAXED = ("shipping", "duty", "fee")  # words of `tax_code` beside the titles of taxes


def _method(order: Order) -> str:
    return next((row.code for row in order.shipping if not row.is_removed), "")


def _country(order: Order) -> str:
    return next((one.country_code for one in (order.ship_to, order.bill_to) if one and one.country_code), "")


def _gateway(order: Order) -> str:
    return next(iter(order.gateways), "")


WHOLE: Mapping[str, Callable[[Order], str]] = {
    "shipment_method": _method, "country": _country, "payment_method": _gateway,
}  # fmt: skip
KINDS = (*WHOLE, "tax_code")


def words_of(order: Order) -> set[str]:
    """Every word of an order that a map may have."""
    addresses = {one.country_code for one in (order.ship_to, order.bill_to) if one}
    taxes = {tax.title for line in order.lines for tax in line.taxes}
    return {*addresses, *taxes, *TAXED, *(of(order) for of in WHOLE.values()), OTHERS} - {""}


def with_others(known: Mapping[str, Mapping[str, str]], order: Order) -> dict[str, Mapping[str, str]]:
    """What is known of an order's words, where * stands for those that are not."""
    found = dict(known)
    for kind, of in WHOLE.items():
        words = found.get(kind, {})
        if OTHERS in words and (word := of(order)) and word not in words:
            found[kind] = {**words, word: words[OTHERS]}
    return found


def require_words(uow: UnitOfWork, erp: str, postings: Iterable[Posting]) -> None:
    """Raises NeedsAttention (`erp.<kind>_missing`) for the first word that a map of the ERP lacks."""
    lacking = [
        (posting, kind, word)
        for posting in postings
        for kind, of in WHOLE.items()
        if (word := of(posting.order)) and word not in posting.known.get(kind, {})
    ]
    used = mapped_kinds(uow, erp, {kind for _, kind, _ in lacking}) if lacking else set()
    for posting, kind, word in lacking:
        if kind in used:
            raise NeedsAttention(
                f"erp.{kind}_missing",
                f"{erp} has no {kind.replace('_', ' ')} for {word}: map it, or map {OTHERS} to what all others are",
                about=f"{kind} {word}", order_id=posting.order_id,
            )  # fmt: skip
