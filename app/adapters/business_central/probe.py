"""A connection test: does it let us in, is the company there, can every account be posted to, is what we need there."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from app.adapters.business_central.client import Company, Document, any_of, query
from app.adapters.business_central.masters import AT_ONCE
from app.adapters.business_central.settings import company_path, service_path
from app.adapters.business_central.subscriptions import list_subscriptions
from app.adapters.business_central.verdicts import Gone
from app.adapters.business_central.webhooks import SUBSCRIBED
from app.infra.remote.client import Outbound
from app.infra.remote.spec import Probe
from app.kernel.errors import HubError, Unauthorised
from app.kernel.money import exponent

NEEDED = {
    "salesOrders": ("externalDocumentNumber", "customerNumber", "currencyCode", "totalAmountIncludingTax", "status"),
    "salesOrderLines": ("sequence", "itemId", "accountId", "quantity", "unitPrice", "discountAmount", "taxPercent"),
    "salesInvoices": ("externalDocumentNumber", "orderId", "orderNumber", "totalAmountIncludingTax"),
    "salesShipments": ("orderNumber", "externalDocumentNumber"),
    "salesShipmentLines": ("sequence", "quantity", "lineObjectNumber"),
    "customers": ("number", "displayName", "email"),
    "items": ("number",),
    "accounts": ("number", "directPosting", "blocked"),
}
LET_IN = "Business Central lets us in"
_EDM = "{http://docs.oasis-open.org/odata/ns/edm}"


def probe(remote: Outbound, settings: Mapping[str, Any]) -> tuple[Probe, ...]:
    """Every line of the test, read-only. The first line that keeps us out ends it."""
    return tuple(_lines(remote, settings))


def learn(remote: Outbound, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What this release of Business Central can be told: a field that it does not name is never sent."""
    return {"entity_fields": fields_of(remote, settings)}


