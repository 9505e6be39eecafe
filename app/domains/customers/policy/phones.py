"""Phone numbers in the form of E.164: a plus, the country's code, the number without its trunk prefix.

Source: ITU-T E.164 and its list of assigned country codes; national trunk prefixes as the countries publish them.
"""

from __future__ import annotations

import re

SHORTEST, LONGEST = 8, 15  # digits with the country code; E.164 allows 15, shorter ones are extensions or mistakes
NO_TRUNK = ""
# country → (calling code, trunk prefix that is dropped)
CODES: dict[str, tuple[str, str]] = {
    "AT": ("43", "0"), "AU": ("61", "0"), "BE": ("32", "0"), "BG": ("359", "0"), "BR": ("55", "0"),
    "CA": ("1", "1"), "CH": ("41", "0"), "CN": ("86", "0"), "CY": ("357", NO_TRUNK), "CZ": ("420", NO_TRUNK),
    "DE": ("49", "0"), "DK": ("45", NO_TRUNK), "EE": ("372", NO_TRUNK), "ES": ("34", NO_TRUNK), "FI": ("358", "0"),
    "FR": ("33", "0"), "GB": ("44", "0"), "GR": ("30", NO_TRUNK), "HR": ("385", "0"), "HU": ("36", "06"),
    "IE": ("353", "0"), "IL": ("972", "0"), "IN": ("91", "0"), "IS": ("354", NO_TRUNK), "IT": ("39", NO_TRUNK),
    "JP": ("81", "0"), "KR": ("82", "0"), "LI": ("423", NO_TRUNK), "LT": ("370", "0"), "LU": ("352", NO_TRUNK),
    "LV": ("371", NO_TRUNK), "MT": ("356", NO_TRUNK), "MX": ("52", NO_TRUNK), "NL": ("31", "0"),
    "NO": ("47", NO_TRUNK), "NZ": ("64", "0"), "PL": ("48", NO_TRUNK), "PT": ("351", NO_TRUNK), "RO": ("40", "0"),
    "RS": ("381", "0"), "SE": ("46", "0"), "SG": ("65", NO_TRUNK), "SI": ("386", "0"), "SK": ("421", "0"),
    "TR": ("90", "0"), "UA": ("380", "0"), "US": ("1", "1"), "ZA": ("27", "0"),
}  # fmt: skip
_BRACKETED_TRUNK = re.compile(r"\(\s*0\s*\)")  # +44 (0)20 …: written for both worlds, dialled in neither


def phone_of(text: str, country: str = "") -> str:
    """The number as it is compared: E.164 where the text or its country says how, else its digits as they are.

    A national number needs `country` (ISO 3166). What would be no number of a country is left as it was written.
    """
    plain = _BRACKETED_TRUNK.sub("", text.strip())
    digits = "".join(sign for sign in plain if sign in "0123456789")
    if plain.startswith("+"):
        return f"+{digits}" if digits else ""
    if digits.startswith("00") and _fits(digits[2:]):
        return f"+{digits[2:]}"
    code, trunk = CODES.get(country.strip().upper(), ("", ""))
    national = digits.removeprefix(trunk)
    return f"+{code}{national}" if code and national and _fits(f"{code}{national}") else digits


def _fits(digits: str) -> bool:
    return SHORTEST <= len(digits) <= LONGEST and not digits.startswith("0")
