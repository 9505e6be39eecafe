"""Expiry: once a day, what ends soon is told, so that nobody learns of it from a connection that stopped."""

from __future__ import annotations

from app.flows.runtime import Told, step
from app.infra.expiry import warn
from app.infra.uow import UnitOfWork
from app.infra.windows import WindowOpened

WINDOW = "expiry_watch"


def warn_of_expiry(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    if told.fact.name == WINDOW:
        warn(uow, uow.hub.clock.now())


step("expiry.warn", on=WindowOpened, queue="bulk", do=warn_of_expiry)
