"""One account for a buyer, made once, and never two made one without a person."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.customers import service
from app.domains.customers.canonical import Account, Address, Buyer, Kind, Purpose
from app.domains.customers.policy import Sign, email_of, identity_of, phone_of
from app.domains.customers.service.matching import SUSPECT
from app.domains.customers.service.merging import FIND
from app.infra.hub import Hub
from app.kernel.errors import Invalid
from tests.stock import told


def buyer(**changes: Any) -> Buyer:
    values: dict[str, Any] = {
        "connection": "shop", "order_key": "1001", "external_id": "77", "email": "ada@example.org", "phone": "",
        "name": "Ada Byron", "company": "", "country": "GB",
    }  # fmt: skip
    return Buyer(**{**values, **changes})


def guest(**changes: Any) -> Buyer:
    return buyer(**{"external_id": "", **changes})


def matched(hub: Hub, *buyers: Buyer) -> list[str]:
    """Each buyer's account, in transactions of their own."""
    found = []
    for one in buyers:
        with hub.unit_of_work() as uow:
            found += service.match_many(uow, [one])
    return found


def account(hub: Hub, account_id: str) -> Account:
    with hub.unit_of_work() as uow:
        found = service.account(uow, account_id)
    assert found is not None
    return found


def duplicates(hub: Hub, account_id: str) -> list[str]:
    with hub.unit_of_work() as uow:
        return service.possible_duplicates(uow, account_id)


def count(hub: Hub) -> int:
    with hub.unit_of_work() as uow:
        return uow.sql("SELECT count(*) FROM customers.account").fetchall()[0][0]


def test_a_customer_of_a_channel_has_one_account(hub: Hub) -> None:
    first, second = matched(hub, buyer(), buyer(order_key="1002", email="other@example.org"))

    assert first == second
    assert account(hub, first) == Account(
        account_id=first, kind=Kind.PERSON, name="Ada Byron", company="", email="ada@example.org", phone="",
        country="GB", tax_ids=(), guest=False, withheld=False,
    )  # fmt: skip
    facts = told(hub, "customers.account_matched.v1")
    assert facts == [{"account_id": first, "connection": "shop", "created": True}]


def test_one_e_mail_is_one_account_across_channels_and_guests(hub: Hub) -> None:
    found = matched(
        hub, guest(email=" Ada@Example.ORG "), buyer(), buyer(connection="market", external_id="A-9"),
        guest(connection="market", order_key="5"),
    )  # fmt: skip

    assert len(set(found)) == 1
    assert account(hub, found[0]).guest is False
    assert [fact["created"] for fact in told(hub, "customers.account_matched.v1")] == [True, False, False]


def test_a_guest_stays_a_guest_until_a_channel_knows_him(hub: Hub) -> None:
    (found,) = matched(hub, guest())
    assert account(hub, found).guest is True


def test_a_withheld_customer_is_no_guest_and_is_told_by_the_channels_id_only(hub: Hub) -> None:
    hidden = buyer(external_id="88", withheld=True)
    first, second, other = matched(hub, hidden, buyer(external_id="88", withheld=True, order_key="1002"), buyer())

    assert first == second != other
    kept = account(hub, first)
    assert (kept.guest, kept.withheld, kept.email, kept.name) == (False, True, "", "")


def test_withheld_orders_without_a_customer_are_buyers_of_their_own(hub: Hub) -> None:
    one = guest(withheld=True, email="", order_key="1")
    two = guest(withheld=True, email="", order_key="2")
    first, second, again = matched(hub, one, two, one)

    assert first == again != second
    assert account(hub, first).guest is False


def test_two_customers_of_a_channel_with_one_e_mail_are_kept_apart_for_a_person_to_look_at(hub: Hub) -> None:
    first, second, again = matched(hub, buyer(), buyer(external_id="78"), buyer(external_id="78", order_key="9"))

    assert first != second
    assert second == again
    assert duplicates(hub, first) == [second]
    assert duplicates(hub, second) == [first]


def test_a_company_is_not_the_person_who_orders_for_it(hub: Hub) -> None:
    person, company = matched(hub, guest(), guest(company="Analytical Engines Ltd"))

    assert person != company
    assert account(hub, company).kind is Kind.COMPANY
    assert duplicates(hub, person) == []


def test_an_account_gains_what_it_lacks_and_keeps_what_it_has(hub: Hub) -> None:
    found = matched(
        hub,
        buyer(email="", phone="", name=""),
        buyer(email="ada@example.org", phone="+44 20 7946 0000", name="Ada", tax_ids=("GB123",)),
        buyer(name="Somebody Else", phone="1"),
    )

    assert len(set(found)) == 1
    kept = account(hub, found[0])
    assert (kept.name, kept.email, kept.phone, kept.tax_ids) == ("Ada", "ada@example.org", "+442079460000", ("GB123",))
    assert len(told(hub, "customers.account_completed.v1")) == 1


def test_an_account_that_gains_another_ones_e_mail_is_a_possible_duplicate(hub: Hub) -> None:
    first, second, third = matched(hub, buyer(email=""), guest(), buyer())

    assert first == third != second
    assert duplicates(hub, first) == [second]


