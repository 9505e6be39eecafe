"""/api/v1/sheets: files of products, prices and counts handed in, how far they are, and what is wrong in them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, fields
from marshmallow.validate import Length, OneOf

from app.api.operations_schemas import PageOf, Strict
from app.flows.sheet_wish import Wish, receive
from app.infra.sheets.faults import by_rule, error_file
from app.infra.sheets.keeping import MOST_BYTES, sheet_of, sheets
from app.infra.sheets.reading import ENCODINGS, Dialect
from app.infra.sheets.rows import FORMATS, STATES, SheetRow
from app.infra.sheets.staging import UNNAMED
from app.infra.uow import UnitOfWork
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.wiring import hub
from app.kernel.errors import Forbidden

TYPES = ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
READS = {"products": "products:read", "prices": "prices:read", "stock": "stock:read"}
blueprint = Blueprint("api_sheets", __name__, url_prefix="/api/v1", description="Sheets: bulk imports of files")


class SheetWish(Strict):
    """What is to be done with the file in the body."""

    name = fields.String(load_default="", validate=Length(max=200), metadata={"description": "The file's name."})
    format = fields.String(load_default="csv", validate=OneOf(FORMATS))
    encoding = fields.String(load_default="utf-8", validate=OneOf(ENCODINGS))
    delimiter = fields.String(load_default="", metadata={"description": "Empty: as the header is written."})
    decimal_mark = fields.String(load_default=".", validate=OneOf((".", ",")))
    wrong_lines = fields.String(
        load_default="refuse", validate=OneOf(("refuse", "leave_out")),
        metadata={"description": "refuse: one wrong line refuses the file; leave_out: the others come into force."},
    )  # fmt: skip
    dry_run = fields.Boolean(load_default=False, metadata={"description": "Check only."})
    again = fields.Boolean(load_default=False, metadata={"description": "Take in what was taken in before."})
    source = fields.String(
        load_default=UNNAMED, validate=Length(min=1, max=100),
        metadata={"description": "Whose word it is: a connection or a name of its own. Rules of ownership go by it."},
    )  # fmt: skip


class ProductSheetWish(SheetWish):
    """The same of products, which may be one company's."""

    company = fields.String(load_default="")


class SheetBegun(Schema):
    id = fields.UUID(required=True)
    run = fields.UUID(required=True, metadata={"description": "Its progress: /api/v1/runs/<run>."})


class SheetFilter(PageOf):
    state = fields.String(load_default="", validate=OneOf(("", *STATES)))
    kind = fields.String(load_default="", validate=OneOf(("", *READS)))


class SheetSchema(Schema):
    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    name = fields.String(required=True)
    company = fields.String(required=True)
    source = fields.String(required=True)
    state = fields.String(required=True, metadata={"description": f"One of {', '.join(STATES)}."})
    strict = fields.Boolean(required=True)
    dry = fields.Boolean(required=True)
    size = fields.Integer(required=True)
    sha256 = fields.String(required=True)
    lines = fields.Integer(required=True, metadata={"description": "Lines with content that were read so far."})
    wrong_lines = fields.Integer(required=True)
    counts = fields.Dict(required=True, metadata={"description": "How many were created, changed and unchanged."})
    said = fields.String(required=True)
    who = fields.String(required=True)
    run_id = fields.UUID(allow_none=True)
    received_at = fields.AwareDateTime(required=True)
    checked_at = fields.AwareDateTime(allow_none=True)
    ended_at = fields.AwareDateTime(allow_none=True)


class RuleSchema(Schema):
    code = fields.String(required=True)
    field = fields.String(required=True)
    count = fields.Integer(required=True)


class SheetDetail(SheetSchema):
    rules = fields.List(fields.Nested(RuleSchema), required=True, metadata={"description": "How often each is broken."})


class SheetPage(Schema):
    sheets = fields.List(fields.Nested(SheetSchema), required=True)
    next = fields.String(allow_none=True)


FILE = {"required": True, "content": dict.fromkeys(TYPES, {"schema": {"type": "string", "format": "binary"}})}


@blueprint.route("/sheets/products")
class ProductSheets(MethodView):
    @require_scope("products:write")
    @blueprint.arguments(ProductSheetWish, location="query", unknown=RAISE)
    @blueprint.doc(requestBody=FILE)
    @blueprint.response(202, SheetBegun)
    def post(self, given: dict[str, Any]) -> dict[str, Any]:
        """Hand in a file of products; its run reads, checks and applies it, whole or not at all."""
        return _hand_in("products", given)


