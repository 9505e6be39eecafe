"""`flask prices`: which prices channels show, how far they are, and having them sent."""

from __future__ import annotations

import click

from app.commands.terminal import Commands, as_json, listed, tell, who
from app.domains.pricing.policy.channel_prices import ChannelRule
from app.domains.pricing.queries.channels import channel_prices, channel_rule, channel_standings
from app.domains.pricing.service.channel_prices import mark_all, set_channel_rule
from app.infra.acts import record_act
from app.infra.web.wiring import hub
from app.kernel.errors import NotFound
from app.kernel.written import number_of

prices = Commands("prices", help="Prices that channels show.")
PRICES = ("sku", "due", "amount", "compare_at", "currency", "price_list", "sent_at", "code", "said")


@prices.command("channel")
@click.argument("channel")
@click.option("--currency", required=True)
@click.option("--gross/--net", "includes_tax", required=True, help="Whether the channel's prices include tax.")
@click.option("--company", default="", help="Whose lists count besides those of everybody.")
@click.option("--country", default="", help="Whose tax stands between net and gross.")
@click.option("--region", default="")
@click.option("--compare-list", default="", help="The list whose higher price is shown struck through.")
@click.option("--ending", default="", metavar="PART", help="Such as 0.99: never below the list's price.")
@click.option("--closed", is_flag=True, help="Send it none for now.")
@click.option("--why", default="", help="Kept in the audit.")
@as_json
def channel(
    channel: str, currency: str, includes_tax: bool, company: str, country: str, region: str, compare_list: str,
    ending: str, closed: bool, why: str, json_wanted: bool,
) -> None:  # fmt: skip
    """Say how CHANNEL shows prices; all that differ are sent."""
    part = number_of(ending, "ending", "pricing.channel_rule", like="0.99") if ending else None
    rule = ChannelRule(
        channel=channel, currency=currency.upper(), includes_tax=includes_tax, company=company,
        country=country.upper(), region=region.upper(), compare_list=compare_list, ending=part, open=not closed,
    )  # fmt: skip
    with hub().unit_of_work() as uow:
        due = set_channel_rule(uow, rule, who(), why)
    tell(f"{due} SKUs of {channel} are compared and sent where they differ", {"due": due}, json_wanted=json_wanted)


@prices.command("status")
@as_json
def status(json_wanted: bool) -> None:
    """How far each channel is."""
    columns = (
        "channel",
        "skus",
        "waiting",
        "since",
        "shown",
        "not_listed",
        "refused",
        "no_price",
        "last_sent_at",
        "sent",
    )
    with hub().unit_of_work() as uow:
        rows = [{name: getattr(one, name) for name in columns} for one in channel_standings(uow)]
    listed(rows, columns, json_wanted=json_wanted, nothing="No channel shows prices; `flask prices channel` begins.")


@prices.command("show")
@click.argument("channel")
@click.argument("sku")
@as_json
def show(channel: str, sku: str, json_wanted: bool) -> None:
    """What CHANNEL was last sent of SKU."""
    with hub().unit_of_work() as uow:
        rows = [{name: getattr(one, name) for name in PRICES} for one in channel_prices(uow, channel, sku=sku)]
    listed(rows, PRICES, json_wanted=json_wanted, nothing=f"{channel} was never to show a price of {sku}.")


@prices.command("troubled")
@click.argument("channel")
@click.option("--after", default="", help="Those after a SKU.")
@as_json
def troubled(channel: str, after: str, json_wanted: bool) -> None:
    """The prices that CHANNEL does not show, and why."""
    with hub().unit_of_work() as uow:
        found = channel_prices(uow, channel, troubled=True, after=after)
        rows = [{name: getattr(one, name) for name in PRICES} for one in found]
    listed(rows, ("sku", "code", "said", "sent_at"), json_wanted=json_wanted, nothing="Every price is shown.")


@prices.command("send")
@click.argument("channel")
@click.option("--sku", default="*", show_default=True, help="One SKU, or several by a pattern such as TENT-*.")
@as_json
def send(channel: str, sku: str, json_wanted: bool) -> None:
    """Compare what CHANNEL shows with what counts, and send what differs."""
    with hub().unit_of_work() as uow:
        if channel_rule(uow, channel) is None:
            raise NotFound("pricing.unknown_channel", f"{channel} shows no prices of the hub", about=channel)
        due = mark_all(uow, channel, sku)
        record_act(uow, who(), "had prices sent", kind="prices", key=channel, facts={"sku": sku, "due": due})
    tell(f"{due} SKUs are compared and sent where they differ", {"due": due}, json_wanted=json_wanted)
