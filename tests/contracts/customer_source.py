"""What every CustomerSource must do, whoever built it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from app.domains.customers.canonical import CustomerDraft, Kind
from app.domains.customers.ports import CustomerSource, Refusal
from app.kernel.errors import Unauthorised, Waits
from app.kernel.money import Money


class CustomerBench(Protocol):
    """The other side. `add` puts a customer in; `number` and `name` are what the source calls it."""

    port: CustomerSource
    currency: str

    def add(self, number: str, name: str, **fields: Any) -> None: ...

    def rename(self, number: str, name: str) -> None: ...

    def limit(self, number: str, amount: str) -> None:
        """Set a credit limit; the empty text is none."""
        ...

    def owe(self, number: str, amount: str) -> None:
        """Post what the customer owes, without changing the customer."""
        ...

    def block(self, number: str) -> None: ...

    def spoil(self, number: str) -> None:
        """Give a customer an amount that is finer than the currency's minor unit."""
        ...

    def collect(self, number: str) -> None:
        """Let a customer stand for many buyers."""
        ...

    def throttle(self, *, retry_after: int) -> None: ...

    def lock_out(self) -> None: ...


def everything(
    port: CustomerSource, *, since: datetime | None = None, most: int = 3
) -> tuple[dict[str, CustomerDraft], list[Refusal]]:
    """All pages: drafts by number, and what was refused."""
    drafts: dict[str, CustomerDraft] = {}
    refused: list[Refusal] = []
    after = ""
    for _ in range(100):
        page = port.page(since=since, after=after, most=most)
        assert len(page.drafts) + len(page.refused) <= most
        drafts |= {draft.number: draft for draft in page.drafts}
        refused += page.refused
        after = page.after
        if not after:
            return drafts, refused
    raise AssertionError("the pages do not end")


def a_moment_later() -> datetime:
    """An instant after everything that was stamped: sources stamp changes in milliseconds."""
    since = datetime.now(UTC) + timedelta(milliseconds=1)
    while datetime.now(UTC) < since:
        pass
    return since


@pytest.mark.capability("CUS-1")
class CustomerSourceContract:
    """The promises of `app.domains.customers.ports.CustomerSource`."""

    def test_every_customer_comes_however_small_the_pages_are(self, bench: CustomerBench) -> None:
        for n in range(7):
            bench.add(f"NEW-{n}", f"Buyer {n}", email=f"buyer{n}@example.org", type="Person")
        whole, _ = everything(bench.port, most=500)
        drafts, refused = everything(bench.port)
        assert (drafts, refused) == (whole, [])
        assert {f"NEW-{n}" for n in range(7)} <= {*drafts}
        one = drafts["NEW-3"]
        assert (one.name, one.email, one.kind) == ("Buyer 3", "buyer3@example.org", Kind.PERSON)
        assert one.version.tzinfo is not None
        assert len({draft.external_id for draft in drafts.values()}) == len(drafts)

    def test_only_what_changed_since_comes_and_whoever_has_a_limit(self, bench: CustomerBench) -> None:
        for number in ("OLD-1", "OLD-2", "OLD-3"):
            bench.add(number, "Old", type="Company")
        bench.limit("OLD-3", "1500.00")
        since = a_moment_later()
        assert {*everything(bench.port, since=since)[0]} == {"OLD-3"}
        bench.rename("OLD-1", "Renamed")
        bench.owe("OLD-3", "250.10")
        changed, _ = everything(bench.port, since=since)
        assert {*changed} == {"OLD-1", "OLD-3"}
        credit = changed["OLD-3"].credit
        assert (credit.limit, credit.balance) == (
            Money.parse("1500.00", bench.currency), Money.parse("250.10", bench.currency),
        )  # fmt: skip

    def test_what_changes_while_pages_are_read_is_not_left_out(self, bench: CustomerBench) -> None:
        for n in range(4):
            bench.add(f"NEW-{n}", f"Buyer {n}")
        begun = datetime.now(UTC) - timedelta(seconds=2)
        first = bench.port.page(since=None, most=3)
        bench.rename(first.drafts[0].number, "Another name")
        rest, _ = everything(bench.port, since=begun)
        assert rest[first.drafts[0].number].name == "Another name"

    def test_no_limit_is_none_and_blocked_is_blocked(self, bench: CustomerBench) -> None:
        bench.add("FREE", "Free", type="Company")
        bench.add("STOPPED", "Stopped", type="Company")
        bench.block("STOPPED")
        drafts, _ = everything(bench.port)
        assert (drafts["FREE"].credit.limit, drafts["FREE"].credit.blocked) == (None, False)
        assert drafts["STOPPED"].credit.blocked

    def test_a_customer_that_cannot_be_right_is_named_and_does_not_stop_the_others(self, bench: CustomerBench) -> None:
        bench.add("GOOD", "Good")
        bench.add("WRONG", "Wrong")
        bench.spoil("WRONG")
        drafts, refused = everything(bench.port)
        assert "GOOD" in drafts
        assert "WRONG" not in drafts
        assert [(one.key, one.code) for one in refused] == [("WRONG", "money.too_precise")]

    def test_a_customer_that_stands_for_many_buyers_is_nobodys_account(self, bench: CustomerBench) -> None:
        bench.add("SHELF", "Web shop")
        bench.collect("SHELF")
        assert "SHELF" not in everything(bench.port)[0]

    def test_being_throttled_says_when_to_come_back(self, bench: CustomerBench) -> None:
        bench.throttle(retry_after=7)
        with pytest.raises(Waits) as slowed:
            bench.port.page(since=None)
        assert slowed.value.seconds == 7

    def test_bad_credentials_stop_the_connection(self, bench: CustomerBench) -> None:
        bench.lock_out()
        with pytest.raises(Unauthorised):
            bench.port.page(since=None)
