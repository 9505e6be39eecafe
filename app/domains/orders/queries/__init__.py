"""What is read about orders: by the API, the console and whoever looks for a number."""

from __future__ import annotations

from app.domains.orders.queries.detail import Detail, detail
from app.domains.orders.queries.lists import Brief, briefs, listed, numbered
from app.domains.orders.queries.timeline import Entry, timeline

__all__ = ["Brief", "Detail", "Entry", "briefs", "detail", "listed", "numbered", "timeline"]
