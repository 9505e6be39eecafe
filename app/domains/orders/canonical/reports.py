"""What a source says besides orders: that something happened, seldom all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bell:
    """Something of this thing changed and the message does not say all of it: fetch it. `reason` is the topic."""

    kind: str
    external_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    number: str
    company: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedLine:
    line_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentReported:
    """A source says that it sent goods of one of its orders: perhaps the echo of what the hub wrote there itself."""

    order_external_id: str
    external_id: str
    status: str  # the source's own word, lower case
    source_version: datetime
    location: str = ""
    tracking: tuple[Tracking, ...] = ()
    lines: tuple[ReportedLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """The source no longer has this thing, and cannot be asked about it."""

    kind: str
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Uninstalled:
    """The source threw the hub out: its connection pauses until somebody installs it again."""

    shop: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentChanged:
    """An ERP says that one of its documents moved, or that many did since `since` (then it names none).

    `kind` is sales_order, sales_invoice or shipment; `number` is the document's own where the message has it.
    """

    kind: str
    external_id: str
    number: str = ""
    since: datetime | None = None
