"""What the console asks about orders. Reads only; whoever changes an order calls its service."""

from __future__ import annotations

from app.domains.orders.admin.line import Line, Pace, Standing, pace_to_channel, pace_to_erp, the_line
from app.domains.orders.admin.page import OrderPage, page_of
from app.domains.orders.queries import Brief, briefs, listed, numbered

__all__ = [
    "Brief",
    "Line",
    "OrderPage",
    "Pace",
    "Standing",
    "briefs",
    "listed",
    "numbered",
    "pace_to_channel",
    "pace_to_erp",
    "page_of",
    "the_line",
]
