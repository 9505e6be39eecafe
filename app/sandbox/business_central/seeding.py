"""A company's first records: what an implementer sets up before the hub is connected."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from app.kernel.money import exponent
from app.sandbox.business_central.company import Change, Company
from app.sandbox.seed import ACCOUNTS, PLACES, Article, stable_id

_CURRENCIES = (
    ("USD", "US Dollar", "$"),
    ("EUR", "Euro", "€"),
    ("GBP", "Pound Sterling", "£"),
    ("CAD", "Canadian Dollar", "$"),
    ("JPY", "Japanese Yen", "¥"),
    ("KWD", "Kuwaiti Dinar", "KD"),
)
_UNITS = (("PCS", "Piece", "EA"), ("BOX", "Box", "BX"), ("PAIR", "Pair", "PR"))
_CODED = (
    ("paymentMethods", "CARD", "Card"), ("paymentMethods", "BANK", "Bank Transfer"),
    ("shipmentMethods", "STANDARD", "Standard"), ("shipmentMethods", "EXPRESS", "Express"),
)  # fmt: skip


def seed_company(company: Company, articles: Iterable[Article]) -> None:
    """Put a company's masters in."""
    with company.change() as change:
        seed = _Seed(change)
        seed.setup()
        seed.taxes()
        seed.codes()
        seed.accounts()
        seed.customers()
        for article in articles:
            seed.item(article)


class _Seed:
    def __init__(self, change: Change) -> None:
        self.change = change
        self.company = change.company
        self.spec = change.company.spec
        self.zero = "NONTAXABLE" if self.spec.sales_tax else "ZERO"
        self.full = "TAXABLE" if self.spec.sales_tax else "STANDARD"

    def put(self, set_name: str, code: str, settings: dict[str, Any], **private: Any) -> str:
        key = stable_id(self.company.id, set_name, code)
        self.change.insert(set_name, {"id": key, **settings}, **private)
        return key

    def setup(self) -> None:
        spec = self.spec
        self.put("generalLedgerSetup", "", {"localCurrencyCode": spec.currency, "allowPostingFrom": "2020-01-01"})
        self.put("companyInformation", "", {"displayName": spec.name, "currencyCode": spec.currency})
        for code, name, symbol in _CURRENCIES:
            if code != spec.currency:
                places = exponent(code)
                precision = Decimal(1).scaleb(-places)
                self.put("currencies", code, {"code": code, "displayName": name, "symbol": symbol,
                                              "amountDecimalPlaces": f"{places}:{places}",
                                              "amountRoundingPrecision": precision})  # fmt: skip

    def taxes(self) -> None:
        kind = "Sales Tax" if self.spec.sales_tax else "VAT"
        for area in dict.fromkeys(area for area, _ in self.spec.rates):
            self.put("taxAreas", area, {"code": area, "displayName": area.title(), "taxType": kind})
        for code in dict.fromkeys([*(code for _, code in self.spec.rates), self.full, self.zero]):
            self.put("taxGroups", code, {"code": code, "displayName": code.title(), "taxType": kind})

    def codes(self) -> None:
        for code, name, standard in _UNITS:
            settings = {"code": code, "displayName": name, "internationalStandardCode": standard}
            self.put("unitsOfMeasure", code, settings)
        for set_name, code, name in _CODED:
            self.put(set_name, code, {"code": code, "displayName": name})
        self.put("paymentTerms", "30D", {"code": "30D", "displayName": "Net 30 days", "dueDateCalculation": "30D"})
        for place in PLACES:
            self.put("locations", place.code, {
                "code": place.code, "displayName": place.name, "addressLine1": place.street, "city": place.city,
                "state": place.state, "country": place.country, "postalCode": place.postal_code,
            })  # fmt: skip

    def accounts(self) -> None:
        for account in ACCOUNTS:
            settings = {"number": account.number, "displayName": account.name, "category": account.category,
                        "directPosting": account.direct}  # fmt: skip
            taxed = self.full if account.taxed and not self.spec.sales_tax else self.zero
            self.put("accounts", account.number, settings, _taxCode=taxed)

    def customers(self) -> None:
        """One collecting customer, and in a VAT company one for each area: the area comes from the customer alone."""
        areas = dict.fromkeys(area for area, _ in self.spec.rates)
        codes = {"WEB": self.spec.default_area} | (
            {} if self.spec.sales_tax else {f"WEB-{area}": area for area in areas}
        )
        for number, area in codes.items():
            settings: dict[str, Any] = {
                "number": number, "displayName": f"Web shop {area.title()}".strip(), "type": "Person",
                "currencyCode": self.spec.currency, "taxLiable": False,
            }  # fmt: skip
            if area:
                settings["taxAreaId"] = stable_id(self.company.id, "taxAreas", area)
            key = self.put("customers", number, settings, _postingGroups=True)
            self.change.insert("customerFinancialDetails", {"id": key, "number": number})

    def item(self, article: Article) -> None:
        self.put("items", article.sku, {
            "number": article.sku, "displayName": article.name, "type": "Inventory", "gtin": article.barcode,
            "inventory": Decimal(sum(count for _, count in article.stock)), "unitPrice": article.price,
            "unitCost": (article.price / 2).quantize(Decimal("0.01")),
            "taxGroupCode": self.full, "taxGroupId": stable_id(self.company.id, "taxGroups", self.full),
            "baseUnitOfMeasureCode": "PCS",
            "baseUnitOfMeasureId": stable_id(self.company.id, "unitsOfMeasure", "PCS"),
        })  # fmt: skip
