"""What a person asks of their data is done: told whole, or gone from every table there is."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.domains.customers import queries as customer_reads
from app.domains.customers import service as customers
from app.domains.customers.canonical import Ask, PrivacyAsked
from app.domains.customers.service import Subject
from app.domains.orders.canonical import Order, Property
from app.flows import privacy
from app.infra.acts import record_act
from app.infra.cases import open_case
from app.infra.deadlines import tell_missed
from app.infra.erasing.messages import ERASED
from app.kernel import codec
from app.kernel.errors import Invalid, NotFound, Refused
from tests.factories import PLACED, a_customer, a_line, an_address, an_order
from tests.flows.conftest import Story

EMAIL, NAME, PHONE = "Quilla.Vantongeren@maplemail.example", "Quilla Vantongeren", "+1 503 555 0199"
STREET, NUMBER = "77 Zephyrine Lane", "880123456"
TRACES = (EMAIL.lower(), "vantongeren", "quilla", "503 555 0199", "5035550199", "zephyrine", NUMBER)
TABLES = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1
"""


def her_order(**changes: Any) -> Order:
    first, last = NAME.split()
    home = an_address(name=NAME, first_name=first, last_name=last, line1=STREET, phone=PHONE)
    given: dict[str, Any] = {
        "customer": a_customer(external_id=NUMBER, email=EMAIL, first_name=first, last_name=last, phone=PHONE),
        "email": EMAIL, "phone": PHONE, "bill_to": home, "ship_to": home, "note": f"ring twice, says {first}",
        "tags": (f"vip {last}",), "properties": (Property(name="gift for", value=NAME),),
        "lines": (a_line(properties=(Property(name="engraving", value=first),)),),
    }  # fmt: skip
    return an_order(**(given | changes))


def traces(story: Story) -> dict[str, list[str]]:
    """Table → what of her is left in any of its rows, whatever the column."""
    found: dict[str, list[str]] = {}
    for (table,) in story.crank.rows(TABLES):
        body = "|| ' ' || encode(t.body, 'escape')" if ".notice_2" in table else ""
        for trace in TRACES:
            hits = story.crank.rows(
                f"SELECT count(*) FROM {table} t WHERE strpos(lower(t::text {body}), %(trace)s) > 0", trace=trace
            )
            if hits[0][0]:
                found.setdefault(table, []).append(trace)
    return found


def ask(story: Story, kind: Ask = Ask.ERASE, **changes: Any) -> None:
    asked = PrivacyAsked(ask=kind, external_id=NUMBER, email=EMAIL, phone=PHONE, orders=("450789469",))
    story.keep("shop", "privacy", "privacy", "", said(replace(asked, **changes)), {})
    story.settle()


def said(asked: PrivacyAsked) -> bytes:
    return json.dumps({"kind": "privacy", "value": codec.dump(asked)}).encode()


def request(story: Story) -> customer_reads.PrivacyRequest:
    with story.crank.uow() as uow:
        (found,) = customer_reads.requests_listed(uow)
    return found


def pass_days(story: Story, days: int) -> None:
    """What comes due within so many days is told."""
    with story.crank.uow() as uow:
        tell_missed(uow, story.crank.hub.clock.now() + timedelta(days=days, minutes=1))
    story.settle()


def close(story: Story) -> None:
    story.crank.rows("UPDATE orders.sales_order SET state = 'shipped' WHERE channel = 'shop' RETURNING id")


