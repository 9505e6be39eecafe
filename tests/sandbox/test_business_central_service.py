from __future__ import annotations

import gzip
import json
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from app.sandbox.assembly import create_sandbox
from app.sandbox.business_central.entities import ENTITIES
from app.sandbox.companies import vat_company
from app.sandbox.serving import Served
from app.sandbox.settings import Settings
from tests.sandbox.erp_client import Erp

pytestmark = pytest.mark.capability("TRY-1")

# What Microsoft's documents call the types of our tables.
_TYPES = {
    "GUID": {"guid"}, "string": {"text", "code"}, "decimal": {"decimal"}, "boolean": {"bool"}, "date": {"date"},
    "datetime": {"datetime"}, "integer": {"int"}, "int64": {"int"},
}  # fmt: skip


@pytest.fixture
def documented(contracts: Path) -> Any:
    return json.loads((contracts / "d365-business-central" / "v2.0-resources.json").read_text())


class TestMicrosoftsDocuments:
    def test_every_property_action_and_navigation_is_microsofts(self, documented: Any) -> None:
        for entity in ENTITIES.values():
            resource = documented[entity.name]
            types = {each["name"]: each["type"] for each in resource["properties"]}
            assert set(types) - {"picture"} == set(entity.properties), entity.name
            for each in entity.properties.values():
                said = types[each.name]
                allowed = {"option"} if said.startswith("NAV.") else _TYPES[said]
                assert each.type in allowed, (entity.name, each.name)
            assert set(entity.actions) <= set(resource["boundActions"])
            assert set(entity.navigations) <= {each["name"] for each in resource["navigation"]}

    def test_what_microsoft_calls_read_only_is_never_written(self, documented: Any) -> None:
        # The page source of the API lets salesOrders write it.
        known = {("salesOrder", "pricesIncludeTax")}
        for entity in ENTITIES.values():
            for each in documented[entity.name]["properties"]:
                read_only = "read-only" in each["description"].lower() or "non-editable" in each["description"].lower()
                ours = entity.properties.get(each["name"])
                if read_only and ours is not None and (entity.name, each["name"]) not in known:
                    assert ours.read_only, (entity.name, each["name"])

    def test_lengths_are_those_of_the_openapi_document(self, contracts: Path) -> None:
        document = contracts / "d365-business-central" / "BCOAS1.0.yaml.gz"
        schemas = yaml.load(gzip.decompress(document.read_bytes()), yaml.CSafeLoader)["components"]["schemas"]
        for entity in ENTITIES.values():
            for name, said in schemas.get(entity.name, {}).get("properties", {}).items():
                ours = entity.properties.get(name)
                if ours is not None and ours.length and said.get("maxLength"):
                    assert ours.length <= said["maxLength"] or name == "taxCode", (entity.name, name)

    def test_the_metadata_names_every_set_property_and_action(self, erp: Erp) -> None:
        answer = erp.ask("GET", f"{erp.root}/$metadata")
        assert answer.headers["Content-Type"] == "application/xml"
        edm = "{http://docs.oasis-open.org/odata/ns/edm}"
        schema = ElementTree.fromstring(answer.data).find(f".//{edm}Schema")
        assert schema is not None
        kinds = {kind.get("Name"): kind for kind in schema.iter(f"{edm}EntityType")}
        order = {each.get("Name"): each for each in kinds["salesOrder"].iter(f"{edm}Property")}
        assert order["externalDocumentNumber"].get("MaxLength") == "35"
        assert set(order) == set(ENTITIES["salesOrders"].properties)
        assert {each.get("Name") for each in schema.iter(f"{edm}EntitySet")} == set(ENTITIES)
        assert "shipAndInvoice" in {each.get("Name") for each in schema.iter(f"{edm}Action")}


