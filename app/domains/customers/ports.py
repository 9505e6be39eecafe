"""What customers need of the outside: whoever keeps their master records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.domains.customers.canonical import CustomerDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A customer that the source holds and the hub cannot take in: its number there, and what is wrong with it."""

    key: str
    code: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Customers of a source, a page of them. `after` is where the next page begins, '' after the last one."""

    drafts: tuple[CustomerDraft, ...]
    after: str = ""
    refused: tuple[Refusal, ...] = ()


class CustomerSource(Protocol):
    """Reads customers page by page.

    Contract: tests/contracts/customer_source.py
    """

    def page(self, *, since: datetime | None, after: str = "", most: int = 500) -> Batch:
        """A page of what changed at or after `since`, of all that there is for None; `most` customers or fewer.

        Who has a credit limit comes always: a balance moves without its customer being changed. One that stands for
        many buyers, as a collecting customer does, is nobody's account and does not come. A customer that changes
        while pages are read comes in its old or its new form, or twice; it is never left out. Raises Waits,
        Transient, Unauthorised as every call.
        """
        ...