def write_down(story: Story) -> None:
    """What people and systems write of her where nobody would look."""
    order_id = story.order_id()
    with story.crank.uow() as uow:
        open_case(
            uow, code="orders.held", title=f"{NAME} wants a call", about=f"{EMAIL} about #1001", connection="shop",
            said=f"call {PHONE}", facts={"who": {"is": NAME, "at": [STREET]}}, key="anything else",
        )  # fmt: skip
        record_act(uow, "ada@ours.example", "looked", kind="order", key=order_id, why=f"{NAME} rang from {PHONE}")
        uow.sql(
            "INSERT INTO orders.finding (order_id, code, about, said) VALUES (%(id)s, 'orders.x', %(e)s, %(n)s)",
            {"id": order_id, "e": EMAIL, "n": f"{NAME.upper()} again"},
        )
        uow.sql(
            "UPDATE hub.attempt SET said = %(s)s",
            {"s": f"the ERP says: e-mail {EMAIL} of {NAME} at {STREET} is unknown"},
        )
        uow.sql(
            "INSERT INTO hub.payload_edit (event_id, delivery, who, why, before, after) "
            "SELECT min(id), 1, 'ada@ours.example', 'wrong', jsonb_build_object('to', %(e)s::text), '{}' "
            "FROM hub.event WHERE key = %(key)s",
            {"e": EMAIL, "key": f"orders:{order_id}"},
        )
        uow.sql("INSERT INTO hub.refusal VALUES ('shop', 'odd', current_date, 1, now(), %(e)s)", {"e": f"no {EMAIL}"})
    story.keep("shop", "letters/odd", "", "", f"a letter of {EMAIL}".encode(), {"x-from": EMAIL})


@pytest.fixture
def bought(story: Story) -> Story:
    """She bought twice, wrote, was written of, and her orders have left."""
    story.stock(TENT_2P_GRN=9)
    story.post("orders/create", her_order())
    story.post("orders/updated", her_order(source_version=PLACED + timedelta(minutes=5), note=f"{NAME}: no hurry"))
    story.post("orders/create", her_order(external_id="450789470", name="#1002"))
    story.settle()
    write_down(story)
    story.settle()
    close(story)
    return story


@pytest.mark.capability("CUS-2", "SEC-3")
def test_after_an_erasure_no_table_names_the_person(bought: Story) -> None:
    before = traces(bought)
    assert {"customers.account", "orders.order_version", "hub.exception_case", "hub.act", "hub.refusal"} <= set(before)

    ask(bought)

    assert request(bought).state == "answered"
    assert traces(bought) == {}


@pytest.mark.capability("CUS-2")
def test_an_erased_order_keeps_its_sums_and_where_tax_was_due(bought: Story) -> None:
    (before,) = bought.crank.rows("SELECT document FROM orders.order_version WHERE n = 1 ORDER BY order_id LIMIT 1")
    ask(bought)

    kept = bought.crank.rows("SELECT document FROM orders.order_version WHERE n = 1 ORDER BY order_id LIMIT 1")
    order = codec.load(Order, kept[0][0])
    was = codec.load(Order, before[0])
    assert (order.totals, order.ref, order.currency_shop) == (was.totals, was.ref, was.currency_shop)
    assert [(one.sku, one.qty_ordered, one.unit_price, one.taxes) for one in order.lines] == [
        (one.sku, one.qty_ordered, one.unit_price, one.taxes) for one in was.lines
    ]
    assert order.ship_to == an_address(
        name="", first_name="", last_name="", line1="", city="", phone="", postal_code="97201"
    )  # fmt: skip
    assert order.customer is not None
    assert order.customer.withheld


@pytest.mark.capability("CUS-2")
def test_the_proof_counts_what_was_erased_and_names_nobody(bought: Story) -> None:
    ask(bought)

    erased = request(bought).proof["erased"]
    assert (erased["orders"], erased["order_versions"], erased["accounts"], erased["address_rows"]) == (2, 3, 1, 2)
    assert erased["messages"] == 5  # three of the orders, the letter, and the request itself
    acts = bought.crank.rows("SELECT who, did, facts FROM hub.act WHERE kind = 'privacy' ORDER BY id")
    assert [(who, did) for who, did, _ in acts] == [("shop", "asked for privacy"), ("hub", "erased personal data")]
    assert acts[1][2] == {"erased": erased}


@pytest.mark.capability("CUS-2")
def test_an_erasure_waits_until_the_last_order_is_closed(story: Story) -> None:
    story.stock(TENT_2P_GRN=9)
    story.post("orders/create", her_order())
    story.settle()
    ask(story)

    assert (request(story).state, request(story).said) == (
        "waiting", "waits for 1 open order to be shipped or cancelled",
    )  # fmt: skip
    assert "customers.account" in traces(story)

    close(story)
    story.crank.hasten()
    story.settle()
    assert request(story).state == "answered"
    assert traces(story) == {}


