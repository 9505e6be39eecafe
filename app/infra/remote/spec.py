"""What an adapter says about itself before anyone calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from app.infra.remote.client import Outbound
from app.infra.remote.quotas import Quota
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


def _day(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError as wrong:
        raise ValidationError("give a day as 2027-03-31") from wrong


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
    region = fields.String(
        load_default="", validate=validate.Length(max=20), metadata={"title": "Region, for flags"}
    )  # fmt: skip
    secret_ends_on = fields.String(
        load_default=None, allow_none=True, validate=_day,
        metadata={"help": "the last day of its secret or token, as 2027-03-31: the hub reminds 30, 7 and 1 days ahead"},
    )  # fmt: skip
    quotas = fields.Dict(
        keys=fields.String(), values=fields.Raw(allow_none=True), load_default=dict,
        metadata={"help": 'changes the quotas by name, for example {"requests": {"limit": 3000}}; null lifts one'},
    )  # fmt: skip
    breaker = fields.Dict(
        keys=fields.String(), values=fields.Raw(), load_default=dict,
        metadata={"help": 'changes when the breaker opens, for example {"volume": 50, "ratio": 0.8, "open": 10}'},
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed:
    """One subscription that a connection should have, as it was found.

    `missing`: there is none (the remote may have ended it). `changed`: its address, fields, format or version is not
    ours. `expiring`: it ends soon. `refused`: the remote does not let us have it, and the hub can do without. `said`
    names what differs, `did` what was done about it; both are empty where there is nothing to say.
    """

    topic: str
    state: str = "well"
    said: str = ""
    did: str = ""
    expires_at: datetime | None = None


class SubscriptionKeeper(Protocol):
    """Sees to it that a remote tells the hub what changes there. `address` takes webhooks, without a topic."""

    def look(self, address: str) -> tuple[Subscribed, ...]:
        """Every subscription that there should be, as it is; changes nothing."""
        ...

    def ensure(self, address: str) -> tuple[Subscribed, ...]:
        """The same, with what is missing created, what differs corrected, what ends soon renewed. Safe to repeat."""
        ...


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
    reads the settings that the remote itself knows best; they are kept whenever a connection test passes. `quotas` are
    the vendor's published limits; what its answers report of them, `Outbound.report` reads. `topic_queues` names the
    topics whose work is no order's, with its queue: when that is full they are slowed.
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
    topic_queues: Mapping[str, str] = field(default_factory=dict)
    refusal_status: int | None = None
    echo: Callable[[Arrival], str | None] | None = None  # a handshake: the text to echo, before any signature exists
    probe: Callable[[Outbound, Mapping[str, Any]], tuple[Probe, ...]] | None = None
    learn: Callable[[Outbound, Mapping[str, Any]], Mapping[str, Any]] | None = None
    triggered_header: str = ""  # where the vendor says when it told a notice: breaks ties between versions
    concurrency: int = 8
    quotas: tuple[Quota, ...] = ()

    def queue_of(self, topic: str) -> str:
        """The queue of the work that a topic makes: orders, where nothing else is said."""
        return self.topic_queues.get(topic, "orders")

    def offers(self, wanted: type) -> bool:
        return any(capability.port is wanted for capability in self.capabilities)

    def capability(self, wanted: type) -> Capability:
        for capability in self.capabilities:
            if capability.port is wanted:
                return capability
        raise NeedsAttention("adapters.missing_capability", f"{self.title} has no {wanted.__name__}", about=self.name)

    def port(self, wanted: type[P], remote: Outbound, settings: Mapping[str, Any]) -> P:
        return cast(P, self.capability(wanted).build(remote, settings))
