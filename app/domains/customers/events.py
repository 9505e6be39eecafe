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
