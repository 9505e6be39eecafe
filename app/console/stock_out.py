"""Stock out: how far each channel is that the hub tells its stock, and what it was told of each SKU."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import why
from app.console.frame import reading
from app.console.sign_in import actor
from app.domains.inventory.ports import Figure
from app.domains.inventory.queries.outgoing import ChannelLevel, ChannelStock, channel_levels, channel_stocks
from app.flows import availability
from app.infra.uow import UnitOfWork
from app.infra.views import PAGE_ROWS, Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import NotFound

TITLES = {Figure.AVAILABLE: "what may be sold", Figure.ON_HAND: "what lies there"}


class StockOutPages(Page):
    """Each channel's figure, how much waits, and SKU by SKU what was last told."""

    @expose("/")
    def index(self) -> str:
        with reading() as uow:
            stocks = {one.channel: one for one in channel_stocks(uow)}
            told = figures(uow)
        return str(self.render("console/stock_out.html", told=told, stocks=stocks, word_of=word_of, titles=TITLES))

    @expose("/<channel>")
    def one(self, channel: str) -> str:
        chosen = {name: request.args.get(name, "").strip() for name in ("view", "sku", "after")}
        with reading() as uow:
            told = figures(uow)
            if channel not in told:
                raise unknown(channel)
            rows = channel_levels(uow, channel, **chosen, most=PAGE_ROWS + 1)
        further = ""
        if len(rows) > PAGE_ROWS:
            rows = rows[:PAGE_ROWS]
            further = url_for(".one", channel=channel, view=chosen["view"], after=rows[-1].sku)
        page = self.render(
            "console/stock_out_channel.html", channel=channel, figure=TITLES[told[channel]], rows=rows, chosen=chosen,
            further=further, word_of_level=word_of_level, title=channel,
        )  # fmt: skip
        return str(page)

    @expose("/<channel>/push", methods=("POST",))
    def push(self, channel: str) -> ResponseReturnValue:
        """Compare what a channel was told with what it is offered, and tell it what differs."""
        who, pattern = actor(Permission.WORK), request.form.get("sku", "").strip() or "*"
        with hub().unit_of_work() as uow:
            if channel not in figures(uow):
                raise unknown(channel)
            due = availability.push(uow, channel, pattern, who=who, why=why())
        flash(f"{due:,} SKUs are compared and told where they differ, under your name.")
        return redirect(url_for(".one", channel=channel), 303)


def figures(uow: UnitOfWork) -> dict[str, Figure]:
    """The connections that are told stock, and the figure of each."""
    every = uow.hub.connections.all(uow.session)
    found = {name: availability.figure_of(connection) for name, connection in sorted(every.items())}
    return {name: figure for name, figure in found.items() if figure is not None}


def unknown(channel: str) -> NotFound:
    return NotFound(
        "inventory.not_told", f"{channel} is told no stock: choose its figure in its settings", about=channel
    )


def word_of(stock: ChannelStock | None) -> str:
    """One word for a channel."""
    if stock is None:
        return "waiting"
    return "troubled" if stock.refused else "waiting" if stock.waiting else "newest"


def word_of_level(level: ChannelLevel) -> str:
    """One word for a level."""
    if level.due:
        return "waiting"
    return {"live": "newest", "new": "not_offered", "refused": "troubled"}.get(level.state, level.state)
