"""What a shop's answer means for the work that waits for it, by status, by error code and by the words of a refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.adapters.shopify.client import VERDICTS, connect, cost_of, judge
from app.adapters.shopify.orders import ShopifyOrderSource
from app.adapters.shopify.refusals import refusal
from app.infra.remote.client import Outbound, Reply
from app.infra.remote.quotas import Report
from app.kernel.errors import Ambiguous, HubError, NeedsAttention, Refused, Transient, Unauthorised, Waits
from tests.adapters.shopify.shop import a_shop

pytestmark = pytest.mark.capability("RT-5", "SYS-shopify")

THROTTLED = {
    "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
    "extensions": {
        "cost": {
            "requestedQueryCost": 350,
            "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 100, "restoreRate": 100.0},
        }
    },
}


def judged(answer: Any, *, writes: bool = False) -> HubError | None:
    return judge(Reply(200, {}, json.dumps(answer).encode()), writes)


def coded(code: str, *path: str, data: Any = None) -> dict[str, Any]:
    return {"errors": [{"message": f"said {code}", "path": list(path), "extensions": {"code": code}}], "data": data}


@pytest.mark.capability("RT-8")
class TestCostOfAnAnswer:
    def test_what_a_document_cost_and_what_is_left_is_read(self) -> None:
        status = {"maximumAvailable": 2000.0, "currentlyAvailable": 1958, "restoreRate": 100.0}
        cost = {"requestedQueryCost": 101, "actualQueryCost": 46, "throttleStatus": status}
        answer = {"data": {"order": {"note": '"currentlyAvailable": 7'}}, "extensions": {"cost": cost}}
        for body in (json.dumps(answer), json.dumps(answer, separators=(",", ":"))):
            assert cost_of(Reply(200, {}, body.encode())) == (
                Report(quota="points", asked=101, cost=46, available=1958, limit=2000, restored=100),
            )

    def test_a_refused_document_cost_nothing(self) -> None:
        (report,) = cost_of(Reply(200, {}, json.dumps(THROTTLED).encode()))
        assert (report.asked, report.cost, report.available) == (350, None, 100)

    def test_an_answer_without_a_report_says_nothing(self) -> None:
        assert cost_of(Reply(502, {}, b"<html>")) == ()


class TestErrorsOfAnAnswer:
    def test_points_that_are_used_up_come_back_at_the_shops_own_rate(self) -> None:
        waits = judged(THROTTLED)
        assert isinstance(waits, Waits)
        assert (waits.seconds, waits.facts["said"]) == (2.5, "Throttled")

    def test_without_a_report_it_is_a_second(self) -> None:
        waits = judged(coded("THROTTLED"))
        assert isinstance(waits, Waits)
        assert waits.seconds == 1.0

    def test_access_that_is_refused_pauses_the_connection(self) -> None:
        for code in ("ACCESS_DENIED", "SHOP_INACTIVE"):
            assert isinstance(judged(coded(code, "order")), Unauthorised)

    def test_personal_data_that_is_withheld_is_no_refusal(self) -> None:
        assert judged(coded("ACCESS_DENIED", "order", "customer", data={"order": {"customer": None}})) is None
        assert isinstance(judged(coded("ACCESS_DENIED", "order", "transactions", data={"order": {}})), Unauthorised)
        assert isinstance(judged(coded("ACCESS_DENIED", "order", "customer", data={"order": None})), Unauthorised)

    def test_a_fault_of_the_shop_is_in_doubt_where_something_was_written(self) -> None:
        answer = coded("INTERNAL_SERVER_ERROR")
        assert isinstance(judged(answer), Transient)
        assert isinstance(judged(answer, writes=True), Ambiguous)

    def test_a_document_that_the_version_does_not_know_is_for_a_person(self) -> None:
        refused = judged(coded("undefinedField"))
        assert isinstance(refused, NeedsAttention)
        assert (refused.code, refused.facts["said"]) == ("shopify.document_refused", "said undefinedField")
        assert isinstance(judged({"errors": "Not acceptable"}), NeedsAttention)

    def test_an_object_that_is_not_there_is_said(self) -> None:
        refused = judged(coded("RESOURCE_NOT_FOUND"))
        assert isinstance(refused, Refused)
        assert refused.code == "shopify.unknown_object"

    def test_an_answer_that_is_right_is_left_alone_whatever_it_says(self) -> None:
        assert judged({"data": {"order": {"note": '"errors": [1]'}}}) is None
        assert judged({"data": {}, "errors": []}) is None

    @pytest.mark.parametrize("body", [b'<html>"errors"</html>', b'["errors"]', b'{"errors": '])
    def test_what_is_no_answer_is_in_doubt_where_something_was_written(self, body: bytes) -> None:
        with pytest.raises(Transient):
            judge(Reply(200, {}, body), False)
        with pytest.raises(Ambiguous):
            judge(Reply(200, {}, body), True)


class TestStatuses:
    @pytest.mark.parametrize("status", [401, 402, 403, 404, 423])
    def test_a_shop_that_lets_us_in_no_more_pauses_the_connection(self, status: int) -> None:
        assert VERDICTS[status] is Unauthorised

    @pytest.mark.parametrize(
        ("status", "expected"), [(401, Unauthorised), (404, Unauthorised), (503, Transient), (500, Transient)]
    )
    def test_a_status_over_http_is_read_by_what_happens_next(self, status: int, expected: type[HubError]) -> None:
        with a_shop() as shop:
            shop.fault("status", "query order", status=status)
            with pytest.raises(expected):
                shop.source.fetch("1")

    def test_429_says_when_to_come_back(self) -> None:
        with a_shop() as shop:
            shop.fault("throttle", "query order", retry_after=4.0)
            with pytest.raises(HubError) as refused:
                shop.source.fetch("1")
            assert isinstance(refused.value, Waits | Transient)
            assert (getattr(refused.value, "seconds", None) or getattr(refused.value, "retry_after", None) or 0) > 0

    def test_a_retired_version_pauses_the_connection(self) -> None:
        with a_shop() as shop:
            source = ShopifyOrderSource.build(shop.remote, shop.settings | {"api_version": "2024-01"})
            with pytest.raises(Unauthorised):
                source.fetch("1")

    def test_the_token_is_in_nothing_that_is_printed(self) -> None:
        remote: Outbound = connect({"shop": "demo.myshopify.com", "access_token": "shpat_secret"})
        assert "shpat_secret" not in repr(remote)
        assert remote.base_url == "https://demo.myshopify.com"


class TestWords:
    @pytest.mark.parametrize(
        ("said", "expected", "code"),
        [
            ("Fulfillment order 7 has an unfulfillable status= closed.", NeedsAttention, "shopify.fulfilment_not_open"),
            ("Invalid fulfillment order line item quantity requested.", NeedsAttention, "shopify.fulfilment_quantity"),
            ("Fulfillment order is on hold", NeedsAttention, "shopify.fulfilment_on_hold"),
            (
                "All fulfillment orders must be assigned to the same location.",
                NeedsAttention,
                "shopify.fulfilment_split",
            ),
            ("Fulfillment does not exist.", Refused, "shopify.unknown_object"),
            ("The api_client does not have permission", Unauthorised, "shopify.access_denied"),
            ("Please try again later", Transient, "shopify.busy"),
            ("Something nobody has seen before", NeedsAttention, "shopify.user_error"),
        ],
    )
    def test_a_refusal_is_known_by_its_words_and_keeps_them(
        self, said: str, expected: type[HubError], code: str
    ) -> None:
        found = refusal([{"message": said, "field": ["fulfillment", "lines"]}], about="s-1")
        assert (type(found), found.code, found.about) == (expected, code, "s-1")
        assert (found.facts["said"], found.facts["fields"]) == (said, ["fulfillment.lines"])
