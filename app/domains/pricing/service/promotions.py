"""Promotions, kept only with a rule for whatever they overlap; and the rule of quotes."""

from __future__ import annotations

from dataclasses import replace

from psycopg.types.json import Jsonb

from app.domains.pricing.canonical.prices import QuoteRule
from app.domains.pricing.canonical.promotions import Promotion
from app.domains.pricing.events import PromotionChanged
from app.domains.pricing.policy.periods import zone_of
from app.domains.pricing.policy.stacking import require_rule
from app.domains.pricing.queries.promotions import promotion, same_time, share_an_item
from app.domains.pricing.service.channel_prices import mark_known
from app.infra.acts import record_act
from app.infra.ids import new_id
from app.infra.uow import UnitOfWork
from app.kernel.errors import Invalid
from app.kernel.money import Money

# One at a time: two that overlap each other must not both pass the look at what is there.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('pricing.promotion', 0))"
COLUMNS = (
    "code", "title", "kind", "level", "value", "currency", "buy", "get", "most_times", "company", "channel",
    "customer_group", "skus", "categories", "product_types", "min_quantity", "min_amount", "zone", "from_at",
    "until_at", "exclusive", "best_of", "stacks_with", "priority", "open", "changed_by",
)  # fmt: skip
KEEP = f"""
INSERT INTO pricing.promotion (id, {", ".join(COLUMNS)})
VALUES (%(id)s, {", ".join(f"%({name})s" for name in COLUMNS)})
    ON CONFLICT (code) DO UPDATE
   SET ({", ".join(COLUMNS)}, changed_at) = ({", ".join(f"excluded.{name}" for name in COLUMNS)}, now())
"""
RULE = """
INSERT INTO pricing.quote_rule (company, channel, rounding, half, margin, floor, changed_by)
VALUES (%(company)s, %(channel)s, %(rounding)s, %(half)s, %(margin)s, %(floor)s, %(who)s)
    ON CONFLICT (company, channel) DO UPDATE
   SET (rounding, half, margin, floor, changed_by, changed_at)
     = (excluded.rounding, excluded.half, excluded.margin, excluded.floor, excluded.changed_by, now())
"""


def keep_promotion(uow: UnitOfWork, wanted: Promotion, who: str) -> None:
    """Make or change a promotion. Raises Refused(`pricing.no_stacking_rule`) where it overlaps another unsettled."""
    zone_of(wanted.zone)
    if wanted.currency:
        Money.parse(0, wanted.currency)
    uow.sql(ONE_AT_A_TIME)
    if wanted.open:
        require_rule(wanted, same_time(uow, wanted), lambda one, other: share_an_item(uow, one, other))
    plain = ("code", "title", "value", "currency", "buy", "get", "most_times", "company", "channel", "customer_group",
             "min_quantity", "min_amount", "zone", "from_at", "until_at", "open")  # fmt: skip
    targets, stacking = wanted.targets, wanted.stacking
    uow.sql(
        KEEP,
        {
            **{name: getattr(wanted, name) for name in plain},
            "id": new_id(), "kind": wanted.kind.value, "level": wanted.level.value, "changed_by": who,
            "skus": Jsonb(sorted(targets.skus)), "categories": Jsonb(sorted(targets.categories)),
            "product_types": Jsonb(sorted(targets.product_types)), "exclusive": stacking.exclusive,
            "best_of": stacking.best_of, "stacks_with": Jsonb(sorted(stacking.stacks_with)),
            "priority": stacking.priority,
        },
    )  # fmt: skip
    facts = {"does": wanted.words, "from": wanted.from_at.isoformat(), "open": wanted.open}
    record_act(uow, who, "kept a promotion", kind="promotion", key=wanted.code, facts=facts)
    _tell(uow, wanted)


def end_promotion(uow: UnitOfWork, code: str, who: str, why: str = "") -> bool:
    """End a promotion at once; false where it had ended. Raises NotFound for an unknown one."""
    ending = replace(promotion(uow, code), open=False)
    ended = uow.sql(
        "UPDATE pricing.promotion SET open = false, changed_by = %(who)s, changed_at = now() "
        "WHERE code = %(code)s AND open",
        {"code": code, "who": who},
    ).rowcount
    if ended:
        record_act(uow, who, "ended a promotion", kind="promotion", key=code, why=why)
        _tell(uow, ending)
    return bool(ended)


def _tell(uow: UnitOfWork, kept: Promotion) -> None:
    """Tell that a promotion changed, with the instants to come at which it begins and ends."""
    now = uow.hub.clock.now()
    instants = tuple(at for at in (kept.from_at, kept.until_at) if kept.open and at is not None and at > now)
    uow.publish(PromotionChanged(promotion=kept.code, instants=instants))


def set_rule(uow: UnitOfWork, rule: QuoteRule, who: str, *, company: str = "", channel: str = "") -> None:
    """Say how the quotes of a company, of a channel or of everybody are rounded, and the margin of their floor."""
    if rule.margin is not None and not (rule.margin.is_finite() and rule.margin > -1):
        raise Invalid("pricing.margin", f"margin: {rule.margin} is no margin on a cost; write a quarter as 0.25")
    given = {
        "company": company, "channel": channel, "rounding": rule.rounding.value, "half": rule.half.value,
        "margin": rule.margin, "floor": rule.floor.value,
    }  # fmt: skip
    uow.sql(RULE, {**given, "who": who})
    facts = {**given, "margin": None if rule.margin is None else str(rule.margin)}
    record_act(uow, who, "set the quote rule", kind="quote_rule", key=f"{company}|{channel}", facts=facts)
    mark_known(uow, promoted=True)
