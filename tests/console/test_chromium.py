"""The console in a real browser: themes, widths, keyboard, selection, live panels. Skipped where no Chromium is."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from app.infra.hub import Hub
from tests.console.browser import PASSWORD, add_person, capture, connect, set_aside, some_orders

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in NAMES if (found := shutil.which(name))), None)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: install the package chromium"),
    pytest.mark.capability("ADM-3"),
]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    """The application behind a real socket."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def furnished(hub: Hub) -> tuple[str, str]:
    """An order with its case, and some without."""
    add_person(hub, "admin")
    connect(hub, "shop", "erp")
    ids = capture(hub, *some_orders(5))
    return ids[0], set_aside(hub, f"orders:{ids[0]}")[2]


def enter(chromium: Any, address: str, **given: Any) -> tuple[Any, list[str]]:
    """A page signed in, and what the browser complained about since."""
    page = chromium.new_context(**given).new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/admin/sign-in")
    page.fill("#email", "admin@shop.example")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("h1:has-text('needs you')")
    return page, complaints


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1024), ("light", 390)])
def test_no_page_complains_or_scrolls_sideways(
    chromium: Any, address: str, furnished: tuple[str, str], theme: str, width: int
) -> None:
    page, complaints = enter(chromium, address, color_scheme=theme, viewport={"width": width, "height": 900})
    order, case = furnished
    paths = (
        "",
        f"orders/{order}",
        f"cases/{case}",
        "cases/",
        "dead-letters/",
        "connections/erp",
        "people/",
        "backfill/",
    )
    paths = (*paths, "products/", "sku-mapping/", "customers/", "duplicates/", "privacy/")
    paths = (*paths, "listings/", "listings/shop")
    paths = (*paths, "flows/", "flows/orders", "deadlines/", "backfill/", "gap-scan/", "import/")
    paths = (*paths, "value-maps/", "value-maps/erp/item", "owners/", "references/?q=1", "gates/")
    for path in (*paths, "connections/add?adapter=shopify", "search/?q=%231", "runbooks/orders.sku_unmapped"):
        page.goto(f"{address}/admin/{path}")
        assert (path, page.evaluate("document.documentElement.scrollWidth") <= width) == (path, True)
    assert complaints == []
    page.context.close()


def test_the_keyboard_leads_to_search_and_through_a_list(chromium: Any, address: str, furnished: Any) -> None:
    page, complaints = enter(chromium, address)
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url("**/admin/orders/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator("tr.is-cursor a").first.inner_text() == "#4"
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.wait_for_url("**/admin/search/")
    page.fill("[data-palette] input", "#3")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hit")
    assert page.locator(".hit[aria-selected='true']").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Order #3')")
    assert complaints == []
    page.context.close()


def test_the_theme_is_remembered(chromium: Any, address: str, furnished: Any) -> None:
    page, _ = enter(chromium, address, color_scheme="light")
    page.click("[data-theme-toggle]")
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.context.close()


def test_the_bulk_bar_comes_with_the_first_tick(chromium: Any, address: str, furnished: Any) -> None:
    page, _ = enter(chromium, address)
    page.goto(f"{address}/admin/dead-letters/")
    assert not page.locator(".bulk").is_visible()
    page.check("input[name=rowid]")
    assert page.locator(".bulk").inner_text().startswith("1 selected")
    page.click("text=Dismiss…")
    page.wait_for_selector("h1:has-text('Dismiss 1 letter')")
    page.context.close()


def test_everything_works_without_script(chromium: Any, address: str, furnished: tuple[str, str]) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(f"{address}/admin/sign-in")
    page.fill("#email", "admin@shop.example")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.goto(f"{address}/admin/dead-letters/")
    assert page.locator(".bulk").is_visible()
    page.goto(f"{address}/admin/cases/{furnished[1]}")
    page.fill("input[name=target]", "1896-S")
    page.click("text=Map and release >> nth=0")
    assert "Mapped item MO-1 to 1896-S" in page.locator(".alert").inner_text()
    page.context.close()


def test_home_renews_itself_and_says_when_it_cannot(chromium: Any, address: str, hub: Hub, furnished: Any) -> None:
    page, _ = enter(chromium, address)
    page.clock.install()
    page.goto(f"{address}/admin/")
    page.wait_for_selector("h1:has-text('One thing needs you')")
    set_aside(hub, "orders:x", code="erp.account_missing")
    page.clock.run_for(16_000)
    page.wait_for_selector("h1:has-text('Two things need you')", timeout=10_000)
    page.route("**/admin/", lambda route: route.abort())
    page.clock.run_for(31_000)
    page.wait_for_selector(".live.stale", timeout=10_000)
    page.context.close()
