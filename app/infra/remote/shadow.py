"""Shadow calls: what would be sent is recorded, and nothing is. The writes of a live call can be recorded beside it.

A call may take several requests. Reads go out as always. At the first write the adapter may have declared what the
other side would answer (`Outbound.imagine`); then the call goes on with that. Where it has not, nobody knows how the
call would go on, and `NotSent` ends it there: what was recorded until then is the result.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from app.kernel.errors import Waits

if TYPE_CHECKING:
    from app.infra.remote.reply import Reply

LOOK_SECONDS = 60.0  # a shadow lasts days; whoever waits for its end is looked at this often
CHANGES = ("PUT", "PATCH", "DELETE")  # whatever an adapter says of them, these write
Imagine = Callable[[str, str, Any], "Reply | None"]  # method, path, body → what the other side would answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One write: `body` is its JSON, or its text. `imagined`: a shadow's, that was answered by the adapter itself."""

    method: str
    path: str
    body: Any
    imagined: bool = False


class NotSent(BaseException):
    """A write was about to leave a shadow. No error: an adapter that catches errors must not catch it in passing."""

    def __init__(self, sent: Sent) -> None:
        super().__init__(f"{sent.method} {sent.path}")
        self.sent = sent


@dataclass(slots=True)
class Tape:
    """What one call of this thread writes."""

    shadow: bool
    writes: list[Sent] = field(default_factory=list)


_call = threading.local()


@contextmanager
def recorded(*, shadow: bool) -> Iterator[Tape]:
    """Keep whatever this thread writes meanwhile; in a shadow nothing of it leaves."""
    tape = Tape(shadow=shadow)
    _call.tape = tape
    try:
        yield tape
    finally:
        del _call.tape


def heed(
    method: str, path: str, *, writes: bool, shadow: bool, imagine: Imagine | None, body: Any = None,
    query: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None,
) -> Reply | None:  # fmt: skip
    """Called by the outbound client before every request: None lets it go out.

    `shadow` is the connection's own switch: then a write of whatever thread stays here. Raises NotSent; or Waits
    (`shadow.not_sent`) for what was not meant for a shadow: it waits until the connection sends again.
    """
    if not (writes or method in CHANGES):
        return None
    tape: Tape | None = getattr(_call, "tape", None)
    held = shadow or (tape is not None and tape.shadow)
    if tape is None and not held:
        return None
    if held and not (tape is not None and tape.shadow):
        why = f"{method} {path} was not sent: its connection is a shadow"
        raise Waits("shadow.not_sent", why, seconds=LOOK_SECONDS)
    said = plain(form if form is not None else body)
    address = f"{path}?{urlencode(query)}" if query else path
    answer = imagine(method, path, said) if held and imagine is not None else None
    sent = Sent(method=method, path=address, body=said, imagined=answer is not None)
    if tape is not None:
        tape.writes.append(sent)
    if held and answer is None:
        raise NotSent(sent)
    return answer


def plain(body: Any) -> Any:
    """A request's body as a JSON value, or as text where it is none."""
    if not isinstance(body, bytes):
        return body
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
