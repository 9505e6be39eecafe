"""Promotions as the API has them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import Schema, fields, validate

from app.domains.pricing.canonical.promotions import Kind, Level, Promotion, Stacking, Targets
from app.domains.pricing.policy.periods import begins, ends, zone_of
from app.domains.pricing.schemas.lists import FROM, UNTIL
from app.domains.pricing.schemas.quotes import SHORT, Strict

MOST_NAMES = 10_000
PLAIN = ("title", "value", "currency", "buy", "get", "most_times", "company", "channel", "customer_group",
         "min_quantity", "min_amount", "zone", "open")  # fmt: skip


def _names(said: str) -> Any:
    limit = validate.Length(max=MOST_NAMES)
    return fields.List(
        fields.String(validate=validate.Length(min=1, max=200)),
        load_default=list,
        validate=limit,
        metadata={"description": said},
    )


class PromotionSchema(Strict):
    """A promotion. Targets that are all empty mean every item; empty parts of the scope mean everybody."""

    title = fields.String(load_default="", validate=SHORT)
    kind = fields.Enum(Kind, by_value=True, required=True)
    level = fields.Enum(Level, by_value=True, load_default=Level.LINE)
    value = fields.Decimal(required=True, as_string=True, metadata={"description": "Per cent, or an amount."})
    currency = fields.String(load_default="", validate=validate.Regexp(r"^([A-Z]{3})?$"))
    buy = fields.Integer(load_default=0)
    get = fields.Integer(load_default=0)
    most_times = fields.Integer(load_default=0, metadata={"description": "In one basket; 0 is as often as it fits."})
    company = fields.String(load_default="", validate=SHORT)
    channel = fields.String(load_default="", validate=SHORT)
    customer_group = fields.String(load_default="", validate=SHORT)
    skus = _names("Of these items")
    categories = _names("of these categories,")
    product_types = _names("or of these product types.")
    min_quantity = fields.Decimal(load_default=Decimal(0), as_string=True)
    min_amount = fields.Decimal(load_default=Decimal(0), as_string=True)
    zone = fields.String(required=True, validate=SHORT)
    from_ = fields.String(required=True, data_key="from", validate=SHORT, metadata=FROM)
    until = fields.String(load_default="", validate=SHORT, metadata=UNTIL)
    exclusive = fields.Boolean(load_default=False)
    best_of = fields.String(load_default="", validate=SHORT, metadata={"description": "One of the group counts."})
    stacks_with = _names("Codes of promotions that it may join; * is all.")
    priority = fields.Integer(load_default=0)
    open = fields.Boolean(load_default=True)


class KeptPromotionSchema(PromotionSchema):
    """A promotion as it is."""

    code = fields.String(required=True)


class PromotionPage(Schema):
    """Promotions by their code; `next` goes on, null on the last page."""

    promotions = fields.List(fields.Nested(KeptPromotionSchema), required=True)
    next = fields.String(required=True, allow_none=True)


def promotion_from(code: str, given: Mapping[str, Any]) -> Promotion:
    """The promotion of a body that kept its schema. Raises Invalid, naming the fields that are wrong."""
    zone = zone_of(given["zone"])
    return Promotion(
        code=code, kind=given["kind"], level=given["level"], **{name: given[name] for name in PLAIN},
        from_at=begins(given["from_"], zone), until_at=ends(given["until"], zone) if given["until"] else None,
        targets=Targets(**{name: frozenset(given[name]) for name in ("skus", "categories", "product_types")}),
        stacking=Stacking(
            exclusive=given["exclusive"], best_of=given["best_of"], stacks_with=frozenset(given["stacks_with"]),
            priority=given["priority"],
        ),
    )  # fmt: skip


def promotion_body(promotion: Promotion) -> dict[str, Any]:
    """A promotion as KeptPromotionSchema says, with the times that its zone's clock shows."""
    clock, targets, stacking = zone_of(promotion.zone), promotion.targets, promotion.stacking
    until = promotion.until_at
    return {
        "code": promotion.code, "kind": promotion.kind, "level": promotion.level,
        **{name: getattr(promotion, name) for name in PLAIN},
        **{name: sorted(getattr(targets, name)) for name in ("skus", "categories", "product_types")},
        "from_": f"{promotion.from_at.astimezone(clock):%Y-%m-%dT%H:%M:%S}",
        "until": f"{until.astimezone(clock):%Y-%m-%dT%H:%M:%S}" if until else "",
        "exclusive": stacking.exclusive, "best_of": stacking.best_of, "stacks_with": sorted(stacking.stacks_with),
        "priority": stacking.priority,
    }  # fmt: skip
