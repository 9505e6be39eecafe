"""Who buys and where it goes."""

from __future__ import annotations

from app.adapters.shopify.mapping.reading import (
    Row,
    each,
    flag,
    identity,
    inner_identity,
    loose_text,
    moment,
    row,
    rows,
    text,
)
from app.domains.orders.canonical import Address, Channel, Company, Party, PaymentTerms, Property

# How merchants' apps name a tax id among an order's attributes; compared in lower case with its separators taken out.
_TAX_ID_NAMES = frozenset(
    {"vatid", "vatnumber", "taxid", "taxnumber", "ustid", "ustidnr", "gstin", "cpf", "cnpj", "nif"}
)
_SEPARATORS = str.maketrans("", "", " _-.")


def address(parent: Row, field: str) -> Address | None:
    """A postal address; None where the order has none or may not show it."""
    raw = parent.get(field)
    if raw is None:
        return None
    given = row(raw, field)
    return Address(
        name=text(given, "name"),
        first_name=text(given, "first_name"),
        last_name=text(given, "last_name"),
        company=text(given, "company"),
        line1=text(given, "address1"),
        line2=text(given, "address2"),
        city=text(given, "city"),
        province=text(given, "province"),
        province_code=text(given, "province_code"),
        postal_code=text(given, "zip"),
        country=text(given, "country"),
        country_code=text(given, "country_code"),
        phone=text(given, "phone"),
    )


def customer(order: Row) -> Party | None:
    """The buyer; None for a guest. Without the field, or without the customer's e-mail field, it is withheld."""
    locale = text(order, "customer_locale")
    if "customer" not in order:
        return Party(locale=locale, withheld=True)
    if order["customer"] is None:
        return None
    given = row(order["customer"], "customer")
    exemptions = rows(given.get("tax_exemptions"), "customer.tax_exemptions")
    return Party(
        external_id=identity(given, "id"),
        email=_inner(given, "email", "emailAddress"),
        phone=_inner(given, "phone", "phoneNumber"),
        first_name=text(given, "first_name"),
        last_name=text(given, "last_name"),
        locale=locale,
        tax_exempt=flag(given, "tax_exempt") or flag(order, "tax_exempt"),
        exemptions=tuple(sorted(loose_text(one) for one in exemptions)),
        withheld="email" not in given,
    )


def company(order: Row) -> Company | None:
    """The B2B buyer: `company` of a webhook (ids alone) or `purchasing_entity` of an answer."""
    entity = order.get("purchasing_entity")
    if entity:
        inner = row(entity, "purchasing_entity")
        if not inner.get("company"):
            return None  # the purchasing entity is the customer
        firm, place = row(inner["company"], "company"), row(inner.get("location") or {}, "location")
        return Company(
            external_id=identity(firm, "id"),
            name=text(firm, "name"),
            location_id=identity(place, "id"),
            location_name=text(place, "name"),
        )
    if not order.get("company"):
        return None
    firm = row(order["company"], "company")
    return Company(external_id=identity(firm, "id"), name=text(firm, "name"), location_id=identity(firm, "location_id"))


def payment_terms(order: Row) -> PaymentTerms | None:
    """When it is to be paid; the first payment's due date where there are several."""
    raw = order.get("payment_terms")
    if not raw:
        return None
    given = row(raw, "payment_terms")
    due = each(given, "payment_schedules", lambda one: moment(one, "due_at"))
    return PaymentTerms(name=text(given, "payment_terms_name"), due_at=due[0] if due else None)


def channel(order: Row) -> Channel:
    """Where in the shop it was placed."""
    return Channel(
        source_name=text(order, "source_name"),
        location=identity(order, "location_id") or inner_identity(order, "retail_location"),
        app=identity(order, "app_id") or inner_identity(order, "app"),
        source_identifier=text(order, "source_identifier"),
    )


def properties(parent: Row, field: str) -> tuple[Property, ...]:
    """Names and values that a shop's theme or an app attached."""
    return each(parent, field, lambda one: Property(name=text(one, "name"), value=loose_text(one.get("value"))))


def tax_ids(order: Row, attributes: tuple[Property, ...]) -> tuple[Property, ...]:
    """Tax ids: the order's own localized fields, and attributes that are named as one."""
    own = each(order, "localized_fields", lambda one: Property(name=text(one, "key"), value=text(one, "value")))
    named = [one for one in attributes if one.name.lower().translate(_SEPARATORS) in _TAX_ID_NAMES and one.value]
    return (*own, *named)


def _inner(parent: Row, field: str, inside: str) -> str:
    """Text that REST has at once and GraphQL one level deeper."""
    raw = parent.get(field)
    return text(row(raw, field), inside) if type(raw) is dict else text(parent, field)
