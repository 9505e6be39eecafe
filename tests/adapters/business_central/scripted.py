"""A remote on loopback that answers what a test tells it to, for answers the sandbox never gives."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Mapping[str, str], Any]  # status, headers, JSON


@dataclass(slots=True)
class Scripted:
    """Its address and every request it got: method, path, headers, body."""

    url: str
    requests: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)


@contextmanager
def scripted(answer: Callable[[str, str], Answer]) -> Iterator[Scripted]:
    """Serve `answer(method, path)` until the block ends."""
    state = Scripted(url="")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.requests.append((self.command, self.path, dict(self.headers), content))
            status, headers, given = answer(self.command, self.path)
            text = given if isinstance(given, bytes) else json.dumps(given).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self._reply
            raise AttributeError(name)

        def log_message(self, *arguments: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
