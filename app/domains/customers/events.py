"""What customers tell. Ids only: who the buyer is stays in the account."""

from __future__ import annotations

from app.kernel.events import Fact, event


@event("customers.account_matched", version=1, key="account_id")
class AccountMatched(Fact):
    """A buyer of a connection is this account from now on; `created` when nobody was it before."""

    account_id: str
    connection: str
    created: bool


@event("customers.account_completed", version=1, key="account_id")
class AccountCompleted(Fact):
    """An order told something of an account that was not known before."""

    account_id: str


@event("customers.account_changed", version=1, key="account_id")
class AccountChanged(Fact):
    """A source or a person changed parts of an account, such as `contact` or `terms`; `source` is '' for a person."""

    account_id: str
    changed: tuple[str, ...]
    source: str = ""


@event("customers.account_merged", version=1, key="account_id")
class AccountMerged(Fact):
    """A person found that `merged_id` is the account, or, `undone`, that it is not after all."""

    account_id: str
    merged_id: str
    undone: bool = False


@event("customers.privacy_requested", version=1, key="request_id")
class PrivacyRequested(Fact):
    """Somebody wants their data, or wants it erased. Who it is stands sealed in the request."""

    request_id: str
    connection: str = ""


@event("customers.privacy_answered", version=1, key="request_id")
class PrivacyAnswered(Fact):
    """A request was answered, or withdrawn."""

    request_id: str


@event("customers.privacy_overdue", version=1, key="request_id")
class PrivacyOverdue(Fact):
    """A request is still open shortly before the day by which it must be answered."""

    request_id: str


@event("customers.export_expired", version=1, key="request_id")
class ExportExpired(Fact):
    """A file with somebody's data has been kept long enough."""

    request_id: str