def fields_of(remote: Outbound, settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """What $metadata names: entity set → its fields. Kept as `entity_fields`, it keeps others from being sent."""
    reply = remote.send(
        "GET", f"{service_path(settings)}/$metadata", writes=False, headers={"Accept": "application/xml"}
    )
    root = ElementTree.fromstring(reply.body)
    types = {
        str(entity.get("Name")): sorted(str(each.get("Name")) for each in entity.iter(f"{_EDM}Property"))
        for entity in root.iter(f"{_EDM}EntityType")
    }
    sets = {
        str(each.get("Name")): str(each.get("EntityType")).rsplit(".", 1)[-1] for each in root.iter(f"{_EDM}EntitySet")
    }
    return {name: types[kind] for name, kind in sorted(sets.items()) if kind in types}


def _lines(remote: Outbound, settings: Mapping[str, Any]) -> Iterator[Probe]:
    company = Company.of(remote, settings)
    try:
        found = company.get(f"/{company_path(settings)}")
    except (Unauthorised, Gone) as refused:
        known = isinstance(refused, Gone) or refused.code.endswith(".company_not_found")
        yield Probe(name="token", passed=known, said=LET_IN if known else refused.message)
        if known:
            yield Probe(name="company", passed=False, said="there is no company with this id; see GET companies")
        return
    except HubError as error:
        yield Probe(name="reach", passed=False, said=error.message)
        return
    yield Probe(name="token", passed=True, said=LET_IN)
    yield Probe(name="company", passed=True, said=str(found.get("displayName") or found.get("name")))
    checks: tuple[tuple[str, Callable[[Outbound, Mapping[str, Any]], tuple[bool, str]]], ...] = (
        ("metadata", _metadata),
        ("accounts", _accounts),
        ("currency", _currency),
        ("customers", _customers),
        ("prices_include_tax", _prices),
        ("subscriptions", _subscriptions),
    )
    for name, check in checks:
        try:
            passed, said = check(remote, settings)
        except HubError as error:
            passed, said = False, error.message
        yield Probe(name=name, passed=passed, said=said)


def _metadata(remote: Outbound, settings: Mapping[str, Any]) -> tuple[bool, str]:
    known = fields_of(remote, settings)
    missing = [
        f"{name}.{field}" for name, fields in NEEDED.items() for field in fields if field not in known.get(name, ())
    ]
    if missing:
        return False, f"API v2.0 lacks {', '.join(missing)}"
    return True, f"{len(known)} entities with {sum(len(fields) for fields in known.values())} fields"


def _accounts(remote: Outbound, settings: Mapping[str, Any]) -> tuple[bool, str]:
    numbers = account_numbers(settings)
    paths = [
        "accounts" + query(filter=any_of("number", numbers[start : start + AT_ONCE]))
        for start in range(0, len(numbers), AT_ONCE)
    ]
    rows = Company.of(remote, settings).read_together(paths)
    found = {str(row["number"]): row for page in rows for row in page}
    wrong = [f"{number} {why}" for number in numbers if (why := _unusable(found.get(number)))]
    if wrong:
        return False, "; ".join(wrong)
    return True, f"{len(numbers)} accounts take direct posting" if numbers else "no account is set yet"


def account_numbers(settings: Mapping[str, Any]) -> list[str]:
    """Every account that the settings name, once."""
    accounts = settings["accounts"]
    named = [value for name, value in accounts.items() if name != "tax_payable"]
    return sorted({*named, *accounts["tax_payable"].values(), *settings["payment_accounts"].values()} - {""})


def _unusable(account: Document | None) -> str:
    if account is None:
        return "does not exist"
    if account["blocked"]:
        return "is blocked"
    return "" if account["directPosting"] else "does not allow direct posting"


def _currency(remote: Outbound, settings: Mapping[str, Any]) -> tuple[bool, str]:
    """The local currency, and every foreign one whose precision is not the ISO minor unit: its orders would differ."""
    company = Company.of(remote, settings)
    setups, currencies = company.read_together(["generalLedgerSetup", "currencies"])
    local = str(setups[0]["localCurrencyCode"]) if setups else ""
    if local and local != settings["local_currency"]:
        return False, f"the company's local currency is {local}, the connection says {settings['local_currency']}"
    coarse = [
        str(row["code"])
        for row in currencies
        if len(str(row["code"])) == 3
        and Decimal(row["amountRoundingPrecision"]) != Decimal(1).scaleb(-exponent(str(row["code"])))
    ]
    if coarse:
        return False, f"amounts in {', '.join(coarse)} are not rounded to the currency's minor unit"
    return True, f"{local or settings['local_currency']}, and {len(currencies)} others"


def _customers(remote: Outbound, settings: Mapping[str, Any]) -> tuple[bool, str]:
    numbers = sorted(set(settings["collecting_customers"].values()))
    if settings["order_customer"] == "own" or not numbers:
        return True, "every shopper is a customer of his own"
    wanted = "customers" + query(filter=any_of("number", numbers))
    rows = {str(row["number"]): row for row in Company.of(remote, settings).rows(wanted)}
    wrong = [f"{number} does not exist" for number in numbers if number not in rows]
    free = ("", "_x0020_")  # how OData writes the option " "
    wrong += [f"{number} is blocked" for number, row in rows.items() if str(row["blocked"]).strip() not in free]
    return not wrong, "; ".join(wrong) or f"collected by {', '.join(numbers)}"


def _prices(remote: Outbound, settings: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether this company may have prices with tax; read-only, so the answer for a VAT company is by its kind."""
    kinds = {str(row["taxType"]) for row in Company.of(remote, settings).rows("taxGroups")}
    wants = settings["tax_mode"] == "gross"
    if "Sales Tax" in kinds:
        return not wants, "a Sales Tax company: prices never include tax" + ("; choose tax_lines" if wants else "")
    if wants and not settings["prices_include_tax_writable"]:
        return True, "a VAT company; gross orders are posted net, as the connection says"
    return True, "a VAT company: orders may include tax; the first gross order proves it by its read-back"


def _subscriptions(remote: Outbound, settings: Mapping[str, Any]) -> tuple[bool, str]:
    held = {str(row["resource"]).rsplit("/", 1)[-1] for row in list_subscriptions(remote, settings)}
    missing = [name for name in SUBSCRIBED if name not in held]
    if missing:
        return True, f"no notifications of {', '.join(missing)} yet: the hub polls"
    return True, f"notified of {', '.join(SUBSCRIBED)}"
