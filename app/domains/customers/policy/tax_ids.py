"""Tax ids: their form, and where the country publishes how, their check digits. Whether one is registered is not said.

Source: European Commission, "VIES: structure of VAT numbers"; for the check digits BMF-Steuerberechnung (DE, AT),
INSEE (FR), Belastingdienst (NL), Agenzia delle Entrate (IT), Orden EHA/451/2008 (ES), HMRC (GB), BFS eCH-0097 (CH),
SPF Finances (BE).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a look at a tax id says."""

    CHECKED = "checked"  # its check digits are right
    FORMED = "formed"  # of its country's form; no check digit is known here
    UNKNOWN = "unknown"  # of no form that is known here
    WRONG = "wrong"  # of a known country, and not what its numbers look like


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxId:
    """A tax id without spaces and signs, with its country's prefix where it has one."""

    number: str
    country: str
    verdict: Verdict


# prefix → what follows it
FORMS: dict[str, str] = {
    "AT": r"U\d{8}", "BE": r"[01]\d{9}", "BG": r"\d{9,10}", "CY": r"\d{8}[A-Z]", "CZ": r"\d{8,10}", "DE": r"\d{9}",
    "DK": r"\d{8}", "EE": r"\d{9}", "EL": r"\d{9}", "ES": r"[A-Z0-9]\d{7}[A-Z0-9]", "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}", "HR": r"\d{11}", "HU": r"\d{8}", "IE": r"\d[A-Z0-9+*]\d{5}[A-Z]{1,2}",
    "IT": r"\d{11}", "LT": r"\d{9}|\d{12}", "LU": r"\d{8}", "LV": r"\d{11}", "MT": r"\d{8}",
    "NL": r"[A-Z0-9+*]{9}B[A-Z0-9+*]{2}", "PL": r"\d{10}", "PT": r"\d{9}", "RO": r"\d{2,10}", "SE": r"\d{12}",
    "SI": r"\d{8}", "SK": r"\d{10}", "GB": r"\d{9}|\d{12}|GD\d{3}|HA\d{3}", "XI": r"\d{9}|\d{12}|GD\d{3}|HA\d{3}",
    "CHE": r"\d{9}",
}  # fmt: skip
PREFIX = {"GR": "EL", "CH": "CHE", "LI": "CHE"}  # where it is not the country's own code
COUNTRY = {"EL": "GR", "CHE": "CH", "XI": "GB"}
_SWISS_TAIL = re.compile(r"(MWST|TVA|IVA)$")
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_CIF = "JABCDEFGHI"


def tax_id_of(text: str, country: str = "") -> TaxId:
    """A tax id as it is compared, and what its form says. `country` (ISO 3166) tells a number without its prefix."""
    plain = "".join(sign for sign in text.upper() if (sign.isascii() and sign.isalnum()) or sign in "+*")
    country = country.strip().upper()
    for prefix in sorted(FORMS, key=len, reverse=True):
        if plain.startswith(prefix) and (made := _read(prefix, plain.removeprefix(prefix))):
            return made
    prefix = PREFIX.get(country, country)
    if prefix in FORMS:
        return _read(prefix, plain) or TaxId(number=plain, country=country, verdict=Verdict.WRONG)
    named = next((one for one in FORMS if plain.startswith(one)), "")
    if named and not country and plain.removeprefix(named).isdigit():
        return TaxId(number=plain, country=COUNTRY.get(named, named), verdict=Verdict.WRONG)
    return TaxId(number=plain, country=country, verdict=Verdict.UNKNOWN)


def _read(prefix: str, rest: str) -> TaxId | None:
    """The id that `rest` is under a prefix; None where it has not the form."""
    if prefix == "CHE":
        rest = _SWISS_TAIL.sub("", rest)
    if not re.fullmatch(FORMS[prefix], rest):
        return None
    check = CHECKS.get(prefix)
    right = None if check is None else check(rest)
    verdict = Verdict.FORMED if right is None else Verdict.CHECKED if right else Verdict.WRONG
    return TaxId(number=f"{prefix}{rest}", country=COUNTRY.get(prefix, prefix), verdict=verdict)


# Each says whether the check digits are right, or None where they cannot be told.


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (2 if n % 2 else 1) for n, digit in enumerate(reversed(digits))]
    return sum(n // 10 + n % 10 for n in doubled) % 10 == 0


def _germany(rest: str) -> bool:
    product = 10
    for digit in rest[:8]:
        total = (int(digit) + product) % 10 or 10
        product = 2 * total % 11
    return (11 - product) % 10 == int(rest[8])


def _austria(rest: str) -> bool:
    digits = rest[1:]
    total = sum(sum(divmod(int(digit) * (2 if n % 2 else 1), 10)) for n, digit in enumerate(digits[:7]))
    return (10 - (total + 4) % 10) % 10 == int(digits[7])


def _france(rest: str) -> bool | None:
    key, siren = rest[:2], rest[2:]
    if not key.isdigit():
        return None
    monaco = siren.startswith("000")
    return (monaco or _luhn(siren)) and int(key) == (12 + 3 * (int(siren) % 97)) % 97


def _netherlands(rest: str) -> bool:
    base, _, tail = rest.partition("B")
    if base.isdigit() and tail.isdigit() and _weighted(base[:8], (9, 8, 7, 6, 5, 4, 3, 2)) % 11 == int(base[8]):
        return True  # a company's RSIN; sole traders have a number that is checked by ISO 7064 since 2020
    letters = {"+": "36", "*": "37"}
    spelt = "".join(letters.get(sign) or str(int(sign, 36)) for sign in f"NL{rest}")
    return int(spelt) % 97 == 1


def _spain(rest: str) -> bool | None:
    first, digits, last = rest[0], rest[1:8], rest[8]
    if first.isdigit() or first in "XYZ":
        number = int(f"{'XYZ'.index(first) if first in 'XYZ' else first}{digits}")
        return last == _DNI[number % 23]
    if first not in "ABCDEFGHJNPQRSUVW":
        return None
    odd = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[::2])
    control = (10 - (odd + sum(int(digit) for digit in digits[1::2])) % 10) % 10
    return last in (str(control), _CIF[control])


def _britain(rest: str) -> bool | None:
    if not rest.isdigit():
        return None
    total = _weighted(rest[:7], (8, 7, 6, 5, 4, 3, 2)) + int(rest[7:9])
    return total % 97 == 0 or (total + 55) % 97 == 0


def _switzerland(rest: str) -> bool:
    return (11 - _weighted(rest[:8], (5, 4, 3, 2, 7, 6, 5, 4)) % 11) % 11 == int(rest[8])


def _belgium(rest: str) -> bool:
    return 97 - int(rest[:8]) % 97 == int(rest[8:])


CHECKS: dict[str, Callable[[str], bool | None]] = {
    "DE": _germany, "AT": _austria, "FR": _france, "NL": _netherlands, "IT": _luhn, "ES": _spain, "GB": _britain,
    "XI": _britain, "CHE": _switzerland, "BE": _belgium,
}  # fmt: skip
