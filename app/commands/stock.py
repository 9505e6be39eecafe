"""`flask stock …`: what a person says about stock before a system says it."""

from __future__ import annotations

import click

from app.commands.terminal import Commands, as_json, tell, who
from app.domains.inventory import service as inventory
from app.infra.acts import record_act
from app.infra.web.wiring import hub
from app.kernel.written import number_of

SOURCE = "terminal"

stock = Commands("stock", help="Stock figures and what happens to SKUs that nobody counted.")


@stock.command("set")
@click.argument("sku")
@click.argument("location")
@click.argument("quantity")
@click.option("--source", default=SOURCE, show_default=True, help="Who counted; the first to count a level owns it.")
@as_json
def set_stock(sku: str, location: str, quantity: str, source: str, json_wanted: bool) -> None:
    """Say that QUANTITY of SKU lies at LOCATION now."""
    number = number_of(quantity, "quantity", "stock.quantity")
    with hub().unit_of_work() as uow:
        changed = inventory.set_snapshot(uow, source, sku, location, number, uow.hub.clock.now())
        record_act(uow, who(), "set stock", kind="stock", key=f"{sku}|{location}", facts={"quantity": str(number)})
        figure = inventory.available(uow, [sku])[sku].quantity
    facts = {"sku": sku, "location": location, "changed": changed, "available": figure}
    tell(f"{sku} at {location}: {number} lie there, {figure} of it in all may be sold", facts, json_wanted=json_wanted)


@stock.command("policy")
@click.argument("unknown_sku", type=click.Choice(["refuse", "untracked"]))
@click.option("--company", default="", help="For one company; for all without.")
@as_json
def policy(unknown_sku: str, company: str, json_wanted: bool) -> None:
    """What happens to an order of a SKU that no stock source ever reported: refuse holds it, untracked sells it."""
    with hub().unit_of_work() as uow:
        inventory.set_policy(uow, company, unknown_sku)
        record_act(uow, who(), "set the stock policy", kind="stock", key=company, facts={"unknown_sku": unknown_sku})
    tell(f"unknown SKUs: {unknown_sku}", {"company": company, "unknown_sku": unknown_sku}, json_wanted=json_wanted)
