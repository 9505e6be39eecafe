"""Facts that a domain publishes. Names are past tense; the major version is part of the name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeVar, dataclass_transform

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
