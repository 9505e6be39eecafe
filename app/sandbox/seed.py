"""The masters of the demo: an outdoor shop "Marlow Outdoor" with its items, locations, accounts and customers."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

_NAMES = uuid.UUID("6f2d5b0e-7b57-5c0d-9a55-3a3c1f0e8f11")


def stable_id(*names: str) -> str:
    """Return the same id for the same names in every run and process."""
    return str(uuid.uuid5(_NAMES, "/".join(names)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One thing the demo shop sells: `sku` is the item's number in Business Central and the variant's SKU in the shop.

    `price` is in USD for one piece, `stock` in pieces by location code, `grams` its weight.
    """

    sku: str
    title: str
    option: str
    barcode: str
    price: Decimal
    grams: int
    stock: tuple[tuple[str, int], ...]

    @property
    def name(self) -> str:
        """The article's name with its option, as Business Central shows it."""
        return f"{self.title}, {self.option}" if self.option else self.title


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A warehouse of Marlow Outdoor; `code` in Business Central is `code` in the shop's location."""

    code: str
    name: str
    street: str
    city: str
    state: str
    postal_code: str
    country: str = "US"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A sales tax the demo shop collects, and the account it is owed on."""

    title: str
    rate: Decimal
    account: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A general ledger account; `direct` accounts take postings, `taxed` ones the full VAT of a VAT company."""

    number: str
    name: str
    category: str
    direct: bool = True
    taxed: bool = False


ACCOUNTS = (
    Account(number="1010", name="Bank", category="Assets"),
    Account(number="1100", name="Card payments clearing", category="Assets"),
    Account(number="1110", name="Other payments clearing", category="Assets"),
    Account(number="1200", name="Accounts receivable", category="Assets", direct=False),
    Account(number="2300", name="Tax payable", category="Liabilities", direct=False),
    Account(number="2310", name="Colorado state tax payable", category="Liabilities"),
    Account(number="2320", name="Boulder county tax payable", category="Liabilities"),
    Account(number="2330", name="Maine state tax payable", category="Liabilities"),
    Account(number="2340", name="Washington state tax payable", category="Liabilities"),
    Account(number="2350", name="King county tax payable", category="Liabilities"),
    Account(number="2360", name="Marketplace tax", category="Liabilities"),
    Account(number="2390", name="Other tax payable", category="Liabilities"),
    Account(number="2400", name="Gift card liability", category="Liabilities"),
    Account(number="4000", name="Sales of goods", category="Income", direct=False),
    Account(number="4100", name="Shipping income", category="Income", taxed=True),
    Account(number="4200", name="Tips", category="Income"),
    Account(number="4300", name="Duties", category="Income"),
    Account(number="4310", name="Fees", category="Income", taxed=True),
    Account(number="4800", name="Refund differences", category="Income"),
    Account(number="4900", name="Cash rounding", category="Income"),
    Account(number="4910", name="Rounding", category="Income"),
)

PLACES = (
    Place(code="EAST", name="Marlow East", street="40 Harbor Road", city="Portland", state="ME", postal_code="04101"),
    Place(code="WEST", name="Marlow West", street="910 Alder Street", city="Portland", state="OR", postal_code="97205"),
    Place(code="STORE", name="Marlow Store", street="12 Main Street", city="Boulder", state="CO", postal_code="80302"),
)

TAXES = (
    Tax(title="Colorado State Tax", rate=Decimal("0.029"), account="2310", state="CO"),
    Tax(title="Boulder County Tax", rate=Decimal("0.01185"), account="2320", state="CO"),
    Tax(title="Maine State Tax", rate=Decimal("0.055"), account="2330", state="ME"),
    Tax(title="Washington State Tax", rate=Decimal("0.065"), account="2340", state="WA"),
    Tax(title="King County Tax", rate=Decimal("0.0385"), account="2350", state="WA"),
)

