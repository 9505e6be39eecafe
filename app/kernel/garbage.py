"""How often Python looks for cycles. What is loaded lives for ever, and a batch of a hundred orders makes more objects
than the default's seven hundred: full looks at everything took a tenth of a worker's time, and most of a sandbox's.
"""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 50_000, 20, 100


def settle_in() -> None:
    """Leave out what is loaded by now from every later look, and look less often; called once a process is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
