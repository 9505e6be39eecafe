from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import urllib3

from app.sandbox.companies import marlow_us
from app.sandbox.serving import Served
from app.sandbox.settings import Settings
from tests.sandbox.erp_client import NOWHERE, Erp

pytestmark = pytest.mark.capability("TRY-1")

DIALOG = "Application_DialogException"
FIELD = "Application_FieldValidationException"


def _lines(order: Any) -> list[Any]:
    return list(order["salesOrderLines"])


class TestBodies:
    def test_an_unknown_property_is_refused_by_name(self, erp: Erp) -> None:
        status, code, message = erp.refused("POST", "salesOrders", {"customerNumber": "WEB", "paymentReference": "x"})
        assert (status, code) == (400, "BadRequest")
        assert "'paymentReference' does not exist on type 'Microsoft.NAV.salesOrder'" in message
        assert erp.all("salesOrders") == []

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"number": "SO-1"}, "BadRequest_InvalidOperation"),
            ({"totalAmountIncludingTax": 5}, "BadRequest_InvalidOperation"),
            ({"billToCity": "Bonn"}, "BadRequest_InvalidOperation"),
            ({"externalDocumentNumber": "X" * 36}, "Application_StringExceededLength"),
            ({"shipToName": "N" * 101}, "Application_StringExceededLength"),
            ({"shipToAddressLine2": "N" * 51}, "Application_StringExceededLength"),
            ({"phoneNumber": "555 0100 ext. 5"}, FIELD),
            ({"orderDate": "20.11.2026"}, "BadRequest"),
            ({"discountAmount": "5"}, "BadRequest"),
            ({"partialShipping": "yes"}, "BadRequest"),
            ({"customerId": "x"}, "Application_InvalidGUID"),
            ({"currencyCode": "XXX"}, DIALOG),
            ({"paymentTermsId": "11111111-1111-1111-1111-111111111111"}, DIALOG),
            ({"customerNumber": "NOBODY"}, DIALOG),
            ({"customerNumber": ""}, DIALOG),
        ],
    )
    def test_a_head_that_cannot_be_is_refused(self, erp: Erp, body: dict[str, Any], code: str) -> None:
        assert erp.refused("POST", "salesOrders", {"customerNumber": "WEB", **body})[1] == code
        assert erp.all("salesOrders") == []

    def test_an_external_document_number_is_stored_in_upper_case_and_is_not_unique(self, erp: Erp) -> None:
        for _ in range(2):
            erp.order(externalDocumentNumber="web-" + "a" * 31)
        found = erp.all(f"salesOrders?$filter=externalDocumentNumber eq 'WEB-{'A' * 31}'")
        assert [order["number"] for order in found] == ["SO-1001", "SO-1002"]

    def test_an_option_that_does_not_exist_is_answered_with_those_that_do(self, erp: Erp) -> None:
        status, code, message = erp.refused("POST", "customers", {"type": "Robot"})
        assert (status, code, "Company,Person" in message) == (400, "Unknown", True)


class TestVersions:
    def test_a_change_without_the_version_is_refused(self, erp: Erp) -> None:
        order = erp.order()
        for method in ("PATCH", "DELETE"):
            refused = erp.refused(method, f"salesOrders({order['id']})", {"shipToName": "A"})
            assert refused[:2] == (400, "BadRequest_InvalidToken")
        assert erp.read(order)["shipToName"] == "Web shop"

    def test_a_change_with_an_old_version_is_refused(self, erp: Erp) -> None:
        order = erp.order()
        erp.change("salesOrders", order, {"shipToName": "A"})
        refused = erp.refused(
            "PATCH", f"salesOrders({order['id']})", {"shipToName": "B"}, If_Match=order["@odata.etag"]
        )
        assert refused[:2] == (409, "Request_EntityChanged")
        assert erp.read(order)["shipToName"] == "A"

    def test_a_star_matches_every_version(self, erp: Erp) -> None:
        order = erp.order()
        assert erp.ask("PATCH", f"salesOrders({order['id']})", {"shipToName": "B"}, If_Match="*").status == 200

    def test_a_changed_line_gives_its_head_a_new_version(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(1, 10))
        erp.change("salesOrderLines", _lines(order)[0], {"unitPrice": 11})
        assert erp.read(order)["@odata.etag"] != order["@odata.etag"]


