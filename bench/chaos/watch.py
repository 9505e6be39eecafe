"""How long it takes after each blow until all that had been told by then is done, watched while traffic flows."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg

LOOK_SECONDS = 0.1
OLDEST = """
SELECT e.at, d.subscriber || coalesce(' (' || d.code || ')', '') || ' is ' || d.state
       || CASE WHEN d.state = 'due' AND d.next_at > now() THEN ', backing off' ELSE '' END
       || CASE WHEN d.deaths > 0 THEN ', after ' || d.deaths || ' deaths' ELSE '' END
       || CASE WHEN d.state = 'running' AND NOT EXISTS (
                 SELECT FROM hub.worker w WHERE w.id = d.holder AND w.beat_at > now() - interval '1.5 s')
               THEN ', its worker gone' ELSE '' END
  FROM hub.delivery d JOIN hub.event e ON e.id = d.event_id
 WHERE d.state IN ('due', 'running', 'behind', 'parked', 'rejected') ORDER BY e.at LIMIT 1
"""


@dataclass(slots=True)
class Blow:
    """One fault. Seconds count from the begin of the storm; `recovery` from its end until what was told was done."""

    fault: str
    what: str
    at: float
    over: datetime
    recovery: float | None = None
    last: str = ""  # what was open last
    waits: Counter[str] = field(default_factory=Counter)  # what was the oldest open → for how many looks

    @property
    def line(self) -> str:
        done = "not recovered" if self.recovery is None else f"recovered after {self.recovery:.1f} s"
        waited = f", waited last for {self.last}" if self.last else ""
        if self.waits:
            (longest, looks), *_ = self.waits.most_common(1)
            waited += f", longest for {longest} ({looks / self.waits.total():.0%})"
        return f"{self.at:6.1f} s  {self.fault} {self.what}: {done}{waited}"


@dataclass(slots=True)
class Watch:
    """Looks at the database from a thread of its own, past everything that is broken between it and the hub."""

    url: str
    blows: list[Blow] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self.url, autocommit=True, connect_timeout=2) as line:
                    while not self._stop.wait(LOOK_SECONDS):
                        self._look(line)
            except psycopg.OperationalError:  # the database is what was struck
                time.sleep(LOOK_SECONDS)

    def _look(self, line: psycopg.Connection[tuple[datetime, str]]) -> None:
        row = line.execute(OLDEST).fetchone()
        now = datetime.now(UTC)
        for blow in self.blows:
            if blow.recovery is None:
                if row is None or row[0] > blow.over:
                    blow.recovery = (now - blow.over).total_seconds()
                else:
                    blow.last = row[1]
                    blow.waits[row[1]] += 1
