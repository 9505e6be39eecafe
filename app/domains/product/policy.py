"""Rules of the catalogue that are no form: lives, base units, what a bundle may hold, what may stand at a channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from app.domains.product.canonical import (
    ATTRIBUTE,
    ListingRules,
    Missing,
    Product,
    Showing,
    Shown,
    Variant,
)
from app.domains.product.lifecycle import PRODUCT, Status
from app.kernel.errors import Refused

BUNDLE_DEPTH = 2  # a bundle may hold bundles, and those single items only: what a picker can still lay out by hand
_TRIGGERS = {Status.ACTIVE: "activate", Status.RETIRED: "retire", Status.DRAFT: "redraft"}
STATUSES = frozenset(status.value for status in Status)


def may_become(was: str, wanted: str) -> bool:
    """Whether a product or variant may go from one status to another: what was offered is retired, no draft again."""
    try:
        PRODUCT.step(Status(was), _TRIGGERS[Status(wanted)])
    except Refused:
        return False
    return True


def keeps_retired(was: str, wanted: str, *, told_by: str, source: str, decided: bool) -> bool:
    """Whether something retired stays so, since another source or a person retired it and nobody decided anew."""
    return was == Status.RETIRED and wanted != Status.RETIRED and not decided and told_by not in ("", source)


def cycle_in(bundle: str, holds: Mapping[str, Sequence[str]]) -> list[str]:
    """The way from a bundle through its components back to it; empty without one."""
    path: list[str] = []
    done: set[str] = set()

    def walk(sku: str) -> bool:
        if sku in done:
            return False
        path.append(sku)
        for component in holds.get(sku, ()):
            if component == bundle or (component not in path and walk(component)):
                return True
        path.pop()
        done.add(sku)
        return False

    return [*path, bundle] if walk(bundle) else []


def depth_of(sku: str, holds: Mapping[str, Sequence[str]]) -> int:
    """How many bundles lie in one another, 0 for a single item. `holds` has no cycle below `sku`."""
    components = holds.get(sku, ())
    return 1 + max(depth_of(component, holds) for component in components) if components else 0


def showing_of(product: Product, *, wanted: bool, there: bool) -> Showing | None:
    """What a channel shall do with a product; None where it has it not and shall not."""
    if wanted and product.status != Status.RETIRED:
        return Showing.LIVE if product.status == Status.ACTIVE else Showing.HIDDEN
    if not there:
        return None
    return Showing.ENDED if product.status == Status.RETIRED else Showing.HIDDEN


def sold_of(product: Product) -> tuple[Variant, ...]:
    """The SKUs that a channel shows: those on offer, and of a draft all that are not retired."""
    kept = {Status.ACTIVE} if product.status == Status.ACTIVE else {Status.ACTIVE, Status.DRAFT}
    return tuple(one for one in product.variants if one.status in kept)


def missing_for(
    product: Product, variants: Sequence[Variant], rules: ListingRules, *, unpriced: Collection[str]
) -> tuple[Missing, ...]:
    """What keeps a product from standing at a channel, each with its field and its fix.

    `unpriced` are SKUs that are new there and that no price counts for.
    """
    found = [*_lacking(product, rules), *_too_long(product, rules), *_options_amiss(product, variants, rules)]
    for one in variants:
        found += _lacking_of(product, one, rules)
        if "price" in rules.required and one.sku in unpriced:
            said = "no price counts for it at this channel: give it one in a price list that the channel shows"
            found.append(Missing(field="price", sku=one.sku, said=said))
    if not variants:
        found.append(Missing(field="variants", said="none of its SKUs is on offer: offer one, or retire the product"))
    return tuple(found)


def _lacking(product: Product, rules: ListingRules) -> list[Missing]:
    """Fields of the product as a whole that a channel requires and that are empty."""
    texts = {
        "title": product.title, "description": product.description, "vendor": product.vendor,
        "product_type": product.product_type, "image": "some" if product.images else "",
    }  # fmt: skip
    found = [
        Missing(field=name, said=f"the product has no {name.replace('_', ' ')}: give one")
        for name, text in texts.items()
        if name in rules.required and not text.strip()
    ]
    for word in sorted(rules.required):
        name = word.removeprefix(ATTRIBUTE)
        if name != word and not product.attributes.get(name, "").strip():
            found.append(Missing(field=word, said=f"the attribute {name} is empty: give it a value"))
    return found


def _too_long(product: Product, rules: ListingRules) -> list[Missing]:
    return [
        Missing(field=name, said=f"the {name.replace('_', ' ')} has {len(text)} signs, {most} are allowed: shorten it")
        for name, most in rules.longest.items()
        if len(text := str(getattr(product, name, ""))) > most
    ]


def _options_amiss(product: Product, variants: Sequence[Variant], rules: ListingRules) -> list[Missing]:
    """Whether the channel can tell the SKUs apart: by options with a value each, no two alike, not too many."""
    found: list[Missing] = []
    if len(variants) > rules.most_variants:
        said = f"it has {len(variants)} SKUs, {rules.most_variants} are allowed: divide the product"
        found.append(Missing(field="variants", said=said))
    if len(product.options) > rules.most_options:
        said = f"its SKUs differ in {len(product.options)} options, {rules.most_options} are allowed: use fewer"
        found.append(Missing(field="options", said=said))
    if len(variants) > 1 and not product.options:
        return [*found, Missing(field="options", said="it has several SKUs: name the options that they differ in")]
    for one in variants:
        lacking = [name for name in product.options if not one.options.get(name, "").strip()]
        found += [
            Missing(field="options", sku=one.sku, said=f"it has no value for {name}: give one") for name in lacking
        ]
    values = Counter(tuple(one.options.get(name, "") for name in product.options) for one in variants)
    for alike in (one for one, count in values.items() if count > 1 and product.options):
        said = f"several SKUs are {' / '.join(alike)}: give each values of its own"
        found.append(Missing(field="options", said=said))
    return found


def _lacking_of(product: Product, variant: Variant, rules: ListingRules) -> list[Missing]:
    """Fields of one SKU that a channel requires and that are empty."""
    filled = {
        "gtin": bool(variant.gtin), "weight": variant.weight is not None,
        "tax_code": bool(variant.tax_code or product.tax_code),
    }  # fmt: skip
    return [
        Missing(field=name, sku=variant.sku, said=f"the SKU has no {name.replace('_', ' ')}: give one")
        for name, there in filled.items()
        if name in rules.required and not there
    ]


def differs_at(product: Product, showing: Showing, names: Mapping[str, str], shown: Shown) -> list[tuple[str, ...]]:
    """How a channel shows a product otherwise than the hub wishes: (code or SKU, field, ours, theirs).

    `names` is SKU → the channel's id of its listing.
    """
    found: list[tuple[str, ...]] = []
    if product.title and product.title != shown.title:
        found.append((product.code, "title", product.title, shown.title))
    if showing is not shown.showing:
        found.append((product.code, "status", showing, shown.showing))
    there = {one.external_id: one for one in shown.variants}
    for variant in sold_of(product) if showing is not Showing.ENDED else ():
        one = there.get(names.get(variant.sku, ""))
        if one is None:
            found.append((variant.sku, "", "listed", ""))
        elif variant.gtin and one.gtin.lstrip("0") != variant.gtin.lstrip("0"):
            found.append((variant.sku, "gtin", variant.gtin, one.gtin))
    return found
