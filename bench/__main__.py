"""`python -m bench [name …]`: measure all figures, or those named, one JSON line each; 1 where a goal is missed."""

from __future__ import annotations

import json
import sys

from bench import (
    availability,
    breaker,
    claims,
    csv_import,
    external,
    fan_out,
    hot_sku,
    ingest,
    ingest_tail,
    latency,
    orders,
    publish,
    queues,
    quota,
    quote,
    recovery,
    replay,
    start,
    steps,
)
from bench.figures import Bench

BENCHES: tuple[Bench, ...] = (
    *start.BENCHES, *ingest.BENCHES, *steps.BENCHES, *external.BENCHES, *orders.BENCHES, *breaker.BENCHES,
    *claims.BENCHES, *quota.BENCHES, *queues.BENCHES, *replay.BENCHES, *publish.BENCHES, *latency.BENCHES,
    *recovery.BENCHES, *ingest_tail.BENCHES, *csv_import.BENCHES, *quote.BENCHES, *fan_out.BENCHES,
    *hot_sku.BENCHES, *availability.BENCHES,
)  # fmt: skip


def main(names: list[str]) -> int:
    """Run what holds one of the names; unknown names are an error that lists the known ones."""
    known = [figure.name for bench in BENCHES for figure in bench.figures]
    if unknown := sorted(set(names) - set(known)):
        print(f"no figure {unknown[0]!r}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    missed = 0
    for bench in BENCHES:
        wanted = [figure for figure in bench.figures if not names or figure.name in names]
        if not wanted:
            continue
        measured = bench.run()
        for figure in wanted:
            line = figure.line(measured[figure.name])
            missed += not json.loads(line)["met"]
            print(line, flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