@pytest.mark.capability("CUS-2")
def test_an_order_that_never_got_an_account_is_found_by_what_it_says(bought: Story) -> None:
    empty = her_order(external_id="55", name="#1055", lines=(a_line(quantity=99),))
    bought.post("orders/create", empty)
    bought.settle()
    assert bought.crank.rows("SELECT state, account_id FROM orders.sales_order WHERE external_id = '55'") == [
        ("held", None)
    ]
    ask(bought)
    assert request(bought).state == "waiting"
    bought.crank.rows("UPDATE orders.sales_order SET state = 'historical' WHERE external_id = '55' RETURNING id")
    bought.crank.hasten()
    bought.settle()
    assert request(bought).proof["erased"]["orders"] == 3
    assert traces(bought) == {}


@pytest.mark.capability("CUS-2")
def test_a_person_may_erase_in_spite_of_an_open_order_with_a_reason(story: Story) -> None:
    story.stock(TENT_2P_GRN=9)
    story.post("orders/create", her_order())
    story.settle()
    ask(story)
    asked = request(story).request_id
    with pytest.raises(Invalid, match="say why"), story.crank.uow() as uow:
        privacy.erase_now(uow, asked, "ada@ours.example", " ")

    with story.crank.uow() as uow:
        privacy.erase_now(uow, asked, "ada@ours.example", "the regulator asks")
    story.settle()

    assert request(story).proof["regardless_of_open_orders"] is True
    assert traces(story) == {}


@pytest.mark.capability("CUS-2")
def test_an_unanswered_request_is_a_case_five_days_before_its_deadline(story: Story) -> None:
    story.stock(TENT_2P_GRN=9)
    story.post("orders/create", her_order())
    story.settle()
    ask(story)
    found = request(story)
    (due,) = story.crank.rows("SELECT due_at FROM hub.deadline WHERE name = 'answered'")
    assert found.due_at - found.asked_at == timedelta(days=30)
    assert found.due_at - due[0] == timedelta(days=5)

    pass_days(story, 25)
    assert story.cases()["customers.privacy_overdue"] == found.request_id

    close(story)
    story.crank.hasten()
    story.settle()
    assert "customers.privacy_overdue" not in story.cases()


@pytest.mark.capability("CUS-2")
def test_a_stranger_who_shares_a_name_or_a_household_keeps_everything(bought: Story) -> None:
    other = her_order(
        external_id="99", name="#1003", email="cousin@maplemail.example",
        customer=a_customer(external_id="991", email="cousin@maplemail.example", phone=PHONE),
    )  # fmt: skip
    bought.post("orders/create", other)
    bought.settle()
    ask(bought)

    (kept,) = bought.crank.rows(
        "SELECT v.document FROM orders.order_version v JOIN orders.sales_order o ON o.id = v.order_id "
        "WHERE o.external_id = '99'"
    )
    assert codec.load(Order, kept[0]) == other
    (body,) = bought.crank.rows("SELECT body FROM hub.notice WHERE object_id = '99'")
    assert bytes(body[0]) != ERASED


@pytest.mark.capability("CUS-2")
def test_a_customer_who_bought_elsewhere_too_is_erased_here_alone(bought: Story) -> None:
    bought.crank.connect("market", "paper_shop", post_test_orders=False)
    ref = replace(her_order().ref, connection="market", external_id="7")
    bought.post("orders/create", her_order(ref=ref, name="M-7"), at="market")
    bought.settle()
    ask(bought)

    assert request(bought).proof["erased"]["accounts_kept_for_others"] == 1
    assert bought.crank.rows("SELECT email FROM customers.account") == [(EMAIL.lower(),)]
    assert bought.crank.rows("SELECT connection FROM hub.binding WHERE kind = 'channel_customer'") == [("market",)]
    left = bought.crank.rows(
        "SELECT DISTINCT o.channel FROM orders.order_version v JOIN orders.sales_order o ON o.id = v.order_id "
        "WHERE v.document::text LIKE '%%Vantongeren%%'"
    )
    assert left == [("market",)]


