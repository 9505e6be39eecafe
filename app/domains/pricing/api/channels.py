"""/api/v1/channel-prices: what channels were told of prices, when, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from app.domains.pricing.canonical.prices import price_text
from app.domains.pricing.policy.channel_prices import ChannelRule, Shown
from app.domains.pricing.queries.channels import (
    ChannelPrice,
    channel_prices,
    channel_rule,
    channel_rules,
    channel_standings,
)
from app.domains.pricing.schemas.channels import ChannelPriceFilter, ChannelPricePage, ChannelStandingsSchema
from app.domains.pricing.service.showing import coming
from app.infra.web.auth import current_principal, require_scope
from app.infra.web.wiring import hub
from app.kernel.errors import Forbidden, NotFound
from app.kernel.money import UnitPrice

READ = "prices:read"
PAGE = 50  # each with what comes next
blueprint = Blueprint(
    "channel_prices_api", __name__, url_prefix="/api/v1/channel-prices", description="Prices that channels show"
)


@blueprint.route("")
class Channels(MethodView):
    @require_scope(READ)
    @blueprint.response(200, ChannelStandingsSchema)
    def get(self) -> dict[str, Any]:
        """The channels that show the hub's prices, and how far each is; a key that is bound to one sees that one."""
        bound = current_principal().connection
        with hub().unit_of_work() as uow:
            rules = {rule.channel: rule for rule in channel_rules(uow)}
            found = [one for one in channel_standings(uow) if bound in ("", one.channel)]
        names = ("channel", "skus", "waiting", "shown", "not_listed", "refused", "no_price", "last_sent_at")
        return {
            "channels": [
                {name: getattr(one, name) for name in names}
                | {
                    "waiting_since": one.since, "currency": rules[one.channel].currency,
                    "prices_include_tax": rules[one.channel].includes_tax, "open": rules[one.channel].open,
                }
                for one in found
            ]
        }  # fmt: skip


@blueprint.route("/<channel>")
class Prices(MethodView):
    @require_scope(READ)
    @blueprint.arguments(ChannelPriceFilter, location="query")
    @blueprint.response(200, ChannelPricePage)
    def get(self, wanted: dict[str, Any], channel: str) -> dict[str, Any]:
        """What a channel was told of its SKUs, of one of them, or of those that it does not show."""
        bound = current_principal().connection
        if bound not in ("", channel):
            raise Forbidden("auth.other_connection", f"this key asks for the channel {bound!r} alone", about=bound)
        with hub().unit_of_work() as uow:
            rule = channel_rule(uow, channel)
            if rule is None:
                raise NotFound("pricing.unknown_channel", f"{channel} shows no prices of the hub", about=channel)
            found = channel_prices(
                uow, channel, sku=wanted["sku"], troubled=wanted["troubled"], after=wanted["after"], most=PAGE + 1
            )
            further = found[PAGE - 1].sku if len(found) > PAGE else None
            ahead = coming(uow, rule, [one.sku for one in found[:PAGE]])
        return {"prices": [_body(one, rule, ahead) for one in found[:PAGE]], "next": further}


def _body(
    price: ChannelPrice, rule: ChannelRule, ahead: Mapping[str, tuple[datetime, Shown | None]]
) -> dict[str, Any]:  # fmt: skip
    currency = price.currency or rule.currency
    at, shown = ahead.get(price.sku, (None, None))
    return {
        "sku": price.sku, "state": price.state, "currency": currency, "amount": _text(price.amount, currency),
        "compare_at": _text(price.compare_at, currency), "price_list": price.price_list,
        "promotions": list(price.promotions), "sent_at": price.sent_at, "code": price.code, "said": price.said,
        "coming": at and {"at": at, **_amounts(shown)},
    }  # fmt: skip


def _amounts(shown: Shown | None) -> dict[str, str | None]:
    if shown is None:
        return {"amount": None, "compare_at": None}
    return {"amount": shown.amount.text, "compare_at": shown.compare_at.text if shown.compare_at else None}


def _text(amount: Decimal | None, currency: str) -> str | None:
    return None if amount is None else price_text(UnitPrice(amount, currency))
