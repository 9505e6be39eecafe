"""What each refusal means, and the way to one company: exact numbers, batches, pages."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from app.adapters.business_central.client import Company, any_of, connect, literal, query, read, written
from app.adapters.business_central.verdicts import AlreadyThere, EntityChanged, Gone, OurMistake, judge
from app.infra.remote.client import Outbound, Reply
from app.kernel.errors import Ambiguous, Disposition, HubError, NeedsAttention, Refused, Transient, Unauthorised, Waits
from tests.adapters.business_central.scripted import Answer, scripted

pytestmark = pytest.mark.capability("RT-5", "SYS-dynamics-bc")


def reply(status: int, code: str = "", message: str = "x", **headers: str) -> Reply:
    body = json.dumps({"error": {"code": code, "message": f"{message}  CorrelationId:  7f."}}).encode()
    return Reply(status, headers, body if code else b"<html>")


@pytest.mark.parametrize(
    ("status", "code", "message", "reads", "writes"),
    [
        (400, "Request_EntityChanged", "", EntityChanged, EntityChanged),
        (409, "Request_EntityChanged", "", EntityChanged, EntityChanged),
        (412, "", "", EntityChanged, EntityChanged),
        (400, "BadRequest_InvalidToken", "", OurMistake, OurMistake),
        (400, "Internal_EntityWithSameKeyExists", "", AlreadyThere, AlreadyThere),
        (404, "Internal_RecordNotFound", "", Gone, Gone),
        (400, "Internal_RecordNotFound", "", NeedsAttention, NeedsAttention),
        (400, "Internal_InvalidTableRelation", "", NeedsAttention, NeedsAttention),
        (404, "Internal_CompanyNotFound", "", Unauthorised, Unauthorised),
        (500, "Internal_ServerError", "", Transient, Ambiguous),
        (503, "Internal_ServerError", "", Transient, Transient),
        (500, "Internal_TenantUnavailable", "", Transient, Transient),
        (401, "Authentication_InvalidCredentials", "", Unauthorised, Unauthorised),
        (403, "Authorization_RequestDenied", "", Unauthorised, Unauthorised),
        (400, "Application_FieldValidationException", "Customer Posting Group must have a value in Customer",
         NeedsAttention, NeedsAttention),
        (400, "Application_FieldValidationException", "Status must be equal to 'Open'  in Sales Header", EntityChanged,
         EntityChanged),
        (400, "Application_DialogException", "Sales Line 1000 already exists.", EntityChanged, EntityChanged),
        (400, "Application_DialogException", "There is nothing to post.", Transient, Transient),
        (400, "Application_DialogException", "Something nobody has seen yet.", NeedsAttention, NeedsAttention),
        (400, "Unknown", "", NeedsAttention, NeedsAttention),
        (400, "", "", NeedsAttention, NeedsAttention),
    ],
)  # fmt: skip
def test_the_table_of_verdicts(
    status: int, code: str, message: str, reads: type[HubError], writes: type[HubError]
) -> None:
    for kind, writing in ((reads, False), (writes, True)):
        verdict = judge(reply(status, code, message or "x"), writing)
        assert type(verdict) is kind


def test_an_answer_that_is_good_or_left_to_the_status_has_no_verdict() -> None:
    assert judge(Reply(200, {}, b"{}"), True) is None
    assert judge(Reply(502, {}, b"<html>"), True) is None
    assert judge(Reply(401, {}, b""), False) is None


def test_the_vendor_s_words_are_kept_and_the_correlation_id_is_not_in_the_message() -> None:
    verdict = judge(reply(400, "Application_DialogException", "You cannot do that."), True)
    assert verdict is not None
    assert verdict.facts["said"] == "Application_DialogException: You cannot do that.  CorrelationId:  7f."
    assert verdict.message == "Business Central answered 400: You cannot do that."


@pytest.mark.parametrize(
    ("code", "message", "about"),
    [
        ("Internal_InvalidTableRelation", "The field Item Category Code of table Item contains a value (TENTS) that "
         "cannot be found in the related table (Item Category).", "Item Category TENTS"),
        ("Application_FieldValidationException", "Blocked must be equal to 'No'  in Item: No.=MO-TENT-2P. Current "
         "value is 'Yes'.", "Item No.=MO-TENT-2P"),
        ("Application_FieldValidationException", "Gen. Prod. Posting Group must have a value in Item: No.=1896-S. It "
         "cannot be zero or empty.", "Item No.=1896-S"),
        ("Application_DialogException", "The General Posting Setup does not exist. Identification fields and values: "
         "Gen. Bus. Posting Group='EU',Gen. Prod. Posting Group='RETAIL'",
         "General Posting Setup Gen. Bus. Posting Group='EU',Gen. Prod. Posting Group='RETAIL'"),
        ("Application_DialogException", "You cannot create this type of document when Customer WEB is blocked with "
         "type All", "Customer WEB"),
        ("Application_DialogException", "Select a Dimension Value Code for the Dimension Code AREA for Customer WEB.",
         "Dimension Code AREA for Customer WEB"),
        ("Application_DialogException", "Posting Date is not within your range of allowed posting dates.",
         "allowed posting dates"),
        ("Application_DialogException", "You may not enter numbers manually. If you want to enter numbers manually, "
         "please activate Manual Nos. in No. Series S-ORD.", "No. Series S-ORD"),
        ("Application_FieldValidationException", "Location Code must have a value in Sales Line: Document Type=Order, "
         "Document No.=SO-1, Line No.=1000. It cannot be zero or empty.", ""),
        ("Application_DialogException", "The Sales Header does not exist. Identification fields and values: "
         "Document Type='Order',No.='SO-1'", ""),
        ("Application_DialogException", "Something nobody has seen yet.", ""),
    ],
)  # fmt: skip
def test_a_refusal_is_about_the_master_that_it_names_and_never_about_a_document(
    code: str, message: str, about: str
) -> None:
    verdict = judge(reply(400, code, message), True)
    assert isinstance(verdict, NeedsAttention)
    assert verdict.about == about


def test_a_throttled_call_comes_back_when_it_is_told_to() -> None:
    told = judge(reply(429, "Application_TooManyRequests", **{"retry-after": "11"}), True)
    assert isinstance(told, Waits)
    assert told.seconds == 11
    untold = judge(reply(429), True)
    assert isinstance(untold, Waits)
    assert untold.seconds == 15


def test_our_own_mistake_is_a_bug() -> None:
    assert OurMistake.disposition is Disposition.BUG


class TestNumbers:
    def test_decimals_travel_exactly(self) -> None:
        sent = written({"unitPrice": Decimal("49.90"), "quantity": Decimal(3), "big": Decimal("12345678901234.56789")})
        assert sent == b'{"unitPrice": 49.90, "quantity": 3, "big": 12345678901234.56789}'
        assert read(sent)["big"] == Decimal("12345678901234.56789")

    def test_text_that_looks_like_a_number_stays_text(self) -> None:
        texts = {"number": "1000", "note": "\x0012\x00x"}
        assert json.loads(written(texts)) == texts

    def test_nothing_else_is_written(self) -> None:
        with pytest.raises(TypeError):
            written({"when": object()})


class TestQueries:
    def test_quotes_are_doubled_and_spaces_are_not_plusses(self) -> None:
        assert literal("O'Neill") == "'O''Neill'"
        asked = query(filter=any_of("number", ["A+B", "C&D"]), select="id")
        assert asked == "?$filter=number%20eq%20'A%2BB'%20or%20number%20eq%20'C%26D'&$select=id"


COMPANY = "7d112a45-ed22-5a23-b902-a0ca572f25ad"


def company(url: str) -> Company:
    settings: dict[str, Any] = {
        "base_url": url, "token_url": f"{url}/token", "tenant": "t", "environment": "e", "company_id": COMPANY,
        "client_id": "c", "client_secret": "s", "allow_loopback": True,
    }  # fmt: skip
    remote: Outbound = connect(settings)
    return Company.of(remote, settings)


def served(pages: dict[str, Any]) -> Any:
    def answer(method: str, path: str) -> Answer:
        if path == "/token":
            return 200, {}, {"access_token": "t", "expires_in": 3600}
        return 200, {}, pages[path.rsplit("/", 1)[-1]]

    return answer


class TestPages:
    def test_pages_are_followed_to_the_end(self) -> None:
        pages: dict[str, Any] = {"items?$skiptoken=2": {"value": [{"n": 3}]}}
        with scripted(served(pages)) as remote:
            link = f"{remote.url}/v2.0/t/e/api/v2.0/companies({COMPANY})/items?$skiptoken=2"
            pages["items"] = {"value": [{"n": 1}, {"n": 2}], "@odata.nextLink": link}
            assert [row["n"] for row in company(remote.url).rows("items")] == [1, 2, 3]

    def test_a_page_that_comes_twice_is_an_error(self) -> None:
        pages: dict[str, Any] = {}
        with scripted(served(pages)) as remote:
            link = f"{remote.url}/v2.0/t/e/api/v2.0/companies({COMPANY})/items"
            pages["items"] = {"value": [{"n": 1}], "@odata.nextLink": link}
            with pytest.raises(Refused) as caught:
                company(remote.url).rows("items")
        assert caught.value.code == "business_central.repeated_page"

    def test_a_page_elsewhere_never_gets_our_token(self) -> None:
        pages = {"items": {"value": [], "@odata.nextLink": "http://127.0.0.1:9/items?$skiptoken=1"}}
        with scripted(served(pages)) as remote, pytest.raises(Refused) as caught:
            company(remote.url).rows("items")
        assert caught.value.code == "business_central.foreign_page"


class TestBatches:
    def test_every_answer_inside_is_judged_by_itself(self) -> None:
        error = {"error": {"code": "Authorization_RequestDenied", "message": "no"}}
        inside = [{"id": "0", "status": 200, "body": {"value": [{"n": 1}]}}, {"id": "1", "status": 403, "body": error}]
        with scripted(served({"$batch": {"responses": inside}})) as remote, pytest.raises(Unauthorised):
            company(remote.url).read_together(["items", "customers"])

    def test_answers_are_told_apart_by_their_ids(self) -> None:
        inside = [
            {"id": "1", "status": 200, "body": {"value": [{"n": 2}]}},
            {"id": "0", "status": 200, "body": {"value": [{"n": 1}]}},
        ]
        with scripted(served({"$batch": {"responses": inside}})) as remote:
            answers = company(remote.url).read_together(["items", "customers"])
        assert answers == [[{"n": 1}], [{"n": 2}]]

    def test_an_answer_that_is_missing_is_tried_again(self) -> None:
        inside = [{"id": "0", "status": 200, "body": {"value": []}}]
        with scripted(served({"$batch": {"responses": inside}})) as remote, pytest.raises(Transient) as caught:
            company(remote.url).read_together(["items", "customers"])
        assert caught.value.code == "business_central.batch_incomplete"
