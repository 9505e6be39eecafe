"""What every ProductSource must do, whoever built it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from app.domains.product.canonical import ProductDraft
from app.domains.product.ports import ProductSource, Refusal
from app.kernel.errors import Unauthorised, Waits


class ProductBench(Protocol):
    """The other side. `add` puts a product in; `number` and `title` are what the source calls it."""

    port: ProductSource

    def add(self, number: str, title: str, **fields: Any) -> None: ...

    def add_variant(self, number: str, code: str) -> None: ...

    def rename(self, number: str, title: str) -> None: ...

    def spoil(self, number: str) -> None:
        """Give a product a GTIN with a wrong check digit."""
        ...

    def block(self, number: str) -> None: ...

    def throttle(self, *, retry_after: int) -> None: ...

    def lock_out(self) -> None: ...


def everything(
    port: ProductSource, *, since: datetime | None = None, most: int = 3
) -> tuple[dict[str, ProductDraft], list[Refusal], int]:
    """All pages: drafts by code, what was refused, and how many drafts came."""
    drafts: dict[str, ProductDraft] = {}
    refused: list[Refusal] = []
    after, came = "", 0
    for _ in range(100):
        page = port.page(since=since, after=after, most=most)
        assert len(page.drafts) + len(page.refused) <= most
        came += len(page.drafts)
        drafts |= {draft.code: draft for draft in page.drafts}
        refused += page.refused
        after = page.after
        if not after:
            return drafts, refused, came
    raise AssertionError("the pages do not end")


@pytest.mark.capability("PRD-1")
class ProductSourceContract:
    """The promises of `app.domains.product.ports.ProductSource`."""

    def test_every_product_comes_once_however_small_the_pages_are(self, bench: ProductBench) -> None:
        for n in range(7):
            bench.add(f"NEW-{n}", f"Thing {n}")
        whole, _, _ = everything(bench.port, most=500)
        drafts, refused, came = everything(bench.port)
        assert drafts == whole
        assert (came, refused) == (len(drafts), [])
        assert {f"NEW-{n}" for n in range(7)} <= {*drafts}
        assert drafts["NEW-3"].title == "Thing 3"

    def test_what_changes_while_pages_are_read_is_not_left_out(self, bench: ProductBench) -> None:
        for n in range(4):
            bench.add(f"NEW-{n}", f"Thing {n}")
        begun = datetime.now(UTC) - timedelta(seconds=2)
        everything(bench.port)
        first = bench.port.page(since=None, most=3)
        read = first.drafts[0].code
        bench.rename(read, "Another name")
        rest, _, _ = everything(bench.port, since=begun)
        assert rest[read].title == "Another name"

    def test_only_what_changed_since_comes_and_what_its_variants_changed(self, bench: ProductBench) -> None:
        bench.add("OLD-1", "Old")
        bench.add("OLD-2", "Old")
        since = datetime.now(UTC) + timedelta(milliseconds=1)  # sources stamp changes in milliseconds
        while datetime.now(UTC) < since:
            pass
        assert everything(bench.port, since=since)[0] == {}
        bench.rename("OLD-1", "Renamed")
        bench.add_variant("OLD-2", "RED")
        changed, _, _ = everything(bench.port, since=since)
        assert {*changed} == {"OLD-1", "OLD-2"}
        assert len(changed["OLD-2"].variants) == 1

    def test_a_product_that_cannot_be_right_is_named_and_does_not_stop_the_others(self, bench: ProductBench) -> None:
        bench.add("GOOD", "Good")
        bench.add("WRONG", "Wrong")
        bench.spoil("WRONG")
        drafts, refused, _ = everything(bench.port)
        assert "GOOD" in drafts
        assert "WRONG" not in drafts
        assert [(one.key, one.code) for one in refused] == [("WRONG", "product.gtin_check_digit")]
        assert "correct" in refused[0].said

    def test_a_product_that_is_not_sold_any_more_is_retired_and_others_are_active(self, bench: ProductBench) -> None:
        bench.add("SOLD", "Sold")
        bench.add("ENDED", "Ended")
        bench.block("ENDED")
        drafts, _, _ = everything(bench.port)
        assert (drafts["SOLD"].status, drafts["ENDED"].status) == ("active", "retired")

    def test_being_throttled_says_when_to_come_back(self, bench: ProductBench) -> None:
        bench.throttle(retry_after=7)
        with pytest.raises(Waits) as slowed:
            bench.port.page(since=None)
        assert slowed.value.seconds == 7

    def test_bad_credentials_stop_the_connection(self, bench: ProductBench) -> None:
        bench.lock_out()
        with pytest.raises(Unauthorised):
            bench.port.page(since=None)
