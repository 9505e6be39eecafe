"""Who is alive: every process beats in `hub.worker` twice a second, on a connection of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from time import monotonic

import psycopg
import structlog
from psycopg.rows import TupleRow

from app.infra.db import LINE
from app.infra.hub import Hub
from app.infra.remote.pulse import PULSE

BEAT_SECONDS = 0.5
log = structlog.get_logger()

BEAT = """
INSERT INTO hub.worker (id, kind, version, host, serves, beat_at)
VALUES (%(id)s, %(kind)s, %(version)s, %(host)s, %(serves)s, now())
ON CONFLICT (id) DO UPDATE SET beat_at = now()
"""


class Heart:
    """Beats until it is stopped. `calls_out` processes may not send while the beat is stale."""

    def __init__(
        self, hub: Hub, kind: str, version: str, *, calls_out: bool = False, serves: Sequence[str] = ()
    ) -> None:
        self._hub, self._kind, self._version, self._calls_out = hub, kind, version, calls_out
        self._serves = " ".join(serves)
        self._line: psycopg.Connection[TupleRow] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="heart", daemon=True)
        with hub.unit_of_work() as uow:
            row = uow.sql("SELECT nextval('hub.worker_id')").fetchone()
            assert row is not None
            self.worker = int(row[0])

    def start(self) -> None:
        self._beat_once()
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye, so that nobody waits for this process' silence to be long enough."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2 * BEAT_SECONDS)
        PULSE.stopped()
        if self._line is not None:
            self._line.close()
        with self._hub.unit_of_work() as uow:
            uow.sql("DELETE FROM hub.worker WHERE id = %(id)s", {"id": self.worker})

    def _loop(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            try:
                self._beat_once()
            except (psycopg.Error, OSError) as away:
                log.warning("heart.missed_a_beat", error=type(away).__name__)

    def _beat_once(self) -> None:
        given = {
            "id": self.worker, "kind": self._kind, "version": self._version, "host": socket.gethostname(),
            "serves": self._serves,
        }  # fmt: skip
        url = self._hub.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        if self._line is None or self._line.closed:
            self._line = psycopg.connect(url, autocommit=True, prepare_threshold=None, **{**LINE, "connect_timeout": 2})
        began = monotonic()
        try:
            self._line.execute(BEAT, given)
        except psycopg.Error:
            self._line.close()
            raise
        if self._calls_out:
            PULSE.felt(began)
