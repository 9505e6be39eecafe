"""`flask product map …`: what a channel's SKU is here, which ones nobody knows, and what they may be."""

from __future__ import annotations

import click

from app.commands.products import company_option, products
from app.commands.terminal import as_json, listed, tell, who
from app.domains.product import queries
from app.flows import sku_mapping
from app.infra.web.wiring import hub

__all__ = ["products"]
COLUMNS = ("connection", "external", "sku", "company", "chosen_by", "chosen_at")


@products.command("map")
@click.argument("external")
@click.argument("sku")
@click.option("--at", "channels", multiple=True, help="The channel that sells it; all whose orders wait, without.")
@company_option
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def map_sku(external: str, sku: str, channels: tuple[str, ...], company: str, why: str, json_wanted: bool) -> None:
    """A channel's SKU EXTERNAL is our SKU; the orders that wait for it go on by themselves."""
    with hub().unit_of_work() as uow:
        done = sku_mapping.map_sku(uow, external, sku, who(), channels=channels, company=company, why=why)
    more = f"; {done.released} deliveries that waited for it go on" if done.released else ""
    facts = {
        "external": external, "sku": done.sku, "channels": done.channels, "cases": done.cases,
        "released": done.released,
    }  # fmt: skip
    tell(f"{external} is {done.sku} at {', '.join(done.channels)}{more}", facts, json_wanted=json_wanted)


@products.command("unmap")
@click.argument("connection")
@click.argument("external")
@click.option("--why", required=True, help="Kept in the audit.")
@as_json
def unmap(connection: str, external: str, why: str, json_wanted: bool) -> None:
    """Forget what the SKU EXTERNAL of CONNECTION is here."""
    with hub().unit_of_work() as uow:
        sku_mapping.forget_sku(uow, connection, external, who(), why)
    facts = {"connection": connection, "external": external}
    tell(f"{external} of {connection} is mapped no more", facts, json_wanted=json_wanted)


@products.command("unmapped")
@click.option("--most", type=click.IntRange(1, 1000), default=20, show_default=True)
@as_json
def list_unmapped(most: int, json_wanted: bool) -> None:
    """SKUs that orders wait for, with what they may be, the likeliest first."""
    with hub().unit_of_work() as uow:
        rows = [
            {
                "external": one.sku, "title": one.title, "channels": ", ".join(one.channels), "erp": one.erp,
                "waiting": one.waiting, "case": one.case_id,
                "likely": [f"{each.sku} ({each.why})" for each in sku_mapping.suggest(uow, one)],
            }
            for one in sku_mapping.unmapped(uow)[:most]
        ]  # fmt: skip
    columns = ["external", "title", "channels", "erp", "waiting", "likely"]
    listed(rows, columns, json_wanted=json_wanted, nothing="no order waits for a SKU")


@products.command("aliases")
@click.argument("connection", default="")
@click.option("--most", type=click.IntRange(1, 10_000), default=200, show_default=True)
@as_json
def list_aliases(connection: str, most: int, json_wanted: bool) -> None:
    """What CONNECTION, or every channel, calls our SKUs."""
    with hub().unit_of_work() as uow:
        found = queries.aliases(uow, connection, most=most)
    rows = [{name: getattr(one, name) for name in COLUMNS} for one in found]
    listed(rows, COLUMNS, json_wanted=json_wanted, nothing="no SKU is mapped")
