"""The equations of an order, written apart from the sandbox, in whole minor units worked from the document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

SIDES = ("shop_money", "presentment_money")


def minor(money: Mapping[str, Any]) -> int:
    places = {"JPY": 0, "KWD": 3}.get(money["currency_code"], 2)
    scaled = Decimal(money["amount"]).scaleb(places)
    assert scaled == int(scaled)
    return int(scaled)


def taxes(row: Mapping[str, Any], side: str) -> int:
    return sum(minor(each["price_set"][side]) for each in row["tax_lines"])


def off(row: Mapping[str, Any], side: str) -> int:
    return sum(minor(each["amount_set"][side]) for each in row["discount_allocations"])


def check(order: Mapping[str, Any]) -> None:
    """Prove E1 to E4 and E6 on both sides, and that the shop's side is what stands beside the sets."""
    for side in SIDES:
        lines, shipping = order["line_items"], order["shipping_lines"]
        rows = [*lines, *shipping]
        gross = sum(minor(line["price_set"][side]) * line["quantity"] for line in lines)
        charged = sum(minor(each["price_set"][side]) for each in shipping)
        discounts, tax = sum(off(row, side) for row in rows), sum(taxes(row, side) for row in rows)
        total = gross + charged - discounts + (0 if order["taxes_included"] else tax)
        assert minor(order["total_price_set"][side]) == total  # E1
        assert minor(order["total_line_items_price_set"][side]) == gross  # E2
        assert minor(order["total_discounts_set"][side]) == discounts  # E3
        assert minor(order["total_tax_set"][side]) == tax  # E4
        named: Counter[tuple[str, Any]] = Counter()
        for row in rows:
            for each in row["tax_lines"]:
                named[each["title"], each["rate"]] += minor(each["price_set"][side])
        stated = {(each["title"], each["rate"]): minor(each["price_set"][side]) for each in order["tax_lines"]}
        assert {name: amount for name, amount in stated.items() if amount} == {
            name: amount for name, amount in named.items() if amount
        }  # E6
        assert all(0 <= off(line, side) <= minor(line["price_set"][side]) * line["quantity"] for line in lines)
    for name in ("total_price", "total_tax", "total_discounts", "subtotal_price", "current_total_price"):
        assert order[name] == order[f"{name}_set"]["shop_money"]["amount"]


def refunded_goods(order: Mapping[str, Any], side: str) -> int:
    """What refunds took off the order: lines with their tax, and shipping with its tax."""
    on_top = not order["taxes_included"]
    goods = 0
    for refund in order["refunds"]:
        for each in refund["refund_line_items"]:
            goods += minor(each["subtotal_set"][side]) + on_top * minor(each["total_tax_set"][side])
        for each in refund["order_adjustments"]:
            if each["kind"] == "shipping_refund":
                goods -= minor(each["amount_set"][side]) + on_top * minor(each["tax_amount_set"][side])
    return goods


def check_refunds(order: Mapping[str, Any], transactions: list[Mapping[str, Any]]) -> None:
    """Prove E7 for an order that was not edited, and E8 for each of its refunds."""
    for side in SIDES:
        assert minor(order["current_total_price_set"][side]) == minor(order["total_price_set"][side]) - refunded_goods(
            order, side
        )
        for refund in order["refunds"]:
            paid = {each["id"] for each in refund["transactions"]}
            money = sum(minor(each["amount_set"][side]) for each in transactions if each["id"] in paid)
            differences = sum(
                minor(each["amount_set"][side])
                for each in refund["order_adjustments"]
                if each["kind"] == "refund_discrepancy"
            )
            assert money == refunded_goods({**order, "refunds": [refund]}, side) - differences  # E8
