"""Value maps: what a word of ours is at each system, which words are missing, and who waits for them."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import Question, ask, sure, why
from app.console.frame import reading
from app.console.sign_in import actor
from app.flows import mapping
from app.flows.mapping import Done, Gap
from app.infra.connecting import all_connections
from app.infra.uow import UnitOfWork
from app.infra.value_maps import KINDS, Word, count_maps, list_values
from app.infra.views import PAGE_ROWS, Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import Invalid

MOST_SUGGESTED = 20  # gaps on one page that are compared with the words there


class ValueMapPages(Page):
    """The words of one system in the words of another, by connection and kind."""

    @expose("/")
    def index(self) -> str:
        with reading() as uow:
            counts, gaps = count_maps(uow), mapping.gaps(uow)
            names = [row.name for row in all_connections(uow)]
            suggestions = _suggestions(uow, gaps[:MOST_SUGGESTED])
        missing: dict[tuple[str, str], int] = {}
        for gap in gaps:
            missing[gap.connection, gap.kind] = missing.get((gap.connection, gap.kind), 0) + 1
        shown = [(key, counts.get(key, 0), missing.get(key, 0)) for key in sorted({*counts, *missing})]
        return str(
            self.render(
                "console/value_maps.html", shown=shown, gaps=gaps, names=names, kinds=KINDS, suggestions=suggestions
            )
        )

    @expose("/<connection>/<kind>")
    def one(self, connection: str, kind: str) -> str:
        find, after = request.args.get("find", "").strip(), request.args.get("after", "")
        with reading() as uow:
            uow.hub.connections.get(uow.session, connection)
            rows = list_values(uow, connection, kind, find=find, after=(kind, after), most=PAGE_ROWS + 1)
            gaps = mapping.gaps(uow, connection, kind)
            suggestions = _suggestions(uow, gaps[:MOST_SUGGESTED])
        older = rows[PAGE_ROWS - 1].source if len(rows) > PAGE_ROWS else ""
        return str(
            self.render(
                "console/value_map.html", connection=connection, kind=kind, said=KINDS.get(kind, kind), find=find,
                rows=rows[:PAGE_ROWS], older=older, gaps=gaps, suggestions=suggestions,
            )
        )  # fmt: skip

    @expose("/set", methods=("POST",))
    def set(self) -> ResponseReturnValue:
        """Say what one word is; what waited for it goes on."""
        who, form = actor(Permission.WORK), _form()
        row = Word(kind=form["kind"], source=form["source"], target=form["target"])
        with hub().unit_of_work() as uow:
            done = mapping.map_values(uow, form["connection"], [row], who, form["why"])
        flash(f"At {form['connection']} the {row.kind} {row.source} is {row.target}.{_went_on(done)}")
        return redirect(url_for(".one", connection=form["connection"], kind=row.kind), 303)

    @expose("/remove", methods=("POST",))
    def remove(self) -> ResponseReturnValue:
        """Take a word out, after a look at what it means."""
        who, form = actor(Permission.WORK), _form()
        back = url_for(".one", connection=form["connection"], kind=form["kind"])
        if sure():
            with hub().unit_of_work() as uow:
                mapping.unmap(uow, form["connection"], form["kind"], form["source"], who, why())
            flash(f"{form['source']} is mapped no more at {form['connection']}.")
            return redirect(back, 303)
        question = Question(
            title=f"Take {form['source']} out of the map",
            sentences=(
                f"{form['connection']} is then asked for {form['source']} by its own name.",
                "Where it has nothing of that name, what needs it waits in one case.",
            ),
            button="Take it out", back=back, reason="Why? It is kept in the audit.", danger=True,
            given=[(name, form[name]) for name in ("connection", "kind", "source")],
        )  # fmt: skip
        return ask(self, question)

    @expose("/<connection>/map.csv")
    def export(self, connection: str) -> ResponseReturnValue:
        kind = request.args.get("kind", "")
        with reading() as uow:
            uow.hub.connections.get(uow.session, connection)
            body = "".join(mapping.write_sheet(uow, connection, kind))
        name = f"{connection}-{kind or 'words'}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(body, mimetype="text/csv", headers=headers)

    @expose("/import", methods=("POST",))
    def take(self) -> ResponseReturnValue:
        """Take over a file: all of it or nothing."""
        who, form = actor(Permission.WORK), _form()
        sent = request.files.get("table")
        try:
            text = sent.read().decode("utf-8-sig") if sent else ""
        except UnicodeDecodeError as wrong:
            raise Invalid("value_maps.sheet", "the file is not UTF-8: save it as CSV UTF-8") from wrong
        sheet = mapping.read_sheet(text, form["kind"])
        with hub().unit_of_work() as uow:
            done = mapping.take_sheet(uow, form["connection"], sheet, who, form["why"])
        flash(f"{done.changed} words are new or another, {done.removed} are taken out.{_went_on(done)}")
        return redirect(url_for(".index"), 303)


def _suggestions(uow: UnitOfWork, gaps: list[Gap]) -> Mapping[str, list[str]]:
    """Case id → what looks like its word at the other side."""
    return {gap.case_id: mapping.suggest(uow, gap.connection, gap.kind, gap.word) for gap in gaps}


def _went_on(done: Done) -> str:
    if not done.gaps:
        return ""
    cases = f"{done.gaps} case{'' if done.gaps == 1 else 's'}"
    return f" {done.released} deliveries that waited go on; {cases} closed."


def _form() -> dict[str, str]:
    return {name: request.form.get(name, "").strip() for name in ("connection", "kind", "source", "target", "why")}
