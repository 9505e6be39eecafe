"""Products as the API has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

from app.domains.product.canonical import Component, Image, ProductDraft, Unit, VariantDraft
from app.domains.product.lifecycle import Status

MOST_PRODUCTS = 500  # of one request: a transaction well below a second
MOST_VARIANTS = 2000  # of one product: what the largest channel takes
_CODE = validate.Length(min=1, max=100)
_TEXT = validate.Length(max=500)
_LONG = validate.Length(max=100_000)
_STATUS = validate.OneOf([status.value for status in Status])
_TEXTS: dict[str, Any] = {"keys": fields.String(validate=_CODE), "values": fields.String(validate=_LONG)}
STAYS = "What is left out stays as it is."


class Strict(Schema):
    """A body whose every field is known: a stranger's typo is told, not ignored."""

    class Meta:
        unknown = RAISE

    @pre_load
    def _no_nul(self, given: Any, **_: Any) -> Any:
        """U+0000 is valid in JSON and stored by no database."""
        texts = given.items() if isinstance(given, dict) else ()
        wrong = [name for name, text in texts if isinstance(text, str) and "\0" in text]
        if wrong:
            raise ValidationError(dict.fromkeys(wrong, ["U+0000 is no character of a text"]))
        return given


class ItemUnitSchema(Strict):
    """One `unit` holds numerator/denominator base units."""

    unit = fields.String(required=True, validate=_CODE)
    numerator = fields.Integer(required=True, strict=True)
    denominator = fields.Integer(load_default=1, strict=True)
    gtin = fields.String(load_default="", validate=validate.Length(max=20))


class BundlePartSchema(Strict):
    """So many base units of a SKU in one bundle."""

    sku = fields.String(required=True, validate=_CODE)
    quantity = fields.Decimal(required=True, as_string=True)


class ProductImageSchema(Strict):
    """A picture at an address that channels can fetch."""

    url = fields.URL(required=True, schemes={"https"}, validate=_LONG)
    alt = fields.String(load_default="", validate=_TEXT)


class ProductVariantSchema(Strict):
    """A SKU. What is left out stays as it is; units and components are told whole."""

    sku = fields.String(required=True, validate=_CODE)
    position = fields.Integer(strict=True, validate=validate.Range(min=1, max=MOST_VARIANTS))
    title = fields.String(validate=_TEXT)
    options = fields.Dict(**_TEXTS)
    attributes = fields.Dict(**_TEXTS, metadata={"description": "Set by key; an empty text takes one away."})
    gtin = fields.String(validate=validate.Length(max=20), metadata={"description": "GTIN-8, -12, -13 or -14."})
    weight = fields.Decimal(as_string=True, metadata={"description": "Of one base unit."})
    weight_unit = fields.String(metadata={"description": "g, kg, oz or lb."})
    uom = fields.String(validate=_CODE, metadata={"description": "The base unit, in which stock is counted."})
    tax_code = fields.String(validate=_TEXT)
    status = fields.String(validate=_STATUS)
    units = fields.List(fields.Nested(ItemUnitSchema), validate=validate.Length(max=50))
    components = fields.List(fields.Nested(BundlePartSchema), validate=validate.Length(max=200))


class ProductSchema(Strict):
    """A product with its variants. What is left out stays as it is."""

    code = fields.String(required=True, validate=_CODE)
    company = fields.String(load_default="", validate=_TEXT)
    title = fields.String(validate=_TEXT)
    description = fields.String(validate=_LONG)
    vendor = fields.String(validate=_TEXT)
    product_type = fields.String(validate=_TEXT)
    tax_code = fields.String(validate=_TEXT)
    status = fields.String(validate=_STATUS)
    options = fields.List(fields.String(validate=_CODE), validate=validate.Length(max=10))
    attributes = fields.Dict(**_TEXTS, metadata={"description": "Set by key; an empty text takes one away."})
    images = fields.List(fields.Nested(ProductImageSchema), validate=validate.Length(max=250))
    variants = fields.List(
        fields.Nested(ProductVariantSchema), required=True, validate=validate.Length(min=1, max=MOST_VARIANTS)
    )
    whole = fields.Boolean(load_default=False, metadata={"description": "SKUs that are not named are retired."})


