"""What a refusal leaves unread of a request's body is read to its end before the answer goes out.

A server that answers and closes while its caller still sends resets the connection: the caller then sees a broken
pipe instead of the 401 or 413 that says what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PIECE = 65_536
MOST_BYTES = 64 * 1024 * 1024  # who sends more than this is cut off


class ReadToTheEnd:
    """Lets an application answer, and throws away the rest of the body that it did not want."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._application(environ, start_response)
        if environ.get("wsgi.input_terminated"):  # elsewhere nobody promises that reading comes to an end
            rest, body = MOST_BYTES, environ["wsgi.input"]
            while rest > 0 and (piece := body.read(PIECE)):
                rest -= len(piece)
        return answer
