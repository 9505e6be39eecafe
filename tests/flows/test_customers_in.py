"""Customers of the emulated Business Central, imported by the real adapter over HTTP, and compared at night."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import redis
from sqlalchemy import Engine

from app import flows, registry
from app.adapters.business_central.client import Company
from app.adapters.business_central.webhooks import TOPIC
from app.domains.customers import queries, service
from app.flows import customer_alignment, customers_in
from app.infra.ids import new_id
from app.infra.notices import Incoming
from app.infra.ownership import set_owner
from app.infra.runs.rows import RunRow, items_of, runs
from app.infra.windows import open_window
from app.kernel.errors import Refused
from app.settings import Settings
from tests.adapters.business_central.erp import CLIENT_STATE, Erp, a_us_company, an_erp
from tests.hub import Crank

pytestmark = pytest.mark.capability("CUS-1", "SYS-dynamics-bc")


@dataclass
class Import:
    """A hub with a real ERP."""

    crank: Crank
    erp: Erp

    def add(self, number: str, name: str, **fields: Any) -> str:
        made = Company.of(self.erp.remote, self.erp.settings).post(
            "customers", {"number": number, "displayName": name, **fields}
        )
        return str(made["id"])

    def edit(self, number: str, **values: Any) -> None:
        self.erp.people("edit", set="customers", number=number, values=values)

    def read(self, *, whole: bool = False) -> RunRow:
        with self.crank.uow() as uow:
            customers_in.start(uow, uow.hub.connections.get(uow.session, "erp"), whole=whole, who="ann")
        self.crank.settle()
        return self.newest(customers_in.KIND)

    def newest(self, kind: str) -> RunRow:
        with self.crank.uow() as uow:
            return runs(uow, kind=kind)[0]

    def account(self, number: str) -> queries.Whole:
        with self.crank.uow() as uow:
            (brief,) = queries.found(uow, number)
            return queries.whole(uow, brief.account_id)

    def open(self, window: str) -> None:
        with self.crank.uow() as uow:
            uow.sql("DELETE FROM hub.window_run")
            open_window(uow, window, uow.hub.clock.now())
        self.crank.settle()

    def told(self) -> list[Mapping[str, Any]]:
        rows = self.crank.rows("SELECT payload FROM hub.event WHERE type = 'customers.account_changed.v1' ORDER BY id")
        return [row[0] for row in rows]


@pytest.fixture
def hub(settings: Settings, database: Engine, redis_client: redis.Redis) -> Iterator[Import]:
    flows.load()
    with an_erp(a_us_company()) as erp:
        crank = Crank(settings, adapter=registry.adapter)
        secret = ("client_secret", "client_state")
        plain = {name: value for name, value in erp.settings.items() if name not in secret}
        crank.connect(
            "erp", "business_central", secrets={name: erp.settings[name] for name in secret}, role="erp", **plain
        )
        yield Import(crank, erp)
        crank.close()


def test_customers_come_in_with_their_number_credit_and_address_and_change_by_the_clock(hub: Import) -> None:
    hub.add("C-1", "Adatum", type="Company", email="AP@adatum.example", addressLine1="1 Market Sq", country="US",
            taxRegistrationNumber="DE136695976")  # fmt: skip
    hub.edit("C-1", creditLimit=1500)
    run = hub.read(whole=True)
    assert (run.state, run.set_aside) == ("done", 0)
    found = hub.account("C-1")
    assert (found.brief.kind, found.brief.company, found.brief.email) == ("company", "Adatum", "ap@adatum.example")
    assert [one["number"] for one in found.parts["known_as"]] == ["C-1"]
    assert [(one["number"], one["verdict"]) for one in found.parts["tax_ids"]] == [("DE136695976", "checked")]
    assert [one["line1"] for one in found.parts["addresses"]] == ["1 Market Sq"]
    (credit,) = found.parts["credit_terms"]
    assert (credit["limit_minor"], credit["balance_minor"], credit["currency"], credit["source"]) == (
        150_000, 0, "USD", "erp",
    )  # fmt: skip

    hub.edit("C-1", displayName="Adatum Ltd", blocked="All")
    hub.erp.people("edit", set="customerFinancialDetails", number="C-1", values={"balance": 99.5})
    hub.open(customers_in.WINDOW)
    run = hub.newest(customers_in.KIND)
    assert (run.who, run.state, run.counts["changed"]) == ("hub", "done", 1)
    after = hub.account("C-1")
    assert (after.brief.account_id, after.brief.company) == (found.brief.account_id, "Adatum Ltd")
    (credit,) = after.parts["credit_terms"]
    assert (credit["blocked"], credit["balance_minor"]) == (True, 9_950)
    assert hub.told()[-1] == {"account_id": after.brief.account_id, "changed": ["contact", "terms"], "source": "erp"}


def test_a_customer_is_an_account_that_a_channel_knows_already_by_tax_id_or_e_mail(hub: Import) -> None:
    with hub.crank.uow() as uow:
        shopper = service.match(uow, "shop", external_id="77", email="ada@example.org", phone="", name="Ada Byron",
                                company="", withheld=False)  # fmt: skip
        firm = service.match(uow, "shop", external_id="78", email="x@firm.example", phone="", name="", company="Firm",
                             withheld=False, country="DE", tax_ids=("DE136695976",))  # fmt: skip
    hub.add("C-7", "Ada Byron", type="Person", email="ada@example.org")
    hub.add("C-8", "The Firm GmbH", type="Company", email="y@firm.example", taxRegistrationNumber="DE 136 695 976")
    hub.read(whole=True)
    assert hub.account("C-7").brief.account_id == shopper
    assert hub.account("C-8").brief.account_id == firm


def test_two_customers_with_one_e_mail_stay_two_and_wait_for_a_person(hub: Import) -> None:
    for number in ("C-1", "C-2"):
        hub.add(number, "Ada Byron", type="Person", email="ada@example.org")
    hub.read(whole=True)
    one, two = hub.account("C-1").brief.account_id, hub.account("C-2").brief.account_id
    assert one != two
    with hub.crank.uow() as uow:
        assert service.possible_duplicates(uow, one) == [two]


def test_a_customer_made_anew_under_its_number_is_the_same_one(hub: Import) -> None:
    old = hub.add("C-1", "Adatum", type="Company")
    hub.read(whole=True)
    known = hub.account("C-1").brief.account_id
    company = Company.of(hub.erp.remote, hub.erp.settings)
    company.delete(f"customers({old})", etag="*")
    hub.add("C-1", "Adatum", type="Company")
    hub.read()
    assert hub.account("C-1").brief.account_id == known


def test_what_the_source_does_not_own_stays_and_is_counted(hub: Import) -> None:
    hub.add("C-1", "Adatum", type="Company", email="old@adatum.example")
    hub.read(whole=True)
    with hub.crank.uow() as uow:
        set_owner(uow, "", "customer", "contact", "hub", "ann")
        set_owner(uow, "", "customer", "terms", "hub", "ann")
    hub.edit("C-1", email="new@adatum.example", creditLimit=10)
    run = hub.read()
    assert run.counts["not_owned"] == 1
    found = hub.account("C-1")
    assert (found.brief.email, found.parts["credit_terms"]) == ("old@adatum.example", [])
    assert hub.crank.rows("SELECT entity, field_group, told FROM hub.foreign_update") == [("customer", "contact", {})]


def test_what_a_person_corrected_here_stands_until_the_source_changes_the_customer(hub: Import) -> None:
    hub.add("C-1", "Adatum", type="Company", email="old@adatum.example")
    hub.edit("C-1", creditLimit=10)
    hub.read(whole=True)
    account = hub.account("C-1").brief.account_id
    with hub.crank.uow() as uow:
        uow.sql("UPDATE customers.account SET email = 'right@adatum.example' WHERE id = %(id)s", {"id": account})
    hub.read()
    assert hub.account("C-1").brief.email == "right@adatum.example"
    hub.edit("C-1", email="newest@adatum.example")
    hub.read()
    assert hub.account("C-1").brief.email == "newest@adatum.example"


def test_a_customer_that_a_posting_has_just_made_is_left_to_it(hub: Import) -> None:
    hub.add("WEB-77", "Ada Byron", type="Person")
    hub.read(whole=True)
    with hub.crank.uow() as uow:
        assert queries.found(uow, "WEB-77") == []


def test_hub_and_source_are_compared_at_night_without_telling_personal_data(hub: Import) -> None:
    gone = hub.add("C-1", "Adatum", type="Company")
    hub.add("C-2", "Fabrikam", type="Company")
    hub.read(whole=True)
    hub.open(customer_alignment.WINDOW)
    run = hub.newest(customer_alignment.KIND)
    assert (run.state, run.said) == ("done", "all is alike")
    Company.of(hub.erp.remote, hub.erp.settings).delete(f"customers({gone})", etag="*")
    hub.add("C-3", "Contoso", type="Company")
    hub.edit("C-2", displayName="Fabrikam Ltd", creditLimit=5)
    hub.open(customer_alignment.WINDOW)
    run = hub.newest(customer_alignment.KIND)
    with hub.crank.uow() as uow:
        items = {one.key: (one.code, one.said) for one in items_of(uow, run.id)}
    assert items == {
        "C-1": ("customers.missing_there", "are missing there"), "C-2": ("customers.differs", "limit, company"),
        "C-3": ("customers.missing_here", "are missing here"),
    }  # fmt: skip
    ((state, title),) = hub.crank.rows("SELECT state, title FROM hub.exception_case WHERE code = 'customers.drift'")
    assert (state, "1 differ" in title) == ("new", True)


def test_a_notification_has_what_changed_read_at_most_once_a_minute(hub: Import) -> None:
    told = "companies(x)/customers(y)"
    body = json.dumps({"value": [{"resource": told, "clientState": CLIENT_STATE}]}).encode()

    def ring(key: str) -> None:
        with hub.crank.uow() as uow:
            hub.crank.hub.intake.accept(uow, Incoming(
                connection="erp", topic=TOPIC, external_ids=(f"body:{key}",), kind="document", object_id="y",
                headers={}, body=body, correlation_id=new_id(),
            ))  # fmt: skip
        hub.crank.settle()

    hub.add("C-1", "Adatum", type="Company")
    ring("before anybody imported")
    assert hub.crank.rows("SELECT 1 FROM hub.run") == []
    hub.read(whole=True)
    hub.edit("C-1", displayName="Adatum Ltd")
    ring("at once")
    assert hub.account("C-1").brief.company == "Adatum"
    hub.crank.rows("UPDATE hub.run SET created_at = created_at - interval '2 minutes' RETURNING id")
    ring("two minutes later")
    assert hub.account("C-1").brief.company == "Adatum Ltd"


def test_one_import_at_a_time_and_the_whole_first(hub: Import) -> None:
    with hub.crank.uow() as uow:
        connection = uow.hub.connections.get(uow.session, "erp")
        with pytest.raises(Refused) as first:
            customers_in.start(uow, connection, whole=False, who="ann")
        with pytest.raises(Refused) as align:
            customer_alignment.start(uow, connection, who="ann")
        assert {first.value.code, align.value.code} == {"customers.import_first"}
        customers_in.start(uow, connection, whole=True, who="ann")
        uow.session.flush()
        with pytest.raises(Refused) as twice:
            customers_in.start(uow, connection, whole=True, who="ann")
        assert twice.value.code == "customers.import_under_way"
    hub.crank.settle()
    assert hub.newest(customers_in.KIND).created_at - timedelta(minutes=10) == _since(hub)


def _since(hub: Import) -> Any:
    with hub.crank.uow() as uow:
        return customers_in.last_import(uow, "erp")
