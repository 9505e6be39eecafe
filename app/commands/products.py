"""`flask product`: the catalogue in a terminal."""

from __future__ import annotations

from typing import Any

import click

from app.commands.terminal import Commands, as_json, listed, tell, who
from app.domains.product import queries
from app.domains.product.canonical import Product
from app.flows import catalogue_alignment, catalogue_in
from app.infra.web.wiring import hub
from app.kernel import codec

products = Commands("product", help="What is sold: products, their SKUs and units, and where they come from.")
COLUMNS = ("code", "company", "title", "status", "version", "variants", "changed_at")
company_option = click.option("--company", default="", help="Whose SKU it is.")


@products.command("import")
@click.argument("connection")
@click.option(
    "--whole", is_flag=True, help="All that it holds; what changed since the last import, where it is left out."
)
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def import_products(connection: str, whole: bool, why: str, json_wanted: bool) -> None:
    """Take in what CONNECTION holds of products, as a run that can be stopped and resumed (`flask runs`)."""
    with hub().unit_of_work() as uow:
        known = uow.hub.connections.get(uow.session, connection)
        run_id = catalogue_in.start(uow, known, whole=whole, who=who(), why=why)
    tell(
        f"The import is under way. `flask runs show {run_id}` tells how far it is.",
        {"run": run_id},
        json_wanted=json_wanted,
    )


@products.command("list")
@click.argument("find", default="")
@click.option("--status", type=click.Choice(["draft", "active", "retired"]), default=None)
@click.option("--company", default=None, help="Of this company only.")
@click.option("--most", type=click.IntRange(1, 200), default=50, show_default=True)
@as_json
def list_products(find: str, status: str | None, company: str | None, most: int, json_wanted: bool) -> None:
    """Products by their code; FIND is a GTIN, or what a code or SKU begins with."""
    chosen = queries.Filter(company=company, status=status or "", find=find)
    with hub().unit_of_work() as uow:
        rows = [{name: getattr(one, name) for name in COLUMNS} for one in queries.page(uow, chosen, most=most)]
    listed(rows, COLUMNS, json_wanted=json_wanted, nothing="No such product.")


@products.command("show")
@click.argument("sku")
@company_option
@as_json
def show(sku: str, company: str, json_wanted: bool) -> None:
    """The product that SKU lies under, with its variants, units and components, and who told what of it."""
    with hub().unit_of_work() as uow:
        product = queries.product(uow, queries.place(uow, sku, company=company).product_id)
    tell(_words(product), codec.dump(product), json_wanted=json_wanted)


@products.command("align")
@click.argument("connection")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def align(connection: str, why: str, json_wanted: bool) -> None:
    """Compare all that CONNECTION holds with the hub; nothing is changed. `flask product drift` has what differs."""
    with hub().unit_of_work() as uow:
        known = uow.hub.connections.get(uow.session, connection)
        run_id = catalogue_alignment.start(uow, known, who=who(), why=why)
    said = f"They are being compared. `flask runs show {run_id}` tells how far it is."
    tell(said, {"run": run_id}, json_wanted=json_wanted)


@products.command("drift")
@click.argument("connection", default="")
@click.option("--most", type=click.IntRange(1, 10_000), default=200, show_default=True)
@as_json
def drift(connection: str, most: int, json_wanted: bool) -> None:
    """Where CONNECTION, or any, and the hub are not alike, as the last comparison found."""
    columns = ("connection", "sku", "kind", "field", "ours", "theirs", "found_at")
    with hub().unit_of_work() as uow:
        found = queries.drifts(uow, connection=connection, most=most)
    rows = [{name: getattr(one, name) for name in columns} for one in found]
    listed(rows, columns, json_wanted=json_wanted, nothing="All is alike.")


def _words(product: Product) -> str:
    head = f"{product.code}  {product.title}  ({product.status}, version {product.version})"
    lines = [head, f"  tax code {product.tax_code or '-'}, type {product.product_type or '-'}"]
    for variant in product.variants:
        facts: list[Any] = [variant.gtin, " / ".join(variant.options.values()), f"in {variant.uom}", variant.status]
        lines.append(f"  {variant.sku}  " + ", ".join(fact for fact in facts if fact))
        lines += [f"    1 {unit.unit} = {unit.factor} {variant.uom}" for unit in variant.units]
        lines += [f"    holds {part.quantity} {part.sku}" for part in variant.components]
    lines += [f"  {group} from {one.source}, {one.at:%Y-%m-%d %H:%M}" for group, one in sorted(product.origins.items())]
    return "\n".join(lines)
