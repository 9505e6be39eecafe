"""Business Central's stock keeps every promise of its port, and each promise has something that breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from app.adapters.business_central import SPEC
from app.adapters.business_central.stock import BusinessCentralStock
from app.domains.inventory.ports import Counts, StockSource
from app.kernel.errors import HubError
from tests.adapters.business_central.erp import Erp, a_us_company, an_erp
from tests.contracts.stock_source import StockSourceContract, everything

pytestmark = pytest.mark.capability("SYS-dynamics-bc")


@dataclass
class Stock:
    """A company that counts tents and caps, and shirts whose variants it counts together."""

    erp: Erp
    twin: type = BusinessCentralStock
    items: tuple[str, str] = ("MO-TENT-2P", "MO-CAP-ONE")
    mixed: str = "MO-MIXED"

    def __post_init__(self) -> None:
        made = self.write("items", {"number": self.mixed, "displayName": "Shirt", "type": "Inventory"})
        self.write("itemVariants", {"itemId": made["id"], "code": "RED", "description": "Red"})

    @property
    def port(self) -> StockSource:
        return self.twin.build(self.erp.remote, self.erp.settings)  # type: ignore[attr-defined, no-any-return]

    def write(self, collection: str, body: dict[str, Any]) -> Any:
        port: Any = BusinessCentralStock.build(self.erp.remote, self.erp.settings)
        return port.company.post(collection, body)

    def count(self, item: str, quantity: int) -> None:
        self.erp.people("count", number=item, quantity=str(quantity))

    def throttle(self, *, retry_after: int) -> None:
        self.erp.throttle(retry_after=retry_after)

    def lock_out(self) -> None:
        self.erp.lock_out()


class TestStock(StockSourceContract):
    @pytest.fixture
    def bench(self) -> Iterator[Stock]:
        with an_erp(a_us_company()) as erp:
            yield Stock(erp)


class ReadsByStamp(BusinessCentralStock):
    """Believes that an item's own stamp moves with its stock."""

    def _moved(self, since: str) -> Counts:
        return Counts(figures=(), mark=since)


class MarksAtTheEnd(BusinessCentralStock):
    """Notes where the next reading begins only when it has read."""

    def page(self, since: str, after: str) -> Counts:
        return replace(super().page(since, after), mark="" if not since else super().page(since, after).mark)


class SharesOut(BusinessCentralStock):
    """Gives every variant the item's figure."""

    def _named(self, numbers: Any) -> Any:
        return [{**row, "itemVariants": ()} for row in super()._named(numbers)]


CAUGHT_BY: dict[type, set[str]] = {
    ReadsByStamp: {"test_what_moved_since_comes_with_its_figure_of_now_and_nothing_else_does"},
    MarksAtTheEnd: {
        "test_a_whole_reading_has_every_thing_once_and_says_where_the_next_begins",
        "test_what_moves_while_it_is_read_comes_with_the_next_reading",
    },
    SharesOut: {"test_one_figure_of_several_goods_is_nobodys_and_is_named"},
}


@pytest.mark.parametrize("twin", CAUGHT_BY, ids=lambda twin: twin.__name__)
def test_the_contract_catches_a_broken_twin(twin: type) -> None:
    assert {name for name in CAUGHT_BY[twin] if _fails(twin, name)} == CAUGHT_BY[twin]


def _fails(twin: type, name: str) -> bool:
    with an_erp(a_us_company()) as erp:
        try:
            getattr(StockSourceContract(), name)(Stock(erp, twin))
        except (HubError, AssertionError, pytest.fail.Exception):
            return True
    return False


def test_readings_of_several_pages_have_everything_once() -> None:
    with an_erp(a_us_company()) as erp:
        bench = Stock(erp)
        whole, mark, _ = everything(bench.port)
        for item in bench.items:
            bench.count(item, 9)
        paged: Any = BusinessCentralStock.build(erp.remote, erp.settings)
        paged = replace(paged, items=3, entries=1)
        assert everything(paged)[0] == {**whole, **dict.fromkeys(bench.items, 9)}
        assert everything(paged, mark)[0] == dict.fromkeys(bench.items, 9)


def test_services_are_not_counted() -> None:
    with an_erp(a_us_company()) as erp:
        bench = Stock(erp)
        bench.write("items", {"number": "FITTING", "displayName": "Fitting", "type": "Service"})
        assert "FITTING" not in everything(bench.port)[0]
        assert bench.port.read(["FITTING"]) == ()


def test_the_capability_only_reads() -> None:
    assert SPEC.capability(StockSource).dedupe.value == "reads"