@blueprint.route("/sheets/prices")
class PriceSheets(MethodView):
    @require_scope("prices:write")
    @blueprint.arguments(SheetWish, location="query", unknown=RAISE)
    @blueprint.doc(requestBody=FILE)
    @blueprint.response(202, SheetBegun)
    def post(self, given: dict[str, Any]) -> dict[str, Any]:
        """Hand in a file of prices: of every SKU that it names in a list, all the prices that it has there."""
        return _hand_in("prices", given)


@blueprint.route("/sheets/stock")
class StockSheets(MethodView):
    @require_scope("stock:write")
    @blueprint.arguments(SheetWish, location="query", unknown=RAISE)
    @blueprint.doc(requestBody=FILE)
    @blueprint.response(202, SheetBegun)
    def post(self, given: dict[str, Any]) -> dict[str, Any]:
        """Hand in a file of counts: what lies at locations as of an instant, by `source`."""
        return _hand_in("stock", given)


def _hand_in(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    _unbound()
    request.max_content_length = MOST_BYTES
    wish = Wish(
        kind=kind, name=given["name"], format=given["format"], company=given.get("company", ""),
        source=given["source"], strict=given["wrong_lines"] == "refuse", dry=given["dry_run"], again=given["again"],
        dialect=Dialect(encoding=given["encoding"], delimiter=given["delimiter"], decimal_mark=given["decimal_mark"]),
    )  # fmt: skip
    sheet_id = receive(hub(), request.stream, wish, who=current_principal().name)
    with hub().unit_of_work() as uow:
        return {"id": sheet_id, "run": sheet_of(uow, sheet_id).run_id}


@blueprint.route("/sheets")
class Sheets(MethodView):
    @require_scope(*READS.values())
    @blueprint.arguments(SheetFilter, location="query", unknown=RAISE)
    @blueprint.response(200, SheetPage)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Sheets of the kinds that the key may read, the newest first, a page at a time."""
        _unbound()
        most = wanted["limit"]
        kinds = [kind for kind in READS if _may_read(kind) and wanted["kind"] in ("", kind)]
        with hub().unit_of_work() as uow:
            found = sheets(uow, kinds=kinds, state=wanted["state"], before=wanted["before"], most=most + 1)
        return {"sheets": found[:most], "next": found[most - 1].id if len(found) > most else None}


@blueprint.route("/sheets/<uuid:sheet_id>")
class OneSheet(MethodView):
    @require_scope(*READS.values())
    @blueprint.response(200, SheetDetail)
    def get(self, sheet_id: UUID) -> dict[str, Any]:
        """One sheet, and how often each rule is broken in it."""
        with hub().unit_of_work() as uow:
            row = _sheet(uow, sheet_id)
            facts = {column.key: getattr(row, column.key) for column in SheetRow.__table__.columns}
            rules = [{"code": code, "field": field, "count": n} for code, field, n in by_rule(uow, row.id)]
        return {**facts, "rules": rules}


@blueprint.route("/sheets/<uuid:sheet_id>/errors")
class Errors(MethodView):
    @require_scope(*READS.values())
    @blueprint.response(200, content_type="text/csv", description="line, field, rule, value, what to do")
    def get(self, sheet_id: UUID) -> Response:
        """What is wrong in a sheet, line by line, as CSV."""
        with hub().unit_of_work() as uow:
            row = _sheet(uow, sheet_id)
        return as_file(row)


def as_file(row: SheetRow) -> Response:
    """The error file of a sheet as a download."""
    name = f"errors-{row.id[:8]}.csv"
    return Response(
        error_file(hub(), row.id),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _sheet(uow: UnitOfWork, sheet_id: UUID) -> SheetRow:
    _unbound()
    row = sheet_of(uow, str(sheet_id))
    if not _may_read(row.kind):
        raise Forbidden("auth.scope", f"this key lacks the scope {READS[row.kind]!r}", about=current_principal().name)
    return row


def _may_read(kind: str) -> bool:
    return READS[kind] in current_principal().scopes


def _unbound() -> None:
    if own := current_principal().connection:
        raise Forbidden("auth.connection", f"this key is bound to {own}; a sheet is the whole company's")
