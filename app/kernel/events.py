"""Facts that a domain publishes. Names are past tense; the major version is part of the name.

A fact that was told is kept for ever, so a version that got a successor is still read: beside version 2 stands how a
payload of version 1 becomes one of version 2 (`upcast`), and steps hear version 2 alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, dataclass_transform

from app.kernel import codec
from app.kernel.errors import Invalid

REGISTRY: dict[str, type[Fact]] = {}


class Fact:
    """Something that happened. Deliveries of facts with one `lane_key` to one step run in order."""

    __slots__ = ()
    event_type: ClassVar[str]
    event_key: ClassVar[str]

    @property
    def lane_key(self) -> str:
        return f"{self.event_type.split('.', 1)[0]}:{getattr(self, self.event_key)}"


F = TypeVar("F", bound=Fact)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(name: str, *, version: int, key: str) -> Callable[[type[F]], type[F]]:
    """Register a fact: `name` is `<domain>.<noun>_<past participle>`, `key` names the attribute that orders it."""

    def register(cls: type[F]) -> type[F]:
        made = dataclass(frozen=True, slots=True, kw_only=True)(cls)
        made.event_type, made.event_key = f"{name}.v{version}", key
        known = REGISTRY.setdefault(made.event_type, made)
        if known is not made and known.__module__ != made.__module__:
            raise TypeError(f"{made.event_type} is declared twice")
        return made

    return register


Payload = Mapping[str, Any]
Change = Callable[[Payload], Payload]
UPCASTS: dict[str, tuple[type[Fact], Change]] = {}  # by the type that has a successor


def upcast(before: str, *, to: type[Fact]) -> Callable[[Change], Change]:
    """Declare how a payload of `before` becomes one of its successor `to`, which is one version newer."""
    name, _, version = before.rpartition(".v")
    if not version.isdigit() or to.event_type != f"{name}.v{int(version) + 1}":
        raise TypeError(f"{to.event_type} is not the version after {before}")
    if before in UPCASTS:
        raise TypeError(f"{before} is upcast twice")

    def register(change: Change) -> Change:
        UPCASTS[before] = (to, change)
        return change

    return register


def reads(wanted: type[Fact], told: str) -> bool:
    """Whether a fact that was told as type `told` can be read as `wanted`: the same, or an earlier version of it."""
    while told != wanted.event_type:
        if told not in UPCASTS:
            return False
        told = UPCASTS[told][0].event_type
    return True


def newest(told: str) -> type[Fact] | None:
    """What a fact of a type is read as today; None for a type that this release does not know."""
    kind = REGISTRY.get(told)
    while told in UPCASTS:
        kind = UPCASTS[told][0]
        told = kind.event_type
    return kind


def load_as(wanted: type[F], told: str, payload: Payload) -> F:
    """A stored fact as `wanted`, whichever version it was told in. Raises Invalid (`wire.unreadable`, …)."""
    while told != wanted.event_type:
        if told not in UPCASTS:
            raise Invalid("wire.unknown_version", f"{told} cannot be read as {wanted.event_type}", about=told)
        kind, change = UPCASTS[told]
        told, payload = kind.event_type, change(payload)
    return codec.load(wanted, payload)
