"""Ping-pong: turns that are older than the guard's window are forgotten once a day."""

from __future__ import annotations

from app.flows.expiry import WINDOW
from app.flows.runtime import Told, step
from app.infra.ping_pong import forget
from app.infra.uow import UnitOfWork
from app.infra.windows import WindowOpened


def forget_turns(uow: UnitOfWork, told: Told[WindowOpened]) -> None:
    if told.fact.name == WINDOW:
        forget(uow)


step("ping_pong.forget", on=WindowOpened, queue="bulk", do=forget_turns)
