"""A tax engine on loopback: real HTTP, real sockets; it answers, hangs, fails or talks nonsense as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from app.domains.pricing.canonical.tax import LineTax, TaxPart, TaxQuote, TaxRequest
from app.domains.pricing.ports import TaxQuoter
from app.infra.remote.client import Outbound
from app.infra.remote.spec import AdapterSpec, Capability, Dedupe, SettingsSchema
from app.kernel import codec
from app.kernel.money import Money


class Anything(SettingsSchema):
    class Meta:
        unknown = "include"


def answer_of(request: TaxRequest, percent: str) -> TaxQuote:
    """What an honest engine says of a basket."""

    def taxed(line_id: str, amount: Money) -> LineTax:
        whole = 1 + Decimal(percent) / 100
        net = Money.rounded(Fraction(amount.amount) / Fraction(whole), amount.currency)
        net = net if request.includes_tax else amount
        tax = amount - net if request.includes_tax else Money.rounded(net.amount * (whole - 1), net.currency)
        part = TaxPart(jurisdiction="ENGINE", name="VAT", percent=Decimal(percent), amount=tax)
        return LineTax(line_id=line_id, net=net, tax=tax, parts=(part,))

    return TaxQuote(
        lines=tuple(taxed(line.line_id, line.amount) for line in request.lines),
        shipping=taxed("shipping", request.shipping) if request.shipping is not None else None,
        mode="rounded by line, as the engine does", source="engine",
    )  # fmt: skip


@dataclass
class Engine:
    """What it does next, and how often it was asked. `release` lets everything go on that hangs."""

    percent: str = "20"
    hangs: bool = False
    status: int = 200
    spoils: Callable[[dict[str, Any]], None] = lambda answer: None
    asked: int = 0
    loses: int = 0  # so many answers never leave it
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def reply(self, body: bytes) -> tuple[int, bytes]:
        self.asked += 1
        if self.hangs:
            self.release.wait(20)
        if self.status != 200:
            return self.status, b"{}"
        answer = codec.dump(answer_of(codec.load(TaxRequest, json.loads(body)), self.percent))
        self.spoils(answer)
        return 200, json.dumps(answer).encode()


@contextmanager
def an_engine() -> Iterator[Engine]:
    engine = Engine()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, body = engine.reply(self.rfile.read(int(self.headers["Content-Length"])))
            if engine.loses:
                engine.loses -= 1
                self.close_connection = True
                return
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # nobody waits any more

        def log_message(self, *said: object) -> None:
            """Nothing: a test says what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    engine.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield engine
    engine.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass(frozen=True)
class HttpQuoter:
    """The port as an adapter would offer it."""

    remote: Outbound

    def quote(self, request: TaxRequest) -> TaxQuote:
        reply = self.remote.send("POST", "/quote", writes=False, body=codec.dump(request))
        return codec.load(TaxQuote, json.loads(reply.body))


def spec() -> AdapterSpec:
    def connect(settings: Mapping[str, Any]) -> Outbound:
        return Outbound(system="tax", base_url=settings["url"], allow_loopback=True, answer_seconds=5)

    quoter = Capability(port=TaxQuoter, build=lambda remote, settings: HttpQuoter(remote), dedupe=Dedupe.READS)
    return AdapterSpec(
        name="tax_engine", title="Tax engine", api_version="1", settings=Anything, connect=connect,
        capabilities=(quoter,), contract="unverified",
    )  # fmt: skip
