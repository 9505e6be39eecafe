"""The console: Flask-Admin's frame with pages of ours. It reads rows and calls services; it edits nothing itself."""

from __future__ import annotations

from flask import Flask
from flask_admin import Admin, BaseView
from flask_admin.theme import Bootstrap4Theme

from app.console.audit import Audit
from app.console.backfills import BackfillPages, GapPages
from app.console.cases import Cases
from app.console.charts import CHARTS
from app.console.connections import ConnectionPages
from app.console.customers import CustomerPages
from app.console.cut_overs import CutOverPages
from app.console.deadlines import Deadlines
from app.console.deliveries import Deliveries
from app.console.doubts import Doubts
from app.console.duplicates import DuplicatePages
from app.console.edits import Edits
from app.console.flags import FlagPages
from app.console.flow import Flows
from app.console.frame import register_frame
from app.console.gates import GatePages
from app.console.home import Home
from app.console.letters import DeadLetters
from app.console.limits import LimitPages
from app.console.listings import ListingPages
from app.console.notices import Notices
from app.console.orders import OrderPages
from app.console.owners import OwnerPages
from app.console.people import People
from app.console.price_lists import PriceListPages
from app.console.prices_out import PricePages
from app.console.privacy import PrivacyPages
from app.console.products import ProductPages
from app.console.queues import PolicyPages, QueuePages
from app.console.references import ReferencePages
from app.console.routes import RoutePages
from app.console.runbooks import Runbooks
from app.console.runs import ReplayPage, Runs
from app.console.search import Search
from app.console.security import secure
from app.console.shadows import ShadowPages
from app.console.sheets import SheetPages, allow_files
from app.console.sign_in import register_sign_in
from app.console.sku_mapping import SkuMappingPages
from app.console.stock import StockPages
from app.console.stock_out import StockOutPages
from app.console.storage import StoragePage
from app.console.taxes import TaxPages
from app.console.value_maps import ValueMapPages
from app.infra.acts import ActRow
from app.infra.hub import Hub
from app.infra.rows import DeliveryRow, NoticeRow
from app.infra.views import ReadingDb
from app.infra.web.problems import register_problems
from app.infra.web.wiring import wire


def register_console(app: Flask, hub: Hub) -> None:
    """Mount the console under /admin, with its sign-in, policy and pages."""
    wire(app, hub)
    register_problems(app)
    allow_files(app)
    secure(app, hub)
    register_frame(app)
    register_sign_in(app)
    app.jinja_env.globals.update(CHARTS)
    theme = Bootstrap4Theme(base_template="admin/base.html")
    home = Home(name="Home", menu_icon_type="line", menu_icon_value="home")
    admin = Admin(app, name="Roundhouse", url="/admin", theme=theme, index_view=home)
    rows = ReadingDb(app, hub.engine)
    for category, pages in (("Work", _work(rows)), ("Commerce", _commerce()), ("System", _system(rows))):
        for icon, view in pages:
            view.category, view.menu_icon_type, view.menu_icon_value = category, "line", icon
            admin.add_view(view)


Pages = tuple[tuple[str, BaseView], ...]  # each with the icon of its entry in the menu


def _work(rows: ReadingDb) -> Pages:
    return (
        ("case", Cases(name="Cases", endpoint="cases", url="cases")),
        ("letter", DeadLetters(name="Dead letters", endpoint="letters", url="dead-letters")),
        ("info", Doubts(name="In doubt", endpoint="doubts", url="in-doubt")),
        ("edit", Edits(name="Payload edits", endpoint="edits", url="edits")),
        ("replay", ReplayPage(name="Replay", endpoint="replays", url="replay")),
        ("play", Runs(name="Runs", endpoint="runs", url="runs")),
        ("down", BackfillPages(name="Backfill", endpoint="backfills", url="backfill")),
        ("up", SheetPages(name="Import", endpoint="sheets", url="import")),
        ("search", GapPages(name="Gap scan", endpoint="gaps", url="gap-scan")),
        ("flow", Deliveries(DeliveryRow, rows, name="Deliveries", endpoint="deliveries", url="deliveries")),
        ("bell", Deadlines(name="Deadlines", endpoint="deadlines", url="deadlines")),
        ("mail", Notices(NoticeRow, rows, name="Notices", endpoint="notices", url="notices")),
    )


def _commerce() -> Pages:
    return (
        ("orders", OrderPages(name="Orders", endpoint="orders", url="orders")),
        ("tag", ProductPages(name="Products", endpoint="products", url="products")),
        ("tag", ListingPages(name="Listings", endpoint="listings", url="listings")),
        ("link", SkuMappingPages(name="SKUs of channels", endpoint="sku_mapping", url="sku-mapping")),
        ("stock", StockPages(name="Stock", endpoint="stock", url="stock")),
        ("user", CustomerPages(name="Customers", endpoint="customers", url="customers")),
        ("link", DuplicatePages(name="Duplicates", endpoint="duplicates", url="duplicates")),
        ("lock", PrivacyPages(name="Privacy", endpoint="privacy", url="privacy")),
        ("tag", PriceListPages(name="Prices", endpoint="price_lists", url="prices")),
        ("coin", TaxPages(name="Tax", endpoint="taxes", url="tax")),
        ("price", PricePages(name="Prices out", endpoint="prices_out", url="prices-out")),
        ("stock", StockOutPages(name="Stock out", endpoint="stock_out", url="stock-out")),
        ("split", Flows(name="Flows", endpoint="flows", url="flows")),
    )


def _system(rows: ReadingDb) -> Pages:
    return (
        ("plug", ConnectionPages(name="Connections", endpoint="connections", url="connections")),
        ("map", RoutePages(name="Routes", endpoint="routes", url="routes")),
        ("book", ValueMapPages(name="Value maps", endpoint="value_maps", url="value-maps")),
        ("link", ReferencePages(name="References", endpoint="references", url="references")),
        ("check", GatePages(name="Gates", endpoint="gate_rules", url="gates")),
        ("key", OwnerPages(name="Owners", endpoint="owners", url="owners")),
        ("flagset", FlagPages(name="Flags", endpoint="flags", url="flags")),
        ("eye", ShadowPages(name="Shadow", endpoint="shadow", url="shadow")),
        ("diff", CutOverPages(name="Cut-over", endpoint="cut_over", url="cut-over")),
        ("bolt", LimitPages(name="Limits", endpoint="limits", url="limits")),
        ("hub", QueuePages(name="Queues", endpoint="queues", url="queues")),
        ("check", PolicyPages(name="Flow policy", endpoint="policy", url="flow-policy")),
        ("stock", StoragePage(name="Storage", endpoint="storage", url="storage")),
        ("search", Search(name="Search", endpoint="search", url="search")),
        ("book", Runbooks(name="Runbooks", endpoint="runbooks", url="runbooks")),
        ("user", People(name="People and keys", endpoint="people", url="people")),
        ("lock", Audit(ActRow, rows, name="Audit", endpoint="audit", url="audit")),
    )
