"""Calls of shadows, and of what is compared with them: listened to, and kept with their outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.infra.remote.shadow import Sent, recorded
from app.infra.shadow import FAILED, NOTHING, SENT, STOPPED, WOULD, keep_outgoing
from app.infra.uow import UnitOfWork
from app.jobs.claims import Claim, end


@contextmanager
def listened(held: Claim) -> Iterator[Sequence[Sent]]:
    """Around a call: what it writes, where that is asked for. A shadow's call raises NotSent at its first write that
    nobody can answer; that is its answer, not a failure.
    """
    if not (held.shadow or held.compared):
        yield ()
        return
    with recorded(shadow=held.shadow) as tape:
        yield tape.writes


def keep(
    uow: UnitOfWork, held: Claim, writes: Sequence[Sent], *, failed: bool = False, code: str = "", said: str = ""
) -> None:
    """Keep what a shadow would have sent, or what was sent beside one; of any other delivery nothing."""
    if not (held.shadow or held.compared):
        return
    if failed:
        outcome = STOPPED if held.shadow else FAILED
    else:
        outcome = NOTHING if not writes else WOULD if held.shadow else SENT
    connection = uow.hub.connections.get(uow.session, held.place.connection)
    keep_outgoing(
        uow, event_id=held.event_id, subscriber=held.step.name, connection=held.place.connection, shadow=held.shadow,
        adapter=connection.spec.name, key=held.key, writes=writes, outcome=outcome, code=code, said=said,
    )  # fmt: skip


def end_stopped(uow: UnitOfWork, held: Claim, writes: Sequence[Sent], code: str, said: str) -> bool:
    """What would have waited for a person is a shadow's result, and nobody's case; False where it is ours no more."""
    if not end(uow, [held]):
        return False
    keep(uow, held, writes, failed=True, code=code, said=said)
    uow.tally("deliveries_done", held.place.queue)
    return True
