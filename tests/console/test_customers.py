"""Customers, pairs and privacy at the console: masked, asked first, done by a service, kept with name and reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app import registry
from app.domains.customers import queries, service
from app.domains.customers.canonical import Address, Buyer, Purpose
from app.domains.customers.service import Terms, Writer
from app.infra.hub import Hub
from app.kernel.money import Money
from app.settings import Settings
from tests.console.browser import Browser, acts
from tests.hub import Crank

EMAIL, NAME = "quilla.vantongeren@maplemail.example", "Quilla Vantongeren"
ADA = Writer(who="ada@shop.example")


@pytest.fixture
def crank(settings: Settings, hub: Hub) -> Iterator[Crank]:
    made = Crank(settings, adapter=registry.adapter)
    yield made
    made.close()


def known(hub: Hub, number: str = "1", **changes: Any) -> str:
    given: dict[str, Any] = {"connection": "shop", "order_key": number, "external_id": number, "email": EMAIL,
                             "name": NAME, "phone": "+442079460000", "country": "GB"}  # fmt: skip
    with hub.unit_of_work() as uow:
        return service.match_many(uow, [Buyer(**{**given, **changes})])[0]


def furnish(hub: Hub) -> tuple[str, str]:
    """A person with an address, and a company with all that one can have."""
    person, company = known(hub), known(hub, "2", email="a@b.example", company="Novak Ltd", name="")
    with hub.unit_of_work() as uow:
        service.keep_address(uow, person, Purpose.SHIPPING, Address(name=NAME, line1="77 Zephyrine Lane", city="Hull"))
        service.add_location(uow, company, "Hull", Address(line1="1 Quay", country_code="GB"), ADA)
        service.add_member(uow, company, person, ADA, role="buyer")
        service.add_tax_id(uow, company, "GB 980 7806 84", ADA)
        service.set_groups(uow, company, ["trade"], ADA)
        service.set_terms(uow, company, Terms(currency="GBP", limit=Money.parse("2500.00", "GBP"), days=30), ADA)
    return person, company


@pytest.mark.capability("CUS-1", "ADM-2")
def test_customers_are_listed_found_and_shown_masked(operator: Browser, hub: Hub) -> None:
    assert "No customer yet" in operator.get("/admin/customers/").text
    person, company = furnish(hub)
    for path in ("/admin/customers/", "/admin/customers/?kind=person", f"/admin/customers/?q={EMAIL}",
                 f"/admin/customers/{person}", f"/admin/customers/{company}"):  # fmt: skip
        text = operator.get(path).text
        assert "Quilla" not in text, path
        assert "77 Zephyrine" not in text, path
        assert EMAIL not in text.replace(f'value="{EMAIL}"', ""), path
    assert "q•••••@maplemail.example" in operator.get("/admin/customers/").text
    shown = operator.get(f"/admin/customers/{company}").text
    for said in ("Novak Ltd", "GB980780684", "2500.00 GBP", "30 days to pay", "trade", "buyer", "1 Quay"):
        assert said in shown, said
    assert "Nobody is called so" in operator.get("/admin/customers/?q=nobody@example.org").text
    assert operator.get(f"/admin/customers/{person[:-4]}0000").status_code == 404


@pytest.mark.capability("SEC-3")
def test_seeing_a_customer_whole_is_an_audited_click(
    operator: Browser, signed_in: Callable[[str], Browser], hub: Hub
) -> None:
    person, _ = furnish(hub)
    viewer = signed_in("viewer")
    assert "Show personal data" not in viewer.get(f"/admin/customers/{person}").text
    assert viewer.post(f"/admin/customers/{person}/whole").status_code == 403
    operator.get(f"/admin/customers/{person}")
    shown = operator.post(f"/admin/customers/{person}/whole").text
    assert all(said in shown for said in (NAME, EMAIL, "77 Zephyrine Lane"))
    assert ("operator@shop.example", "saw a customer whole", "") in acts(hub)


@pytest.mark.capability("CUS-1")
def test_a_pair_is_reviewed_merged_with_its_consequences_and_taken_back(operator: Browser, hub: Hub) -> None:
    first, other = known(hub), known(hub, "2", phone="")
    page = operator.get("/admin/duplicates/").text
    (link,) = set(re.findall(r"/admin/duplicates/[0-9a-f-]{36}/[0-9a-f-]{36}", page))
    review = operator.get(link).text
    assert "Same e-mail: 55 of 100" in review
    assert "Quilla" not in review

    assert operator.post(f"{link}/merge", survivor="x").status_code == 422
    asked = operator.post(f"{link}/merge", survivor=first).text
    assert "Both have a number there, and keep it: shop 2" in asked
    assert operator.post(f"{link}/merge", survivor=first, sure="yes", why=" ").status_code == 422
    merged = operator.post(f"{link}/merge", survivor=first, sure="yes", why="she said so").text
    assert "Merged, with your name and reason" in merged
    assert ("operator@shop.example", "merged accounts", "she said so") in acts(hub)

    (undo,) = set(re.findall(r"/admin/customers/merges/[0-9a-f-]{36}/undo", merged))
    assert "Why are they two?" in operator.post(undo, back=first).text
    operator.post(undo, back=first, sure="yes", why="two sisters")
    with hub.unit_of_work() as uow:
        assert queries.whole(uow, other).brief.merged_into == ""
    operator.get(link)
    assert "They stay two" in operator.post(f"{link}/apart", why="two sisters").text
    assert "No two look like one" in operator.get("/admin/duplicates/").text
    assert "Kept apart" in operator.get("/admin/duplicates/?view=distinct").text


@pytest.mark.capability("CUS-1")
def test_all_accounts_are_compared_by_a_run_that_is_seen(operator: Browser, hub: Hub, crank: Crank) -> None:
    known(hub), known(hub, "2")
    operator.get("/admin/duplicates/")
    assert "Search for duplicate customers" in operator.post("/admin/duplicates/search").text
    crank.settle()
    assert "same e-mail, same phone number, same name" in operator.get("/admin/duplicates/").text


@pytest.mark.capability("CUS-2")
def test_a_file_is_made_fetched_and_handed_over_at_the_console(
    admin: Browser, signed_in: Callable[[str], Browser], hub: Hub, crank: Crank
) -> None:
    known(hub)
    assert "Nobody waits for an answer" in admin.get("/admin/privacy/").text
    assert admin.post("/admin/privacy/ask", kind="export", named="neither").status_code == 422
    admin.get("/admin/privacy/")
    assert "It becomes one file" in admin.post("/admin/privacy/ask", kind="export", named=EMAIL).text
    begun = admin.post("/admin/privacy/ask", kind="export", named=EMAIL, sure="yes", why="she rang").text
    assert "A copy of a customer’s data" in begun
    crank.settle()

    (link,) = set(re.findall(r"/admin/privacy/[0-9a-f-]{36}", admin.get("/admin/privacy/").text))
    page = admin.get(link)
    assert "Fetch the file" in page.text
    assert EMAIL not in page.text
    assert signed_in("viewer").post(f"{link}/file").status_code == 403
    admin.get(link)
    file = admin.post(f"{link}/file")
    assert json.loads(file.text)["accounts"][0]["email"] == EMAIL
    assert "attachment" in file.headers["Content-Disposition"]
    admin.get(link)
    assert "The file is deleted" in admin.post(f"{link}/handed-over", why="in person").text
    assert "Nobody waits for an answer" in admin.get("/admin/privacy/").text


@pytest.mark.capability("CUS-2")
def test_an_erasure_is_asked_about_first_and_shows_its_proof(admin: Browser, hub: Hub, crank: Crank) -> None:
    person = known(hub)
    admin.get("/admin/privacy/")
    assert "does not come back" in admin.post("/admin/privacy/ask", kind="erase", named=person).text
    admin.post("/admin/privacy/ask", kind="erase", named=person, sure="yes", why="she rang")
    (link,) = set(re.findall(r"/admin/privacy/[0-9a-f-]{36}", admin.get("/admin/privacy/").text))
    assert "Withdraw" in admin.get(link).text
    crank.settle()
    page = admin.get(link).text
    assert "Accounts</span><b>1" in page
    assert "erased personal data" in page
    assert "Erased" in admin.get(f"/admin/customers/{person}").text


@pytest.mark.capability("CUS-2")
def test_only_an_administrator_asks_for_a_person(operator: Browser, hub: Hub) -> None:
    operator.get("/admin/privacy/")
    assert "Somebody wrote to you" not in operator.get("/admin/privacy/").text
    assert operator.post("/admin/privacy/ask", kind="erase", named=EMAIL, sure="yes", why="x").status_code == 403


@pytest.mark.capability("CUS-1", "ORD-9", "ADM-2")
def test_a_company_gets_places_and_people_on_its_page(operator: Browser, hub: Hub) -> None:
    person, company = furnish(hub)
    page = f"/admin/customers/{company}"
    shown = operator.get(page).text
    for said in ("Room left", "2500.00 GBP", "checked", "Add the place", "Let the person act for it"):
        assert said in shown, said
    added = operator.post(f"{page}/places", name="Leeds", line1="2 Mill", country_code="gb", external_id="9").text
    assert ("The place is kept" in added, "2 Mill" in added) == (True, True)
    assert operator.post(f"{page}/people/{person}/remove").status_code == 200
    assert "0 people found" in operator.post(f"{page}/people", person="nobody@example.org").text
    assert "acts for the company now" in operator.post(f"{page}/people", person=EMAIL, role="buyer").text
    with hub.unit_of_work() as uow:
        whole = queries.whole(uow, company)
        done = {row[0] for row in uow.sql("SELECT did FROM hub.act WHERE key = %(k)s", {"k": company})}
    assert [one["account_id"] for one in whole.parts["members"]] == [person]
    assert {"kept a place", "let a person act for it", "let a person act for it no more"} <= done
    assert "Add the place" not in operator.get(f"/admin/customers/{person}").text
