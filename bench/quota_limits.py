"""The published limits at a size and speed that a run can wait for; their shape is the vendors'.

Business Central lets 6,000 requests through in a sliding window of 300 s: here 1,600 in 10 s. Shopify's standard plan
holds 2,000 query points and restores 100 a second: here 1,000 a second. Another user takes a third of each.
"""

from __future__ import annotations

OTHERS = 1 / 3
WINDOW = {"requests": 1600.0, "seconds": 10.0, "concurrent": 100.0, "others": OTHERS}
POINTS = {"maximum": 2000.0, "restore": 1000.0, "others": OTHERS}
ASKED, COST = 8, 6  # points that a document has to be let in with, and that it takes
CALLS = 5000


def own_seconds(vendor: str) -> float:
    """The least time in which a caller who knows everything, and needs no time himself, gets all calls through."""
    if vendor == "window":
        ours = int(WINDOW["requests"] * (1 - OTHERS))
        return (CALLS - 1) // ours * WINDOW["seconds"]
    return (CALLS * COST - POINTS["maximum"]) / (POINTS["restore"] * (1 - OTHERS))