class TestQueries:
    @pytest.mark.parametrize(
        ("written", "numbers"),
        [
            ("number eq 'MO-CAP-ONE'", ["MO-CAP-ONE"]),
            ("startswith(number,'MO-TENT') and unitPrice ge 349", ["MO-TENT-2P", "MO-TENT-3P", "MO-TENT-4P"]),
            ("contains(displayName, 'Socks') and not endswith(number,'-M')", ["MO-SCK-L"]),
            ("(number eq 'MO-CAP-ONE' or number eq 'MO-KIT-ONE') and unitPrice gt 28.50", ["MO-KIT-ONE"]),
            ("unitPrice lt 13 or number eq 'MO-CAP-ONE'", ["MO-CAP-ONE", "MO-MAP-CO", "MO-MAP-ME"]),
            ("number eq 'O''NEILL'", []),
            ("blocked eq true", []),
            ("type ne 'Inventory'", []),
            ("number eq 'MO-CAP-ONE' and lastModifiedDateTime gt 2020-01-01T00:00:00Z", ["MO-CAP-ONE"]),
            ("lastModifiedDateTime lt 2020-01-01T00:00:00Z", []),
        ],
    )
    def test_a_filter_finds_exactly_what_it_says(self, erp: Erp, written: str, numbers: list[str]) -> None:
        assert [each["number"] for each in erp.all(f"items?$filter={written}")] == numbers

    def test_an_id_is_found_by_filter(self, erp: Erp) -> None:
        assert [each["number"] for each in erp.all(f"items?$filter=id eq {erp.item()}")] == ["MO-TEE-M"]

    def test_order_skip_top_select_and_count_work_together(self, erp: Erp) -> None:
        page = erp.get("items?$orderby=unitPrice desc,number&$skip=1&$top=2&$select=number,unitPrice&$count=true")
        assert [each["number"] for each in page["value"]] == ["MO-TENT-3P", "MO-TENT-4P"]
        assert set(page["value"][0]) == {"@odata.etag", "number", "unitPrice"}
        assert page["@odata.count"] == 38

    def test_pages_lead_to_one_another_and_hold_everything_once(self, erp: Erp) -> None:
        seen: list[str] = []
        url: str | None = "items?$select=number"
        sizes = []
        while url:
            page = erp.get(url, Prefer="odata.maxpagesize=15")
            sizes.append(len(page["value"]))
            seen += [each["number"] for each in page["value"]]
            url = page.get("@odata.nextLink")
        assert (sizes, len(set(seen))) == ([15, 15, 8], 38)

    def test_lines_are_expanded_with_options_of_their_own(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(1, 10, sequence=2000), erp.item_line(2, 10, sequence=1000))
        read = erp.get(
            f"salesOrders({order['id']})?$expand=customer($select=number),"
            "salesOrderLines($filter=quantity gt 1;$select=sequence;$expand=item($select=number))"
        )
        assert read["customer"]["number"] == "WEB"
        [line] = read["salesOrderLines"]
        assert (line["sequence"], line["item"]["number"]) == (1000, "MO-TEE-M")
        assert [line["sequence"] for line in erp.read(order)["salesOrderLines"]] == [1000, 2000]

    def test_a_credit_check_reads_the_customer_with_what_he_owes(self, erp: Erp) -> None:
        [customer] = erp.all("customers?$filter=number eq 'WEB'&$expand=customerFinancialDetail")
        assert customer["customerFinancialDetail"]["balance"] == 0


class TestBatch:
    def _batch(self, erp: Erp, *requests: dict[str, Any], **headers: str) -> list[Any]:
        numbered = [{"id": str(number), **each} for number, each in enumerate(requests)]
        answer = erp.ask("POST", f"{erp.root}/$batch", {"requests": numbered}, **headers)
        assert answer.status == 200
        return list(answer.json()["responses"])

    def _customer(self, erp: Erp, number: str) -> dict[str, Any]:
        path = f"companies({erp.company['id']})/customers"
        return {"method": "POST", "url": path, "headers": {}, "body": {"number": number, "type": "Person"}}

    def test_two_look_ups_are_one_request(self, erp: Erp) -> None:
        erp.order(externalDocumentNumber="WEB-1")
        company = f"companies({erp.company['id']})"
        orders, invoices = self._batch(erp, *(
            {"method": "GET", "url": f"{company}/{name}?$filter=externalDocumentNumber eq 'WEB-1'"}
            for name in ("salesOrders", "salesInvoices")
        ))  # fmt: skip
        assert [(orders["id"], orders["status"]), (invoices["id"], invoices["status"])] == [("0", 200), ("1", 200)]
        assert (len(orders["body"]["value"]), invoices["body"]["value"]) == (1, [])

    def test_an_isolated_batch_with_a_failure_says_201_before_and_keeps_nothing(self, erp: Erp) -> None:
        answers = self._batch(erp, self._customer(erp, "A-1"), self._customer(erp, "A-1"), Isolation="snapshot")
        assert [each["status"] for each in answers] == [201, 400]
        assert erp.all("customers?$filter=number eq 'A-1'") == []
        assert [each["number"] for each in erp.served.sandbox.books.documents("customers")] == ["WEB"]

    def test_a_batch_without_isolation_keeps_what_went_well_and_stops_at_a_failure(self, erp: Erp) -> None:
        wrong = {**self._customer(erp, "A-2"), "body": {"nick": "x"}}
        answers = self._batch(erp, self._customer(erp, "A-1"), wrong, self._customer(erp, "A-3"))
        assert [each["status"] for each in answers] == [201, 400]
        answers = self._batch(erp, wrong, self._customer(erp, "A-4"), Prefer="odata.continue-on-error")
        assert [each["status"] for each in answers] == [400, 201]
        assert [each["number"] for each in erp.all("customers")] == ["WEB", "A-1", "A-4"]

    def test_posting_inside_an_isolated_batch_commits(self, erp: Erp) -> None:
        order = erp.order(erp.item_line(1, 10))
        company = f"companies({erp.company['id']})"
        post = {"method": "POST", "url": f"{company}/salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice"}
        wrong = {**self._customer(erp, "A-2"), "body": {"nick": "x"}}
        answers = self._batch(erp, post, self._customer(erp, "A-1"), wrong, Isolation="snapshot")
        assert [each["status"] for each in answers] == [204, 201, 400]
        assert len(erp.all("salesInvoices")) == 1
        assert erp.all("customers?$filter=number eq 'A-1'") == []

    def test_a_company_is_named_in_a_header_too_and_a_change_needs_its_version(self, erp: Erp) -> None:
        url = f"items({erp.item()})"
        change = {"method": "PATCH", "url": url, "headers": {"Company": "Marlow US", "If-Match": "*"},
                  "body": {"displayName": "Tee"}}  # fmt: skip
        without = {**change, "headers": {"Company": "Marlow US"}}
        assert [each["status"] for each in self._batch(erp, change, without)] == [200, 400]

    def test_more_than_a_hundred_operations_are_too_many(self, erp: Erp) -> None:
        requests = [{"method": "GET", "url": "companies"}] * 101
        assert erp.refused("POST", f"{erp.root}/$batch", {"requests": requests})[1] == "BadRequest"
        assert erp.refused("POST", f"{erp.root}/$batch", {"requests": "x"})[1] == "BadRequest"


