from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
import urllib3

from app.sandbox.books import JOURNAL, Books
from app.sandbox.faults import Faults, Rule, read_rule
from app.sandbox.frame import Sandbox
from app.sandbox.limits import Limits, SlidingWindow
from app.sandbox.serving import Served
from app.sandbox.settings import Settings
from app.sandbox.shopify.buckets import Bucket
from app.sandbox.web import Answer, Answerer, Request, Unreadable, json_answer

pytestmark = pytest.mark.capability("TRY-1")


class Till:
    """A vendor of two lines: every POST puts a receipt into the books."""

    def __init__(self, settings: Settings, books: Books, faults: Faults, limits: Limits) -> None:
        self.books, self.faults = books, faults

    def answerers(self) -> Mapping[str, Answerer]:
        return {"till": self.answer}

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def answer(self, request: Request) -> Answer:
        return self.faults.around("shopify", f"{request.method} receipts", self.ring, self.refuse)

    def ring(self) -> Answer:
        number = str(len(self.books.documents("receipts")) + 1)
        self.books.keep("receipts", number, {"id": number})
        return json_answer({"id": number}, status=201)

    def refuse(self, status: int, retry_after: float | None) -> Answer:
        return json_answer({"refused": status, "after": retry_after}, status=status)


@pytest.fixture
def till(http: urllib3.PoolManager) -> object:
    with Served(Sandbox(Settings(), {"till": Till})) as served:
        yield served


def _rule(**fields: object) -> Rule:
    return read_rule({"vendor": "shopify", **fields})


class TestFaults:
    def test_an_effect_whose_answer_is_dropped_is_a_lost_answer_to_the_client(self, till, http) -> None:
        assert (
            http.request(
                "POST",
                f"{till.url}/_faults",
                json=[{"vendor": "shopify", "match": "POST receipts", "kind": "drop_after", "times": 1}],
            ).status
            == 200
        )
        with pytest.raises(urllib3.exceptions.ProtocolError):
            http.request("POST", f"{till.url}/till")
        assert [receipt["id"] for receipt in till.sandbox.books.documents("receipts")] == ["1"]
        assert http.request("POST", f"{till.url}/till").json() == {"id": "2"}

    def test_a_request_dropped_before_its_effect_leaves_nothing(self, till, http) -> None:
        till.sandbox.faults.add(_rule(kind="drop_before", times=1))
        with pytest.raises(urllib3.exceptions.ProtocolError):
            http.request("POST", f"{till.url}/till")
        assert till.sandbox.books.documents("receipts") == []

    def test_a_status_and_a_throttle_answer_in_the_vendors_words_without_effect(self, till, http) -> None:
        till.sandbox.faults.add(_rule(kind="status", status=502, times=1))
        till.sandbox.faults.add(_rule(kind="throttle", retry_after=7, times=1))
        assert http.request("POST", f"{till.url}/till").json() == {"refused": 502, "after": None}
        assert http.request("POST", f"{till.url}/till").json() == {"refused": 429, "after": 7}
        assert till.sandbox.books.documents("receipts") == []

    def test_a_share_of_one_half_strikes_about_half_and_the_same_ones_again(self) -> None:
        def draw() -> list[bool]:
            faults = Faults(seed=5)
            faults.add(_rule(kind="drop_after", share=0.5))
            return [bool(faults.struck("shopify", "x")) for _ in range(200)]

        assert draw() == draw()
        assert 70 < sum(draw()) < 130

    def test_rules_are_shown_with_their_strikes_and_cleared(self, till, http) -> None:
        http.request("POST", f"{till.url}/_faults", json={"vendor": "shopify", "kind": "latency", "times": 2})
        http.request("POST", f"{till.url}/till")
        [shown] = http.request("GET", f"{till.url}/_faults").json()["rules"]
        assert (shown["kind"], shown["times"], shown["struck"]) == ("latency", 2, 1)
        assert http.request("DELETE", f"{till.url}/_faults").json() == {"rules": []}

    @pytest.mark.parametrize(
        ("written", "word"),
        [
            ({"vendor": "netsuite", "kind": "latency"}, "no vendor"),
            ({"vendor": "shopify", "kind": "explode"}, "no fault"),
            ({"vendor": "shopify", "kind": "duplicate"}, "no fault"),
            ({"vendor": "webhooks", "kind": "drop_after"}, "no fault"),
            ({"vendor": "shopify", "kind": "status", "status": 200}, "400 to 599"),
            ({"vendor": "shopify", "kind": "status", "match": "("}, "cannot be read"),
            ({"vendor": "shopify", "kind": "status", "shares": 1}, "has no shares"),
            ("latency", "an object"),
        ],
    )
    def test_a_rule_that_makes_no_sense_is_refused_with_a_sentence(self, till, http, written, word) -> None:
        answer = http.request("POST", f"{till.url}/_faults", json=written)
        assert answer.status == 400
        assert word in answer.json()["error"]
        assert http.request("GET", f"{till.url}/_faults").json() == {"rules": []}


