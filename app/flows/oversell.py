"""Oversell: more is promised than lies there. A person chooses what becomes of it, and the orders are told of it."""

from __future__ import annotations

import uuid

from app.domains.inventory import service as inventory
from app.domains.inventory.events import OversellDecided, OversellEnded, StockOversold
from app.domains.inventory.service import Oversell
from app.domains.orders import service as orders
from app.flows.runtime import Ended, Told, step
from app.infra.cases import end_cases
from app.infra.decisions import Choice, ask
from app.infra.uow import UnitOfWork

CODE = "inventory.oversold"
OVER = Ended(code="inventory.nothing_missing")
NAMED = 50  # orders in a case: enough to look at some
TITLES = {
    "re_source": ("Send it from elsewhere", "What other places have is promised instead, as far as it goes."),
    "back_order": ("Let the buyers wait", "Each order is noted as back-ordered, with the day its goods are due."),
    "substitute": ("Offer something else", "Each order is noted for another item: edit it at its channel."),
    "cancel_line": ("Cancel what is missing", "Each order is noted for cancellation: cancel the line at its channel."),
}
NOTES = {
    "back_order": ("inventory.back_ordered", "{quantity:f} of {sku} are back-ordered, {due}"),
    "substitute": (
        "inventory.substitute",
        "{quantity:f} of {sku} are not there: agree on another item and edit the order at its channel",
    ),
    "cancel_line": (
        "inventory.cancel_line",
        "{quantity:f} of {sku} are not there: cancel so much of the line at its channel; the hub follows",
    ),
}


def place(sku: str, location: str) -> str:
    """What a case of a level is about."""
    return f"{sku} at {location}"


def ask_what_to_do(uow: UnitOfWork, told: Told[StockOversold]) -> Ended | None:
    """One case for each level, with the choices that there are; nothing where the goods came meanwhile."""
    found = inventory.oversell_of(uow, told.fact.sku, told.fact.location)
    if found is None:
        return OVER
    _ask(uow, found)
    return None


step("oversell.ask", on=StockOversold, queue="inventory", do=ask_what_to_do)


def close(uow: UnitOfWork, told: Told[OversellEnded]) -> Ended | None:
    """The goods came, or the orders went: nobody needs to decide any more."""
    fact = told.fact
    if inventory.oversell_of(uow, fact.sku, fact.location) is not None:
        return Ended(code="inventory.missing_again")
    end_cases(uow, [CODE], "", place(fact.sku, fact.location), "hub", "as much lies there as is promised")
    return None


step("oversell.close", on=OversellEnded, queue="inventory", do=close)


def carry_out(uow: UnitOfWork, told: Told[OversellDecided]) -> Ended | None:
    """What was chosen, for the orders that the level cannot serve now."""
    fact = told.fact
    found = inventory.oversell_of(uow, fact.sku, fact.location)
    if found is None:
        return OVER
    if fact.choice == "re_source":
        if inventory.re_source(uow, found) < found.missing:
            left = inventory.oversell_of(uow, fact.sku, fact.location)
            assert left is not None, "less was moved than was missing"
            _ask(uow, left)
        return None
    code, said = NOTES[fact.choice]
    due = f"due on {found.due_at:%Y-%m-%d}" if found.due_at else "and nobody said when they come in"
    for one in found.concerned:
        if _is_order(one.order_id):
            text = said.format(quantity=one.quantity, sku=found.sku, due=due)
            orders.find(uow, one.order_id, code, text, about=f"line {one.order_line}", decided_by=fact.decided_by)
    return None


step("oversell.carry_out", on=OversellDecided, queue="inventory", do=carry_out)


def _ask(uow: UnitOfWork, found: Oversell) -> None:
    names = ["back_order", "substitute", "cancel_line"]
    if found.elsewhere:
        names.insert(0, "re_source")
    choices = [
        Choice(
            name=name, title=TITLES[name][0], small=TITLES[name][1],
            fact=OversellDecided(sku=found.sku, location=found.location, choice=name),
        )
        for name in names
    ]  # fmt: skip
    about = place(found.sku, found.location)
    ask(
        uow, code=CODE, about=about, key=f"stock:{found.sku}", choices=choices,
        title=f"{found.missing:f} more of {about} are promised than lie there",
        facts={
            "sku": found.sku, "location": found.location, "missing": str(found.missing),
            "elsewhere": {name: str(quantity) for name, quantity in found.elsewhere.items()},
            "due_at": found.due_at.isoformat() if found.due_at else "",
            "orders": [
                {"order_id": one.order_id, "line": one.order_line, "quantity": str(one.quantity)}
                for one in found.concerned[:NAMED]
            ],
        },
    )  # fmt: skip


def _is_order(order_id: str) -> bool:
    try:
        uuid.UUID(order_id)
    except ValueError:
        return False  # a cart
    return True
