from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import urllib3

from app.sandbox.companies import CompanySpec, marlow_us
from app.sandbox.serving import Served
from app.sandbox.settings import Settings
from tests.sandbox.erp_client import NOWHERE, Erp

pytestmark = pytest.mark.capability("TRY-1")

SAME = "Internal_EntityWithSameKeyExists"
NO_RELATION = "Internal_InvalidTableRelation"


class TestCustomers:
    def test_a_customer_is_created_found_by_mail_and_changed(self, erp: Erp) -> None:
        [terms] = erp.all("paymentTerms")
        made = erp.add("customers", {
            "number": "WEB-1", "displayName": "Bob Norman", "type": "Person", "email": "bob@example.com",
            "paymentTermsId": terms["id"], "currencyCode": "EUR",
        })  # fmt: skip
        assert (made["paymentTermsId"], made["currencyId"] != NOWHERE) == (terms["id"], True)
        [found] = erp.all("customers?$filter=email eq 'bob@example.com'")
        assert erp.change("customers", found, {"city": "Boulder"})["city"] == "Boulder"
        assert erp.all("customers?$filter=number eq 'WEB-1'&$expand=paymentTerm")[0]["paymentTerm"]["code"] == "30D"

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"taxAreaId": "11111111-1111-1111-1111-111111111111"}, NO_RELATION),
            ({"paymentMethodId": "11111111-1111-1111-1111-111111111111"}, NO_RELATION),
            ({"currencyCode": "XXX"}, "Application_DialogException"),
            ({"balanceDue": 5}, "BadRequest_InvalidOperation"),
            ({"number": "N" * 21}, "Application_StringExceededLength"),
            ({"creditLimit": "much"}, "BadRequest"),
        ],
    )
    def test_a_customer_that_names_nothing_real_is_refused(self, erp: Erp, body: dict[str, Any], code: str) -> None:
        assert erp.refused("POST", "customers", body)[1] == code
        assert [each["number"] for each in erp.all("customers")] == ["WEB"]

    def test_a_vat_companys_template_gives_new_customers_their_area(self, vat: Erp) -> None:
        made = vat.add("customers", {"number": "NEW"})
        assert made["taxAreaDisplayName"] == "Domestic"
        assert vat.order(vat.item_line(1, 100), customerNumber="NEW")["totalTaxAmount"] == 19

    def test_a_company_without_a_template_cannot_post_what_its_customers_order(
        self, serve: Callable[..., Served], http: urllib3.PoolManager
    ) -> None:
        spec = CompanySpec(rates=marlow_us().rates, customer_template=False)
        bare = Erp(serve(Settings(companies=(spec,))), http)
        bare.add("customers", {"number": "NEW"})
        order = bare.order(bare.item_line(1, 10), customerNumber="NEW")
        refused = bare.refused("POST", f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice", {})
        assert "Customer Posting Group must have a value" in refused[2]

    def test_who_has_open_orders_cannot_be_deleted(self, erp: Erp) -> None:
        made = erp.add("customers", {"number": "NEW"})
        order = erp.order(erp.item_line(1, 10), customerNumber="NEW")
        path = f"customers({made['id']})"
        assert "outstanding Sales Order" in erp.refused("DELETE", path, If_Match="*")[2]
        assert "outstanding Sales Order" in erp.refused("DELETE", f"items({erp.item()})", If_Match="*")[2]
        erp.ask("DELETE", f"salesOrders({order['id']})", If_Match="*")
        assert erp.ask("DELETE", path, If_Match="*").status == 204
        assert erp.refused("GET", path)[0] == 404


class TestItems:
    def test_an_item_takes_its_unit_and_tax_group_by_code_or_id(self, erp: Erp) -> None:
        by_code = erp.add("items", {"number": "X-1", "baseUnitOfMeasureCode": "BOX", "taxGroupCode": "taxable"})
        by_id = erp.add("items", {"number": "X-2", "baseUnitOfMeasureId": by_code["baseUnitOfMeasureId"]})
        assert (by_id["baseUnitOfMeasureCode"], by_code["taxGroupCode"]) == ("BOX", "TAXABLE")
        assert erp.refused("POST", "items", {"number": "X-1"})[1] == SAME
        assert erp.refused("POST", "items", {"number": "X-3", "baseUnitOfMeasureCode": "MILE"})[1] == NO_RELATION
        assert erp.refused("POST", "items", {"number": "X-3", "inventory": 5})[1] == "BadRequest_InvalidOperation"

    def test_a_variant_belongs_to_its_item_and_names_the_line(self, erp: Erp) -> None:
        path = f"items({erp.item()})/itemVariants"
        variant = erp.add(path, {"code": "RED", "description": "Merino Tee, red"})
        assert (variant["itemNumber"], variant["itemId"]) == ("MO-TEE-M", erp.item())
        assert erp.refused("POST", path, {"code": "RED"})[1] == SAME
        assert [each["code"] for each in erp.all(path)] == ["RED"]
        line = {"itemId": erp.item(), "itemVariantId": variant["id"], "quantity": 1}
        assert erp.order(line)["salesOrderLines"][0]["description"] == "Merino Tee, red"
        other = {"itemId": erp.item("MO-TEE-L"), "itemVariantId": variant["id"], "quantity": 1}
        body = {"customerNumber": "WEB", "salesOrderLines": [other]}
        assert erp.refused("POST", "salesOrders", body)[1] == NO_RELATION

    def test_a_renamed_item_may_not_take_anothers_number(self, erp: Erp) -> None:
        [item] = erp.all("items?$filter=number eq 'MO-TEE-M'")
        refused = erp.refused("PATCH", f"items({item['id']})", {"number": "MO-TEE-L"}, If_Match=item["@odata.etag"])
        assert refused[1] == SAME
        assert erp.change("items", item, {"number": "MO-TEE-MM"})["number"] == "MO-TEE-MM"
        assert erp.all("items?$filter=number eq 'MO-TEE-M'") == []


class TestSetup:
    def test_the_demo_has_what_the_hub_asks_an_implementer_for(self, erp: Erp) -> None:
        accounts = erp.all("accounts?$filter=directPosting eq true and blocked eq false")
        assert {"2310", "2400", "4100", "4200", "4300", "4310", "4800", "4900", "4910", "2360"} <= {
            each["number"] for each in accounts
        }
        assert {each["code"] for each in erp.all("locations")} == {"EAST", "WEST", "STORE"}
        [setup] = erp.all("generalLedgerSetup")
        assert (setup["localCurrencyCode"], setup["allowPostingFrom"]) == ("USD", "2020-01-01")
        assert "USD" not in {each["code"] for each in erp.all("currencies")}
        yen = erp.all("currencies?$filter=code eq 'JPY'")[0]
        assert (yen["amountRoundingPrecision"], yen["amountDecimalPlaces"]) == (1, "0:0")
        assert {each["taxType"] for each in erp.all("taxGroups")} == {"Sales Tax"}

    def test_codes_are_stored_in_upper_case_and_are_taken_once(self, erp: Erp) -> None:
        assert erp.add("shipmentMethods", {"code": "bike", "displayName": "By bike"})["code"] == "BIKE"
        assert erp.refused("POST", "shipmentMethods", {"code": "BIKE"})[1] == SAME
        assert erp.refused("POST", "shipmentMethods", {})[1] == "BadRequest_RequiredParamNotProvided"

    def test_a_journal_and_its_lines_can_be_changed_and_deleted(self, erp: Erp) -> None:
        journal = erp.add("journals", {"code": "HUB-1"})
        line = erp.add(f"journals({journal['id']})/journalLines", {"accountNumber": "1010", "amount": 1})
        assert erp.change("journalLines", line, {"accountNumber": "1100"})["accountId"] == erp.account("1100")
        assert erp.change("journals", journal, {"displayName": "Payments"})["displayName"] == "Payments"
        assert erp.ask("DELETE", f"journalLines({line['id']})", If_Match="*").status == 204
        assert erp.ask("DELETE", f"journals({journal['id']})", If_Match="*").status == 204
        assert erp.all("journals") == []

    def test_accounts_and_entries_can_only_be_read(self, erp: Erp) -> None:
        for method in ("PATCH", "DELETE"):
            refused = erp.refused(method, f"accounts({erp.account('4100')})", {}, If_Match="*")
            assert refused[:2] == (405, "BadRequest_MethodNotAllowed")
