"""Options of a product and their values as productSet takes them, and what it refuses of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from app.sandbox.shopify.store import Rejected

_MOST = 3
_MOST_VARIANTS = 2048
_PLACES = ("option1", "option2", "option3")
Wish = Mapping[str, Any]


def options_of(given: Wish, product: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the options that a product shall have. Raises Rejected as the shop refuses."""
    wished: Sequence[Wish] | None = given.get("productOptions")
    if wished is None:
        raise Rejected(
            "Product options input is required when updating variants", "input", "productOptions",
            code="PRODUCT_OPTIONS_INPUT_MISSING",
        )  # fmt: skip
    if "variants" not in given:
        message = "Variants input is required when updating product options"
        raise Rejected(message, "input", "variants", code="VARIANTS_INPUT_MISSING")
    if len(wished) > _MOST:
        message = f"Can only specify a maximum of {_MOST} options"
        raise Rejected(message, "input", "productOptions", code="OPTIONS_OVER_LIMIT")
    names = [each.get("name") or "" for each in wished]
    _refuse_twice(names, "DUPLICATED_OPTION_NAME", "productOptions")
    for place, each in enumerate(wished):
        values = [value.get("name") for value in each.get("values") or ()]
        if not values:
            message = "Option values are missing"
            raise Rejected(
                message, "input", "productOptions", str(place), "values", code="OPTION_VALUES_MISSING"
            )  # fmt: skip
        _refuse_twice(values, "DUPLICATED_OPTION_VALUE", "productOptions", str(place), "values")
    return [
        {
            "id": product["id"] * 10 + place,
            "name": each["name"],
            "position": each.get("position") or place,
            "values": [value["name"] for value in each["values"]],
        }
        for place, each in enumerate(wished, start=1)
    ]


def values_of(wish: Wish, options: Sequence[Wish], place: int) -> dict[str, str | None]:
    """Return a variant's values under their REST names. Raises Rejected for what the product's options do not hold."""
    path = ("input", "variants", str(place), "optionValues")
    chosen = {each.get("optionName"): each.get("name") for each in wish["optionValues"]}
    known = {option["name"]: option["values"] for option in options}
    for name, value in chosen.items():
        if name not in known:
            raise Rejected("Option does not exist", *path, code="OPTION_DOES_NOT_EXIST")
        if value not in known[name]:
            raise Rejected("Option value does not exist", *path, code="OPTION_VALUE_DOES_NOT_EXIST")
    if lacking := [name for name in known if name not in chosen]:
        message = f"You need to add option values for {lacking[0]}"
        raise Rejected(message, *path, code="INVALID_VARIANT")
    words = [str(chosen[option["name"]]) for option in options]
    return dict(zip_longest(_PLACES, words))


def check_variants(values: Sequence[Wish]) -> None:
    """Refuse variants that are alike, and too many."""
    if len(values) > _MOST_VARIANTS:
        message = f"Can't have more than {_MOST_VARIANTS} variants"
        raise Rejected(message, "input", "variants", code="VARIANTS_OVER_LIMIT")
    seen: set[tuple[str, ...]] = set()
    for place, each in enumerate(values):
        words = tuple(word for word in each.values() if word)
        if words in seen:
            message = f"The variant '{' / '.join(words)}' already exists."
            raise Rejected(message, "input", "variants", str(place), code="INVALID_VARIANT")
        seen.add(words)


def _refuse_twice(words: Sequence[Any], code: str, *path: str) -> None:
    if len(set(words)) < len(words):
        raise Rejected(f"{code.replace('_', ' ').capitalize()}.", "input", *path, code=code)
