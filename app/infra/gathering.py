"""Gather what many threads ask for at the same moment into one piece of work: one transaction serves them all.

Whoever comes first does the work for all who wait by then; who comes meanwhile is served by the next. Nobody waits for
company: with a single caller each piece of work has one request.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.kernel.errors import HubError

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(slots=True, eq=False)
class _Asked(Generic[Q, A]):
    request: Q
    turn: threading.Event = field(default_factory=threading.Event)
    is_taken: bool = False
    answers: tuple[A, ...] = ()  # one, once it is answered


class Gathered(Generic[Q, A]):
    """`serve(requests)` answers each in its order. Where it raises, each is served alone, so that only one fails."""

    def __init__(self, serve: Callable[[Sequence[Q]], Sequence[A]], *, most: int) -> None:
        self._serve, self._most = serve, most
        self._lock = threading.Lock()
        self._waiting: deque[_Asked[Q, A]] = deque()
        self._is_busy = False

    def ask(self, request: Q) -> A:
        """The answer to one request, whichever thread worked for it; what its own work raises is raised here."""
        mine: _Asked[Q, A] = _Asked(request)
        with self._lock:
            self._waiting.append(mine)
            leads, self._is_busy = not self._is_busy, True
        if not leads:
            mine.turn.wait()
        if not mine.is_taken:
            self._work()
        return mine.answers[0] if mine.answers else self._serve([request])[0]

    def _work(self) -> None:
        """Serve what waits, this thread's own first, and wake whoever is to go on."""
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            for one in batch:
                one.is_taken = True
        try:
            answers = self._serve([one.request for one in batch])
            for one, answer in zip(batch, answers, strict=True):
                one.answers = (answer,)
        except HubError:
            if len(batch) == 1:
                raise
        finally:
            with self._lock:
                self._is_busy = bool(self._waiting)
                following = self._waiting[0] if self._waiting else None
            for done in batch:
                done.turn.set()
            if following is not None:
                following.turn.set()
