"""`flask stock-out`: how far channels are that are told stock, what they were told, and having them told anew.

`flask stock-out read` has a source of stock read now.
"""

from __future__ import annotations

import click

from app.commands.terminal import Commands, as_json, listed, tell, who
from app.domains.inventory.queries.outgoing import channel_levels, channel_stocks
from app.flows import availability, stock_in
from app.infra.web.wiring import hub
from app.kernel.errors import NotFound, Refused

stock_out = Commands("stock-out", help="Stock that channels are told, and sources that are read.")
CHANNEL = ("channel", "skus", "waiting", "since", "newest", "paused", "unlisted", "refused", "owed", "last_sent_at")
LEVEL = ("sku", "due", "state", "sent", "sent_at", "owed", "found", "said")


@stock_out.command("status")
@as_json
def status(json_wanted: bool) -> None:
    """How far each channel is."""
    with hub().unit_of_work() as uow:
        rows = [{name: getattr(one, name) for name in CHANNEL} for one in channel_stocks(uow)]
    listed(rows, CHANNEL, json_wanted=json_wanted, nothing="No channel was ever told stock.")


@stock_out.command("show")
@click.argument("channel")
@click.argument("sku")
@as_json
def show(channel: str, sku: str, json_wanted: bool) -> None:
    """What CHANNEL was last told of SKU."""
    _levels(channel, json_wanted=json_wanted, nothing=f"{channel} was never to be told the stock of {sku}.", sku=sku)


@stock_out.command("troubled")
@click.argument("channel")
@click.option("--after", default="", help="Those after a SKU.")
@as_json
def troubled(channel: str, after: str, json_wanted: bool) -> None:
    """What CHANNEL does not list, or takes no stock for, and why."""
    nothing = "Every listing takes its stock."
    _levels(channel, json_wanted=json_wanted, nothing=nothing, view="troubled", after=after)


@stock_out.command("push")
@click.argument("channel")
@click.option("--sku", default="*", show_default=True, help="One SKU, or several by a pattern such as TENT-*.")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def push(channel: str, sku: str, why: str, json_wanted: bool) -> None:
    """Compare what CHANNEL was told with what it is offered, and tell it what differs."""
    with hub().unit_of_work() as uow:
        if channel not in availability.telling(uow):
            said = f"{channel} is told no stock: choose its figure in its settings"
            raise NotFound("inventory.not_told", said, about=channel)
        due = availability.push(uow, channel, sku, who=who(), why=why)
    tell(f"{due} SKUs of {channel} are compared and told where they differ", {"due": due}, json_wanted=json_wanted)


@stock_out.command("read")
@click.argument("source")
@click.option("--whole", is_flag=True, help="Everything, and not only what moved.")
@as_json
def read(source: str, whole: bool, json_wanted: bool) -> None:
    """Have SOURCE, a connection that counts goods, read now."""
    with hub().unit_of_work() as uow:
        connection = hub().connections.get(uow.session, source)
        if not stock_in.place_of(connection):
            said = f"{source} is not read: name the place that its figures are of in its settings"
            raise Refused("inventory.not_read", said, about=source)
        stock_in.request(uow, source, whole=whole)
    tell(f"{source} is read", {"source": source, "whole": whole}, json_wanted=json_wanted)


def _levels(channel: str, *, json_wanted: bool, nothing: str, sku: str = "", view: str = "", after: str = "") -> None:
    with hub().unit_of_work() as uow:
        found = channel_levels(uow, channel, sku=sku, view=view, after=after)
        rows = [{name: getattr(one, name) for name in LEVEL} for one in found]
    listed(rows, LEVEL, json_wanted=json_wanted, nothing=nothing)
