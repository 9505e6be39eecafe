"""What is read about orders: by the API, the console and whoever looks for a number."""

from __future__ import annotations

from app.domains.orders.queries.counts import state_counts
from app.domains.orders.queries.detail import Detail, detail
from app.domains.orders.queries.lists import Brief, briefs, listed, numbered
from app.domains.orders.queries.selling import Sold, sold
from app.domains.orders.queries.timeline import Entry, timeline

__all__ = [
    "Brief",
    "Detail",
    "Entry",
    "Sold",
    "briefs",
    "detail",
    "listed",
    "numbered",
    "sold",
    "state_counts",
    "timeline",
]
