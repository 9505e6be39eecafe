"""Prices out: how far each channel is that shows the hub's prices, and what it does not show."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import why
from app.console.frame import reading
from app.console.sign_in import actor
from app.domains.pricing.canonical.prices import price_text
from app.domains.pricing.queries.channels import (
    ChannelStanding,
    channel_prices,
    channel_rule,
    channel_rules,
    channel_standings,
)
from app.domains.pricing.service.channel_prices import mark_all
from app.domains.pricing.service.showing import coming
from app.infra.acts import record_act
from app.infra.views import PAGE_ROWS, Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import NotFound
from app.kernel.money import UnitPrice


class PricePages(Page):
    """Each channel's rule, how much waits, and SKU by SKU what was last sent."""

    @expose("/")
    def index(self) -> str:
        with reading() as uow:
            standings = channel_standings(uow)
            by_channel = {rule.channel: rule for rule in channel_rules(uow)}
        return str(self.render("console/prices_out.html", standings=standings, rules=by_channel, stands=stands))

    @expose("/<channel>")
    def one(self, channel: str) -> str:
        chosen = {name: request.args.get(name, "").strip() for name in ("view", "sku", "after")}
        troubled = chosen["view"] == "troubled"
        with reading() as uow:
            rule = channel_rule(uow, channel)
            if rule is None:
                raise NotFound("pricing.unknown_channel", f"{channel} shows no prices of the hub", about=channel)
            rows = channel_prices(
                uow, channel, sku=chosen["sku"], troubled=troubled, after=chosen["after"], most=PAGE_ROWS + 1
            )  # fmt: skip
            ahead = coming(uow, rule, [row.sku for row in rows[:PAGE_ROWS]])
        further = ""
        if len(rows) > PAGE_ROWS:
            rows = rows[:PAGE_ROWS]
            further = url_for(".one", channel=channel, view=chosen["view"], after=rows[-1].sku)
        page = self.render(
            "console/prices_out_channel.html", rule=rule, rows=rows, chosen=chosen, further=further, ahead=ahead,
            money=lambda amount: price_text(UnitPrice(amount, rule.currency)), title=channel,
        )  # fmt: skip
        return str(page)

    @expose("/<channel>/send", methods=("POST",))
    def send(self, channel: str) -> ResponseReturnValue:
        """Compare what the channel shows with what counts, and send what differs."""
        who, pattern = actor(Permission.WORK), request.form.get("sku", "").strip() or "*"
        with hub().unit_of_work() as uow:
            if channel_rule(uow, channel) is None:
                raise NotFound("pricing.unknown_channel", f"{channel} shows no prices of the hub", about=channel)
            due = mark_all(uow, channel, pattern)
            facts = {"sku": pattern, "due": due}
            record_act(uow, who, "had prices sent", kind="prices", key=channel, why=why(), facts=facts)
        flash(f"{due:,} SKUs are compared and sent where they differ, under your name.")
        return redirect(url_for(".one", channel=channel), 303)


def stands(standing: ChannelStanding, *, is_open: bool) -> str:
    """One word for a channel."""
    if not is_open:
        return "closed"
    return "troubled" if standing.refused else "waiting" if standing.waiting else "level"
