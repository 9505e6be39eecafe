"""Shopify's own samples: every order is proved or says why not, and nothing made of them crashes the translator."""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.shopify.mapping.parsing import parsed
from app.domains.orders.canonical import Bell, Order, Side
from app.domains.orders.policy import prove, require_proof
from app.kernel import codec
from app.kernel.errors import Invalid, NeedsAttention
from tests.adapters.shopify.deliveries import FIXTURES, document_of, translated

pytestmark = pytest.mark.capability("CM-1", "CM-2", "ORD-2", "SYS-shopify")

SAMPLES = ("rest-2026-07/order.json", "rest-2026-07/customer.json", "python-sdk-fixtures/order.json")
ONE_OF_EACH = (
    "orders/create", "orders/edited", "refunds/create", "returns/request", "fulfillments/create", "orders/delete",
    "app/uninstalled",
)  # fmt: skip
TRIMMED_AWAY = ("currency", "created_at", "updated_at", "discount_applications")


def orders_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "total_price" in value and ("line_items" in value or "financial_status" in value):
            yield value
        for inner in value.values():
            yield from orders_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from orders_in(inner)


def samples(contracts: Path) -> list[dict[str, Any]]:
    """Every order with lines of the samples."""
    read = [parsed(b'{"all":' + (contracts / "shopify" / name).read_bytes() + b"}") for name in SAMPLES]
    return [order for one in read for order in orders_in(one) if "line_items" in order]


def state(order: dict[str, Any]) -> tuple[object, ...]:
    """What makes two samples of one order different for the books: its payment, cancellation, closing, refunds."""
    refunds = tuple(refund["id"] for refund in order.get("refunds", ()))
    ended = (order.get("cancelled_at") is None, order.get("closed_at") is None)
    return (order["id"], order.get("financial_status"), *ended, bool(order.get("customer")), refunds)


def body(document: object) -> bytes:
    return json.dumps(document).encode()


def outcome(raw: bytes, topic: str = "orders/create") -> Any:
    """What the translator makes of a body, or its refusal."""
    try:
        return translated(raw, topic)
    except Invalid as refused:
        return refused


def test_every_sample_order_is_proved_or_names_what_does_not_add_up(contracts: Path) -> None:
    made = [translated(body(sample)) for sample in samples(contracts)]
    trimmed = [one for one in made if isinstance(one, Bell)]
    orders = [one for one in made if isinstance(one, Order)]
    wrong = [order for order in orders if not prove(order).decides]
    assert (len(orders), len(trimmed), len(wrong)) == (32, 1, 1)
    with pytest.raises(NeedsAttention) as case:
        require_proof(wrong[0])  # three lines of 199.00 and 11.94 tax
    assert (case.value.facts["stated"], case.value.facts["computed"]) == ("409.94 USD", "608.94 USD")


@pytest.mark.capability("INV-3")
def test_an_order_names_the_cart_and_the_checkout_that_it_was_made_of(contracts: Path) -> None:
    """An answer of Admin GraphQL 2026-04 names neither."""
    made = [translated(body(order)) for order in samples(contracts) if order.get("cart_token")]
    carts = {one.carts for one in made if isinstance(one, Order)}
    assert ("68778783ad298f1c80c3bafcddeea02f", "bd5a8aa1ecd019dd3520ff791ee3a24c") in carts
    assert {names[0] for names in carts} == {"68778783ad298f1c80c3bafcddeea02f"}


def test_a_sample_without_lines_is_fetched_instead(contracts: Path) -> None:
    (sample,) = json.loads((contracts / "shopify/python-sdk-fixtures/orders.json").read_bytes())["orders"]
    assert translated(body(sample)) == Bell(kind="order", external_id="450789469", reason="orders/create")


def test_the_equations_hold_exactly_as_often_as_the_trade_notes_say(contracts: Path) -> None:
    variants = {state(sample): sample for sample in reversed(samples(contracts))}
    full = next(one for one in variants.values() if one["id"] == 450789469 and "presentment_currency" in one)
    counts: dict[str, list[bool]] = defaultdict(list)
    for sample in variants.values():
        lent = {} if "currency" in sample else {name: full[name] for name in TRIMMED_AWAY}
        order = translated(body(lent | sample))
        assert isinstance(order, Order)
        for side in Side if "total_price_set" in sample else (Side.SHOP,):
            _count(counts, sample, order, side)
    assert len(variants) == 19
    assert {name: (sum(held), len(held)) for name, held in sorted(counts.items())} == {
        "E1": (35, 36), "E2": (34, 35), "E3": (35, 35), "E4": (34, 35), "E6": (34, 35), "E7": (30, 34), "E8": (22, 34),
    }  # fmt: skip


