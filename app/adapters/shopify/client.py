"""Speaking GraphQL with a shop, and what its answers mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.adapters.shopify.mapping.parsing import parsed
from app.adapters.shopify.settings import version_of
from app.infra.remote.client import DEFAULT_VERDICTS, KEPT_TEXT, Outbound, Reply, Verdict
from app.infra.remote.quotas import Report
from app.kernel.errors import Ambiguous, HubError, Invalid, NeedsAttention, Refused, Transient, Unauthorised, Waits

SYSTEM = "shopify"
UNKNOWN_OBJECT = "shopify.unknown_object"
# 402: the shop is frozen. 403: it is locked, or the app may not. 404: no such shop, or a retired API version.
# 430: Shopify takes our address for an attacker's.
VERDICTS: Mapping[int, Verdict] = {**DEFAULT_VERDICTS, **dict.fromkeys((402, 403, 404, 410, 423, 430), Unauthorised)}
SHORTEST_WAIT = 0.5  # the bucket restores 50 points a second or more: sooner there is nothing to gain
LONGEST_WAIT = 30.0  # a full bucket is restored in 20 seconds
POINTS = "points"
_COST = re.compile(
    rb'"(requestedQueryCost|actualQueryCost|maximumAvailable|currentlyAvailable|restoreRate)"\s*:\s*([0-9.]+)'
)
_COST_LENGTH = 300  # of the whole report: its fields may stand in any order
_REFUSING = frozenset({"ACCESS_DENIED", "SHOP_INACTIVE"})
_FAILING = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"})
# Where an app has no access to protected customer data Shopify answers the rest and null here.
_PROTECTED = frozenset(
    {"customer", "email", "phone", "billing_address", "shipping_address", "localized_fields", "purchasing_entity"}
)


def connect(settings: Mapping[str, Any]) -> Outbound:
    """The shop's Admin API. Its token is in no field that is ever printed."""
    token = settings["access_token"]
    return Outbound(
        system=SYSTEM,
        base_url=str(settings.get("base_url") or f"https://{settings['shop']}").rstrip("/"),
        authorize=lambda: {"X-Shopify-Access-Token": token},
        verdicts=VERDICTS,
        judge=judge,
        report=cost_of,
        allow_loopback=bool(settings.get("allow_loopback")),
    )


def cost_of(reply: Reply) -> tuple[Report, ...]:
    """What an answer says of the query points: read from its end, where the report stands, without parsing it all."""
    at = reply.body.rfind(b'"requestedQueryCost"')
    if at < 0:
        return ()
    told = {name.decode(): float(value) for name, value in _COST.findall(reply.body, max(0, at - _COST_LENGTH))}
    return (
        Report(
            quota=POINTS,
            asked=told.get("requestedQueryCost"),
            cost=told.get("actualQueryCost"),
            available=told.get("currentlyAvailable"),
            limit=told.get("maximumAvailable"),
            restored=told.get("restoreRate"),
        ),
    )


def judge(reply: Reply, writes: bool) -> HubError | None:
    """What is wrong with an answer of 200, whose troubles GraphQL lists in the body; None where nothing is."""
    if reply.status != 200 or b'"errors"' not in reply.body:
        return None
    answer = _parsed(reply, writes)
    errors = answer.get("errors")
    if not errors:
        return None
    if not isinstance(errors, list):  # an old form: one text for all
        return NeedsAttention("shopify.document_refused", str(errors)[:KEPT_TEXT], said=str(errors)[:KEPT_TEXT])
    codes = {_code(error) for error in errors}
    said = "; ".join(str(error.get("message", "")) for error in errors if isinstance(error, dict))[:KEPT_TEXT]
    if "THROTTLED" in codes:
        return Waits("shopify.throttled", "the shop's query points are used up", seconds=_pause(answer), said=said)
    if codes & _REFUSING:
        return None if _only_withheld(answer, errors) else Unauthorised("shopify.access_denied", said, said=said)
    if codes == {"RESOURCE_NOT_FOUND"}:
        return Refused(UNKNOWN_OBJECT, said, said=said)
    if codes & _FAILING:
        return (Ambiguous if writes else Transient)("shopify.internal_error", said, said=said)
    return NeedsAttention("shopify.document_refused", said, said=said, codes=sorted(codes))


@dataclass(frozen=True, slots=True)
class Admin:
    """Sends documents to the Admin API of one version."""

    remote: Outbound
    version: str

    @classmethod
    def of(cls, remote: Outbound, settings: Mapping[str, Any]) -> Admin:
        return cls(remote, version_of(settings))

    def ask(self, document: str, **variables: Any) -> Mapping[str, Any]:
        """The data of a query; null parts stay null."""
        return self._send(document, variables, writes=False)

    def change(self, document: str, **variables: Any) -> Mapping[str, Any]:
        """The payloads of a mutation, by field. A null one may have had its effect: Ambiguous."""
        payloads = self._send(document, variables, writes=True)
        if any(payload is None for payload in payloads.values()):
            raise Ambiguous("shopify.null_payload", "the mutation answered null")
        return payloads

    def _send(self, document: str, variables: Mapping[str, Any], *, writes: bool) -> Mapping[str, Any]:
        body = {"query": document, "variables": variables}
        path = f"/admin/api/{self.version}/graphql.json"
        reply = self.remote.send("POST", path, writes=writes, body=body, operation=document)
        answer = _parsed(reply, writes)
        data = answer.get("data")
        if not isinstance(data, dict):
            raise (Ambiguous if writes else Transient)("shopify.null_data", "the answer holds no data")
        withheld = [error["path"] for error in answer.get("errors") or () if _code(error) == "ACCESS_DENIED"]
        return {**data, "withheld": withheld} if withheld else data


def user_errors(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a mutation refuses, under whatever name its payload lists it."""
    found: list[dict[str, Any]] = []
    for name, listed in payload.items():
        if name.lower().endswith("usererrors"):
            found += listed or ()
    return found


def _parsed(reply: Reply, writes: bool) -> dict[str, Any]:
    try:
        return parsed(reply.body)
    except Invalid as wrong:
        verdict = Ambiguous if writes else Transient
        raise verdict("shopify.unreadable_answer", wrong.message, said=reply.text[:KEPT_TEXT]) from wrong


def _code(error: Any) -> str:
    extensions = error.get("extensions") if isinstance(error, dict) else None
    return str((extensions or {}).get("code", ""))


def _pause(answer: Mapping[str, Any]) -> float:
    """Seconds until the bucket holds what the query asks for."""
    cost = (answer.get("extensions") or {}).get("cost") or {}
    bucket = cost.get("throttleStatus") or {}
    try:
        missing = float(cost["requestedQueryCost"]) - float(bucket["currentlyAvailable"])
        seconds = missing / float(bucket["restoreRate"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        seconds = 1.0  # the report is missing: the usual restore rate gives a small query back in a second
    return min(LONGEST_WAIT, max(SHORTEST_WAIT, seconds))


def _only_withheld(answer: Mapping[str, Any], errors: list[Any]) -> bool:
    data = answer.get("data")
    if not isinstance(data, dict) or not any(data.values()):
        return False
    return all(
        _code(error) == "ACCESS_DENIED" and _PROTECTED & {str(step) for step in error.get("path") or ()}
        for error in errors
    )
