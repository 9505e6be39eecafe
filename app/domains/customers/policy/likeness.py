"""What speaks for two accounts being one customer, and how strongly. A person decides; the hub merges nothing."""

from __future__ import annotations

from enum import StrEnum


class Sign(StrEnum):
    """One reason, in a person's words."""

    TAX_ID = "same tax id"
    EMAIL = "same e-mail"
    PHONE = "same phone number"
    ADDRESS = "same address"
    NAME = "same name"
    OTHER_NAME = "another name"


# Of 100. A tax id or an e-mail alone makes a pair worth a look; a phone or an address needs a second sign, since a
# household shares both; another name speaks against it.
WEIGHTS = {
    Sign.TAX_ID: 60, Sign.EMAIL: 55, Sign.PHONE: 30, Sign.ADDRESS: 25, Sign.NAME: 25, Sign.OTHER_NAME: -15,
}  # fmt: skip
SAME_EMAIL = WEIGHTS[Sign.EMAIL]
SUSPICIOUS = 50