def _count(counts: dict[str, list[bool]], sample: dict[str, Any], order: Order, side: Side) -> None:
    """Count each equation whose amounts the sample states; without a tax row or a refund E6 and E8 hold."""
    stated = {"E1": "total_price", "E2": "total_line_items_price", "E3": "total_discounts", "E4": "total_tax",
              "E6": "total_tax", "E7": "current_total_price", "E8": "current_total_price"}  # fmt: skip
    rows = [row for row in prove(order).rows if row.side is side]
    for equation, field in stated.items():
        if field in sample:
            counts[equation].append(all(row.holds for row in rows if row.equation == equation))


def test_no_json_of_the_folder_crashes_the_translator(contracts: Path) -> None:
    thrown = 0
    for path in sorted((contracts / "shopify").rglob("*.json")):
        for value in _objects(json.loads(path.read_bytes())):
            for topic in ONE_OF_EACH:
                thrown += 1
                made = outcome(body(value), topic)
                assert not isinstance(made, Invalid) or made.code.startswith("shopify.")
    assert thrown > 5_000


def _objects(value: Any, depth: int = 0) -> Iterator[Any]:
    """A document, and every object down to three levels inside."""
    if isinstance(value, dict):
        yield value
    if depth < 4:
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from _objects(inner, depth + 1)


WHOLE = sorted(path.stem for path in FIXTURES.glob("orders_*__*.json") if not path.stem.startswith("orders_edited"))
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just([]), st.just({}), st.just([[]]),
    st.sampled_from(("1e999999999", "-0", "NaN", "0.001", "999999999999999999999999999", "gid://shopify/X/", "\x00")),
    st.just([{"amount_set": []}]), st.just({"shop_money": {"amount": []}, "presentment_money": {}}),
)  # fmt: skip


class TestBrokenPayloads:
    @given(st.sampled_from(WHOLE), st.data())
    def test_a_field_of_any_other_form_is_refused_by_name_or_makes_no_difference(
        self, fixture: str, data: st.DataObject
    ) -> None:
        document = copy.deepcopy(document_of(fixture))
        holder, key = data.draw(st.sampled_from(list(_places(document))))
        holder[key] = data.draw(ODD)
        made = outcome(body(document))
        if isinstance(made, Invalid):
            (error,) = made.facts["errors"]  # type: ignore[misc]
            assert set(error) == {"field", "rule", "fix"}
            return
        assert codec.load(type(made), json.loads(json.dumps(codec.dump(made)).encode())) == made

    @given(st.sampled_from(WHOLE), st.data())
    def test_a_field_that_is_not_there_is_fetched_or_makes_no_difference(
        self, fixture: str, data: st.DataObject
    ) -> None:
        document = copy.deepcopy(document_of(fixture))
        holder, key = data.draw(st.sampled_from([one for one in _places(document) if isinstance(one[0], dict)]))
        del holder[key]
        made = outcome(body(document))  # nothing can be fetched without an id, nothing read of half an amount
        assert isinstance(made, Order | Bell) or made.code in ("shopify.untold_field", "shopify.unfit_field")

    @given(st.binary(max_size=60))
    def test_bytes_that_are_no_json_are_refused(self, raw: bytes) -> None:
        for topic in ("orders/create", "refunds/create", "app/uninstalled"):
            made = outcome(raw, topic)
            assert not isinstance(made, Invalid) or made.code.startswith("shopify.")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a document that holds something."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield value, key
        yield from _places(inner)


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"null", b'"text"', b"{", b'{"id": 1', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000,
     b'{"id":1}garbage', b'{"id": ' + b"9" * 5000 + b"}"],
    ids=lambda raw: repr(raw[:20]),
)  # fmt: skip
def test_a_body_that_holds_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        translated(raw)
    assert refused.value.code == "shopify.unreadable"


def test_characters_that_no_database_stores_are_replaced() -> None:
    document = document_of("orders_create__tip") | {"note": "a\x00b \ud800 \U0001f600 끝"}
    order = translated(json.dumps(document).encode())
    assert isinstance(order, Order)
    assert order.note == "a\ufffdb \ufffd \U0001f600 끝"
