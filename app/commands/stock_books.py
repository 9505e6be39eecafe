"""More of `flask stock …`: what a SKU's figure is made of, what channels agreed, the recount, and drift."""

from __future__ import annotations

import click

from app.commands.stock import stock
from app.commands.terminal import as_json, listed, one, tell, who
from app.domains.inventory import queries
from app.domains.inventory import service as inventory
from app.domains.inventory.canonical import ChannelPolicy
from app.infra.acts import record_act
from app.infra.web.wiring import hub
from app.kernel.errors import Invalid, NotFound
from app.kernel.written import number_of, whole_of

__all__ = ["stock"]
QUANTITY = "stock.quantity"  # the code of what is no quantity
LIMITS = ("safety", "buffer", "cap", "share", "fixed", "backorder_limit", "pause_at", "inbound_confidence",
          "scarce_below")  # fmt: skip
COUNTS = ("priority", "inbound_days")


@stock.command("show")
@click.argument("sku")
@click.option("--channel", default="", help="What this channel is offered, term by term.")
@as_json
def show(sku: str, channel: str, json_wanted: bool) -> None:
    """What can be sold of SKU, at each location, and what a channel is offered of it."""
    with hub().unit_of_work() as uow:
        found = queries.standings(uow, [sku]).get(sku)
        if found is None:
            raise NotFound("inventory.unknown_sku", f"no source ever reported {sku}: count it first", about=sku)
        places = queries.places_of(uow, sku)
        offer = queries.offered(uow, channel, [sku]).get(sku) if channel else None
    row = {"sku": sku, "available": found.available, "as_of": found.as_of, "version": found.version}
    for place in places:
        row[f"free at {place['location']}"] = place["free"]
    if offer is not None:
        row |= {f"{channel}: {term.name}": term.value for term in offer.terms}
        row |= {f"{channel}: offered": offer.quantity, f"{channel}: paused": offer.paused}
    one(row, json_wanted=json_wanted)


@stock.command("agree")
@click.argument("channel")
@click.argument("pattern", default="*")
@click.option("--set", "terms", multiple=True, metavar="NAME=VALUE", help=f"{', '.join((*LIMITS, *COUNTS))}.")
@click.option("--location", "locations", multiple=True, help="Sells from here; without any, from everywhere.")
@click.option("--overcommit", is_flag=True, help="May be offered what others are offered as well.")
@as_json
def agree(
    channel: str, pattern: str, terms: tuple[str, ...], locations: tuple[str, ...], overcommit: bool, json_wanted: bool
) -> None:
    """Write CHANNEL's policy for the SKUs that match PATTERN, in place of the one before; "" is every channel."""
    given: dict[str, object] = {"channel": channel, "pattern": pattern, "locations": locations}
    for term in terms:
        name, _, value = term.partition("=")
        if name not in (*LIMITS, *COUNTS):
            raise Invalid("inventory.bad_policy", f"{name!r} is no term: {', '.join((*LIMITS, *COUNTS))}", about=name)
        given[name] = (whole_of if name in COUNTS else number_of)(value, name, QUANTITY)
    policy = ChannelPolicy(overcommit=overcommit, **given)  # type: ignore[arg-type]  # each name is checked above
    with hub().unit_of_work() as uow:
        inventory.set_channel_policy(uow, policy, who())
        record_act(
            uow, who(), "set a channel policy", kind="policy", key=f"{channel}|{pattern}", facts={"terms": terms}
        )
    tell(f"{channel or 'every channel'} offers {pattern} so", {"channel": channel, "pattern": pattern},
         json_wanted=json_wanted)  # fmt: skip


@stock.command("disagree")
@click.argument("channel")
@click.argument("pattern")
@as_json
def disagree(channel: str, pattern: str, json_wanted: bool) -> None:
    """Take CHANNEL's policy for PATTERN away."""
    with hub().unit_of_work() as uow:
        inventory.drop_channel_policy(uow, channel, pattern)
        record_act(uow, who(), "dropped a channel policy", kind="policy", key=f"{channel}|{pattern}")
    tell("gone", {"channel": channel, "pattern": pattern}, json_wanted=json_wanted)