# family, price, grams, options
_FAMILIES: tuple[tuple[str, str, str, int, tuple[tuple[str, str], ...]], ...] = (
    ("TENT", "Ridge Tent", "349.00", 2450, (("2P", "2 persons"), ("3P", "3 persons"), ("4P", "4 persons"))),
    ("PACK", "Summit Pack", "179.95", 1420, (("40", "40 l"), ("55", "55 l"), ("70", "70 l"))),
    ("BAG", "Down Sleeping Bag", "289.50", 1100, (("REG", "regular"), ("LNG", "long"))),
    ("MAT", "Trail Mat", "89.90", 520, (("REG", "regular"), ("WIDE", "wide"))),
    ("STV", "Ember Stove", "64.99", 310, (("GAS", "gas"), ("WOOD", "wood"))),
    ("POT", "Camp Pot", "32.25", 280, (("1L", "1 l"), ("2L", "2 l"))),
    ("LMP", "Beam Headlamp", "44.95", 95, (("STD", "standard"), ("PRO", "pro"))),
    ("BTL", "Steel Bottle", "24.50", 210, (("05", "0.5 l"), ("10", "1 l"))),
    ("JKT", "Storm Jacket", "219.00", 480, (("S", "S"), ("M", "M"), ("L", "L"), ("XL", "XL"))),
    ("TRS", "Trek Trousers", "119.75", 390, (("S", "S"), ("M", "M"), ("L", "L"))),
    ("TEE", "Merino Tee", "59.95", 160, (("S", "S"), ("M", "M"), ("L", "L"))),
    ("SCK", "Wool Socks", "18.90", 70, (("M", "M"), ("L", "L"))),
    ("CAP", "Field Cap", "27.00", 85, (("ONE", ""),)),
    ("GLV", "Fleece Gloves", "34.40", 90, (("M", "M"), ("L", "L"))),
    ("PLE", "Trek Poles", "99.99", 450, (("PAIR", "pair"),)),
    ("FIL", "Water Filter", "39.99", 120, (("ONE", ""),)),
    ("KIT", "First Aid Kit", "29.95", 330, (("ONE", ""),)),
    ("MAP", "Trail Map", "12.95", 60, (("CO", "Colorado"), ("ME", "Maine"))),
)


def demo_catalogue() -> tuple[Article, ...]:
    """Return the articles of the demo, the same in the shop and in Business Central."""
    articles: list[Article] = []
    for family, title, price, grams, options in _FAMILIES:
        for code, option in options:
            number = len(articles) + 1
            articles.append(
                Article(
                    sku=f"MO-{family}-{code}",
                    title=title,
                    option=option,
                    barcode=_gtin(number),
                    price=Decimal(price),
                    grams=grams,
                    stock=(("EAST", 4000 + 37 * number), ("WEST", 3000 + 53 * number), ("STORE", 200 + 3 * number)),
                )
            )
    return tuple(articles)


def _gtin(number: int) -> str:
    """Make a GTIN-13 under 952, GS1's prefix for examples, with its check digit, so that no real product is meant."""
    digits = f"9520000{number:05d}"
    odd, even = (sum(int(digit) for digit in digits[start::2]) for start in (0, 1))
    return f"{digits}{-(odd + 3 * even) % 10}"


def catalogue(seed: str) -> tuple[Article, ...]:
    """Return the articles of a seed: `demo`, `empty`, or the path of a JSON list of articles (stock by location).

    Raises ValueError when the file does not hold such a list.
    """
    if seed == "empty":
        return ()
    if seed == "demo":
        return demo_catalogue()
    try:
        written = json.loads(Path(seed).read_text(encoding="utf-8"), parse_float=Decimal)
        return tuple(_read_article(each) for each in written)
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise ValueError(f"HUB_SANDBOX_SEED {seed} is no JSON list of articles: {error!r}.") from error


def _read_article(written: dict[str, Any]) -> Article:
    return Article(
        sku=written["sku"],
        title=written["title"],
        option=written.get("option", ""),
        barcode=written.get("barcode", ""),
        price=Decimal(written["price"]),
        grams=written.get("grams", 0),
        stock=tuple((code, int(count)) for code, count in written.get("stock", {}).items()),
    )
