"""An ERP that holds papers by their keys and counts what was written: `python -m bench.replay_remote PORT`.

POST /papers takes one under its Idempotency-Key, every time anew; GET /papers/<key> tells whether it is there; GET /
answers how many were written, under how many keys, and how often somebody looked.
"""

from __future__ import annotations

import asyncio
import json
import sys

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
KEY = b"idempotency-key:"


class Papers:
    """What is held, and how it came to be."""

    def __init__(self) -> None:
        self.held: dict[bytes, int] = {}
        self.looked = 0

    def answer(self, lines: list[bytes]) -> tuple[int, bytes]:
        """Status and body for a request's head."""
        method, path = lines[0].split(b" ")[:2]
        if method == b"post":
            key = _value(lines, KEY)
            self.held[key] = self.held.get(key, 0) + 1
            return 201, b'{"number":"N"}'
        if path == b"/":
            counts = {"written": sum(self.held.values()), "keys": len(self.held), "looked": self.looked}
            return 200, json.dumps(counts).encode()
        self.looked += 1
        return (200, b'{"number":"N"}') if path.rpartition(b"/")[2] in self.held else (404, b"{}")


class Exchange(asyncio.Protocol):
    """One kept connection. Requests on it come one after the other."""

    def __init__(self, papers: Papers) -> None:
        self._papers, self._read = papers, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, rest = self._read.partition(HEAD_END)
        lines = head.lower().split(b"\r\n")
        if not found or len(rest) < int(_value(lines, LENGTH) or b"0"):
            return
        self._read = b""
        status, body = self._papers.answer(lines)
        kind = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._transport.write(b"HTTP/1.1 %d OK\r\n%b%b" % (status, kind, body))


def _value(lines: list[bytes], name: bytes) -> bytes:
    return next((line[len(name) :].strip() for line in lines if line.startswith(name)), b"")


async def serve(port: int) -> None:
    papers = Papers()
    server = await asyncio.get_running_loop().create_server(lambda: Exchange(papers), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