@stock.command("policies")
@as_json
def policies(json_wanted: bool) -> None:
    """What every channel agreed."""
    with hub().unit_of_work() as uow:
        found = queries.every_policy(uow)
    columns = ["channel", "pattern", "locations", *LIMITS, *COUNTS, "overcommit"]
    rows = [{name: getattr(policy, name) for name in columns} for policy in found]
    listed(rows, columns, json_wanted=json_wanted, nothing="nothing is agreed: every channel sells all there is")


@stock.command("unit")
@click.argument("unit")
@click.argument("factor")
@click.option("--sku", default="", help="For one SKU; for all without.")
@as_json
def unit(unit: str, factor: str, sku: str, json_wanted: bool) -> None:
    """One UNIT is FACTOR of the unit that stock is kept in."""
    with hub().unit_of_work() as uow:
        inventory.set_unit(uow, sku, unit, number_of(factor, "factor", QUANTITY))
        record_act(uow, who(), "set a stock unit", kind="stock", key=f"{sku}|{unit}", facts={"factor": factor})
    tell(f"one {unit} is {factor}", {"sku": sku, "unit": unit, "factor": factor}, json_wanted=json_wanted)


@stock.command("recount")
@as_json
def recount(json_wanted: bool) -> None:
    """Add every counter up again from the ledger and the reservations; what differs becomes a drift."""
    looked = found = corrected = 0
    last = ""
    while True:
        with hub().unit_of_work() as uow:
            page = inventory.recount(uow, last)
        looked, found, corrected = looked + page.looked, found + len(page.found), corrected + page.corrected
        last = page.last
        if not last:
            break
    facts = {"skus": looked, "differences": found, "corrected_skus": corrected}
    tell(f"{looked} SKUs looked at, {found} counters differ, {corrected} SKUs corrected by rule", facts,
         json_wanted=json_wanted)  # fmt: skip


@stock.command("drift")
@click.option("--sku", default="", help="Of one SKU.")
@as_json
def drift(sku: str, json_wanted: bool) -> None:
    """What differs between the hub and the other books, the newest first."""
    with hub().unit_of_work() as uow:
        found = queries.drifts(uow, sku=sku, most=200)
    columns = ["id", "kind", "other", "sku", "location", "field", "ours", "theirs", "cause"]
    rows = [{name: getattr(row, name) for name in columns} for row in found]
    listed(rows, columns, json_wanted=json_wanted, nothing="the books agree")


@stock.command("correct")
@click.argument("drift_id", type=int)
@click.option("--accept", is_flag=True, help="Leave both books as they are instead.")
@as_json
def correct(drift_id: int, accept: bool, json_wanted: bool) -> None:
    """Make the two books of a drift agree."""
    with hub().unit_of_work() as uow:
        settle = inventory.accept_drift if accept else inventory.correct_drift
        found = settle(uow, drift_id, who())
        did = "accepted a stock drift" if accept else "corrected a stock drift"
        record_act(uow, who(), did, kind="stock", key=f"{found.sku}|{found.location}", facts={"drift": drift_id})
    tell(f"{found.sku}: {did}", {"id": drift_id, "sku": found.sku, "accepted": accept}, json_wanted=json_wanted)


@stock.command("tolerance")
@click.argument("book")
@click.argument("tolerance")
@click.option("--automatic", default="0", show_default=True, help="Up to so much is corrected unasked.")
@as_json
def tolerance(book: str, tolerance: str, automatic: str, json_wanted: bool) -> None:
    """How far BOOK may differ: a source, a channel, `ledger`, or "" for each without a rule of its own."""
    rule = inventory.Rule(
        tolerance=number_of(tolerance, "tolerance", QUANTITY),
        automatic_up_to=number_of(automatic, "automatic", QUANTITY),
    )
    with hub().unit_of_work() as uow:
        inventory.set_rule(uow, book, rule)
        record_act(uow, who(), "set a stock tolerance", kind="stock", key=book,
                   facts={"tolerance": tolerance, "automatic": automatic})  # fmt: skip
    tell(f"{book or 'every book'} may differ by {tolerance}",
         {"book": book, "tolerance": tolerance, "automatic": automatic}, json_wanted=json_wanted)  # fmt: skip
