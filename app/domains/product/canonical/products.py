"""A product as the hub keeps it and tells it: `product.v1`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from app.domains.product.canonical.units import Unit, Units


class Group(StrEnum):
    """Fields that one source tells together; `origins` says of each group who told it last."""

    TEXT = "text"  # title, description
    CLASS = "class"  # vendor, product type
    STRUCTURE = "structure"  # which variants, by which options, in which order
    ATTRIBUTES = "attributes"
    IMAGES = "images"
    TAX = "tax"
    STATUS = "status"
    GTIN = "gtin"
    WEIGHT = "weight"
    UNITS = "units"
    BUNDLE = "bundle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture at an address that channels can fetch."""

    url: str
    alt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """So many base units of `sku` in one bundle."""

    sku: str
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who told a group of fields last, and when."""

    source: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What is ordered, stocked and priced. `weight` is of one `uom`, the unit in which stock is counted."""

    variant_id: str
    sku: str
    status: str  # draft, active or retired
    uom: str
    position: int = 1
    title: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    gtin: str = ""
    weight: Decimal | None = None
    weight_unit: str = ""
    tax_code: str = ""  # its own, or the product's
    units: tuple[Unit, ...] = ()
    components: tuple[Component, ...] = ()

    @property
    def counted(self) -> Units:
        return Units(sku=self.sku, base=self.uom, others=self.units)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product at one version of the hub, with its variants in their order."""

    product_id: str
    company: str
    code: str
    version: int
    status: str  # draft, active or retired
    title: str = ""
    description: str = ""
    vendor: str = ""
    product_type: str = ""
    tax_code: str = ""
    options: tuple[str, ...] = ()  # what its variants differ in
    attributes: Mapping[str, str] = field(default_factory=dict)
    images: tuple[Image, ...] = ()
    variants: tuple[Variant, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)
    changed_at: datetime | None = None
