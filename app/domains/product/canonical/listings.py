"""A product at a channel: what the hub wishes to stand there, what stands there, and what is missing for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from app.domains.product.canonical.products import Image
from app.kernel.money import Money

FIELDS = (  # what a channel may require; besides them `attribute:` and the name of one
    "title", "description", "vendor", "product_type", "image", "tax_code", "gtin", "weight", "price",
)  # fmt: skip
ATTRIBUTE = "attribute:"


class Showing(StrEnum):
    """What a channel does with a product: offers it, keeps it unseen, or has ended it."""

    LIVE = "live"
    HIDDEN = "hidden"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingRules:
    """What a channel asks of a product. `fields` are further fields of the channel, each with our attribute for it."""

    required: frozenset[str] = frozenset()
    fields: Mapping[str, str] = field(default_factory=dict)
    most_variants: int = 1000
    most_options: int = 3
    longest: Mapping[str, int] = field(default_factory=dict)  # field → signs


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Why a product cannot stand at a channel: the field, the SKU where it is one's own, and how to mend it."""

    field: str
    said: str
    sku: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVariant:
    """One SKU as it shall stand there. `name` is what the channel calls it; a price is given to what is new there."""

    sku: str
    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    gtin: str = ""
    weight: Decimal | None = None
    weight_unit: str = ""
    tax_code: str = ""
    external_id: str = ""
    price: Money | None = None
    compare_at: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingWish:
    """A product as it shall stand at a channel. Texts that are empty here are left there as they are.

    `external_id` is the channel's id where it is known. `gone` are names of SKUs that are sold no more: no others that
    stand there may be taken away. `sends_images` says that the images are not those that were sent before.
    """

    product_id: str
    showing: Showing
    external_id: str = ""
    title: str = ""
    description: str = ""
    vendor: str = ""
    product_type: str = ""
    options: tuple[str, ...] = ()
    variants: tuple[ListedVariant, ...] = ()
    gone: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    sends_images: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)


class ListingBecame(StrEnum):
    """What became of a wish: it stands there, it was refused, or there is nothing that could be ended."""

    STANDS = "stands"
    REFUSED = "refused"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedIds:
    """What a channel calls one SKU of ours: the listing by which it is priced, and the item by which it is stocked."""

    sku: str
    external_id: str
    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingAnswer:
    """What a channel made of a wish. `problems` say what it refused, field by field."""

    became: ListingBecame
    external_id: str = ""
    variants: tuple[ListedIds, ...] = ()
    problems: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownVariant:
    """One SKU as a channel shows it now."""

    external_id: str
    name: str
    gtin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A product as a channel shows it now."""

    external_id: str
    title: str
    showing: Showing
    variants: tuple[ShownVariant, ...]