class TestLines:
    def test_a_line_needs_its_document(self, erp: Erp) -> None:
        assert erp.refused("POST", "salesOrderLines", erp.item_line(1, 10))[1] == DIALOG
        status, code, message = erp.refused("GET", "salesOrderLines")
        assert (status, code) == (400, DIALOG)
        assert "You must specify an Id or a Document Id" in message

    def test_lines_are_found_by_their_document_or_their_own_id(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(1, 10, sequence=1000))
        by_document = erp.all(f"salesOrderLines?$filter=documentId eq {order['id']}")
        by_path = erp.all(f"salesOrders({order['id']})/salesOrderLines")
        by_id = erp.get(f"salesOrderLines({by_document[0]['id']})")
        assert [by_document[0]["sequence"], by_path[0]["sequence"], by_id["sequence"]] == [1000, 1000, 1000]

    def test_a_sequence_that_exists_collides(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(1, 10, sequence=1000))
        line = erp.item_line(1, 10, sequence=1000)
        refused = erp.refused("POST", f"salesOrders({order['id']})/salesOrderLines", line)
        assert refused[1] == "Internal_EntityWithSameKeyExists"
        refused = erp.refused("POST", "salesOrders", {"customerNumber": "WEB", "salesOrderLines": [line, line]})
        assert refused[1] == "Internal_EntityWithSameKeyExists"
        assert [len(_lines(erp.read(each))) for each in erp.all("salesOrders")] == [1]

    def test_a_sequence_is_never_changed(self, erp: Erp) -> None:
        line = _lines(erp.order(erp.item_line(1, 10, sequence=1000)))[0]
        status, code, message = erp.refused(
            "PATCH", f"salesOrderLines({line['id']})", {"sequence": 2000}, If_Match=line["@odata.etag"]
        )
        assert (code, "sequence cannot be modified" in message) == (DIALOG, True)

    @pytest.mark.parametrize("last", ["accountId", "itemId"])
    def test_a_line_is_of_an_item_or_of_an_account(self, erp: Erp, last: str) -> None:
        both = {"itemId": erp.item(), "accountId": erp.account("4100")}
        ordered = dict(sorted(both.items(), key=lambda pair: pair[0] == last))
        refused = erp.refused("POST", "salesOrders", {"customerNumber": "WEB", "salesOrderLines": [ordered]})
        assert (refused[1], "Specify only one of them" in refused[2]) == (DIALOG, True)

    def test_one_wrong_line_leaves_no_order_at_all(self, erp: Erp) -> None:
        lines = [erp.item_line(1, 10), {"itemId": "11111111-1111-1111-1111-111111111111"}]
        refused = erp.refused("POST", "salesOrders", {"customerNumber": "WEB", "salesOrderLines": lines})
        assert (refused[1], "Item does not exist" in refused[2]) == (DIALOG, True)
        assert erp.all("salesOrders") == []
        assert erp.served.sandbox.books.documents("salesOrders") == []

    @pytest.mark.parametrize(
        ("line", "code"),
        [
            ({"taxCode": "LUXURY"}, "Internal_InvalidTableRelation"),
            ({"locationId": "11111111-1111-1111-1111-111111111111"}, "Internal_InvalidTableRelation"),
            ({"itemVariantId": "11111111-1111-1111-1111-111111111111"}, "Internal_InvalidTableRelation"),
            ({"unitOfMeasureCode": "MILE"}, "Internal_InvalidTableRelation"),
            ({"discountPercent": 101}, FIELD),
            ({"taxPercent": 19}, "BadRequest_InvalidOperation"),
        ],
    )
    def test_a_line_value_that_names_nothing_is_refused(self, erp: Erp, line: dict[str, Any], code: str) -> None:
        body = {"customerNumber": "WEB", "salesOrderLines": [{"itemId": erp.item(), **line}]}
        assert erp.refused("POST", "salesOrders", body)[1] == code

    def test_a_blocked_item_and_an_account_without_direct_posting_are_refused(self, erp: Erp) -> None:
        erp.edit("items", {"blocked": True}, number="MO-TEE-M")
        for line in (erp.item_line(1, 1), erp.account_line("4000", 1)):
            assert erp.refused("POST", "salesOrders", {"customerNumber": "WEB", "salesOrderLines": [line]})[1] == FIELD

    def test_a_vat_company_without_the_rates_set_up_says_so(self, vat: Erp) -> None:
        vat.add("customers", {"number": "LOST", "taxAreaId": NOWHERE})
        body = {"customerNumber": "LOST", "salesOrderLines": [vat.item_line(1, 1)]}
        status, code, message = vat.refused("POST", "salesOrders", body)
        assert (code, "VAT Posting Setup" in message) == ("Internal_RecordNotFound", True)


