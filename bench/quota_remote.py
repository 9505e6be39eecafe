"""Two vendors that enforce their limits as the sandbox does, with another user who takes a third of each, all the time:
`python -m bench.quota_remote PORT`.

POST /window is let in by requests in a sliding window, POST /points by query points; both take 20 ms. GET answers how
many calls came, how many were refused, and forgets them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial

from app.sandbox.limits import SlidingWindow
from app.sandbox.shopify.buckets import Bucket
from bench.quota_limits import ASKED, COST, POINTS, WINDOW

SECONDS = 0.020
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


class Vendor:
    """What both limits let in, and what came."""

    def __init__(self) -> None:
        self.window, self.bucket = SlidingWindow(), Bucket()
        self.calls = self.refused = 0

    def taken(self) -> bytes:
        said = json.dumps({"calls": self.calls, "refused": self.refused}).encode()
        self.calls = self.refused = 0
        return said


class Exchange(asyncio.Protocol):
    """One kept connection. Requests on it come one after the other."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor, self._read = vendor, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, rest = self._read.partition(HEAD_END)
        lines = head.lower().split(b"\r\n")
        length = next((int(line[len(LENGTH) :]) for line in lines if line.startswith(LENGTH)), 0)
        if not found or len(rest) < length:
            return
        self._read = b""
        if lines[0].startswith(b"get "):
            self._answer(200, self._vendor.taken())
            return
        self._vendor.calls += 1
        (self._windowed if lines[0].startswith(b"post /window") else self._pointed)()

    def _windowed(self) -> None:
        wait = self._vendor.window.enter(WINDOW)
        if wait is not None:
            self._vendor.refused += 1
            self._answer(429, b"{}", f"Retry-After: {wait:.3f}\r\n")
            return
        self._vendor.window.leave()
        asyncio.get_running_loop().call_later(SECONDS, self._answer, 201, b"{}")

    def _pointed(self) -> None:
        bucket = self._vendor.bucket
        if not bucket.take(POINTS, ASKED):
            self._vendor.refused += 1
            errors = [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
            self._answer(200, json.dumps({"errors": errors, **self._report(None)}).encode())
            return
        asyncio.get_running_loop().call_later(SECONDS, self._done)

    def _done(self) -> None:
        self._vendor.bucket.give_back(ASKED - COST)
        self._answer(200, json.dumps({"data": {"ok": True}, **self._report(COST)}).encode())

    def _report(self, cost: int | None) -> dict[str, object]:
        status = self._vendor.bucket.status(POINTS)
        return {
            "extensions": {"cost": {"requestedQueryCost": ASKED, "actualQueryCost": cost, "throttleStatus": status}}
        }

    def _answer(self, status: int, body: bytes, headers: str = "") -> None:
        head = f"HTTP/1.1 {status} .\r\n{headers}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(partial(Exchange, Vendor()), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
