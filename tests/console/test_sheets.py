"""Import at the console: a file checked, read about, taken in."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest

from app.infra.hub import Hub
from app.settings import Settings
from tests.console.browser import Browser
from tests.flows.paper import adapters
from tests.hub import Crank

pytestmark = pytest.mark.capability("PRD-1", "ADM-3")
BODY = b"sku,title,gtin\nA,Good,4006381333931\nB,<b>Bad</b>,4006381333932\n"


@pytest.fixture
def crank(settings: Settings, hub: Hub) -> Iterator[Crank]:
    made = Crank(settings, adapter=adapters)
    yield made
    made.close()


def hand_in(browser: Browser, body: bytes, **form: str) -> str:
    """Post a file; the address of the page that follows."""
    browser.get("/admin/import/")
    answer = browser.post("/admin/import/", follow=False, file=(io.BytesIO(body), "tents.csv"), **form)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def post_large(browser: Browser, body: bytes) -> int:
    """Post a large file as a browser does, without the test client's own files; the status of the answer."""
    fields = {"csrf_token": browser._token, "dry": "yes"}
    parts = [
        f'--cut\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    file = '--cut\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    whole = "".join((*parts, file)).encode() + body + b"\r\n--cut--\r\n"
    answer = browser.client.post(
        "/admin/import/", input_stream=io.BytesIO(whole), content_type="multipart/form-data; boundary=cut",
        headers={"Content-Length": str(len(whole))},
    )  # fmt: skip
    return answer.status_code


def test_a_file_is_checked_shown_and_then_taken_in(operator: Browser, crank: Crank) -> None:
    page = hand_in(operator, BODY, dry="yes", wrong_lines="leave_out")
    assert "Under way" in operator.get(page).text
    crank.settle()
    shown = operator.get(page).text
    assert "Only checked; nothing was changed" in shown
    assert "product.gtin_check_digit" in shown
    assert "its check digit is 1" in shown
    errors = operator.get(f"{page}/errors.csv")
    assert errors.mimetype == "text/csv"
    assert errors.text.splitlines()[1].startswith("3,gtin,product.gtin_check_digit,")
    operator.get(page)
    operator.post(f"{page}/take-in")
    crank.settle()
    assert crank.rows("SELECT sku FROM product.variant") == [("A",)]
    assert "In force" in operator.get("/admin/import/").text
    assert crank.rows("SELECT count(*) FROM hub.act WHERE did = 'started a run'") == [(2,)]


def test_a_file_larger_than_other_posts_is_taken_from_somebody_who_is_signed_in(
    operator: Browser, stranger: Browser, crank: Crank
) -> None:
    body = b"sku,description\n" + b"".join(b"S%d,%s\n" % (n, b"x" * 1000) for n in range(6000))
    assert len(body) > 5 * 1024 * 1024
    operator.get("/admin/import/")
    assert post_large(operator, body) == 303
    stranger.get("/admin/sign-in")
    assert post_large(stranger, body) == 413
    assert crank.rows("SELECT count(*) FROM hub.sheet") == [(1,)]


def test_a_file_that_cannot_be_read_brings_the_form_back_with_the_reason(operator: Browser, hub: Hub) -> None:
    operator.get("/admin/import/")
    answer = operator.post("/admin/import/", file=(io.BytesIO(b"sku,colour\nA,red\n"), "a.csv"))
    assert answer.status_code == 422
    assert "column 2 is called" in answer.text
    operator.get("/admin/import/")
    assert "choose a file first" in operator.post("/admin/import/").text.lower()


def test_a_viewer_sees_files_and_hands_none_in(signed_in: Callable[[str], Browser], hub: Hub) -> None:
    viewer = signed_in("viewer")
    assert "A file of products" not in viewer.get("/admin/import/").text
    assert viewer.post("/admin/import/", file=(io.BytesIO(BODY), "a.csv")).status_code == 403


@pytest.mark.capability("INV-1")
def test_each_kind_of_file_has_its_tab_with_its_own_columns(operator: Browser, crank: Crank) -> None:
    prices, stock = operator.get("/admin/import/?kind=prices").text, operator.get("/admin/import/?kind=stock").text
    assert "The code of the price list" in prices
    assert "Who counted" in stock
    assert "The code of the price list" not in stock
    assert operator.get("/admin/import/?kind=recipes").status_code == 404
    body = b"sku,location,quantity,as_of\nTENT,EAST,7,2026-01-01T06:00Z\n"
    page = hand_in(operator, body, kind="stock", source="shop floor")
    crank.settle()
    shown = operator.get(page).text
    assert "In force" in shown
    assert "Levels created" in shown
    assert "shop floor" in shown