@pytest.mark.capability("CUS-2")
def test_a_redacted_shop_keeps_nobody(bought: Story) -> None:
    bought.post("orders/create", an_order(external_id="12", name="#1012"))
    bought.settle()
    close(bought)
    ask(bought, Ask.ERASE_SHOP, external_id="", email="", phone="", orders=())

    assert request(bought).state == "answered"
    assert bought.crank.rows("SELECT count(*) FROM customers.account WHERE erased_at IS NULL") == [(0,)]
    assert traces(bought) == {}
    (bodies,) = bought.crank.rows("SELECT array_agg(DISTINCT body) FROM hub.notice WHERE connection = 'shop'")
    assert [bytes(one) for one in bodies[0]] == [ERASED]


@pytest.mark.capability("CUS-2")
def test_a_message_that_was_erased_has_no_effect_when_it_is_replayed(bought: Story) -> None:
    ask(bought)
    bought.crank.rows(
        "UPDATE hub.delivery SET state = 'due', next_at = now() WHERE subscriber = 'intake.take_in' RETURNING id"
    )
    bought.settle()
    assert {code for _, code in bought.ended("intake.take_in")} == {"intake.erased"}
    assert traces(bought) == {}


@pytest.mark.capability("CUS-2")
def test_a_data_request_is_answered_with_a_file_of_all_that_is_held(bought: Story) -> None:
    ask(bought, Ask.EXPORT)
    found = request(bought)
    assert found.state == "ready"
    assert bought.cases()["customers.export_ready"] == found.request_id

    with bought.crank.uow() as uow:
        file = json.loads(customers.read_export(uow, found.request_id, "ada@ours.example"))
    assert [one["name"] for one in file["orders"]] == ["#1001", "#1002"]
    assert [len(one["versions"]) for one in file["orders"]] == [2, 1]
    assert [one["email"] for one in file["accounts"]] == [EMAIL.lower()]
    assert file["accounts"][0]["addresses"][0]["line1"] == STREET
    assert len(file["messages"]) == 3
    assert all(EMAIL in one["body"] for one in file["messages"])
    (sealed,) = bought.crank.rows("SELECT sealed FROM customers.privacy_export")
    assert b"Vantongeren" not in bytes(sealed[0])


@pytest.mark.capability("CUS-2")
def test_a_file_that_was_handed_over_or_grew_old_is_deleted(bought: Story) -> None:
    ask(bought, Ask.EXPORT)
    found = request(bought)
    with bought.crank.uow() as uow:
        privacy.hand_over(uow, found.request_id, "ada@ours.example", "sent by post")
    assert bought.crank.rows("SELECT count(*) FROM customers.privacy_export") == [(0,)]
    assert "customers.export_ready" not in bought.cases()
    with pytest.raises(Refused, match="answered already"), bought.crank.uow() as uow:
        privacy.hand_over(uow, found.request_id, "ada@ours.example", "again")

    ask(bought, Ask.EXPORT)
    assert bought.crank.rows("SELECT count(*) FROM customers.privacy_export") == [(1,)]
    pass_days(bought, 14)
    assert bought.crank.rows("SELECT count(*) FROM customers.privacy_export") == [(0,)]
    with pytest.raises(NotFound, match="no file is kept"), bought.crank.uow() as uow:
        customers.read_export(uow, found.request_id, "ada@ours.example")


@pytest.mark.capability("CUS-2")
def test_the_merchant_may_ask_for_a_person_by_e_mail_whatever_the_channel(bought: Story) -> None:
    with bought.crank.uow() as uow:
        privacy.ask_for(uow, Ask.ERASE, Subject(email=EMAIL), "terminal:ada", "she wrote to us", source="command")
    bought.settle()
    assert request(bought).state == "answered"
    assert traces(bought) == {}


def test_a_request_that_names_nobody_is_refused(story: Story) -> None:
    with pytest.raises(Invalid, match="name an account"), story.crank.uow() as uow:
        privacy.ask_for(uow, Ask.ERASE, Subject(), "terminal:ada", "", source="command")