class OneProductSchema(ProductSchema):
    """A product with its variants. With `version`, only if it is still that one."""

    version = fields.Integer(load_default=None, allow_none=True, strict=True)


class ProductsSchema(Strict):
    """Several products, each taken in or refused by itself."""

    products = fields.List(
        fields.Nested(ProductSchema), required=True, validate=validate.Length(min=1, max=MOST_PRODUCTS)
    )


class ProductFilterSchema(Strict):
    """What a list of products is narrowed by."""

    company = fields.String(load_default=None, allow_none=True)
    status = fields.String(load_default="", validate=validate.OneOf(["", *(status.value for status in Status)]))
    find = fields.String(
        load_default="",
        validate=_TEXT,
        metadata={"description": "A GTIN, or what a code or SKU begins with: the first thousand."},
    )
    changed_since = fields.AwareDateTime(load_default=None, allow_none=True)
    cursor = fields.String(load_default="", validate=_TEXT, metadata={"description": "`next` of the page before."})
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))


class OfCompanySchema(Strict):
    """Whose SKU it is."""

    company = fields.String(load_default="", validate=_TEXT)


class ConversionSchema(OfCompanySchema):
    """A quantity, and the unit that is wanted; the base unit where none is."""

    quantity = fields.Decimal(required=True)
    unit = fields.String(required=True, validate=_CODE)
    to = fields.String(load_default="", validate=_TEXT)


class UnitQuantitySchema(Schema):
    """A quantity in a unit."""

    quantity = fields.String(required=True)
    unit = fields.String(required=True)


class ListedProductSchema(Schema):
    """A product in one row."""

    product_id = fields.String(required=True)
    company = fields.String(required=True)
    code = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.String(required=True)
    version = fields.Integer(required=True)
    variants = fields.Integer(required=True)
    changed_at = fields.AwareDateTime(required=True)


class ProductPageSchema(Schema):
    """Products by their code; `next` goes on, null on the last page."""

    products = fields.List(fields.Nested(ListedProductSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class WholeProductSchema(Schema):
    """product.v1, as docs/events/product.v1.json describes it."""

    product = fields.Raw(required=True)


class RefusedProductSchema(Schema):
    """A product that stayed as it was: its place in the request, and what is wrong with which field."""

    n = fields.Integer(required=True)
    key = fields.String(required=True)
    code = fields.String(required=True)
    field = fields.String(required=True)
    said = fields.String(required=True)


class KeptProductsSchema(Schema):
    """What was done: the id of each product, null where it was refused."""

    product_ids = fields.List(fields.String(allow_none=True), required=True)
    created = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    refused = fields.List(fields.Nested(RefusedProductSchema), required=True)


def draft_of(given: Mapping[str, Any]) -> ProductDraft:
    """A body as a draft that decides where its SKUs lie. Raises Invalid as the draft does."""
    told = {name: value for name, value in given.items() if name not in ("variants", "version", "options", "images")}
    if "options" in given:
        told["options"] = tuple(given["options"])
    if "images" in given:
        told["images"] = tuple(Image(**image) for image in given["images"])
    return ProductDraft(**told, placing=True, variants=tuple(_variant(one) for one in given["variants"]))


def _variant(given: Mapping[str, Any]) -> VariantDraft:
    told = {name: value for name, value in given.items() if name not in ("units", "components")}
    if "units" in given:
        told["units"] = tuple(Unit(**unit) for unit in given["units"])
    if "components" in given:
        told["components"] = tuple(Component(**part) for part in given["components"])
    return VariantDraft(**told)
