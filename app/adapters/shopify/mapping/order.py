"""A whole order: the payload of orders/create and the answer to `documents.ORDER` alike."""

from __future__ import annotations

from typing import Any

from app.adapters.shopify.mapping import parties
from app.adapters.shopify.mapping.after_sales import AfterSales
from app.adapters.shopify.mapping.amounts import Amounts, currency, money
from app.adapters.shopify.mapping.reading import (
    Row,
    each,
    flag,
    loose_text,
    moment,
    required_identity,
    required_moment,
    row,
    text,
    unfit,
    untold,
    word,
)
from app.adapters.shopify.mapping.rows import Rows, applications, fees_of
from app.domains.orders.canonical import Amount, Edit, Line, LineKind, Order, Refund, Side, Totals
from app.kernel.identity import Ref
from app.kernel.money import Money

_TIP_SALE = "tip"


def order(given: Row, connection: str) -> Order:
    """The canonical order of a webhook or an answer.

    Raises Invalid: `shopify.unfit_field` where a field breaks its form, `shopify.untold_field` (Untold) where the
    document leaves out what an order has.
    """
    external_id = required_identity(given, "id")
    shop = currency(given, "currency")
    if not shop:
        raise untold("currency")
    if "line_items" not in given:
        raise untold("line_items")
    amounts = Amounts(shop, currency(given, "presentment_currency") or shop)
    after = AfterSales(amounts)
    edits = each(given, "agreements", after.edit)
    rows = Rows(
        amounts,
        applications(given),
        frozenset(sale.line_id for edit in edits for sale in edit.sales if sale.kind.lower() == _TIP_SALE),
        named=_tips_in_shop(given, amounts) != Money.zero(shop),
    )
    lines = each(given, "line_items", rows.line)
    tips, tips_outside = _tips(given, lines, amounts)
    refunds = each(given, "refunds", after.refund)
    return _assemble(
        given,
        ref=Ref(connection=connection, external_id=external_id),
        currency_shop=amounts.shop,
        currency_presentment=amounts.presentment,
        lines=lines,
        refunds=refunds,
        shipping=each(given, "shipping_lines", rows.shipping),
        fees=fees_of(given, rows, amounts),
        document_taxes=rows.taxes(given),
        transactions=after.transactions(given),
        totals=_totals(given, amounts, tips),
        tip_outside_lines=tips_outside,
        **_cash_rounding(given, amounts),
        **_edited(given, lines, refunds, edits),
    )


def _assemble(given: Row, **read: Any) -> Order:
    created = required_moment(given, "created_at")
    attributes = parties.properties(given, "note_attributes")
    return Order(
        gid=text(given, "admin_graphql_api_id") or f"gid://shopify/Order/{read['ref'].external_id}",
        name=text(given, "name"),
        number=_number(given),
        source_version=required_moment(given, "updated_at"),
        placed_at=moment(given, "processed_at") or created,
        created_at=created,
        channel=parties.channel(given),
        test=flag(given, "test"),
        cancelled_at=moment(given, "cancelled_at"),
        cancel_reason=word(given, "cancel_reason"),
        closed_at=moment(given, "closed_at"),
        customer=parties.customer(given),
        company=parties.company(given),
        bill_to=parties.address(given, "billing_address"),
        ship_to=parties.address(given, "shipping_address"),
        email=text(given, "email"),
        phone=text(given, "phone"),
        po_number=text(given, "po_number"),
        note=text(given, "note"),
        tags=_tags(given.get("tags")),
        tax_ids=parties.tax_ids(given, attributes),
        properties=attributes,
        carts=tuple(dict.fromkeys(filter(None, (text(given, "cart_token"), text(given, "checkout_token"))))),
        taxes_included=flag(given, "taxes_included"),
        duties_included=flag(given, "duties_included"),
        taxes_estimated=flag(given, "estimated_taxes"),
        payment_terms=parties.payment_terms(given),
        financial_status=word(given, "financial_status"),
        fulfilled=word(given, "fulfillment_status") == "fulfilled",
        gateways=_names(given.get("payment_gateway_names")),
        **read,
    )


def _number(given: Row) -> int | None:
    raw = given.get("order_number")
    if raw is None or type(raw) is int:
        return raw
    raise unfit("order_number", f"is {str(raw)[:40]!r}, not a whole number")


