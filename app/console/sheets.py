"""Import: files of products, prices and counts handed in, what their lines do wrong, and the file that says so."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_login import current_user

from app.console.frame import reading
from app.console.sign_in import actor
from app.flows.sheet_wish import IMPORTERS, Wish, format_of, importer_of, receive, receive_again
from app.infra.runs.rows import UNDER_WAY
from app.infra.runs.work import run_of
from app.infra.sheets.faults import by_rule, error_file, faults_of
from app.infra.sheets.keeping import MOST_BYTES, sheet_of, sheets
from app.infra.sheets.reading import ENCODINGS, Dialect
from app.infra.sheets.staging import UNNAMED
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import HubError, Invalid

FIRST = "products"
# What a sheet of each kind does, for who is about to hand one in.
SAID = {
    "products": "What a line says of a product or SKU counts from then on; an empty cell leaves what is known.",
    "prices": "Of every SKU that a file names in a list, it has all the prices: they stand in place of those it had.",
    "stock": "Each line is a count: what lay at a location at an instant. Orders and movements since then still count.",
}
MOST_LISTED = 50
MOST_FAULTS = 100
PLACE = "/admin/import/"
SEPARATORS = (("", "As the first line has it"), (",", "Comma"), (";", "Semicolon"), ("\t", "Tab"), ("|", "Bar"))


def allow_files(app: Flask) -> None:
    """Let somebody who is signed in post a large file to the import page; it goes to disk, not into memory."""

    @app.before_request
    def allow() -> None:
        if request.path == PLACE and request.method == "POST" and current_user.is_authenticated:
            request.max_content_length = MOST_BYTES


class SheetPages(Page):
    """Hand a file in, watch it being checked and applied, fetch what is wrong in it."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return self._form(request.args.get("kind", FIRST), None, {}), 200

    @expose("/", methods=("POST",))
    def hand_in(self) -> ResponseReturnValue:
        """Keep the file and begin its run; what cannot be read is refused here, with the form as it was."""
        who, form = actor(Permission.WORK), request.form
        kind = importer_of(form.get("kind", FIRST)).layout.kind
        try:
            file = request.files.get("file")
            if file is None or not file.filename:
                raise Invalid("sheets.no_file", "choose a file first")
            wish = _wish(kind, form, file.filename)
            sheet_id = receive(hub(), file.stream, wish, who=who, why=form.get("why", "").strip())
        except HubError as wrong:
            return self._form(kind, wrong, form), wrong.status
        return redirect(url_for(".one", sheet_id=sheet_id), 303)

    def _form(self, kind: str, wrong: HubError | None, given: Mapping[str, str]) -> str:
        layout = importer_of(kind).layout
        with reading() as uow:
            rows = sheets(uow, kinds=[kind], most=MOST_LISTED)
        return str(
            self.render(
                "console/sheets.html", rows=rows, wrong=wrong, given=given, encodings=ENCODINGS, separators=SEPARATORS,
                layout=layout, kinds=[one.layout for one in IMPORTERS.values()], said=SAID[kind],
                live=any(row.state == "received" for row in rows),
            )
        )  # fmt: skip

    @expose("/<uuid:sheet_id>")
    def one(self, sheet_id: object) -> str:
        with reading() as uow:
            row = sheet_of(uow, str(sheet_id))
            run = run_of(uow, row.run_id) if row.run_id else None
            rules, faults = by_rule(uow, row.id), faults_of(uow, row.id, most=MOST_FAULTS)
        return str(
            self.render(
                "console/sheet.html", row=row, run=run, rules=rules, faults=faults, title=row.name or "A file",
                layout=importer_of(row.kind).layout,
                live=run is not None and run.state in UNDER_WAY,
            )
        )  # fmt: skip

    @expose("/<uuid:sheet_id>/errors.csv")
    def errors(self, sheet_id: object) -> Response:
        """What is wrong in it, line by line."""
        with reading() as uow:
            row = sheet_of(uow, str(sheet_id))
        headers = {"Content-Disposition": f'attachment; filename="errors-{row.id[:8]}.csv"'}
        return Response(error_file(hub(), row.id), content_type="text/csv; charset=utf-8", headers=headers)

    @expose("/<uuid:sheet_id>/take-in", methods=("POST",))
    def take_in(self, sheet_id: object) -> ResponseReturnValue:
        """Take in a file that was only checked, as it was checked."""
        fresh = receive_again(hub(), str(sheet_id), who=actor(Permission.WORK))
        flash("The file is taken in now. Its lines come into force together.")
        return redirect(url_for(".one", sheet_id=fresh), 303)


def _wish(kind: str, form: Mapping[str, str], name: str) -> Wish:
    dialect = Dialect(
        encoding=form.get("encoding", "utf-8"), delimiter=form.get("separator", ""),
        decimal_mark=form.get("decimal_mark", "."),
    )  # fmt: skip
    return Wish(
        kind=kind, name=name[:200], format=format_of(name), company=form.get("company", "").strip(), dialect=dialect,
        source=form.get("source", "").strip() or UNNAMED,
        strict=form.get("wrong_lines", "refuse") == "refuse", dry="dry" in form, again="again" in form,
    )  # fmt: skip