class TestHeadRules:
    def test_a_header_discount_before_lines_has_no_base(self, erp: Erp) -> None:
        body = {"customerNumber": "WEB", "discountAmount": 5, "salesOrderLines": [erp.item_line(1, 100)]}
        refused = erp.refused("POST", "salesOrders", body)
        assert (refused[1], "base amount is zero" in refused[2]) == (DIALOG, True)

    def test_prices_with_tax_are_refused_for_sales_tax_and_on_credit_memos_and_invoices(
        self, erp: Erp, vat: Erp
    ) -> None:
        refused = erp.refused("POST", "salesOrders", {"customerNumber": "WEB", "pricesIncludeTax": True})
        assert (refused[1], "Sales Tax" in refused[2]) == (DIALOG, True)
        assert vat.order(pricesIncludeTax=True)["pricesIncludeTax"] is True
        for set_name in ("salesCreditMemos", "salesInvoices"):
            body = {"customerNumber": "WEB", "pricesIncludeTax": True}
            assert vat.refused("POST", set_name, body)[1] == "BadRequest_InvalidOperation"

    def test_a_released_order_keeps_its_lines(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(2, 10, sequence=1000))
        assert erp.people("release", number=order["number"])["order"]["status"] == "Open"
        line = erp.get(f"salesOrderLines({_lines(order)[0]['id']})")
        own = {"If_Match": line["@odata.etag"]}
        path = f"salesOrderLines({line['id']})"
        for refused in (
            erp.refused("PATCH", path, {"quantity": 1}, **own),
            erp.refused("DELETE", path, **own),
            erp.refused("POST", f"salesOrders({order['id']})/salesOrderLines", erp.item_line(1, 1)),
        ):
            assert (refused[1], "Current value is 'Released'" in refused[2]) == (FIELD, True)
        assert erp.ask("PATCH", path, {"shipQuantity": 1}, **own).status == 200

    def test_a_quantity_never_falls_below_what_was_shipped(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(5, 10, sequence=1000))
        erp.people("ship", number=order["number"], lines=[{"sequence": 1000, "quantity": 3}])
        erp.edit("salesOrders", {"status": "Draft"}, number=order["number"])
        line = _lines(erp.read(order))[0]
        refused = erp.refused("PATCH", f"salesOrderLines({line['id']})", {"quantity": 2}, If_Match=line["@odata.etag"])
        assert (refused[1], "less than Quantity Shipped" in refused[2]) == (FIELD, True)
        assert erp.change("salesOrderLines", line, {"quantity": 3})["quantity"] == 3

    def test_a_customers_number_is_taken_once(self, erp: Erp) -> None:
        erp.add("customers", {"number": "web-207119551", "displayName": "Bob"})
        refused = erp.refused("POST", "customers", {"number": "WEB-207119551"})
        assert refused[1] == "Internal_EntityWithSameKeyExists"
        assert erp.all("customers?$filter=number eq 'WEB-207119551'")[0]["displayName"] == "Bob"

    def test_a_company_without_manual_numbers_refuses_one(
        self, serve: Callable[..., Served], http: urllib3.PoolManager
    ) -> None:
        spec = marlow_us()
        strict = Erp(serve(Settings(companies=(type(spec)(rates=spec.rates, manual_numbers=False),))), http)
        refused = strict.refused("POST", "customers", {"number": "WEB-1"})
        assert (refused[1], "Manual Nos." in refused[2]) == (DIALOG, True)
        assert strict.add("customers", {"displayName": "Bob"})["number"] == "C-1001"

    def test_a_blocked_customer_orders_nothing(self, erp: Erp) -> None:
        erp.edit("customers", {"blocked": "All"}, number="WEB")
        assert erp.refused("POST", "salesOrders", {"customerNumber": "WEB"})[1] == DIALOG


