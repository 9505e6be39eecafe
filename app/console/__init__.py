"""The console: Flask-Admin's frame with pages of ours. It reads rows and calls services; it edits nothing itself."""

from __future__ import annotations

from flask import Flask
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme

from app.console.audit import Audit
from app.console.cases import Cases
from app.console.charts import CHARTS
from app.console.connections import ConnectionPages
from app.console.deliveries import Deliveries
from app.console.frame import register_frame
from app.console.home import Home
from app.console.letters import DeadLetters
from app.console.notices import Notices
from app.console.orders import OrderPages
from app.console.people import People
from app.console.runbooks import Runbooks
from app.console.search import Search
from app.console.security import secure
from app.console.sign_in import register_sign_in
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
    secure(app, hub)
    register_frame(app)
    register_sign_in(app)
    app.jinja_env.globals.update(CHARTS)
    theme = Bootstrap4Theme(base_template="admin/base.html")
    home = Home(name="Home", menu_icon_type="line", menu_icon_value="home")
    admin = Admin(app, name="Roundhouse", url="/admin", theme=theme, index_view=home)
    rows = ReadingDb(app, hub.engine)
    for category, icon, view in (
        ("Work", "case", Cases(name="Cases", endpoint="cases", url="cases")),
        ("Work", "letter", DeadLetters(name="Dead letters", endpoint="letters", url="dead-letters")),
        ("Work", "flow", Deliveries(DeliveryRow, rows, name="Deliveries", endpoint="deliveries", url="deliveries")),
        ("Work", "mail", Notices(NoticeRow, rows, name="Notices", endpoint="notices", url="notices")),
        ("Commerce", "orders", OrderPages(name="Orders", endpoint="orders", url="orders")),
        ("System", "plug", ConnectionPages(name="Connections", endpoint="connections", url="connections")),
        ("System", "search", Search(name="Search", endpoint="search", url="search")),
        ("System", "book", Runbooks(name="Runbooks", endpoint="runbooks", url="runbooks")),
        ("System", "user", People(name="People and keys", endpoint="people", url="people")),
        ("System", "lock", Audit(ActRow, rows, name="Audit", endpoint="audit", url="audit")),
    ):
        view.category, view.menu_icon_type, view.menu_icon_value = category, "line", icon
        admin.add_view(view)