def _totals(given: Row, amounts: Amounts, tips: Amount | None) -> Totals:
    total = amounts.of(given, "total_price_set", "total_price")
    outstanding = amounts.maybe(given, "total_outstanding_set")
    if outstanding is None and amounts.shop == amounts.presentment:
        outstanding = amounts.maybe(given, "total_outstanding_set", "total_outstanding")
    return Totals(
        total=total,
        current_total=amounts.maybe(given, "current_total_price_set", "current_total_price") or total,
        items_gross=amounts.maybe(given, "total_line_items_price_set", "total_line_items_price"),
        discounts=amounts.maybe(given, "total_discounts_set", "total_discounts"),
        subtotal=amounts.maybe(given, "subtotal_price_set", "subtotal_price"),
        shipping=amounts.maybe(given, "total_shipping_price_set"),
        tax=amounts.maybe(given, "total_tax_set", "total_tax"),
        duties=amounts.maybe(given, "original_total_duties_set"),
        fees=amounts.maybe(given, "original_total_additional_fees_set"),
        tips=tips,
        outstanding=outstanding,
    )


def _tips_in_shop(given: Row, amounts: Amounts) -> Money | None:
    """The tips in the shop's currency, which is all that a webhook states of them."""
    if (pair := amounts.maybe(given, "total_tip_received_set")) is not None:
        return pair.shop
    raw = given.get("total_tip_received")
    return None if raw is None else money(raw, amounts.shop, "total_tip_received")


def _tips(given: Row, lines: tuple[Line, ...], amounts: Amounts) -> tuple[Amount | None, Amount | None]:
    """All tips, and those that are not a line: counting a tip line again would count it twice."""
    stated = _tips_in_shop(given, amounts)
    if stated is None:
        return None, None
    on_lines = Amount(
        shop=_on_lines(lines, Side.SHOP, amounts.shop),
        presentment=_on_lines(lines, Side.PRESENTMENT, amounts.presentment),
    )
    pair = amounts.maybe(given, "total_tip_received_set", "total_tip_received" if stated != on_lines.shop else "")
    tips = pair or on_lines
    apart = Amount(shop=tips.shop - on_lines.shop, presentment=tips.presentment - on_lines.presentment)
    return tips, apart if apart.shop.minor > 0 or apart.presentment.minor > 0 else None


def _on_lines(lines: tuple[Line, ...], side: Side, code: str) -> Money:
    return Money(
        sum(one.unit_price.of(side).minor * one.qty_ordered for one in lines if one.kind is LineKind.TIP), code
    )


def _cash_rounding(given: Row, amounts: Amounts) -> dict[str, Amount | None]:
    nested = given.get("cash_rounding")
    bag = given if nested is None else row(nested, "cash_rounding")
    read = {
        "cash_rounding_payment": amounts.maybe(bag, "total_cash_rounding_payment_adjustment_set"),
        "cash_rounding_refund": amounts.maybe(bag, "total_cash_rounding_refund_adjustment_set"),
    }
    return {name: one if one is not None and (one.shop or one.presentment) else None for name, one in read.items()}


def _edited(
    given: Row, lines: tuple[Line, ...], refunds: tuple[Refund, ...], agreements: tuple[Edit, ...]
) -> dict[str, Any]:
    """Whether it was edited: an answer says so, in a webhook it shows where units went that were not refunded."""
    if given.get("edited") is not None:
        edited = flag(given, "edited")
        return {"edited": edited, "edits": agreements if edited else ()}
    if given.get("cancelled_at") is not None:
        return {}
    back: dict[str, int] = {}
    for refund in refunds:
        for one in refund.lines:
            back[one.line_id] = back.get(one.line_id, 0) + one.quantity
    return {"edited": any(line.qty_current < line.qty_ordered - back.get(line.line_id, 0) for line in lines)}


def _tags(raw: object) -> tuple[str, ...]:
    """Tags in order: REST has them in one text, GraphQL in a list."""
    if raw is None or type(raw) is str:
        return tuple(sorted({tag.strip() for tag in (raw or "").split(",")} - {""}))
    if type(raw) is list:
        return tuple(sorted({loose_text(tag) for tag in raw} - {""}))
    raise unfit("tags", "is neither text nor a list")


def _names(raw: object) -> tuple[str, ...]:
    if raw is None:
        return ()
    if type(raw) is list:
        return tuple([loose_text(name) for name in raw])
    raise unfit("payment_gateway_names", "is not a list")
