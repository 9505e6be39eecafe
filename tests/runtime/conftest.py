"""A pretend trade with a remote of its own, to try the runtime on: real HTTP on loopback, no real domain."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

import pytest

from app.flows.runtime import Connected, Ended, Later, Steps, Told, step
from app.infra.notices import NoticeReceived
from app.infra.remote.client import Outbound
from app.infra.remote.spec import AdapterSpec, Capability, Dedupe, SettingsSchema
from app.infra.uow import UnitOfWork
from app.kernel.errors import NeedsAttention, Refused
from app.kernel.events import Fact, event
from app.settings import Settings
from tests.hub import Crank


@event("trial.thing_made", version=1, key="thing")
class ThingMade(Fact):
    thing: str
    what: str = ""


@event("trial.thing_counted", version=1, key="thing")
class ThingCounted(Fact):
    thing: str
    what: str = ""


@event("trial.level_changed", version=1, key="thing")
class LevelChanged(Fact):
    thing: str
    what: str = ""


class Sink(Protocol):
    def put(self, key: str, what: str, *, again: bool) -> str: ...


@dataclass
class Remote:
    """The other side: it remembers every call and can be told to misbehave."""

    calls: list[str] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    looked: list[str] = field(default_factory=list)
    tricks: list[tuple[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        body = json.loads(handler.rfile.read(length)) if length else {}
        if handler.command == "GET":
            key = handler.path.rsplit("/", 1)[1]
            with self.lock:
                self.looked.append(key)
                found = self.held.get(key)
            self._say(handler, 200 if found else 404, {"what": found})
            return
        with self.lock:
            self.calls.append(body["key"])
            trick, given = self.tricks.pop(0) if self.tricks else ("", None)
        if self.seconds:
            time.sleep(self.seconds)  # the remote's own slowness, not a test that waits
        if trick == "status":
            self._say(handler, given[0], {}, given[1])
            return
        with self.lock:
            self.held[body["key"]] = body["what"]
        if trick == "vanish":
            handler.close_connection = True
            handler.connection.close()
            return
        self._say(handler, 201, {"number": f"N-{body['key']}"})

    def _say(self, handler: BaseHTTPRequestHandler, status: int, body: Any, headers: Mapping[str, str] = {}) -> None:
        raw = json.dumps(body).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)


@dataclass(frozen=True)
class TrialSink:
    outbound: Outbound
    lookup: bool

    def put(self, key: str, what: str, *, again: bool) -> str:
        if again and self.lookup:
            found = self.outbound.send("GET", f"/things/{key}", writes=False, accept=(404,))
            if found.status == 200:
                return "found"
        self.outbound.send("POST", "/things", writes=True, body={"key": key, "what": what})
        return "made"


def spec(dedupe: Dedupe) -> AdapterSpec:
    """A trial adapter that recognises a repeat in the given way."""

    def connect(settings: Mapping[str, Any]) -> Outbound:
        return Outbound(system="trial", base_url=settings["base_url"], allow_loopback=settings["allow_loopback"])

    def build(outbound: Outbound, settings: Mapping[str, Any]) -> TrialSink:
        return TrialSink(outbound, dedupe is not Dedupe.NONE)

    class TrialSettings(SettingsSchema):
        class Meta:
            unknown = "include"

    return AdapterSpec(
        name="trial", title="Trial", api_version="1", settings=TrialSettings, connect=connect,
        capabilities=(Capability(port=Sink, build=build, dedupe=dedupe),), contract="unverified",
    )  # fmt: skip


@dataclass
class Log:
    """What inside steps did, in their order, and what they are told to do."""

    seen: list[tuple[str, str]] = field(default_factory=list)
    failing: dict[str, int] = field(default_factory=dict)  # thing → how often it fails: once in its batch, then alone
    raising: type[Exception] = RuntimeError
    not_recorded: dict[str, int] = field(default_factory=dict)


def trial_steps(log: Log) -> Steps:
    """count (inside, ordered) → post (outside, at the role `erp`)."""
    steps = Steps()

    def count(uow: UnitOfWork, told: Told[ThingMade]) -> Ended | Later | None:
        fact = told.fact
        if log.failing.get(fact.thing, 0) > 0:
            log.failing[fact.thing] -= 1
            raise _failure(log, fact)
        if fact.what == "old":
            return Ended(code="trial.older")
        uow.after_commit(lambda: log.seen.append((fact.thing, fact.what)))
        uow.publish(ThingCounted(thing=fact.thing, what=fact.what), told.trail)
        return None

    def plan(uow: UnitOfWork, told: Told[ThingCounted]) -> dict[str, Any] | None:
        if told.fact.what == "nothing":
            return None
        if told.fact.what == "unplannable":
            raise NeedsAttention("trial.unplannable", "a plan that a person must mend", about=told.fact.thing)
        return {"key": f"{told.fact.thing}.{told.fact.what}", "what": told.fact.what, "again": told.again}

    def call(connection: Connected, given: dict[str, Any]) -> str:
        return connection.port(Sink).put(given["key"], given["what"], again=given["again"])

    def record(uow: UnitOfWork, told: Told[ThingCounted], given: dict[str, Any], answer: str) -> None:
        if log.not_recorded.get(told.fact.thing, 0) > 0:
            log.not_recorded[told.fact.thing] -= 1
            raise RuntimeError("record failed")
        uow.after_commit(lambda: log.seen.append((f"posted {told.fact.thing}", answer)))

    step("trial.hear", on=NoticeReceived, queue="orders", ordered=False, do=lambda uow, told: None, steps=steps)
    step("trial.count", on=ThingMade, queue="orders", do=count, steps=steps)
    step(
        "trial.post", on=ThingCounted, queue="orders", at="erp", lane="trial_document", plan=plan, call=call,
        record=record, port=Sink, steps=steps,
    )  # fmt: skip
    step(
        "trial.show_level", on=LevelChanged, queue="inventory", at="erp", latest_only=True, plan=plan, call=call,
        record=record, port=Sink, steps=steps,
    )  # fmt: skip
    return steps


def _failure(log: Log, fact: ThingMade) -> Exception:
    if log.raising in (Refused, NeedsAttention):
        return log.raising("trial.refused", "refused by the trial", about=fact.thing)  # type: ignore[call-arg]
    return log.raising("boom")


@pytest.fixture
def remote() -> Iterator[Remote]:
    """The other side, on loopback."""
    made = Remote()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            made.answer(self)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def dedupe() -> Dedupe:
    """How the trial remote recognises a repeat; a test may override it."""
    return Dedupe.LOOKUP


@pytest.fixture
def crank(
    settings: Settings, database: object, redis_client: object, remote: Remote, log: Log, dedupe: Dedupe
) -> Iterator[Crank]:
    """A worker with the trial steps, connected to the trial remote."""
    made = Crank(settings, adapter=lambda _: spec(dedupe), steps=trial_steps(log))
    made.connect("erp", "trial", role="erp", base_url=remote.url, doubt_seconds=0)
    yield made
    made.close()
