"""Tax jurisdictions with their rates as the API has them. Days are those of the jurisdiction's zone."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.domains.pricing.policy.tax_table import Jurisdiction, Rate, ShippingTax, plain_postal
from app.domains.pricing.schemas.quotes import SHORT, Strict

MOST_RATES = 1000
CODE = validate.Length(min=1, max=200)
COUNTRY = validate.Regexp(r"^([A-Z]{2})?$", error="Write the two letters of ISO 3166, such as DE, or leave it empty.")
PERCENT = {"description": "Of net amounts, as text with up to six decimals: 19 or 9.975."}
NO_ZONE = "No zone of the IANA database; write it such as Europe/Berlin."
POSTAL = {"description": "First of the postal codes it covers; as many characters are compared as it has."}


def _exact(percent: Decimal) -> None:
    if not 0 <= percent <= 1000 or int(percent.normalize().as_tuple().exponent) < -6:
        raise ValidationError("Give a number from 0 to 1000 with at most six decimals.")


class TaxRateSchema(Strict):
    """One tax from a day up to and with another."""

    name = fields.String(required=True, validate=CODE)
    percent = fields.Decimal(required=True, as_string=True, validate=_exact, metadata=PERCENT)
    tax_code = fields.String(load_default="", validate=SHORT, metadata={"description": "Empty: any other code."})
    position = fields.Integer(load_default=1, validate=validate.Range(1, 99), metadata={"description": "In its order."})
    compound = fields.Boolean(load_default=False, metadata={"description": "A tax on the taxes before it too."})
    effective_from = fields.Date(required=True)
    effective_to = fields.Date(load_default=None, allow_none=True)


class TaxJurisdictionSchema(Strict):
    """Who asks for tax in a country, a region of it or a range of postal codes; no country is everywhere else."""

    title = fields.String(load_default="", validate=SHORT)
    zone = fields.String(required=True, validate=validate.OneOf(sorted(available_timezones()), error=NO_ZONE))
    country = fields.String(load_default="", validate=COUNTRY)
    region = fields.String(load_default="", validate=SHORT)
    postal_from = fields.String(load_default="", validate=SHORT, metadata=POSTAL)
    postal_to = fields.String(load_default="", validate=SHORT)
    shipping = fields.Enum(ShippingTax, by_value=True, load_default=ShippingTax.AS_GOODS)
    shipping_code = fields.String(load_default="", validate=SHORT)
    rates = fields.List(fields.Nested(TaxRateSchema), required=True, validate=validate.Length(1, MOST_RATES))

    @validates_schema
    def _range(self, given: Mapping[str, Any], **_: object) -> None:
        first, last = plain_postal(given["postal_from"]), plain_postal(given["postal_to"])
        if last and (not first or last < first[: len(last)]):
            raise ValidationError({"postal_to": ["It lies before postal_from: give both ends, the first first."]})
        if first and not given["country"]:
            raise ValidationError({"country": ["Postal codes are of a country: name it."]})


class KeptTaxJurisdictionSchema(TaxJurisdictionSchema):
    """A jurisdiction as it is."""

    code = fields.String(required=True)


class TaxJurisdictionPage(Schema):
    """Jurisdictions by their code; `next` goes on, null on the last page."""

    jurisdictions = fields.List(fields.Nested(KeptTaxJurisdictionSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class TaxJurisdictionFilter(Strict):
    """Which jurisdictions."""

    country = fields.String(load_default="", validate=COUNTRY)
    after = fields.String(load_default="", validate=SHORT, metadata={"description": "`next` of the page before."})


class ReasonSchema(Strict):
    """Why; it is kept in the audit."""

    reason = fields.String(load_default="", validate=validate.Length(max=500))


def jurisdiction_of(code: str, given: Mapping[str, Any]) -> Jurisdiction:
    """The jurisdiction of a body that kept its schema."""
    first, last = plain_postal(given["postal_from"]), plain_postal(given["postal_to"])
    return Jurisdiction(
        code=code, title=given["title"] or code, zone=given["zone"], country=given["country"],
        region=given["region"].upper(), postal_from=first, postal_to=last or first, shipping=given["shipping"],
        shipping_code=given["shipping_code"], rates=tuple(Rate(jurisdiction=code, **rate) for rate in given["rates"]),
    )  # fmt: skip


def jurisdiction_body(there: Jurisdiction) -> dict[str, Any]:
    """A jurisdiction as KeptTaxJurisdictionSchema says."""
    names = ("code", "title", "zone", "country", "region", "postal_from", "postal_to", "shipping", "shipping_code")
    parts = ("name", "tax_code", "position", "compound", "effective_from", "effective_to")
    return {name: getattr(there, name) for name in names} | {
        "rates": [
            {**{part: getattr(rate, part) for part in parts}, "percent": f"{rate.percent.normalize():f}"}
            for rate in there.rates
        ]
    }
