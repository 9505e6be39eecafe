"""Every page renders, says what it is about, and keeps to the policy that browsers are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import Engine, event

from app.console.security import POLICY
from app.infra.hub import Hub
from tests.console.browser import Browser, capture, connect, set_aside, some_orders
from tests.factories import an_order

pytestmark = pytest.mark.capability("ADM-2", "ADM-3")
PAGES = {
    "/admin/": "One thing needs you",
    "/admin/cases/": "1 case open",
    "/admin/cases/?view=closed": "None in this view",
    "/admin/dead-letters/": "1 message gave up, for 1 cause",
    "/admin/deliveries/": "order_to_cash.post_to_erp",
    "/admin/deliveries/?state=done": "Nothing matches this filter",
    "/admin/notices/": "Nothing has arrived yet",
    "/admin/orders/": "#1001",
    "/admin/orders/?view=held": "No order in this view",
    "/admin/products/": "No product yet",
    "/admin/products/?status=retired": "None of this status",
    "/admin/products/drift": "All is alike",
    "/admin/stock/": "Nothing was counted yet",
    "/admin/stock/?q=TEE": "No SKU begins so",
    "/admin/stock/policies": "No policy yet",
    "/admin/stock/drift": "The books agree",
    "/admin/stock/drift?view=closed": "None yet",
    "/admin/customers/": "No customer yet",
    "/admin/duplicates/": "No two look like one",
    "/admin/privacy/": "Nobody waits for an answer",
    "/admin/privacy/?view=all": "Nobody asked yet",
    "/admin/connections/": "2 systems. All flow.",
    "/admin/connections/erp": "Not tested yet",
    "/admin/connections/shop": "/webhooks/shop/",
    "/admin/connections/add": "Which system?",
    "/admin/connections/add?adapter=business_central": "Connect Microsoft Dynamics 365 Business Central",
    "/admin/connections/erp/settings": "Settings of Erp",
    "/admin/connections/erp/secrets": "Client secret",
    "/admin/backfill/": "Which orders",
    "/admin/import/": "A file of products",
    "/admin/gap-scan/": "Every ten minutes",
    "/admin/limits/": "Every breaker is closed.",
    "/admin/routes/": "Add a route",
    "/admin/value-maps/": "1 word missing",
    "/admin/references/": "Link two",
    "/admin/references/?q=nothing-has-this": "Nothing carries this",
    "/admin/gates/": "No rule yet",
    "/admin/owners/": "Nobody spoke of what is not theirs",
    "/admin/sku-mapping/": "Channels and the catalogue use the same SKUs",
    "/admin/value-maps/erp/item": "No word of this kind is mapped",
    "/admin/flags/": "call a connection at all",
    "/admin/flags/?flag=erp.posting&key=orders:1": "passes",
    "/admin/shadow/": "No shadow has run",
    "/admin/cut-over/": "Nothing compared yet",
    "/admin/search/": "Any number from any system",
    "/admin/search/?q=nothing-has-this": "Nothing carries",
    "/admin/runbooks/": "Runbooks",
    "/admin/runbooks/orders.sku_unmapped": "A channel sells a SKU that the ERP does not know",
    "/admin/people/": "admin@shop.example",
    "/admin/deadlines/": "Nothing is waited for",
    "/admin/deadlines/?view=missed": "Nothing was missed",
    "/admin/tax/": "No tax rate yet",
    "/admin/stock-out/": "No channel is told stock",
    "/admin/prices-out/": "No channel shows prices",
    "/admin/prices/": "No price list yet",
    "/admin/prices/quote": "What would it cost?",
    "/admin/flows/": "Reservation",
    "/admin/flows/orders": "Not counted yet",
    "/admin/audit/": "added a connection",
}


class Strict(HTMLParser):
    """Collects what a strict policy blocks, and headings."""

    def __init__(self) -> None:
        super().__init__()
        self.blocked: list[str] = []
        self.headings: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        if tag == "style":
            self.blocked.append("<style>")
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)
        for name, value in attrs:
            if name == "style" or name.startswith("on") or (value or "").strip().startswith("javascript:"):
                self.blocked.append(f"<{tag} {name}>")

    def handle_data(self, text: str) -> None:
        if self._inside == "script" and text.strip():
            self.blocked.append("<script> with text")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


@pytest.fixture
def furnished(hub: Hub) -> tuple[str, tuple[int, int, str]]:
    """Two connections, an order, and a dead letter with its case."""
    connect(hub, "shop", "erp")
    (order_id,) = capture(hub, an_order())
    return order_id, set_aside(hub, f"orders:{order_id}")


def test_every_page_says_what_it_is_about(admin: Browser, furnished: Any) -> None:
    seen = {path: admin.get(path) for path in PAGES}
    assert {path: answer.status_code for path, answer in seen.items()} == dict.fromkeys(PAGES, 200)
    assert {path for path, answer in seen.items() if PAGES[path] not in answer.text} == set()


def test_an_empty_hub_says_how_to_begin(admin: Browser) -> None:
    home = admin.get("/admin/").text
    assert "Nothing needs you" in home
    assert "No connection yet" in home
    assert "No order yet" in admin.get("/admin/orders/").text


def test_no_page_carries_what_the_policy_blocks(admin: Browser, furnished: tuple[str, tuple[int, int, str]]) -> None:
    order_id, (event, delivery, case) = furnished
    deeper = (f"/admin/orders/{order_id}", f"/admin/deliveries/{event}/{delivery}", f"/admin/cases/{case}")
    for path in (*PAGES, *deeper):
        read = Strict()
        read.feed(admin.get(path).text)
        assert (path, read.blocked, read.headings.count("h1")) == (path, [], 1)


def test_what_the_policy_blocks_is_found() -> None:
    read = Strict()
    read.feed('<a onclick="x()" style="a" href="javascript:b">c</a><style>d</style><script>e</script>')
    assert read.blocked == ["<a onclick>", "<a style>", "<a href>", "<style>", "<script> with text"]


def test_every_page_is_told_to_browsers_with_the_policy(admin: Browser, stranger: Browser) -> None:
    for answer in (admin.get("/admin/"), stranger.get("/admin/sign-in"), admin.get("/admin/nothing-here")):
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_that_is_not_there_is_a_page_and_says_its_number(admin: Browser) -> None:
    answer = admin.get("/admin/orders/01a1fdb4-0c89-779c-bb6d-f0a655f11835")
    assert answer.status_code == 404
    assert "There is no order 01a1fdb4" in answer.text
    assert answer.mimetype == "text/html"


def test_an_odd_cursor_is_the_first_page(admin: Browser) -> None:
    for odd in ("deliveries/?before=x,y", "orders/?before=x", "notices/?after=1,2", "cases/?before=yesterday"):
        assert admin.get(f"/admin/{odd}").status_code == 200


def test_the_order_page_tells_its_story(operator: Browser, furnished: tuple[str, Any]) -> None:
    page = operator.get(f"/admin/orders/{furnished[0]}").text
    for said in ("Placed by the customer", "Post to the ERP", "no item MO-1", "Business Central has no item MO-1",
                 "Map MO-1 to an item", "order.v1, version 1", "trail-#1001"):  # fmt: skip
        assert said in page
    assert "ada@" not in page
    assert "personal data masked" in page


def test_a_newer_version_shows_what_changed(operator: Browser, hub: Hub) -> None:
    first = an_order()
    (order_id,) = capture(hub, first)
    capture(hub, an_order(source_version=first.source_version.replace(year=2027), note="leave it at the door"))
    page = operator.get(f"/admin/orders/{order_id}").text
    assert "1 → 2" in page
    assert "<mark>" in page
    assert "leave it at the door" not in page


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """Every statement that is sent meanwhile."""
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def test_a_list_asks_as_often_for_sixty_rows_as_for_one(operator: Browser, hub: Hub) -> None:
    def asked() -> dict[str, int]:
        counts = {}
        for path in ("orders", "deliveries", "cases", "notices", "dead-letters"):
            with statements(hub.engine) as sent:
                assert operator.get(f"/admin/{path}/").status_code == 200
            counts[path] = len(sent)
        return counts

    def fill(count: int, start: int) -> None:
        for order_id in capture(hub, *some_orders(count, start)):
            set_aside(hub, f"orders:{order_id}", code=f"orders.code_{order_id[-6:]}")

    fill(1, 1)
    asked()
    few = asked()
    fill(60, 100)
    assert asked() == few


def test_a_list_goes_to_older_rows_and_back(operator: Browser, hub: Hub) -> None:
    capture(hub, *some_orders(120))
    first = operator.get("/admin/orders/").text
    older = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = operator.get(older).text
    newer = second.split('rel="prev" href="')[1].split('"')[0].replace("&amp;", "&")
    shown = [{n for n in range(121) if f">#{n}<" in page} for page in (first, second, operator.get(newer).text)]
    assert [len(names) for names in shown] == [50, 50, 50]
    assert not shown[0] & shown[1]
    assert shown[2] == shown[0]


def test_home_adds_up_what_a_case_blocks(operator: Browser, hub: Hub) -> None:
    connect(hub, "shop", "erp")
    made = some_orders(3)
    for order_id in capture(hub, *made):
        set_aside(hub, f"orders:{order_id}")
    total = sum(order.totals.current_total.shop.minor for order in made)
    home = operator.get("/admin/").text
    assert "3 orders" in home
    assert f"${total // 100:,}" in home


def test_a_connection_that_refuses_us_comes_first(operator: Browser, hub: Hub) -> None:
    connect(hub, "shop")
    connect(hub, "erp", paused=True)
    home = operator.get("/admin/").text
    assert home.index("setup paused Erp") < home.index("Orders on the line")


def test_each_role_sees_what_it_may(signed_in: Callable[[str], Browser]) -> None:
    seen = {role: signed_in(role) for role in ("viewer", "finance", "operator", "admin")}
    codes = {role: browser.get("/admin/people/").status_code for role, browser in seen.items()}
    assert codes == {"viewer": 403, "finance": 403, "operator": 403, "admin": 200}
    assert {role: browser.get("/admin/connections/add").status_code for role, browser in seen.items()} == codes
    assert "People and keys" not in seen["operator"].get("/admin/").text
