"""Products: the list, one with its SKUs and where each field came from, and their import."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.domains.product import admin, queries, service
from app.domains.product.canonical import Product, ProductDraft, VariantDraft
from app.domains.product.lifecycle import Status
from app.domains.product.ports import ProductSource
from app.domains.product.queries import Filter
from app.flows import catalogue_alignment, catalogue_in
from app.infra.runs.rows import runs
from app.infra.uow import UnitOfWork
from app.infra.views import PAGE_ROWS, Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub

TABS = (("", "All"), ("draft", "Draft"), ("active", "Active"), ("retired", "Retired"))
GROUPS = {
    "text": "Title and description", "class": "Vendor and type", "structure": "SKUs and options",
    "attributes": "Attributes", "images": "Images", "tax": "Tax code", "status": "Status", "gtin": "GTIN",
    "weight": "Weight", "units": "Units", "bundle": "Components",
}  # fmt: skip
DEEDS = {
    Status.ACTIVE: ("Offer it", "Channels that list it offer it again."),
    Status.RETIRED: ("Retire it", "No channel offers it any more; orders of before still know it."),
}


class ProductPages(Page):
    """What is sold."""

    @expose("/")
    def index(self) -> str:
        chosen = {name: request.args.get(name, "").strip()[:200] for name in ("q", "status", "after", "company")}
        status = chosen["status"] if chosen["status"] in Status._value2member_map_ else ""
        after = (chosen["after"], chosen["company"]) if chosen["after"] else None
        with reading() as uow:
            rows = queries.page(uow, Filter(status=status, find=chosen["q"]), after=after, most=PAGE_ROWS + 1)
            sources = self._sources(uow)
        following = ""
        if len(rows) > PAGE_ROWS:
            rows, last = rows[:PAGE_ROWS], rows[PAGE_ROWS - 1]
            following = url_for(".index", status=status, q=chosen["q"], after=last.code, company=last.company)
        return str(
            self.render(
                "console/products.html", rows=rows, chosen=chosen, status=status, tabs=TABS, following=following,
                sources=sources,
            )
        )  # fmt: skip

    @expose("/<uuid:product_id>")
    def one(self, product_id: Any) -> str:
        with reading() as uow:
            found = admin.page_of(uow, str(product_id))
        product = found.product
        deeds = [(to, DEEDS[to][0]) for to in DEEDS if product.status != to]
        return str(
            self.render(
                "console/product.html", page=found, product=product, deeds=deeds, groups=GROUPS,
                title=product.title or product.code,
            )
        )  # fmt: skip

    @expose("/<uuid:product_id>/status", methods=("POST",))
    def status(self, product_id: Any) -> ResponseReturnValue:
        """Offer or retire a product with all its SKUs, once the person has seen what that means."""
        who, wanted = actor(Permission.WORK), Status(request.form.get("status", ""))
        here = url_for(".one", product_id=product_id)
        with hub().unit_of_work() as uow:
            product = queries.product(uow, str(product_id))
            if sure():
                service.keep(uow, _all_become(product, wanted), who, version=product.version, why=why())
                flash("Done, with your name and reason.")
                return redirect(here, 303)
        button, effect = DEEDS[wanted]
        question = Question(
            title=f"{button}: {product.title or product.code}", sentences=(effect,), button=button, back=here,
            facts=(("SKUs", str(len(product.variants))),), given=(("status", wanted.value),), reason="Why?",
            danger=wanted is Status.RETIRED,
        )  # fmt: skip
        return ask(self, question)

    @expose("/drift")
    def drift(self) -> str:
        """Where sources and the hub are not alike, as the last comparison found."""
        connection = request.args.get("connection", "").strip()[:200]
        after = tuple(request.args.get(name, "")[:200] for name in ("at", "sku", "field"))
        with reading() as uow:
            rows = queries.drifts(uow, connection=connection, after=(after[0], after[1], after[2]), most=PAGE_ROWS + 1)
            sources = self._sources(uow)
        following = ""
        if len(rows) > PAGE_ROWS:
            rows, last = rows[:PAGE_ROWS], rows[PAGE_ROWS - 1]
            following = url_for(".drift", connection=connection, at=last.connection, sku=last.sku, field=last.field)
        return str(
            self.render(
                "console/product_drift.html", rows=rows, connection=connection, sources=sources, following=following,
                title="Products that differ",
            )
        )  # fmt: skip

    @expose("/align", methods=("POST",))
    def align(self) -> ResponseReturnValue:
        """Begin to compare all that a connection holds with the hub."""
        who = actor(Permission.WORK)
        with hub().unit_of_work() as uow:
            connection = uow.hub.connections.get(uow.session, request.form.get("connection", ""))
            run_id = catalogue_alignment.start(uow, connection, who=who)
        return redirect(url_for("runs.one", run_id=run_id), 303)

    @expose("/import", methods=("POST",))
    def take_in(self) -> ResponseReturnValue:
        """Begin an import from a connection, the whole or what changed since the last one."""
        who = actor(Permission.WORK)
        with hub().unit_of_work() as uow:
            connection = uow.hub.connections.get(uow.session, request.form.get("connection", ""))
            run_id = catalogue_in.start(uow, connection, whole=request.form.get("whole") == "yes", who=who)
        return redirect(url_for("runs.one", run_id=run_id), 303)

    def _sources(self, uow: UnitOfWork) -> list[dict[str, Any]]:
        """Connections that hold products, each with its last import and whether the whole was imported once."""
        found = []
        for name, connection in sorted(uow.hub.connections.all(uow.session).items()):
            if connection.spec.offers(ProductSource):
                last = runs(uow, kind=catalogue_in.KIND, connection=name, most=1)
                once = catalogue_in.imported_once(uow, name)
                found.append({"name": name, "last": last[0] if last else None, "once": once})
        return found


def _all_become(product: Product, status: Status) -> ProductDraft:
    variants = tuple(VariantDraft(sku=variant.sku, status=status) for variant in product.variants)
    return ProductDraft(code=product.code, company=product.company, status=status, variants=variants, placing=True)
