"""Who a thing is in another system."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A thing as one connection names it."""

    connection: str
    external_id: str

    def __str__(self) -> str:
        return f"{self.connection}/{self.external_id}"
