"""Text that fits: every length is cut by one table, and every cut is told.

Lengths: BCOAS1.0 (names 100, e-mail 80, phone 30, descriptions 100) and, for the parts of an address, the fields of
BaseApp's Sales Header and Customer (address 100, second line 50, city and state 30, post code 20, country 10).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from app.domains.orders.ports import Difference

_ADDRESS = {"AddressLine1": 100, "AddressLine2": 50, "City": 30, "State": 30, "PostCode": 20, "Country": 10}
LENGTHS: Mapping[str, int] = MappingProxyType(
    {
        **{f"{role}{part}": length for role in ("shipTo", "sellTo") for part, length in _ADDRESS.items()},
        "addressLine1": 100, "addressLine2": 50, "city": 30, "state": 30, "postalCode": 20, "country": 10,
        "shipToName": 100, "shipToContact": 100, "displayName": 100, "description": 100,
        "phoneNumber": 30, "email": 80,
    }
)  # fmt: skip

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]+")
_LETTER = re.compile(r"[^\W\d_]")


def clean(text: str) -> str:
    """Without control characters, which no field of Business Central takes, on one line."""
    return _UNPRINTABLE.sub(" ", text).strip()


def dialled(phone: str) -> str:
    """A phone number up to its first letter: BaseApp refuses letters in one ("ext. 5" is lost, and told)."""
    letter = _LETTER.search(phone)
    return (phone[: letter.start()] if letter else phone).strip()


class Cuts:
    """Fits values into fields and remembers what was lost: how much, never the text, which may be personal."""

    def __init__(self) -> None:
        self.told: list[Difference] = []

    def fit(self, field: str, text: str, *, where: str = "") -> str:
        """The text, cut to the length of its field."""
        whole = clean(text)
        kept = dialled(whole) if field == "phoneNumber" else whole
        kept = kept[: LENGTHS[field]].rstrip()
        if kept != whole:
            self.told.append(
                Difference(
                    field=f"{where}{field}", planned=f"{len(whole)} characters", found=f"cut to {len(kept)} characters"
                )
            )
        return kept

    def fitted(self, values: Mapping[str, str]) -> dict[str, str]:
        """Every value that is not empty, cut to its field's length."""
        return {field: kept for field, text in values.items() if text and (kept := self.fit(field, text))}
