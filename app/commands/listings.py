"""`flask listings`: which products channels show, what is missing for the others, and having them published."""

from __future__ import annotations

import click

from app.commands.terminal import Commands, as_json, listed, tell, who
from app.domains.product import queries
from app.domains.product.lifecycle import ListingState
from app.domains.product.queries import ListingFilter
from app.flows import listing_alignment, listing_all, listing_wish
from app.infra.web.wiring import hub

listings = Commands("listings", help="Products at channels.")
COLUMNS = ("channel", "code", "state", "fresh", "reason", "external_id", "sent_at", "changed_at")
STATES = [state.value for state in ListingState]
why_option = click.option("--why", default="", help="Kept in the audit.")


@listings.command("status")
@click.argument("channel", default="")
@as_json
def status(channel: str, json_wanted: bool) -> None:
    """How many products of CHANNEL, or of each, are in which state."""
    columns = ("channel", "state", "count", "since")
    with hub().unit_of_work() as uow:
        rows = [{name: getattr(one, name) for name in columns} for one in queries.listing_counts(uow, channel)]
    nothing = "No channel lists a product; set publish_products of a connection to chosen or all."
    listed(rows, columns, json_wanted=json_wanted, nothing=nothing)


@listings.command("list")
@click.argument("channel", default="")
@click.option("--state", type=click.Choice(STATES), default=None, help="Those in this state alone.")
@click.option("--find", default="", help="Those whose product's code begins so.")
@click.option("--most", type=click.IntRange(1, 10_000), default=50, show_default=True)
@as_json
def show(channel: str, state: str | None, find: str, most: int, json_wanted: bool) -> None:
    """Products at CHANNEL, or at any, those that stand so for the longest first."""
    wanted = ListingFilter(channel=channel, state=state or "", find=find)
    with hub().unit_of_work() as uow:
        found = queries.listings(uow, wanted, most=most)
    rows = [{name: getattr(one, name) for name in COLUMNS} for one in found]
    listed(rows, ("channel", "code", "state", "reason", "sent_at"), json_wanted=json_wanted, nothing="None is listed.")


@listings.command("missing")
@click.argument("channel")
@click.argument("code")
@as_json
def missing(channel: str, code: str, json_wanted: bool) -> None:
    """What keeps product CODE from standing at CHANNEL, field by field."""
    with hub().unit_of_work() as uow:
        product_id = queries.ids_of(uow, [code], uow.hub.connections.get(uow.session, channel).company).get(code)
        if product_id is None:
            raise queries.unknown(code)
        found = queries.listings(uow, ListingFilter(channel=channel, product_id=product_id))
    rows = [{"sku": one.sku, "field": one.field, "said": one.said} for row in found for one in row.problems]
    listed(rows, ("sku", "field", "said"), json_wanted=json_wanted, nothing="Nothing is missing.")


@listings.command("publish")
@click.argument("channel")
@click.argument("codes", nargs=-1, required=True)
@why_option
@as_json
def publish(channel: str, codes: tuple[str, ...], why: str, json_wanted: bool) -> None:
    """Have the products CODES shown at CHANNEL; those that stand there are sent anew."""
    with hub().unit_of_work() as uow:
        due = listing_wish.list_codes(uow, channel, codes, who(), wanted=True, why=why)
    tell(f"{due} products are on their way to {channel}", {"due": due}, json_wanted=json_wanted)


@listings.command("publish-all")
@click.argument("channel")
@why_option
@as_json
def publish_all(channel: str, why: str, json_wanted: bool) -> None:
    """Have every product of CHANNEL's company shown there that is not retired, page by page."""
    with hub().unit_of_work() as uow:
        run_id = listing_all.start(uow, uow.hub.connections.get(uow.session, channel), who=who(), why=why)
    said = f"They are put on their way. `flask runs show {run_id}` tells how far it is."
    tell(said, {"run": run_id}, json_wanted=json_wanted)


@listings.command("unpublish")
@click.argument("channel")
@click.argument("codes", nargs=-1, required=True)
@why_option
@as_json
def unpublish(channel: str, codes: tuple[str, ...], why: str, json_wanted: bool) -> None:
    """Have the products CODES hidden at CHANNEL; their listings and ids stay."""
    with hub().unit_of_work() as uow:
        due = listing_wish.list_codes(uow, channel, codes, who(), wanted=False, why=why)
    tell(f"{due} products are taken off {channel}", {"due": due}, json_wanted=json_wanted)


@listings.command("again")
@click.argument("channel")
@click.argument("which", type=click.Choice(list(listing_wish.WHICH)))
@why_option
@as_json
def again(channel: str, which: str, why: str, json_wanted: bool) -> None:
    """Send listings of CHANNEL anew: those that wait, were rejected, drifted, or are live; a thousand at most."""
    with hub().unit_of_work() as uow:
        due = listing_wish.send_again(uow, channel, which, who(), why=why)
    tell(f"{due} products are on their way to {channel}", {"due": due}, json_wanted=json_wanted)


@listings.command("align")
@click.argument("channel")
@why_option
@as_json
def align(channel: str, why: str, json_wanted: bool) -> None:
    """Compare what CHANNEL shows with what the hub wishes; nothing is repaired."""
    with hub().unit_of_work() as uow:
        connection = uow.hub.connections.get(uow.session, channel)
        run_id = listing_alignment.start(uow, connection, who=who(), why=why)
    said = f"They are being compared. `flask runs show {run_id}` tells how far it is."
    tell(said, {"run": run_id}, json_wanted=json_wanted)
