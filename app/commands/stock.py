"""`flask stock …` and `flask map …`: what a person says about stock and words before a system says it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import click
from sqlalchemy import select

from app.commands.terminal import Commands, as_json, listed, tell, who
from app.domains.inventory import service as inventory
from app.infra.acts import record_act
from app.infra.value_maps import ValueMapRow, set_value
from app.infra.web.wiring import hub
from app.kernel.errors import Invalid

SOURCE = "terminal"

stock = Commands("stock", help="Stock figures and what happens to SKUs that nobody counted.")
maps = Commands("map", help="The words of one system in the words of another.")


@stock.command("set")
@click.argument("sku")
@click.argument("location")
@click.argument("quantity")
@click.option("--source", default=SOURCE, show_default=True, help="Who counted; the first to count a level owns it.")
@as_json
def set_stock(sku: str, location: str, quantity: str, source: str, json_wanted: bool) -> None:
    """Say that QUANTITY of SKU lies at LOCATION now."""
    try:
        number = Decimal(quantity)
    except InvalidOperation as wrong:
        raise Invalid("stock.quantity", f"{quantity!r} is no quantity; give a number such as 12") from wrong
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


@maps.command("set")
@click.argument("connection")
@click.argument("kind")
@click.argument("source")
@click.argument("target")
@as_json
def set_map(connection: str, kind: str, source: str, target: str, json_wanted: bool) -> None:
    """At CONNECTION our SOURCE of this KIND (item, location, unit, variant, shipment_method …) is TARGET."""
    with hub().unit_of_work() as uow:
        hub().connections.get(uow.session, connection)
        set_value(uow, connection, kind, source, target, who())
    facts = {"connection": connection, "kind": kind, "source": source, "target": target}
    tell(f"at {connection} the {kind} {source} is {target}", facts, json_wanted=json_wanted)


@maps.command("list")
@click.argument("connection", required=False, default="")
@as_json
def list_maps(connection: str, json_wanted: bool) -> None:
    """Every mapped word, of one CONNECTION or of all."""
    wanted = select(ValueMapRow).order_by(ValueMapRow.connection, ValueMapRow.kind, ValueMapRow.source)
    with hub().unit_of_work() as uow:
        rows = uow.session.scalars(wanted.filter_by(connection=connection) if connection else wanted).all()
        found = [
            {"connection": row.connection, "kind": row.kind, "source": row.source, "target": row.target} for row in rows
        ]
    listed(found, ["connection", "kind", "source", "target"], json_wanted=json_wanted, nothing="nothing is mapped")
