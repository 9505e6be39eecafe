"""What a source says of products. None is a field that it does not speak of, and that stays as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from app.domains.product.canonical.gtin import read_gtin
from app.domains.product.canonical.products import Component, Image
from app.domains.product.canonical.units import WEIGHT_UNITS, Unit
from app.kernel.errors import Invalid
from app.kernel.quantity import PLACES

LONGEST_SKU = 100  # what is longer is a mistake, such as a description in the wrong column


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantDraft:
    """What a source says of one SKU. `attributes` are set by key, and '' takes one away; '' empties other texts.

    `units` and `components` are told whole. `weight` and `weight_unit` (g, kg, oz, lb) come together.
    Raises Invalid naming the field: `product.no_sku`, `product.weight`, `product.unknown_weight_unit`,
    `product.no_unit`, `product.component_quantity`, `product.component_twice`, and what `read_gtin` raises.
    """

    sku: str
    position: int | None = None
    title: str | None = None
    options: Mapping[str, str] | None = None
    attributes: Mapping[str, str] | None = None
    gtin: str | None = None
    weight: Decimal | None = None
    weight_unit: str | None = None
    uom: str | None = None
    tax_code: str | None = None
    status: str | None = None
    units: tuple[Unit, ...] | None = None
    components: tuple[Component, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "sku", read_code(self.sku, "SKU"))
        if self.gtin:
            object.__setattr__(self, "gtin", read_gtin(self.gtin))
        if self.weight is not None or self.weight_unit:
            check_weight(self.weight, self.weight_unit or "")
        if self.uom is not None and not self.uom.strip():
            raise Invalid("product.no_unit", f"{self.sku} has an empty base unit: give one such as piece")
        if self.components:
            check_components(self.sku, self.components)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDraft:
    """What a source says of one product of a company.

    `placing` says that the source decides which product a SKU belongs to. Without it a SKU that the hub has under
    another product is changed where it is, and its product is left alone: an ERP that knows single items does not
    take apart what a catalogue put together. `whole` says that SKUs which it does not name are retired.
    Raises Invalid `product.no_sku`, `product.no_variants`, `product.sku_twice`, `product.option_names`,
    `product.same_options`.
    """

    code: str
    variants: tuple[VariantDraft, ...]
    company: str = ""
    title: str | None = None
    description: str | None = None
    vendor: str | None = None
    product_type: str | None = None
    tax_code: str | None = None
    status: str | None = None
    options: tuple[str, ...] | None = None
    attributes: Mapping[str, str] | None = None
    images: tuple[Image, ...] | None = None
    placing: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", read_code(self.code, "product code"))
        if not self.variants:
            raise Invalid("product.no_variants", f"product {self.code} has no SKU: give one variant at least")
        skus = [variant.sku for variant in self.variants]
        if len({*skus}) < len(skus):
            twice = next(sku for sku in skus if skus.count(sku) > 1)
            raise Invalid("product.sku_twice", f"product {self.code} names SKU {twice} twice: give each SKU once")
        if self.options is not None:
            check_options(self.code, self.options, self.variants)


def read_code(written: str, what: str) -> str:
    """A SKU or product code without the blanks around it. Raises Invalid `product.no_sku`."""
    code = written.strip()
    if not code:
        raise Invalid("product.no_sku", f"the {what} is empty: give one")
    if len(code) > LONGEST_SKU or not code.isprintable():
        raise Invalid(
            "product.no_sku", f"the {what} {code[:40]!r} is longer than {LONGEST_SKU} signs or has control characters"
        )
    return code


def check_options(code: str, names: tuple[str, ...], variants: tuple[VariantDraft, ...]) -> None:
    """Every variant that tells its options has a value for each name, and no two have the same values."""
    seen: dict[tuple[str, ...], str] = {}
    for variant in variants:
        if variant.options is None:
            continue
        if {*variant.options} != {*names} or not all(variant.options.values()):
            raise Invalid(
                "product.option_names",
                f"SKU {variant.sku} gives {', '.join(variant.options) or 'no options'} where product {code} has "
                f"{', '.join(names) or 'none'}: give a value for each option",
            )
        values = tuple(variant.options[name] for name in names)
        if values and values in seen:
            raise Invalid(
                "product.same_options",
                f"SKUs {seen[values]} and {variant.sku} of product {code} are both {' / '.join(values)}: "
                "give each variant values of its own",
            )
        seen[values] = variant.sku


def check_weight(weight: Decimal | None, unit: str) -> None:
    """Raises Invalid `product.weight` or `product.unknown_weight_unit`."""
    if weight is None or not weight.is_finite() or weight <= 0:
        raise Invalid("product.weight", f"the weight is {weight}: give a number above zero with its unit, or neither")
    if unit not in WEIGHT_UNITS:
        raise Invalid(
            "product.unknown_weight_unit", f"the weight's unit is {unit!r}: give one of {', '.join(WEIGHT_UNITS)}"
        )


def check_components(sku: str, components: tuple[Component, ...]) -> None:
    """Raises Invalid `product.component_quantity`, `product.component_twice`, `product.bundle_cycle`."""
    seen = {sku}
    for one in components:
        if one.sku == sku:
            raise Invalid("product.bundle_cycle", f"bundle {sku} names itself as a component: take it out")
        if one.sku in seen:
            raise Invalid("product.component_twice", f"bundle {sku} names {one.sku} twice: give one line for each")
        places = -int(one.quantity.as_tuple().exponent) if one.quantity.is_finite() else PLACES + 1
        if places > PLACES or one.quantity <= 0:
            raise Invalid(
                "product.component_quantity",
                f"bundle {sku} holds {one.quantity} of {one.sku}: give a number above zero, five decimals at most",
            )
        seen.add(one.sku)
