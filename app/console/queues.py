"""Queues and flow policy: what waits where, what is slowed or deferred for it, and whether promises are kept."""

from __future__ import annotations

from flask_admin import expose

from app.console.frame import reading
from app.flows.policy import promises_now, queues_now
from app.infra.views import Page
from app.infra.web.wiring import hub

WAITS = {0: "never waits", 1: "waits when the hub is busy", 2: "waits when the hub is overloaded"}
LEVELS = {1: "busy", 2: "overloaded"}


class QueuePages(Page):
    """Every queue, as the relay measured it a second ago."""

    @expose("/")
    def index(self) -> str:
        with reading() as uow:
            found = queues_now(uow)
        levels = hub().pressure.load.levels
        return str(self.render("console/queues.html", found=found, levels=levels, words=LEVELS, title="Queues"))


class PolicyPages(Page):
    """Every promise with its target and how it was kept in the last day, by the roll-up."""

    @expose("/")
    def index(self) -> str:
        with reading() as uow:
            found = promises_now(uow)
        broken = sum(one.state == "breached" for one in found)
        return str(self.render("console/policy.html", found=found, broken=broken, waits=WAITS, title="Flow policy"))
