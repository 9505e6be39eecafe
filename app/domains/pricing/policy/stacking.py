"""Which promotions may count beside which, and which need a rule for that before they are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from app.domains.pricing.canonical.promotions import WITH_ALL, Promotion, Targets
from app.kernel.errors import Refused


def stack(one: Promotion, other: Promotion) -> bool:
    """Whether both may count on one line."""
    a, b = one.stacking, other.stacking
    if a.exclusive or b.exclusive or (a.best_of and a.best_of == b.best_of):
        return False
    return _names(one, other) or _names(other, one)


def decided(one: Promotion, other: Promotion) -> bool:
    """Whether a rule says what happens where both fit."""
    a, b = one.stacking, other.stacking
    same_group = a.best_of != "" and a.best_of == b.best_of
    return a.exclusive or b.exclusive or same_group or _names(one, other) or _names(other, one)


def meet(one: Promotion, other: Promotion) -> bool:
    """Whether both can hold for one buyer at one instant; which items they have in common is another question."""
    return (
        one.open
        and other.open
        and (one.until_at is None or other.from_at < one.until_at)
        and (other.until_at is None or one.from_at < other.until_at)
        and all(
            getattr(one, part) in ("", getattr(other, part)) or not getattr(other, part)
            for part in ("company", "channel", "customer_group", "currency")
        )
    )


def share_a_name(one: Targets, other: Targets) -> bool:
    """Whether two sets of targets have an item, category or type in common by name alone."""
    return (
        one.everything
        or other.everything
        or bool(one.skus & other.skus)
        or bool(one.categories & other.categories)
        or bool(one.product_types & other.product_types)
    )


def require_rule(promotion: Promotion, others: Iterable[Promotion], common: Callable[[Targets, Targets], bool]) -> None:
    """Refuse a promotion that overlaps another without a rule for the two.

    `common` says whether some item belongs to both targets. Raises Refused(`pricing.no_stacking_rule`).
    """
    for other in others:
        if other.code == promotion.code or decided(promotion, other) or not meet(promotion, other):
            continue
        if share_a_name(promotion.targets, other.targets) or common(promotion.targets, other.targets):
            raise Refused(
                "pricing.no_stacking_rule",
                f"promotions {promotion.code!r} and {other.code!r} overlap, and no rule says whether both count: make "
                "one exclusive, put both into one best_of group, or name the other in stacks_with",
                about=f"promotion {promotion.code}",
                other=other.code,
            )


def _names(one: Promotion, other: Promotion) -> bool:
    return bool(one.stacking.stacks_with & {other.code, WITH_ALL})