def test_a_batch_is_matched_as_its_orders_would_be_one_by_one(hub: Hub) -> None:
    batch = [
        buyer(), guest(order_key="2"), buyer(external_id="78", order_key="3"),
        buyer(order_key="4", email="new@example.org"), guest(order_key="5", email=""), guest(order_key="6", email=""),
    ]  # fmt: skip
    with hub.unit_of_work() as uow:
        ada, as_guest, namesake, changed, nobody, no_other = service.match_many(uow, batch)

    assert ada == as_guest == changed
    assert len({ada, namesake, nobody, no_other}) == 4
    assert matched(hub, *batch) == [ada, as_guest, namesake, changed, nobody, no_other]


def test_eight_orders_of_one_new_customer_at_once_make_one_account(hub: Hub) -> None:
    start = Barrier(8)

    def order(n: int) -> Callable[[], str]:
        def place() -> str:
            start.wait(30)
            with hub.unit_of_work() as uow:
                return service.match_many(uow, [buyer(order_key=str(n))])[0]

        return place

    with ThreadPoolExecutor(8) as threads:
        found = [future.result(30) for future in [threads.submit(order(n)) for n in range(8)]]

    assert len(set(found)) == 1
    assert count(hub) == 1


def test_a_buyer_that_nothing_tells_apart_is_an_error() -> None:
    with pytest.raises(Invalid, match="customer id, e-mail and order id"):
        guest(email="", order_key="")


def test_an_address_is_kept_once_for_each_purpose(hub: Hub) -> None:
    (found,) = matched(hub, buyer())
    with hub.unit_of_work() as uow:
        for line, purpose in [("1 Mill St", "billing"), ("1  mill st", "billing"), ("1 Mill St", "shipping")]:
            service.keep_address(uow, found, Purpose(purpose), Address(line1=line, country_code="GB"))
        kept = uow.sql("SELECT purpose, line1 FROM customers.address ORDER BY purpose").fetchall()
    assert kept == [("billing", "1 Mill St"), ("shipping", "1 Mill St")]


@pytest.mark.parametrize("statement", [SUSPECT, FIND])
def test_a_new_account_is_compared_by_index_however_many_there_are(hub: Hub, statement: str) -> None:
    (found,) = matched(hub, buyer())
    more = """
        INSERT INTO customers.account (id, identity, kind, email, phone)
        SELECT gen_random_uuid(), 'person|' || n, 'person', n || '@example.org', '+44' || n
          FROM generate_series(1, 20000) n"""
    with hub.unit_of_work() as uow:
        uow.sql(more)
        uow.sql("ANALYZE customers.account")
        words = {sign.name.lower(): sign.value for sign in Sign} | {f"{sign.name.lower()}_n": 1 for sign in Sign}
        plan = uow.sql(f"EXPLAIN {statement}", {"ids": [found], "suspicious": 50, **words}).fetchall()
    lines = "\n".join(line for (line,) in plan)
    assert "ix_account_email" in lines
    assert "Seq Scan on account" not in lines


def test_addresses_come_with_the_buyer_once_each_and_never_of_a_withheld_one(hub: Hub) -> None:
    mill = Address(line1="1 Mill St", country_code="GB")
    used = ((Purpose.BILLING, mill), (Purpose.SHIPPING, mill))
    louder = (Purpose.SHIPPING, Address(line1="1  MILL ST", country_code="GB"))
    matched(
        hub, buyer(addresses=used), buyer(addresses=(*used, louder)),
        buyer(external_id="88", withheld=True, addresses=used),
    )  # fmt: skip
    with hub.unit_of_work() as uow:
        kept = uow.sql("SELECT purpose, line1 FROM customers.address ORDER BY purpose").fetchall()
    assert kept == [("billing", "1 Mill St"), ("shipping", "1 Mill St")]


@pytest.mark.parametrize(
    ("text", "email"),
    [
        (" A@B.example ", "a@b.example"),
        ("nobody", ""),
        ("a b@c.example", ""),
        ("", ""),
        ("two@at@c.example", ""),
        ("STRASSE@Müller.example", "strasse@müller.example"),
    ],
)
def test_an_e_mail_is_compared_without_spaces_and_capitals(text: str, email: str) -> None:
    assert email_of(text) == email


def test_a_phone_number_is_compared_by_its_digits() -> None:
    assert [phone_of(text) for text in ("+44 (20) 7946-0000", "020 7946", " ", "ext")] == [
        "+442079460000",
        "0207946",
        "",
        "",
    ]


@given(st.text(), st.text(), st.text(min_size=1), st.booleans())
def test_an_identity_never_mistakes_one_kind_of_key_for_another(
    email: str, company: str, key: str, withheld: bool
) -> None:
    kinds = {"person", "company", "customer", "order"}
    one = identity_of(guest(email=email, company=company, order_key=key, withheld=withheld))
    assert one.split("|")[0] in kinds
    if withheld:
        assert one == f"order|shop|{key}"
