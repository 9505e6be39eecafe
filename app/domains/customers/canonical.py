"""Buyers as channels name them, and the accounts that the hub keeps of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.kernel.errors import Invalid
from app.kernel.money import Money


class Kind(StrEnum):
    PERSON = "person"
    COMPANY = "company"


class Purpose(StrEnum):
    BILLING = "billing"
    SHIPPING = "shipping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where an account is billed or wants its goods."""

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    province_code: str = ""
    postal_code: str = ""
    country_code: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who an order says bought. `external_id` is the channel's id of the customer, empty for a guest.

    `withheld` says that the channel may not tell who it is: that is not a guest. `company` names the business that
    buys; a person's own mention of an employer does not belong here. `number` is what people there call the customer
    by. Raises Invalid when nothing tells buyers apart.
    """

    connection: str
    order_key: str  # the order's id at the channel
    external_id: str = ""
    number: str = ""
    email: str = ""
    phone: str = ""
    name: str = ""
    company: str = ""
    country: str = ""
    tax_ids: tuple[str, ...] = ()
    withheld: bool = False
    addresses: tuple[tuple[Purpose, Address], ...] = ()

    def __post_init__(self) -> None:
        if not self.connection or not (self.external_id or self.order_key or self.email):
            raise Invalid("customers.nobody", "a buyer needs a connection and one of customer id, e-mail and order id")

    @property
    def kind(self) -> Kind:
        return Kind.COMPANY if self.company.strip() else Kind.PERSON

    @property
    def guest(self) -> bool:
        return not self.external_id and not self.withheld


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One customer of ours."""

    account_id: str
    kind: Kind
    name: str
    company: str
    email: str
    phone: str
    country: str
    tax_ids: tuple[str, ...]
    guest: bool
    withheld: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """How much and how long a customer may owe, and owes. No limit where `limit` is None, no word of it where
    `balance` is. `terms` is the source's own name of its payment terms."""

    currency: str
    limit: Money | None = None
    balance: Money | None = None
    days: int = 0
    terms: str = ""
    blocked: bool = False

    def __post_init__(self) -> None:
        if self.limit is not None and (self.limit.currency != self.currency or self.limit.minor < 0):
            said = f"the limit {self.limit} is no amount of 0 or more in {self.currency}: correct it where it is kept"
            raise Invalid("customers.credit_limit", said, about="limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDraft:
    """A customer as a system of record holds it; empty is what it does not tell.

    `number` is what people there call it by, `version` when it was last changed there.
    """

    external_id: str
    number: str
    kind: Kind
    name: str
    version: datetime
    credit: Credit
    email: str = ""
    phone: str = ""
    country: str = ""
    tax_id: str = ""
    address: Address | None = None


class Ask(StrEnum):
    """What is asked of somebody's data."""

    EXPORT = "export"  # a copy of all that is held of a person
    ERASE = "erase"  # of one person, what no law wants kept
    ERASE_SHOP = "erase_shop"  # of everybody who bought at a channel


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyAsked:
    """A channel passes on what a person, or for ERASE_SHOP the shop itself, asks. Whom it is about stays out of logs.

    `orders` are the channel's own ids of the orders that are meant; the person's others there are meant too.
    """

    ask: Ask
    external_id: str = ""
    email: str = ""
    phone: str = ""
    orders: tuple[str, ...] = ()