class TestAddresses:
    @pytest.mark.parametrize(
        ("method", "path", "status", "code"),
        [
            ("GET", "salesReturnOrders", 404, "BadRequest_ResourceNotFound"),
            ("GET", "salesOrders(11111111-1111-1111-1111-111111111111)", 404, "Internal_RecordNotFound"),
            ("GET", "salesOrders(SO-1001)", 404, "BadRequest_NotFound"),
            ("POST", "salesShipments", 405, "BadRequest_MethodNotAllowed"),
            ("POST", "accounts", 405, "BadRequest_MethodNotAllowed"),
            ("POST", "itemLedgerEntries", 405, "BadRequest_MethodNotAllowed"),
            ("GET", "customers?$filter=nick eq 'x'", 400, "BadRequest"),
            ("GET", "customers?$filter=number eq", 400, "BadRequest"),
            ("GET", "customers?$filter=number eq 5", 400, "BadRequest"),
            ("GET", "customers?$expand=orders", 400, "BadRequest"),
            ("GET", "customers?$select=nick", 400, "BadRequest"),
            ("GET", "customers?$apply=x", 400, "BadRequest"),
            ("GET", "customers?$top=x", 400, "BadRequest"),
        ],
    )
    def test_what_the_api_does_not_have_is_refused(
        self, erp: Erp, method: str, path: str, status: int, code: str
    ) -> None:
        assert erp.refused(method, path, {} if method == "POST" else None)[:2] == (status, code)

    def test_an_action_that_does_not_exist_is_refused(self, erp: Erp) -> None:
        order = erp.order()
        path = f"salesOrders({order['id']})/Microsoft.NAV.release"
        assert erp.refused("POST", path, {})[1] == "BadRequest_ResourceNotFound"

    def test_an_unknown_company_is_said(self, erp: Erp) -> None:
        unknown = erp.base.replace(erp.company["id"], "11111111-1111-1111-1111-111111111111")
        assert erp.refused("GET", f"{unknown}/customers")[:2] == (404, "Internal_CompanyNotFound")


class TestAccess:
    def test_a_wrong_secret_gets_no_token_in_microsofts_words(self, erp: Erp, http: urllib3.PoolManager) -> None:
        assert erp.token(client_secret="guess") == ""
        url = f"{erp.served.url}/business-central/marlow/oauth2/v2.0/token"
        form = {"grant_type": "client_credentials", "scope": "x", "client_id": "roundhouse", "client_secret": "y"}
        answer = http.request("POST", url, fields=form, encode_multipart=False)
        assert (answer.status, answer.json()["error"]) == (401, "invalid_client")

    @pytest.mark.parametrize("token", ["", "Bearer x", "Bearer marlow~roundhouse~9999999999~forged"])
    def test_without_a_token_nothing_is_answered(self, erp: Erp, http: urllib3.PoolManager, token: str) -> None:
        answer = http.request("GET", f"{erp.base}/items", headers={"Authorization": token})
        assert (answer.status, answer.json()["error"]["code"]) == (401, "Authentication_InvalidCredentials")

    def test_a_token_of_one_tenant_opens_no_other(self, erp: Erp, http: urllib3.PoolManager) -> None:
        other = erp.base.replace("/v2.0/marlow/", "/v2.0/other/")
        assert http.request("GET", f"{other}/items", headers=erp.headers).status == 401

    def test_too_many_requests_are_told_when_to_come_back(self, erp: Erp) -> None:
        erp.served.sandbox.limits.put("business_central", {"requests": 3, "seconds": 300, "concurrent": 100})
        answers = [erp.ask("GET", "items?$top=1") for _ in range(3)]
        # One request, for the companies, came before the limit was set.
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert 290 < int(answers[2].headers["Retry-After"]) <= 300
        erp.served.sandbox.limits.put("business_central", None)
        assert erp.ask("GET", "items?$top=1").status == 200

    def test_faults_are_worded_as_business_centrals(self, erp: Erp) -> None:
        for kind, status, code in (("status", 503, "Internal_ServerError"), ("throttle", 429, None)):
            erp.http.request(
                "POST", f"{erp.served.url}/_faults",
                json={"vendor": "business_central", "match": "GET items", "kind": kind, "times": 1},
            )  # fmt: skip
            refused = erp.refused("GET", "items")
            assert refused[0] == status
            assert code in {None, refused[1]}
        assert erp.ask("GET", "items").status == 200

    def test_an_order_whose_answer_is_lost_is_found_by_its_external_number(self, erp: Erp) -> None:
        erp.http.request("POST", f"{erp.served.url}/_faults", json={
            "vendor": "business_central", "match": "POST salesOrders", "kind": "drop_after", "times": 1})  # fmt: skip
        with pytest.raises(urllib3.exceptions.ProtocolError):
            erp.ask("POST", "salesOrders", {"customerNumber": "WEB", "externalDocumentNumber": "WEB-7"})
        assert len(erp.all("salesOrders?$filter=externalDocumentNumber eq 'WEB-7'")) == 1
