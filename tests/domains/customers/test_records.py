"""What an account has besides itself: by whom it may be said, and in which form it is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domains.customers import queries, service
from app.domains.customers.canonical import Address, Buyer
from app.domains.customers.service import Terms, Writer
from app.infra.connections import ConnectionRow
from app.infra.hub import Hub
from app.infra.routes import add_route
from app.kernel.errors import Forbidden, Invalid, Refused
from app.kernel.money import Money

ADA = Writer(who="ada@ours.example")
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def an_account(hub: Hub, **changes: Any) -> str:
    given: dict[str, Any] = {"connection": "shop", "order_key": "1", "external_id": "77", "email": "b@example.org",
                             "name": "Bea Novak", "country": "GB"}  # fmt: skip
    with hub.unit_of_work() as uow:
        return service.match_many(uow, [Buyer(**{**given, **changes})])[0]


def a_company(hub: Hub, **changes: Any) -> str:
    return an_account(hub, **{"company": "Novak Ltd", "external_id": "90", **changes})


def whole(hub: Hub, account_id: str) -> queries.Whole:
    with hub.unit_of_work() as uow:
        return queries.whole(uow, account_id)


@pytest.mark.capability("CUS-1")
def test_contact_points_are_kept_as_they_are_compared_and_found_by_any_spelling(hub: Hub) -> None:
    found = an_account(hub)
    with hub.unit_of_work() as uow:
        assert service.add_contact_point(uow, found, "phone", "020 7946 0000", ADA) == "+442079460000"
        assert service.add_contact_point(uow, found, "email", " Bea@Work.example", ADA, verified=True) == (
            "bea@work.example"
        )  # fmt: skip
        service.add_contact_point(uow, found, "email", "bea@work.example", ADA)  # a later word unverifies nothing
    points = whole(hub, found).parts["contact_points"]
    assert [(one["kind"], one["value"], one["verified"]) for one in points] == [
        ("email", "bea@work.example", True), ("phone", "+442079460000", False),
    ]  # fmt: skip
    with hub.unit_of_work() as uow:
        for text in ("BEA@work.example", "+44 (0)20 7946 0000", "b@example.org", "77", found):
            assert [one.account_id for one in queries.found(uow, text)] == [found], text
        assert queries.found(uow, "nobody@example.org") == []


@pytest.mark.capability("CUS-1")
@pytest.mark.parametrize(("kind", "text"), [("email", "no at sign"), ("phone", "none"), ("fax", "+44 20 7946 0000")])
def test_what_is_no_way_to_reach_somebody_is_refused(hub: Hub, kind: str, text: str) -> None:
    found = an_account(hub)
    with pytest.raises(Invalid, match="such as ada@example.org"), hub.unit_of_work() as uow:
        service.add_contact_point(uow, found, kind, text, ADA)


@pytest.mark.capability("CUS-1")
def test_a_tax_id_with_a_wrong_check_digit_is_refused_and_a_right_one_is_kept_once(hub: Hub) -> None:
    found = a_company(hub)
    with pytest.raises(Invalid, match="check digits are wrong"), hub.unit_of_work() as uow:
        service.add_tax_id(uow, found, "GB 980 7806 85", ADA)
    for text in ("GB 980 7806 84", "gb980780684"):
        with hub.unit_of_work() as uow:
            assert service.add_tax_id(uow, found, text, ADA).verdict.value == "checked"
    shown = whole(hub, found)
    assert shown.brief.tax_ids == ("GB980780684",)
    assert [(one["number"], one["verdict"]) for one in shown.parts["tax_ids"]] == [("GB980780684", "checked")]


@pytest.mark.capability("CUS-1")
def test_the_latest_consent_counts_by_when_it_was_given_not_when_it_was_told(hub: Hub) -> None:
    found = an_account(hub)
    for state, hours in (("granted", 0), ("withdrawn", 2), ("granted", 1), ("withdrawn", 2)):
        with hub.unit_of_work() as uow:
            service.record_consent(
                uow, found, "email", state, NOON + timedelta(hours=hours), Writer(who="x", source="shop")
            )
    (kept,) = whole(hub, found).parts["consents"]
    assert (kept["state"], kept["source"]) == ("withdrawn", "shop")
    with hub.unit_of_work() as uow:
        assert uow.sql("SELECT count(*) FROM customers.consent").fetchone() == (3,)
    with pytest.raises(Invalid, match="gone by"), hub.unit_of_work() as uow:
        service.record_consent(uow, found, "email", "granted", datetime(2999, 1, 1, tzinfo=UTC), ADA)
    with pytest.raises(Invalid, match="one of email, sms, post"), hub.unit_of_work() as uow:
        service.record_consent(uow, found, "fax", "granted", NOON, ADA)


@pytest.mark.capability("CUS-1")
def test_credit_terms_are_a_persons_or_the_erps_word_never_a_channels(hub: Hub) -> None:
    found = a_company(hub)
    terms = Terms(currency="GBP", limit=Money.parse("2500.00", "GBP"), days=30)
    with pytest.raises(Forbidden, match="does not own the terms"), hub.unit_of_work() as uow:
        service.set_terms(uow, found, terms, Writer(who="shop", source="shop"))
    with hub.unit_of_work() as uow:
        uow.session.add(ConnectionRow(name="erp", adapter="business_central", settings={}))
        uow.session.flush()
        add_route(uow, "erp", "erp")
        service.set_terms(uow, found, terms, Writer(who="erp", source="erp"))
    (kept,) = whole(hub, found).parts["credit_terms"]
    assert (kept["limit_minor"], kept["currency"], kept["days"], kept["blocked"], kept["source"]) == (
        250000, "GBP", 30, False, "erp",
    )  # fmt: skip


@pytest.mark.capability("CUS-1")
@pytest.mark.parametrize(
    "terms",
    [
        Terms(currency="GBP", days=-1),
        Terms(currency="GBP", days=731),
        Terms(currency="GBP", limit=Money.parse("1.00", "USD")),
        Terms(currency="GBP", limit=Money.parse("-1.00", "GBP")),
    ],
)
def test_terms_that_nobody_can_keep_are_refused(hub: Hub, terms: Terms) -> None:
    found = a_company(hub)
    with pytest.raises(Invalid, match="days|limit"), hub.unit_of_work() as uow:
        service.set_terms(uow, found, terms, ADA)


@pytest.mark.capability("CUS-1")
def test_a_company_has_places_and_people_and_a_person_has_neither(hub: Hub) -> None:
    company, person = a_company(hub), an_account(hub)
    with hub.unit_of_work() as uow:
        place = service.add_location(uow, company, "Hull", Address(line1="1 Quay", country_code="GB"), ADA)
        assert service.add_location(uow, company, " Hull ", Address(line1="2 Quay"), ADA) == place
        service.add_member(uow, company, person, ADA, role="buyer", location_id=place)
        assert service.set_groups(uow, company, ["trade", " trade", ""], ADA) == ("trade",)
    shown = whole(hub, company)
    assert [(one["name"], one["line1"]) for one in shown.parts["locations"]] == [("Hull", "2 Quay")]
    assert [(one["account_id"], one["role"]) for one in shown.parts["members"]] == [(person, "buyer")]
    assert whole(hub, person).parts["acts_for"][0]["company"] == "Novak Ltd"
    with hub.unit_of_work() as uow:
        assert [one.account_id for one in queries.listed(uow, group="trade")] == [company]
        assert [one.account_id for one in queries.listed(uow, kind="person")] == [person]
    with pytest.raises(Refused, match="only a company"), hub.unit_of_work() as uow:
        service.add_location(uow, person, "Hull", Address(), ADA)
    with pytest.raises(Refused, match="is no person"), hub.unit_of_work() as uow:
        service.add_member(uow, company, company, ADA)


@pytest.mark.capability("CUS-1")
def test_a_company_is_known_by_its_checked_tax_id_whoever_orders_for_it(hub: Hub) -> None:
    right = {"tax_ids": ("DE136695976",), "country": "DE"}
    first = a_company(hub, **right)
    elsewhere = a_company(hub, connection="market", email="c@example.org", tax_ids=("136 695 976",), country="DE")
    mistyped = a_company(hub, connection="mail", email="d@example.org", tax_ids=("DE136695977",), country="DE")
    person = an_account(hub, connection="mail", external_id="93", email="e@example.org", **right)
    assert elsewhere == first
    assert len({first, mistyped, person}) == 3


@pytest.mark.capability("CUS-1")
def test_two_customers_of_one_shop_with_a_companys_tax_id_wait_for_a_person(hub: Hub) -> None:
    right = {"tax_ids": ("DE136695976",), "country": "DE"}
    first, second = a_company(hub, **right), a_company(hub, external_id="91", email="c@example.org", **right)
    assert first != second
    with hub.unit_of_work() as uow:
        assert service.find_alike(uow, [first]) == 1
        (pair,) = queries.pairs(uow)
    assert (pair.score, pair.signs) == (85, ("same tax id", "same name"))


@pytest.mark.capability("CUS-1")
def test_every_change_leaves_a_line_in_the_audit(hub: Hub) -> None:
    found = an_account(hub)
    with hub.unit_of_work() as uow:
        service.add_contact_point(uow, found, "email", "b2@example.org", ADA)
        service.set_groups(uow, found, ["vip"], ADA)
    with hub.unit_of_work() as uow:
        acts = uow.sql("SELECT who, did FROM hub.act WHERE key = %(k)s ORDER BY id", {"k": found}).fetchall()
    assert acts == [(ADA.who, "added a contact point (email)"), (ADA.who, "set groups")]
