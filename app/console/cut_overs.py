"""Cut-over: what an old and a new ERP hold of the same orders, with its table to take away."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import datetime

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.frame import reading
from app.console.sign_in import actor
from app.domains.orders.ports import OrderBooks
from app.domains.orders.queries.cut_over import DIFFERENT, EQUAL, ONLY_NEW, ONLY_OLD, cut_overs, report, table
from app.flows import cut_over
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.written import instant_of

SHOWN = 200


class CutOverPages(Page):
    """Two ERPs compared, order by order, before one is retired."""

    @expose("/")
    def index(self) -> str:
        with reading() as uow:
            rows = cut_overs(uow)
            known = hub().connections.all(uow.session)
            names = sorted(name for name, one in known.items() if one.spec.offers(OrderBooks))
        return str(self.render("console/cut_overs.html", rows=rows, names=names))

    @expose("/begin", methods=("POST",))
    def begin(self) -> ResponseReturnValue:
        """Ask both ERPs; reads only."""
        who, form = actor(Permission.WORK), request.form
        with hub().unit_of_work() as uow:
            made, count = cut_over.begin(
                uow, form.get("old", ""), form.get("new", ""), _day(form, "from"), _day(form, "until"),
                who, company=form.get("company", "").strip(), channel=form.get("channel", "").strip(),
            )  # fmt: skip
        flash(f"{count:,} orders are asked for at both.")
        return redirect(url_for(".one", report_id=made), 303)

    @expose("/<uuid:report_id>")
    def one(self, report_id: object) -> str:
        verdict = request.args.get("verdict", "")
        with reading() as uow:
            found = report(uow, str(report_id))
        shown = [one for one in found.orders if verdict in ("", one.verdict)]
        shown.sort(key=lambda one: one.verdict == EQUAL)
        return str(
            self.render(
                "console/cut_over.html", found=found, shown=shown[:SHOWN], chosen=verdict, row=found.cut_over,
                headline=(EQUAL, DIFFERENT, ONLY_OLD, ONLY_NEW), title="Cut-over",
            )
        )  # fmt: skip

    @expose("/<uuid:report_id>.csv")
    def take_away(self, report_id: object) -> Response:
        """Every field of every order."""
        with reading() as uow:
            found = report(uow, str(report_id))
        text = io.StringIO()
        csv.writer(text).writerows(table(found))
        said = f'attachment; filename="cut-over-{found.cut_over.old}-{found.cut_over.new}.csv"'
        return Response(text.getvalue(), mimetype="text/csv", headers={"Content-Disposition": said})


def _day(form: Mapping[str, str], name: str) -> datetime:
    return instant_of(form.get(name, ""), name, "cut_over.dates")
