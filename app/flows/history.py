"""History: which orders that the hub did not know are kept for the record only, whoever told of them."""

from __future__ import annotations

from datetime import datetime

from app.domains.orders.service import HistoryRule, Post
from app.flows.hearing import Heard
from app.infra.connections import Connection

BEFORE, POST = "history-before", "post"  # what a backfill says of its orders, in the headers of their notices


def live_from(connection: Connection) -> datetime | None:
    """From when on a channel's orders are the hub's business, where its settings say so."""
    said = str(connection.settings.get("live_from") or "")
    return datetime.fromisoformat(said) if said else None


def live_rule(connection: Connection) -> HistoryRule:
    """For what a channel tells, or is asked, of the present."""
    return HistoryRule(before=live_from(connection))


def rule_of(heard: Heard) -> HistoryRule:
    """For one notice: what its backfill said, or what its channel's settings say."""
    if not heard.imported:
        return live_rule(heard.connection)
    before = heard.notice.headers.get(BEFORE, "")
    return HistoryRule(
        before=datetime.fromisoformat(before) if before else None, post=Post(heard.notice.headers.get(POST, Post.OPEN))
    )
