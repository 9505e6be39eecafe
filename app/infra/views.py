"""Base of the console's views: who may see them, and lists of rows that nobody edits and no page counts.

The console never edits a row. What it changes, it changes by asking a service, so that each change has an actor, a
fact and a history. Lists go by cursor: a page costs the same on ten rows and on ten million.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import Flask, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import BaseView
from flask_admin.contrib.sqla import ModelView
from flask_login import current_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, Select, event, inspect, select, text, tuple_
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from app.infra.web.scopes import Permission, may

PAGE_ROWS = 50
PAGE_SECONDS = 5  # a page that needs longer is asked a question that no index answers


class ReadingDb(SQLAlchemy):
    """One read-only session for each request, in the form that Flask-Admin asks for. Closed when the request ends."""

    def __init__(self, app: Flask, engine: Engine) -> None:
        readers = sessionmaker(engine)
        event.listen(readers, "after_begin", self._bind_hands)
        self._scoped = scoped_session(readers, scopefunc=lambda: id(g._get_current_object()))
        app.teardown_appcontext(lambda error: self._scoped.remove())

    @property
    def session(self) -> scoped_session[Session]:  # type: ignore[override]
        return self._scoped

    @staticmethod
    def _bind_hands(session: Session, transaction: object, connection: Connection) -> None:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(text(f"SET LOCAL statement_timeout = '{PAGE_SECONDS}s'"))


class Gated:
    """A view that asks who is there. `permission` is what its pages need; a deed may need more."""

    permission: ClassVar[Permission] = Permission.VIEW

    def is_accessible(self) -> bool:
        return bool(current_user.is_authenticated) and may(current_user.role, self.permission)

    def inaccessible_callback(self, name: str, **given: Any) -> ResponseReturnValue:
        if current_user.is_authenticated:
            abort(403)
        return redirect(url_for("sign_in.sign_in", next=request.full_path.rstrip("?")))


class Page(Gated, BaseView):  # type: ignore[misc]  # Flask-Admin has no types
    """A page of its own making."""


class ReadOnly(Gated, ModelView):  # type: ignore[misc]
    """A list of rows, newest first, with filters by exact value and a page for each row.

    `cursor` names the columns that order the list and that an index serves; `narrow` maps an address parameter to the
    column it filters by.
    """

    can_create = can_edit = can_delete = False
    can_view_details = True
    page_size = PAGE_ROWS
    list_template = "console/list.html"
    details_template = "console/details.html"
    cursor: ClassVar[tuple[str, ...]] = ("id",)
    narrow: ClassVar[Mapping[str, str]] = {}
    lede: ClassVar[str] = ""
    column_sortable_list: ClassVar[Sequence[str]] = ()

    def get_list(
        self, page: int, sort_column: Any, sort_desc: Any, search: Any, filters: Any, **given: Any
    ) -> tuple[None, list[Any]]:
        """One page by cursor; never a count. `?before=` goes on to older rows, `?after=` back to newer ones."""
        columns = [getattr(self.model, name) for name in self.cursor]
        back = self._position("after")
        position = back or self._position("before")
        statement = self.narrowed(select(self.model))
        if position is not None:
            here, there = tuple_(*columns), tuple_(*position)
            statement = statement.where(here > there if back else here < there)
        ordered = statement.order_by(*(column.asc() if back else column.desc() for column in columns))
        rows = list(self._read(ordered.limit(PAGE_ROWS + 1)))
        more, rows = len(rows) > PAGE_ROWS, rows[:PAGE_ROWS]
        if back:
            rows.reverse()
        g.older = self._address("before", rows[-1]) if rows and (more or back) else ""
        g.newer = self._address("after", rows[0]) if rows and (position is not None) and (more or not back) else ""
        return None, rows

    def narrowed(self, statement: Select[Any]) -> Select[Any]:
        """The rows that the address asks for."""
        for name, column in self.narrow.items():
            if value := request.args.get(name, "").strip():
                statement = statement.where(getattr(self.model, column) == value)
        return statement

    def get_one(self, id: Any) -> Any:  # noqa: A002
        """The row of an address, among those that this view may show; None for whatever names no row."""
        keys = inspect(self.model).primary_key
        parts = str(id).split(",")
        if len(parts) != len(keys):
            return None
        try:
            wanted = [key.type.python_type(part) for key, part in zip(keys, parts, strict=True)]
            return self.session.session.scalar(
                select(self.model).where(*(key == part for key, part in zip(keys, wanted, strict=True)))
            )
        except (ValueError, TypeError, StatementError):
            return None

    def render(self, template: str, **given: Any) -> str:
        chosen = {name: request.args.get(name, "") for name in self.narrow}
        return str(super().render(template, narrow=chosen, newer=g.get("newer"), older=g.get("older"), **given))

    def _read(self, statement: Select[Any]) -> Sequence[Any]:
        return list(self.session.session.scalars(statement))

    def _position(self, name: str) -> list[Any] | None:
        """The cursor of the address in the columns' own types; None where there is none or it is not one."""
        parts = request.args.get(name, "").split(",")
        if len(parts) != len(self.cursor):
            return None
        kinds = [getattr(self.model, column).type.python_type for column in self.cursor]
        try:
            return [kind(part) for kind, part in zip(kinds, parts, strict=True)]
        except (ValueError, TypeError):
            return None

    def _address(self, direction: str, row: Any) -> str:
        kept: dict[str, Any] = {name: value for name, value in request.args.items() if name in self.narrow and value}
        kept[direction] = ",".join(str(getattr(row, column)) for column in self.cursor)
        return str(url_for(".index_view", **kept))
