"""What a connection may be set up with, and what its test says."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from app.adapters.business_central import SPEC
from app.adapters.business_central.settings import token_url
from app.domains.orders.ports import PaymentSink, SalesOrderSink, ShipmentSource
from app.infra.remote.spec import Dedupe
from tests.adapters.business_central.erp import PAYMENT_ACCOUNTS, a_us_company, a_vat_company, an_erp

pytestmark = pytest.mark.capability("SYS-dynamics-bc")

RAW: dict[str, Any] = {
    "tenant": "contoso.example", "environment": "production", "company_id": "7d112a45-ed22-5a23-b902-a0ca572f25ad",
    "client_id": "c", "client_secret": "s", "local_currency": "USD", "tax_mode": "tax_lines",
}  # fmt: skip


def load(**given: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = SPEC.settings().load(RAW | given)
    return loaded


def test_the_shortest_settings_have_a_default_for_everything_else() -> None:
    loaded = load()
    assert loaded["base_url"] == "https://api.businesscentral.dynamics.com"
    assert token_url(loaded) == "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token"
    assert (loaded["prefix"], loaded["payment_booking"], loaded["cancel_policy"]) == ("WEB", "none", "delete")


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"company_id": "CRONUS"}, "company_id", "8-4-4-4-12"),
        ({"tax_mode": "vat"}, "tax_mode", "Must be one of: gross, net, tax_lines, erp_tax."),
        ({"local_currency": "dollars"}, "local_currency", "ISO 4217"),
        ({"base_url": "http://erp.example"}, "base_url", "https://"),
        ({"zone": "Central"}, "zone", "IANA"),
        ({"prefix": "WEB-"}, "prefix", "letters or digits"),
        ({"order_customer": "one"}, "collecting_customers", '"*"'),
        ({"order_customer": "per_tax_area"}, "collecting_customers", "each country"),
        ({"payment_booking": "journal"}, "payment_accounts", "each gateway"),
        ({"accounts": {"shipping": "1" * 21}}, "accounts", "1 to 20 characters"),
        ({"posting_policy": "ship_and_invoice"}, "posting_policy", "draft"),
    ],
)
def test_what_does_not_hold_is_named_with_its_fix(given: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        load(**given)
    assert said in str(caught.value.messages[field])


def test_secrets_are_marked_as_such() -> None:
    fields = SPEC.settings().fields
    secret = {name for name, field in fields.items() if field.metadata.get("secret")}
    assert secret == {"client_secret", "client_state", "client_state_previous"}


def test_the_declaration_says_how_a_repeat_is_recognised() -> None:
    assert {port: SPEC.capability(port).dedupe for port in (SalesOrderSink, PaymentSink)} == {
        SalesOrderSink: Dedupe.LOOKUP, PaymentSink: Dedupe.LOOKUP
    }  # fmt: skip
    assert SPEC.offers(ShipmentSource)


class TestProbe:
    def test_a_connection_that_is_set_up_well_passes_every_line(self) -> None:
        with an_erp(a_us_company(), payment_booking="journal", payment_accounts=PAYMENT_ACCOUNTS) as erp:
            assert SPEC.probe is not None
            lines = SPEC.probe(erp.remote, erp.settings)
        assert [(line.name, line.passed) for line in lines] == [
            (name, True)
            for name in ("token", "company", "metadata", "accounts", "currency", "customers", "prices_include_tax",
                         "subscriptions")
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("settings", "name", "said"),
        [
            ({"accounts": {"shipping": "4100", "tip": "4000", "fee": "9999"}}, "accounts",
             "4000 does not allow direct posting; 9999 does not exist"),
            ({"local_currency": "EUR"}, "currency", "local currency is USD"),
            ({"tax_mode": "gross"}, "prices_include_tax", "choose tax_lines"),
            ({"order_customer": "one", "collecting_customers": {"*": "NOBODY"}}, "customers", "NOBODY does not exist"),
        ],
    )  # fmt: skip
    def test_what_is_missing_is_named(self, settings: dict[str, Any], name: str, said: str) -> None:
        with an_erp(a_us_company(), **settings) as erp:
            assert SPEC.probe is not None
            line = {line.name: line for line in SPEC.probe(erp.remote, erp.settings)}[name]
        assert not line.passed
        assert said in line.said

    def test_a_wrong_secret_is_the_only_line(self) -> None:
        with an_erp(a_us_company(), client_secret="wrong") as erp:
            assert SPEC.probe is not None
            [line] = SPEC.probe(erp.remote, erp.settings)
        assert (line.name, line.passed) == ("token", False)

    def test_an_unknown_company_is_named(self) -> None:
        with an_erp(a_us_company(), company_id="00000000-0000-0000-0000-00000000abcd") as erp:
            assert SPEC.probe is not None
            assert [(line.name, line.passed) for line in SPEC.probe(erp.remote, erp.settings)] == [
                ("token", True), ("company", False)
            ]  # fmt: skip

    def test_a_vat_company_may_have_prices_with_tax(self) -> None:
        with an_erp(a_vat_company()) as erp:
            assert SPEC.probe is not None
            assert all(line.passed for line in SPEC.probe(erp.remote, erp.settings))
