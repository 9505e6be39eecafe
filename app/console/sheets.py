"""Import: files of products handed in, what their lines do wrong, and the file that says so."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_login import current_user

from app.console.frame import reading
from app.console.sign_in import actor
from app.flows.sheet_wish import IMPORTERS, Wish, format_of, receive, receive_again
from app.infra.runs.rows import UNDER_WAY
from app.infra.runs.work import run_of
from app.infra.sheets.faults import by_rule, error_file, faults_of
from app.infra.sheets.keeping import MOST_BYTES, sheet_of, sheets
from app.infra.sheets.reading import ENCODINGS, Dialect
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import HubError, Invalid

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
        return self._form(None, {}), 200

    @expose("/", methods=("POST",))
    def hand_in(self) -> ResponseReturnValue:
        """Keep the file and begin its run; what cannot be read is refused here, with the form as it was."""
        who, form = actor(Permission.WORK), request.form
        try:
            file = request.files.get("file")
            if file is None or not file.filename:
                raise Invalid("sheets.no_file", "choose a file first")
            sheet_id = receive(hub(), file.stream, _wish(form, file.filename), who=who, why=form.get("why", "").strip())
        except HubError as wrong:
            return self._form(wrong, form), wrong.status
        return redirect(url_for(".one", sheet_id=sheet_id), 303)

    def _form(self, wrong: HubError | None, given: Mapping[str, str]) -> str:
        with reading() as uow:
            rows = sheets(uow, most=MOST_LISTED)
        return str(
            self.render(
                "console/sheets.html", rows=rows, wrong=wrong, given=given, encodings=ENCODINGS, separators=SEPARATORS,
                layout=IMPORTERS["products"].layout, live=any(row.state == "received" for row in rows),
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


def _wish(form: Mapping[str, str], name: str) -> Wish:
    dialect = Dialect(
        encoding=form.get("encoding", "utf-8"), delimiter=form.get("separator", ""),
        decimal_mark=form.get("decimal_mark", "."),
    )  # fmt: skip
    return Wish(
        kind="products", name=name[:200], format=format_of(name), company=form.get("company", "").strip(),
        dialect=dialect,
        strict=form.get("wrong_lines", "refuse") == "refuse", dry="dry" in form, again="again" in form,
    )  # fmt: skip