class TestBooksAndPeople:
    def test_a_restart_keeps_documents_numbers_tokens_and_companies(
        self, serve: Callable[..., Served], http: urllib3.PoolManager, tmp_path: Path
    ) -> None:
        settings = Settings(store=tmp_path, companies=(vat_company("Berlin"),))
        with Served(create_sandbox(settings)) as served:
            erp = Erp(served, http)
            order = erp.order(erp.item_line(1, 10, sequence=1000), externalDocumentNumber="WEB-1")
            gone = erp.order(erp.item_line(1, 10))
            erp.act("salesOrders", gone, "shipAndInvoice")
            stock = erp.all("items?$filter=number eq 'MO-TEE-M'")[0]["inventory"]
            headers = erp.headers
        again = Erp(serve(Settings(store=tmp_path)), http)
        again.headers = headers
        assert again.company["name"] == "Berlin"
        assert again.read(order)["@odata.etag"] == order["@odata.etag"]
        assert again.all("items?$filter=number eq 'MO-TEE-M'")[0]["inventory"] == stock
        assert again.order()["number"] == "SO-1003"
        assert len(again.all("salesInvoices")) == 1

    def test_the_books_count_what_was_asked(self, erp: Erp) -> None:
        erp.order()
        calls = erp.http.request("GET", f"{erp.served.url}/_books/calls").json()["business_central"]
        assert (calls["POST salesOrders"], calls["GET salesOrders"], calls["POST token"]) == (1, 1, 1)

    def test_two_hundred_orders_from_eight_callers_take_two_hundred_numbers(self, erp: Erp) -> None:
        line = erp.item_line(1, 10)

        def place() -> None:
            for _ in range(25):
                erp.add("salesOrders", {"customerNumber": "WEB", "salesOrderLines": [line]})

        callers = [threading.Thread(target=place) for _ in range(8)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        numbers = {order["number"] for order in erp.all("salesOrders")}
        assert numbers == {f"SO-{number}" for number in range(1001, 1201)}

    def test_people_are_told_what_they_got_wrong(self, erp: Erp) -> None:
        url = f"{erp.served.url}/_business_central"
        for what, written in (
            ("release", {"number": "SO-9"}), ("release", {}), ("ship", {"number": "SO-9"}),
            ("edit", {"set": "pets", "number": "1", "values": {}}), ("release", {"number": "x", "company": "Nobody"}),
            ("edit", {"set": "items", "number": "MO-TEE-M"}), ("age", {"days": "two"}),
        ):  # fmt: skip
            assert erp.http.request("POST", f"{url}/{what}", json=written).status == 400
        assert erp.http.request("POST", f"{url}/dance", json={}).status == 404
        assert erp.http.request("GET", f"{url}/release").status == 405

    def test_another_company_is_set_up_while_the_sandbox_runs(self, erp: Erp, http: urllib3.PoolManager) -> None:
        erp.people("companies", name="Wien", standard="20")
        wien = Erp(erp.served, http, "Wien")
        assert wien.order(wien.item_line(1, 100))["totalTaxAmount"] == 20

    def test_an_empty_seed_has_accounts_and_no_items_and_a_file_has_its_own(
        self, serve: Callable[..., Served], http: urllib3.PoolManager, tmp_path: Path
    ) -> None:
        empty = Erp(serve(Settings(seed="empty")), http)
        assert (empty.all("items"), len(empty.all("accounts"))) == ([], 21)
        path = tmp_path / "articles.json"
        path.write_text('[{"sku": "X-1", "title": "Thing", "price": "9.99", "stock": {"EAST": 4}}]')
        [item] = Erp(serve(Settings(seed=str(path))), http).all("items")
        assert (item["number"], item["unitPrice"], item["inventory"]) == ("X-1", 9.99, 4)
        with pytest.raises(ValueError, match="no JSON list of articles"):
            serve(Settings(seed=str(tmp_path / "none.json")))
