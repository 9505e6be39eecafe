"""An ERP that takes 20 ms for everything and counts what it was asked: `python -m bench.external_remote PORT`.

POST takes a document under its Idempotency-Key; GET answers how many calls came with how many keys, and forgets them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from functools import partial

SECONDS = 0.020
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
KEY = b"idempotency-key:"


class Counts:
    """What came since somebody last asked."""

    def __init__(self) -> None:
        self.calls = 0
        self.keys: set[bytes] = set()

    def taken(self) -> bytes:
        said = json.dumps({"calls": self.calls, "keys": len(self.keys)}).encode()
        self.calls, self.keys = 0, set()
        return said


class Exchange(asyncio.Protocol):
    """One kept connection. Requests on it come one after the other."""

    def __init__(self, counts: Counts) -> None:
        self._counts, self._read = counts, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, rest = self._read.partition(HEAD_END)
        if not found:
            return
        lines = head.lower().split(b"\r\n")
        if len(rest) < int(_value(lines, LENGTH) or b"0"):
            return
        self._read = b""
        if lines[0].startswith(b"get "):
            self._answer(self._counts.taken())
            return
        self._counts.calls += 1
        self._counts.keys.add(_value(lines, KEY))
        later: Callable[[], None] = partial(self._answer, b'{"number":"N"}')
        asyncio.get_running_loop().call_later(SECONDS, later)

    def _answer(self, body: bytes) -> None:
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )


def _value(lines: list[bytes], name: bytes) -> bytes:
    return next((line[len(name) :].strip() for line in lines if line.startswith(name)), b"")


async def serve(port: int) -> None:
    counts = Counts()
    server = await asyncio.get_running_loop().create_server(lambda: Exchange(counts), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
