"""What a company says it holds of an order, against what it was given and what it would be given."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.adapters.business_central import SPEC
from app.domains.orders.ports import OrderBooks
from app.infra.remote.spec import Dedupe
from tests.adapters.business_central.erp import Erp, a_us_company, an_erp
from tests.contracts.sales_order_sink import posting_of, two_lines


@pytest.fixture
def erp() -> Iterator[Erp]:
    with an_erp(a_us_company()) as one:
        yield one


@pytest.fixture
def books(erp: Erp) -> OrderBooks:
    return SPEC.port(OrderBooks, erp.remote, erp.settings)


def test_it_only_reads() -> None:
    assert SPEC.capability(OrderBooks).dedupe is Dedupe.READS


def test_an_order_that_was_never_posted_is_not_there(erp: Erp, books: OrderBooks) -> None:
    assert books.read(posting_of(two_lines(erp))) is None
    assert erp.held() == []


@pytest.mark.capability("RT-14")
def test_what_is_held_is_what_would_be_posted(erp: Erp, books: OrderBooks) -> None:
    posting = posting_of(two_lines(erp))
    would = books.would(posting)
    receipt = erp.orders.post(posting)
    held = books.read(posting)
    assert held is not None
    assert (held.number, held.status != "") == (receipt.number, True)
    assert (held.reference, held.total, held.tax) == (would.reference, would.total, would.tax)
    assert [(one.sequence, one.quantity, one.amount) for one in held.lines] == [
        (one.sequence, one.quantity, one.amount) for one in would.lines
    ]
    assert len(erp.held()) == 1
