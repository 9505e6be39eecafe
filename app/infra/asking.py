"""Asking a remote while somebody waits: within a budget of time, or not at all.

What takes longer goes on in its own thread and ends by the connection's own time-out; nobody waits for it. At most
`AT_ONCE` such questions are under way at a connection in one process: when it hangs, the next ones are refused at once
and cost nothing, and its breaker opens as soon as enough of them have failed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer
from typing import TypeVar

from app.infra.connections import Connection
from app.infra.remote.gate import Gate, under
from app.infra.remote.permit import Permit
from app.infra.uow import forbid_open_transaction
from app.kernel.errors import Waits

A = TypeVar("A")
AT_ONCE = 4  # the web's eight threads: half of them may wait for one slow remote
PURPOSE = "orders"  # a buyer waits: it may use all of a quota

_threads: dict[str, ThreadPoolExecutor] = {}
_rooms: dict[str, threading.BoundedSemaphore] = {}
_lock = threading.Lock()


def ask_within(connection: Connection, question: Callable[[Connection], A], seconds: float) -> A:
    """The answer of a question that changes nothing at the remote.

    Raises Waits: `connections.paused`, `connections.breaker_open` and `connections.quota_used_up` before anything is
    sent, `connections.busy` where as many questions as may be are under way, `connections.budget_spent` where no
    answer came in time; else what the question raises.
    """
    forbid_open_transaction()
    if connection.state != "on":
        raise Waits("connections.paused", f"{connection.name} is {connection.state}", seconds=60, about=connection.name)
    threads, room = _room(connection.name)
    if not room.acquire(blocking=False):
        why = f"{AT_ONCE} questions to {connection.name} have no answer yet"
        raise Waits("connections.busy", why, seconds=seconds, about=connection.name)

    def asked() -> A:
        try:
            with under(connection.gate, permit):
                return question(connection)
        finally:
            room.release()

    try:
        permit = _admitted(connection.gate)
        answer = threads.submit(asked)
    except BaseException:  # whatever it was: a place that is not given back is gone until the process ends
        room.release()
        raise
    try:
        return answer.result(seconds)
    except NoAnswer:
        why = f"{connection.name} did not answer within {seconds * 1000:.0f} ms"
        raise Waits("connections.budget_spent", why, seconds=seconds, about=connection.name) from None


def _admitted(gate: Gate | None) -> Permit | None:
    if gate is None:
        return None
    admission = gate.admit(PURPOSE, 1)
    if not admission.count:
        code = "connections.breaker_open" if admission.why == "breaker" else "connections.quota_used_up"
        raise Waits(
            code, f"{gate.name} is not asked for now: {admission.why}", seconds=admission.seconds, about=gate.name
        )
    return gate.permits(admission, PURPOSE, 1)[0]


def _room(name: str) -> tuple[ThreadPoolExecutor, threading.BoundedSemaphore]:
    with _lock:
        if name not in _threads:
            _threads[name] = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"asking-{name}")
            _rooms[name] = threading.BoundedSemaphore(AT_ONCE)
        return _threads[name], _rooms[name]
