"""What an adapter says about itself before anyone calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar, cast

from marshmallow import EXCLUDE, Schema, fields, validate

from app.infra.remote.client import Outbound
from app.kernel.errors import NeedsAttention

P = TypeVar("P")


class Dedupe(StrEnum):
    """How a write that may already have happened is recognised at the other end."""

    REMOTE_KEY = "remote_key"  # the remote honours our idempotency key
    LOOKUP = "lookup"  # the remote can be asked whether it has the key
    NONE = "none"  # a person confirms after an unanswered call
    READS = "reads"  # the port writes nothing, so a repeat is harmless


class SettingsSchema(Schema):
    """Base of a part of a connection's settings. A field with `metadata={"secret": True}` is stored encrypted."""

    class Meta:
        unknown = EXCLUDE


class ConnectionSettings(SettingsSchema):
    """What every connection may be told, whatever it speaks to."""

    concurrency = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(min=1, max=1000),
        metadata={"title": "Calls at once, over all workers"},
    )  # fmt: skip
    doubt_seconds = fields.Float(
        load_default=None, allow_none=True, validate=validate.Range(min=0, max=3600),
        metadata={"title": "Seconds a lost call may still be at work"},
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A verified webhook: what it is about and the remote's own ids for saying it.

    `external_ids` are the guards against a repeat (`webhook:…`, `event:…`), each told apart by connection and topic.
    `kind` and `object_id` name the thing it speaks of; together with the connection they key its work.
    """

    topic: str
    external_ids: tuple[str, ...]
    kind: str = ""
    object_id: str = ""
    remark: str = ""  # for example another API version than the pinned one: a finding, not a failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A webhook as it came in, for an adapter to verify. Header names are lower case."""

    topic: str  # from the path
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


class Verify(Protocol):
    """Check an arrival against all current secrets of a connection, in constant time, before anything is parsed.

    Raises BadSignature, or WrongTopic where the path and the vendor's own topic header differ.
    """

    def __call__(self, arrival: Arrival, settings: Mapping[str, Any]) -> Notice: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A kept notice for translation. Header names are lower case."""

    connection: str
    topic: str
    headers: Mapping[str, str]
    body: bytes


class SubscriptionKeeper(Protocol):
    """Sees to it that a remote tells the hub what changes there: creates what is missing, renews, repairs.

    `address` is where the connection takes webhooks, without a topic. Safe to repeat. Returns what was done, in words;
    nothing where all is well.
    """

    def ensure(self, address: str) -> tuple[str, ...]: ...


Translate = Callable[[Message, Mapping[str, Any]], object]  # → a canonical value, or a tuple of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """A port that the adapter offers, made by `build(remote, settings)`; a write says how a repeat is recognised."""

    port: type
    build: Callable[[Outbound, Mapping[str, Any]], Any]
    dedupe: Dedupe = Dedupe.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One line of a connection test: can it be reached, does it let us in, is what we need there."""

    name: str
    passed: bool
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterSpec:
    """A kind of remote system. Nothing else in the hub may branch on its name.

    `topics` maps a webhook topic to what turns a kept notice into canonical values. `refusal_status` is the answer to
    an arrival that is refused, for vendors that punish a 4xx. `contract` is "verified by …" or "unverified". `learn`
    reads the settings that the remote itself knows best; they are kept whenever a connection test passes.
    """

    name: str
    title: str
    api_version: str
    settings: type[SettingsSchema]
    connect: Callable[[Mapping[str, Any]], Outbound]
    capabilities: tuple[Capability, ...]
    contract: str
    verify: Verify | None = None
    topics: Mapping[str, Translate] = field(default_factory=dict)
    refusal_status: int | None = None
    echo: Callable[[Arrival], str | None] | None = None  # a handshake: the text to echo, before any signature exists
    probe: Callable[[Outbound, Mapping[str, Any]], tuple[Probe, ...]] | None = None
    learn: Callable[[Outbound, Mapping[str, Any]], Mapping[str, Any]] | None = None
    triggered_header: str = ""  # where the vendor says when it told a notice: breaks ties between versions
    concurrency: int = 8

    def offers(self, wanted: type) -> bool:
        return any(capability.port is wanted for capability in self.capabilities)

    def capability(self, wanted: type) -> Capability:
        for capability in self.capabilities:
            if capability.port is wanted:
                return capability
        raise NeedsAttention("adapters.missing_capability", f"{self.title} has no {wanted.__name__}", about=self.name)

    def port(self, wanted: type[P], remote: Outbound, settings: Mapping[str, Any]) -> P:
        return cast(P, self.capability(wanted).build(remote, settings))
