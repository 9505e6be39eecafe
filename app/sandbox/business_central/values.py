"""Values on their way in: does the body name what the entity has, in the right type and length?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from app.sandbox import moment
from app.sandbox.business_central.errors import Refusal, bad_request, field
from app.sandbox.business_central.properties import BLANK_DATE, BLANK_ID, Entity, Property

_GUID = re.compile(r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$")
_DIGITS = 15  # a double, which JSON readers use, keeps 15
FINEST = Decimal("0.00001")


def rounded(value: Decimal | int, precision: Decimal = FINEST) -> Decimal:
    """Round half away from zero to a multiple of `precision`, as Business Central rounds amounts and prices."""
    return (Decimal(value) / precision).quantize(Decimal(1), rounding=ROUND_HALF_UP) * precision


def read_body(entity: Entity, body: Any, *, creating: bool) -> dict[str, Any]:
    """Return what the body sets, in the body's order and the store's types. Raises Refusal for what cannot be set."""
    if not isinstance(body, Mapping):
        raise bad_request("Invalid Request Body")
    settings: dict[str, Any] = {}
    for name, value in body.items():
        if name.startswith("@odata."):
            continue
        each = entity.properties.get(name)
        if each is None:
            if name in entity.navigations and creating:
                continue
            message = f"The property '{name}' does not exist on type 'Microsoft.NAV.{entity.name}'."
            raise bad_request(f"{message} Make sure to only use property names that are defined by the type.")
        if each.read_only or (each.at_creation and not creating):
            raise Refusal("BadRequest_InvalidOperation", f"Control '{name}' is read-only")
        settings[name] = read_value(each, value)
    return settings


def read_value(each: Property, value: Any) -> Any:
    """Return one value in the type of its property. Raises Refusal."""
    if value is None:
        return each.blank
    kind = each.type
    if kind in {"text", "code"}:
        return _text(each, value)
    if kind == "decimal":
        return _decimal(each, value)
    if kind == "option":
        if value not in each.options:
            existing = ",".join(each.options)
            raise Refusal("Unknown", f"'{value}' is not an option. The existing options are: {existing}")
        return value
    if kind == "bool":
        return _of_type(each, value, bool, "Edm.Boolean")
    if kind == "int":
        return _of_type(each, value, int, "Edm.Int32")
    if kind == "guid":
        return _guid(each, value)
    return _date(each, value) if kind == "date" else _instant(each, value)


def read_key(key: str) -> str:
    """Return the key of an address, a GUID. Raises Refusal."""
    if not _GUID.match(key):
        raise Refusal("BadRequest_NotFound", "Bad Request - Error in query syntax", status=404)
    return key.lower()


def _text(each: Property, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(each, value, "Edm.String")
    if each.length and len(value) > each.length:
        message = f"The length of the string is {len(value)}, but it must be less than or equal to {each.length}"
        raise Refusal("Application_StringExceededLength", f"{message} characters. Value: {value}")
    if each.name == "phoneNumber" and any(sign.isalpha() for sign in value):
        raise field("Phone No. must not contain letters")
    return value.strip().upper() if each.type == "code" else value


def _decimal(each: Property, value: Any) -> Decimal | int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _wrong_type(each, value, "Edm.Decimal")
    if isinstance(value, Decimal) and (not value.is_finite() or len(value.normalize().as_tuple().digits) > _DIGITS):
        raise _wrong_type(each, value, "Edm.Decimal")
    return value


def _of_type(each: Property, value: Any, kind: type, name: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _wrong_type(each, value, name)
    return value


def _guid(each: Property, value: Any) -> str:
    if not isinstance(value, str) or not _GUID.match(value):
        raise Refusal("Application_InvalidGUID", "Invalid format of GUID string.")
    return value.lower() or BLANK_ID


def _date(each: Property, value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat() if value != BLANK_DATE else BLANK_DATE
    except (TypeError, ValueError) as error:
        raise bad_request(f"Unable to convert value to Date ({each.name}: {value!r}).") from error


def _instant(each: Property, value: Any) -> str:
    try:
        return moment.text(moment.parse(value))
    except (TypeError, ValueError, AttributeError) as error:
        raise _wrong_type(each, value, "Edm.DateTimeOffset") from error


def _wrong_type(each: Property, value: Any, name: str) -> Refusal:
    return bad_request(f"Cannot convert the value '{value}' of '{each.name}' to the expected type '{name}'.")
