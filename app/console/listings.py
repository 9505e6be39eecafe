"""Listings: which products each channel shows, what is missing for the others, and having them published."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, chosen_rows, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.console.words import count_of
from app.domains.product import queries
from app.domains.product.lifecycle import ListingState
from app.domains.product.queries import ListingFilter
from app.flows import catalogue_out, listing_alignment, listing_all, listing_wish
from app.infra.views import PAGE_ROWS, Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub

TABS = (
    ("", "All"), ("waiting", "Waiting"), ("rejected", "Rejected"), ("pending", "On their way"), ("live", "Live"),
    ("paused", "Not shown"),
)  # fmt: skip
AGAIN = {
    "waiting": "Look again at what waits", "rejected": "Send the rejected again", "drift": "Publish what differs again",
}  # fmt: skip
HOW = {"all": "every product of its company", "chosen": "the products that were chosen"}


class ListingPages(Page):
    """Products at channels."""

    @expose("/")
    def index(self) -> str:
        with reading() as uow:
            counts = {(one.channel, one.state): one for one in queries.listing_counts(uow)}
            channels = [(one.name, HOW[catalogue_out.publishes(one)]) for one in catalogue_out.publishing(uow)]
        named = {name for name, _ in channels}
        channels += [(name, "none any more") for name in sorted({name for name, _ in counts} - named)]
        return str(self.render("console/listings.html", channels=channels, counts=counts, states=list(ListingState)))

    @expose("/<channel>")
    def one(self, channel: str) -> str:
        chosen = {name: request.args.get(name, "").strip()[:200] for name in ("state", "q", "after")}
        state = chosen["state"] if chosen["state"] in ListingState._value2member_map_ else ""
        with reading() as uow:
            connection = uow.hub.connections.get(uow.session, channel)
            wanted = ListingFilter(channel=channel, state=state, find=chosen["q"])
            rows = queries.listings(uow, wanted, after=chosen["after"], most=PAGE_ROWS + 1)
            differing = len(queries.drifts(uow, connection=channel, most=PAGE_ROWS))
        following = ""
        if len(rows) > PAGE_ROWS:
            rows = rows[:PAGE_ROWS]
            following = url_for(".one", channel=channel, state=state, q=chosen["q"], after=rows[-1].listing_id)
        return str(
            self.render(
                "console/listings_channel.html", channel=channel, rows=rows, chosen=chosen, state_chosen=state,
                tabs=TABS, following=following, how=HOW.get(catalogue_out.publishes(connection), ""),
                differing=differing, again=AGAIN, title=channel,
            )
        )  # fmt: skip

    @expose("/<channel>/deed", methods=("POST",))
    def deed(self, channel: str) -> ResponseReturnValue:
        """Publish the ticked products again, or take them off the channel once the person has seen what that means."""
        who, here = actor(Permission.WORK), url_for(".one", channel=channel, state=request.form.get("state", ""))
        wanted, rows = request.form.get("deed") != "hide", chosen_rows()
        if not wanted and not sure():
            return self._ask_hiding(channel, rows, here)
        with hub().unit_of_work() as uow:
            due = listing_wish.list_products(uow, channel, rows, who, wanted=wanted, why=why())
        flash(f"{'On the way to' if wanted else 'Taken off'} {channel}: {count_of(due, 'product')}, under your name.")
        return redirect(here, 303)

    def _ask_hiding(self, channel: str, rows: list[str], here: str) -> str:
        question = Question(
            title=f"Take {count_of(len(rows), 'product')} off {channel}", button="Take off", back=here, danger=True,
            sentences=("Customers do not see them there any more.", "Their listings and ids stay; orders go on."),
            given=[("deed", "hide"), *(("rowid", row) for row in rows)], reason="Why?",
        )  # fmt: skip
        return ask(self, question)

    @expose("/<channel>/add", methods=("POST",))
    def add(self, channel: str) -> ResponseReturnValue:
        """Have products shown there that a person names by their codes."""
        who, codes = actor(Permission.WORK), request.form.get("codes", "").replace(",", " ").split()
        with hub().unit_of_work() as uow:
            due = listing_wish.list_codes(uow, channel, codes, who, wanted=True, why=why())
        flash(f"On the way to {channel}: {count_of(due, 'product')}, under your name.")
        return redirect(url_for(".one", channel=channel), 303)

    @expose("/<channel>/again", methods=("POST",))
    def again(self, channel: str) -> ResponseReturnValue:
        """Send anew what waits, was rejected, or differs."""
        who = actor(Permission.WORK)
        with hub().unit_of_work() as uow:
            due = listing_wish.send_again(uow, channel, request.form.get("which", ""), who, why=why())
        flash(f"On the way to {channel}: {count_of(due, 'product')}, under your name.")
        return redirect(url_for(".one", channel=channel), 303)

    @expose("/<channel>/all", methods=("POST",))
    def everything(self, channel: str) -> ResponseReturnValue:
        """Have the whole catalogue shown there, once the person has seen what that means."""
        who, here = actor(Permission.WORK), url_for(".one", channel=channel)
        if not sure():
            question = Question(
                title=f"Publish the whole catalogue at {channel}", button="Publish all", back=here, reason="Why?",
                sentences=(
                    "Every product of its company that is not retired is put on its way there.",
                    "What lacks something waits; what stands there as it should is not sent again.",
                ),
            )  # fmt: skip
            return ask(self, question)
        with hub().unit_of_work() as uow:
            connection = uow.hub.connections.get(uow.session, channel)
            run_id = listing_all.start(uow, connection, who=who, why=why())
        return redirect(url_for("runs.one", run_id=run_id), 303)

    @expose("/<channel>/align", methods=("POST",))
    def align(self, channel: str) -> ResponseReturnValue:
        """Begin to compare what the channel shows with what the hub wishes."""
        who = actor(Permission.WORK)
        with hub().unit_of_work() as uow:
            run_id = listing_alignment.start(uow, uow.hub.connections.get(uow.session, channel), who=who)
        return redirect(url_for("runs.one", run_id=run_id), 303)
