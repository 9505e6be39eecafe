"""A stretch of network between the house and one of its servers, that can be cut, stalled, or lose an answer."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import cast

CONNECT_SECONDS = 2.0


class Proxy:
    """Passes bytes from a free port of this machine to `target`, on a thread of its own; controls return at once."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.stalled = False
        self.refusing = False
        self.doubling = 0  # so many answers of the server are passed twice
        self.losing = b""  # what the house says, once, and never hears the answer to
        self.ends: set[End] = set()
        self.loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def start(self) -> Proxy:
        self._thread.start()
        self._up.wait()
        return self

    def stop(self) -> None:
        self.cut()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    def cut(self, *, refuse: bool = False) -> None:
        """Reset every connection; while it refuses, new ones too."""
        self.refusing = refuse
        self._soon(End.abort)

    def heal(self) -> None:
        """Let everything pass again."""
        self.refusing = self.stalled = False
        self._soon(End.resume_reading)

    def stall(self) -> None:
        """Connections stay, and nothing passes in either direction, until it heals."""
        self.stalled = True
        self._soon(End.pause_reading)

    def lose_answer_to(self, words: bytes) -> None:
        """The next time the house says this, the server hears it, and its answer is lost with the connection."""
        self.losing = words

    def _soon(self, act: Callable[[End], None]) -> None:
        """Do something to every end there is, on the proxy's own thread."""

        def all_of_them() -> None:
            for end in tuple(self.ends):
                act(end)

        self.loop.call_soon_threadsafe(all_of_them)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(self.loop.create_server(lambda: End(self), "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        self.loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()


class End(asyncio.Protocol):
    """One end of a connection; `peer` is the other. What is said before the other is there waits."""

    def __init__(self, proxy: Proxy, peer: End | None = None) -> None:
        self.proxy, self.peer = proxy, peer
        self.inward = peer is None  # what it hears, the house says
        self.waiting = bytearray()
        self.losing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self.proxy.refusing:
            self.transport.abort()
            return
        self.proxy.ends.add(self)
        if self.inward:
            self.connecting = self.proxy.loop.create_task(self._connect())
        if self.proxy.stalled:
            self.transport.pause_reading()

    def abort(self) -> None:
        self.transport.abort()

    def pause_reading(self) -> None:
        self.transport.pause_reading()

    def resume_reading(self) -> None:
        self.transport.resume_reading()

    async def _connect(self) -> None:
        with suppress(OSError):
            made = self.proxy.loop.create_connection(lambda: End(self.proxy, self), "127.0.0.1", self.proxy.target)
            _, other = await asyncio.wait_for(made, CONNECT_SECONDS)
            self.peer = other
            other.transport.write(bytes(self.waiting))
            if not self.transport.is_closing():
                return
        self.transport.abort()
        if self.peer is not None:
            self.peer.transport.abort()

    def data_received(self, said: bytes) -> None:
        if self.losing:
            self.transport.abort()
            return
        if self.peer is None:
            self.waiting += said
            return
        if self.inward and self.proxy.losing and self.proxy.losing in said:
            self.proxy.losing = b""
            self.peer.losing = True
        self.peer.transport.write(said)
        if self.proxy.doubling and not self.inward and _is_whole(said):
            self.proxy.doubling -= 1
            self.peer.transport.write(said)

    def connection_lost(self, error: Exception | None) -> None:
        self.proxy.ends.discard(self)
        if self.peer is not None:
            self.peer.transport.abort()


def _is_whole(said: bytes) -> bool:
    """Whether this is one whole answer of HTTP."""
    head, found, body = said.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    return bool(found and head.startswith(b"HTTP/1.1 ") and length and int(length[1]) == len(body))
