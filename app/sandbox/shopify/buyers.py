"""The people who buy at the demo shop, with their addresses; all invented, all at example.com."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_FIRST_CUSTOMER = 6_200_000_000_001


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """A customer of the shop and where the goods go; `email` None is a guest without an account."""

    number: int
    first_name: str
    last_name: str
    email: str | None
    phone: str | None = None
    company: str | None = None
    street: str = ""
    city: str = ""
    postal_code: str = ""
    province: str | None = None
    province_code: str | None = None
    country: str = "United States"
    country_code: str = "US"
    locale: str = "en"
    tax_exempt: bool = False

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


# first name, last name, street, city, postal code, province, its code
_PEOPLE = (
    ("Ada", "Whitlock", "18 Larch Street", "Boulder", "80302", "Colorado", "CO"),
    ("Bram", "Okafor", "501 Canyon Road", "Boulder", "80304", "Colorado", "CO"),
    ("Celia", "Nordby", "77 Mesa Trail", "Denver", "80205", "Colorado", "CO"),
    ("Dario", "Quint", "9 Wharf Lane", "Portland", "04101", "Maine", "ME"),
    ("Esme", "Farrow", "230 Spruce Avenue", "Bangor", "04401", "Maine", "ME"),
    ("Florin", "Haas", "61 Pike Street", "Seattle", "98101", "Washington", "WA"),
    ("Greta", "Lindqvist", "1420 Rainier Avenue", "Seattle", "98144", "Washington", "WA"),
    ("Hanno", "Brisk", "15 Alder Street", "Portland", "97205", "Oregon", "OR"),
    ("Ines", "Moreau", "330 Ocean View", "Bend", "97701", "Oregon", "OR"),
    ("Jonas", "Ekwueme", "2 Willow Court", "Missoula", "59801", "Montana", "MT"),
    ("Kaya", "Stroud", "88 Juniper Road", "Durango", "81301", "Colorado", "CO"),
    ("Liam", "Petrov", "640 Harbor Drive", "Bellingham", "98225", "Washington", "WA"),
    ("Mina", "Castell", "5 Orchard Row", "Camden", "04843", "Maine", "ME"),
    ("Nilo", "Verhagen", "712 Summit Place", "Spokane", "99201", "Washington", "WA"),
)

BUYERS = tuple(
    Buyer(
        number=number,
        first_name=first,
        last_name=last,
        email=f"{first}.{last}@example.com".lower(),
        phone=f"+1555010{number:04d}" if number % 3 else None,
        street=street,
        city=city,
        postal_code=postal_code,
        province=province,
        province_code=code,
    )
    for number, (first, last, street, city, postal_code, province, code) in enumerate(_PEOPLE, start=1)
)

CANADIAN = Buyer(
    number=101,
    first_name="Odile",
    last_name="Tremblay",
    email="odile.tremblay@example.com",
    street="45 Rue du Fleuve",
    city="Montréal",
    postal_code="H2Y 1C6",
    province="Quebec",
    province_code="QC",
    country="Canada",
    country_code="CA",
    locale="fr",
)
GERMAN = Buyer(
    number=102,
    first_name="Jürgen",
    last_name="Weiß",
    email="juergen.weiss@example.com",
    street="Lindenstraße 12",
    city="Köln",
    postal_code="50674",
    country="Germany",
    country_code="DE",
    locale="de",
)


def customer_document(buyer: Buyer, placed_at: str) -> dict[str, Any] | None:
    """Return the REST customer of a buyer, None for a guest."""
    if buyer.email is None:
        return None
    number = _FIRST_CUSTOMER + buyer.number
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Customer/{number}",
        "email": buyer.email,
        "created_at": placed_at,
        "updated_at": placed_at,
        "first_name": buyer.first_name,
        "last_name": buyer.last_name,
        "state": "disabled",
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": buyer.tax_exempt,
        "phone": buyer.phone,
        "email_marketing_consent": {"state": "not_subscribed", "opt_in_level": None, "consent_updated_at": None},
        "sms_marketing_consent": None,
        "tags": "",
        "currency": "USD",
        "tax_exemptions": [],
        "default_address": {
            "id": number + 1_000_000,
            "customer_id": number,
            **_address(buyer),
            "country_name": buyer.country,
            "default": True,
        },
    }


def order_address(buyer: Buyer) -> dict[str, Any]:
    """Return the REST address that an order carries for a buyer."""
    return {**_address(buyer), "latitude": None, "longitude": None}


def _address(buyer: Buyer) -> dict[str, Any]:
    return {
        "first_name": buyer.first_name,
        "last_name": buyer.last_name,
        "name": buyer.name,
        "company": buyer.company,
        "address1": buyer.street,
        "address2": None,
        "city": buyer.city,
        "zip": buyer.postal_code,
        "province": buyer.province,
        "province_code": buyer.province_code,
        "country": buyer.country,
        "country_code": buyer.country_code,
        "phone": buyer.phone,
    }
