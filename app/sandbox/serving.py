"""A sandbox served on loopback from a thread of this process, for tests; a process of its own runs under granian."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self, cast
from urllib.parse import unquote_to_bytes

from app.sandbox.frame import Sandbox

_Application = Callable[[Mapping[str, Any], Callable[..., object]], Iterable[bytes]]


class Listening:
    """Serves a WSGI application between `with` and its end, at `url`; connections are kept alive."""

    def __init__(self, application: _Application, *, port: int = 0) -> None:
        self._server = _Server(("127.0.0.1", port), _Exchange)
        self._server.application = application
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.cut()
        self._server.server_close()


class Served(Listening):
    """Serves a sandbox, which runs meanwhile."""

    def __init__(self, sandbox: Sandbox, *, port: int = 0) -> None:
        super().__init__(sandbox, port=port)
        self.sandbox = sandbox

    def __enter__(self) -> Self:
        self.sandbox.start()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self.sandbox.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    application: _Application

    def __init__(self, address: tuple[str, int], exchange: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, exchange)
        self._open: set[socket.socket] = set()

    def cut(self) -> None:
        """Close the connections that clients keep alive."""
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # the client was faster
                continue

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout: ClassVar[int] = 60  # an idle connection of a forgotten client ends
    _started: tuple[str, list[tuple[str, str]]]

    def answer(self) -> None:
        """Run the application for one request and write its answer in one piece."""
        body = b"".join(cast(_Server, self.server).application(self._environ(), self._start))
        status, headers = self._started
        promised = next(int(value) for name, value in headers if name == "Content-Length")
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "", ""]
        self.wfile.write("\r\n".join(lines).encode("latin-1") + body)
        if promised != len(body):
            self.close_connection = True

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815 (the standard library's names)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the standard library's name)
        """Stay quiet: a test reads the books instead."""

    def _start(self, status: str, headers: list[tuple[str, str]]) -> None:
        self._started = (status, headers)

    def _environ(self) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "wsgi.input": io.BytesIO(self.rfile.read(length)),
            "CONTENT_LENGTH": str(length),
            "CONTENT_TYPE": self.headers.get("Content-Type") or "",
        }
        for name, value in self.headers.items():
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
        return environ