class TestBooks:
    def test_a_restart_finds_every_document_and_forgets_a_torn_last_line(self, tmp_path: Path) -> None:
        with closing(Books(tmp_path)) as books:
            books.keep("items", "1", {"id": "1", "price": 10})
            books.write([("items", "1", {"id": "1", "price": 11}), ("orders", "A", {"id": "A"})])
        with (tmp_path / JOURNAL).open("a") as journal:
            journal.write('[["orders","B",{"id":"B"')
        with closing(Books(tmp_path)) as books:
            assert books.documents("items") == [{"id": "1", "price": 11}]
            assert books.documents("orders") == [{"id": "A"}]
            books.keep("orders", "C", {"id": "C"})
        with closing(Books(tmp_path)) as books:
            assert [document["id"] for document in books.documents("orders")] == ["A", "C"]

    def test_a_journal_of_many_versions_is_written_anew_with_the_newest_only(self, tmp_path: Path) -> None:
        with closing(Books(tmp_path)) as books:
            for number in range(20_010):
                books.keep("items", "1", {"id": "1", "number": number})
        assert len((tmp_path / JOURNAL).read_text().splitlines()) < 20
        with closing(Books(tmp_path)) as books:
            assert books.documents("items") == [{"id": "1", "number": 20_009}]

    def test_lines_are_shown_inside_their_order_without_the_removed_ones(self) -> None:
        books = Books()
        books.nest("orders", "lines", "orderId")
        books.write([("orders", "A", {"id": "A"}), ("lines", "1", {"orderId": "A"})])
        books.write([("lines", "2", {"orderId": "A", "_deleted": True, "_because": "removed"})])
        assert books.everything()["orders"] == [{"id": "A", "lines": [{"orderId": "A"}]}]
        assert len(books.everything()["lines"]) == 2

    def test_what_changed_since_a_serial_is_asked_for_over_http(self, till, http) -> None:
        for _ in range(3):
            http.request("POST", f"{till.url}/till")
        first = http.request("GET", f"{till.url}/_books/receipts?since=0").json()
        assert [receipt["id"] for receipt in first["value"]] == ["1", "2", "3"]
        http.request("POST", f"{till.url}/till")
        later = http.request("GET", f"{till.url}/_books/receipts?since={first['serial']}").json()
        assert later["value"] == [{"id": "4"}]
        assert http.request("GET", f"{till.url}/_books/receipts?count=1").json() == {"count": 4}
        assert http.request("GET", f"{till.url}/_books/receipts?since=x").status == 400
        assert http.request("DELETE", f"{till.url}/_books").status == 405


class TestLimits:
    def test_a_window_lets_the_allowed_number_in_and_says_when_the_next_fits(self) -> None:
        window, limit = SlidingWindow(), {"requests": 2, "seconds": 60, "concurrent": 100}
        assert [window.enter(limit), window.enter(limit)] == [None, None]
        assert 59 < (window.enter(limit) or 0) <= 60
        assert window.enter(None) is None

    def test_more_at_once_than_allowed_wait(self) -> None:
        window, limit = SlidingWindow(), {"requests": 100, "seconds": 60, "concurrent": 1}
        assert window.enter(limit) is None
        assert window.enter(limit) == 1.0
        window.leave()
        assert window.enter(limit) is None

    def test_limits_are_lifted_set_and_restored_over_http(self, till, http) -> None:
        url = f"{till.url}/_limits"
        assert http.request("GET", url).json()["business_central"]["requests"] == 6000
        assert http.request("POST", url, json={"business_central": None}).json()["business_central"] is None
        assert http.request("POST", url, json={"shopify": {"restore": 5}}).json()["shopify"]["restore"] == 5
        assert http.request("DELETE", url).json()["business_central"]["concurrent"] == 100
        assert http.request("POST", url, json={"ebay": None}).status == 400
        assert http.request("POST", url, json={"shopify": {"speed": 5}}).status == 400


class TestWeb:
    def test_an_unknown_path_names_what_there_is(self, till, http) -> None:
        answer = http.request("GET", f"{till.url}/elsewhere")
        assert (answer.status, "/_books" in answer.json()["error"]) == (404, True)

    def test_a_body_that_is_no_json_is_refused(self, till, http) -> None:
        answer = http.request("POST", f"{till.url}/_faults", body=b"{")
        assert (answer.status, "not JSON" in answer.json()["error"]) == (400, True)

    def test_settings_come_from_the_environment_and_a_wrong_rate_is_named(self, tmp_path: Path) -> None:
        settings = Settings.from_environment(
            {"HUB_SANDBOX_STORE": str(tmp_path), "HUB_DEMO_RATE": "2.5", "HUB_SANDBOX_HUB_URL": "http://127.0.0.1:1/"}
        )
        assert (settings.store, settings.demo_rate, settings.hub_url) == (tmp_path, 2.5, "http://127.0.0.1:1")
        with pytest.raises(ValueError, match="HUB_DEMO_RATE"):
            Settings.from_environment({"HUB_DEMO_RATE": "fast"})

    def test_an_unreadable_rule_raises_its_sentence(self) -> None:
        with pytest.raises(Unreadable, match="no vendor"):
            read_rule({"vendor": "x", "kind": "latency"})


class TestOthers:
    def test_another_user_of_an_account_eats_his_share_of_a_window(self) -> None:
        window, limit = SlidingWindow(), {"requests": 9, "seconds": 60, "concurrent": 100, "others": 1 / 3}
        assert [window.enter(limit) for _ in range(6)] == [None] * 6
        assert 59 < (window.enter(limit) or 0) <= 60

    def test_another_user_of_an_app_drinks_his_share_of_what_is_restored(self) -> None:
        bucket, limit = Bucket(), {"maximum": 1000.0, "restore": 1e9, "others": 1.0}
        assert bucket.take(limit, 1000)
        assert not bucket.take(limit, 1)  # nothing of a million points a millisecond is left
        assert bucket.take({**limit, "others": 0.5}, 1)
