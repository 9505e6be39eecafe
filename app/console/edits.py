"""The edit of a payload: the whole document in a field, the difference before anything is kept, the original after."""

from __future__ import annotations

import json
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.console.deeds import why
from app.console.frame import reading
from app.console.payloads import difference
from app.console.sign_in import actor
from app.infra.acts import record_act
from app.infra.locate import Key
from app.infra.replay.edits import EDITABLE, check_edit, edit_payload, edits_of, payload_of
from app.infra.views import Page
from app.infra.web.scopes import Permission
from app.infra.web.wiring import hub
from app.kernel.errors import HubError, Invalid


class Edits(Page):
    """Payload edits of single deliveries. Reached from a delivery; who opens it sees personal data, which is kept."""

    def is_visible(self) -> bool:
        return False

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Edits belong to deliveries: choose one."""
        return redirect(url_for("letters.index"))

    @expose("/<int:event_id>/<int:delivery_id>")
    def one(self, event_id: int, delivery_id: int) -> str:
        """The original and every edit, personal data masked."""
        with reading() as uow:
            row, fact = payload_of(uow, (event_id, delivery_id))
            made = edits_of(uow, (event_id, delivery_id))
        versions = [(edit, difference(_sorted(edit.before), _sorted(edit.after))) for edit in made]
        return str(
            self.render(
                "console/edit.html", row=row, fact=fact, versions=versions, text="", found=None, wrong=None,
                given_why="", may_edit=row.state in EDITABLE, title=f"Payload of delivery {delivery_id}",
            )
        )  # fmt: skip

    @expose("/<int:event_id>/<int:delivery_id>/form", methods=("POST",))
    def form(self, event_id: int, delivery_id: int) -> ResponseReturnValue:
        """The field with the payload as it is; that somebody saw it whole is kept."""
        who, key = actor(Permission.UNMASK), (event_id, delivery_id)
        actor(Permission.WORK)
        with hub().unit_of_work() as uow:
            row, fact = payload_of(uow, key)
            record_act(uow, who, "saw a payload whole", kind="delivery", key=str(delivery_id))
        payload = row.edited if row.edited is not None else fact.payload
        return self._page(key, json.dumps(payload, indent=2, ensure_ascii=False))

    @expose("/<int:event_id>/<int:delivery_id>/look", methods=("POST",))
    def look(self, event_id: int, delivery_id: int) -> ResponseReturnValue:
        """Check what was typed and show the difference; nothing is kept."""
        actor(Permission.WORK)
        return self._page((event_id, delivery_id), request.form.get("payload", ""), looked=True)

    @expose("/<int:event_id>/<int:delivery_id>/keep", methods=("POST",))
    def keep(self, event_id: int, delivery_id: int) -> ResponseReturnValue:
        """Keep the edit and let the delivery go again."""
        who, key = actor(Permission.WORK), (event_id, delivery_id)
        text, stays = request.form.get("payload", ""), request.form.get("stays") == "yes"
        try:
            with hub().unit_of_work() as uow:
                edit_payload(uow, key, _read(text), who, why(), replays=not stays)
        except Invalid:
            return self._page(key, text, looked=True)
        flash("Edited, under your name. " + ("It stays set aside." if stays else "It goes again with the new payload."))
        return redirect(url_for("deliveries.one", event_id=event_id, delivery_id=delivery_id), 303)

    def _page(self, key: Key, text: str, *, looked: bool = False) -> ResponseReturnValue:
        found: Any = None
        wrong: HubError | None = None
        with reading() as uow:
            row, fact = payload_of(uow, key)
            try:
                found = check_edit(uow, key, _read(text)) if looked else None
            except Invalid as refused:
                wrong = refused
        if found is not None and "why" in request.form and not why():
            wrong = Invalid("edits.reason_missing", "say why: the next one to look sees two payloads")
        page = self.render(
            "console/edit.html", row=row, fact=fact, versions=[], text=text, found=found, wrong=wrong, may_edit=True,
            lines=difference(_sorted(found.before), _sorted(found.after)) if found else [], given_why=why(),
            title=f"Edit the payload of delivery {key[1]}",
        )  # fmt: skip
        return page, 422 if wrong else 200


def _sorted(payload: Any) -> Any:
    """Fields by name: the database and the events order them differently, which is no difference."""
    return json.loads(json.dumps(payload, sort_keys=True))


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as wrong:
        raise Invalid("edits.invalid", f"the payload is no JSON: {wrong}") from wrong
