"""POST /shopify/admin/api/{version}/graphql.json: who may ask, what it costs, what comes back."""

from __future__ import annotations

import hmac
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from app.sandbox.shopify.arguments import Variables
from app.sandbox.shopify.buckets import MOST_OF_ONE, Bucket
from app.sandbox.shopify.execution import Invalid, Preparation, digest
from app.sandbox.shopify.plans import Plan, Step
from app.sandbox.shopify.projection import IDEMPOTENT, SCOPES_OF
from app.sandbox.shopify.schema import IDEMPOTENT_SINCE, VERSIONS
from app.sandbox.shopify.store import Store
from app.sandbox.shopify.views import Fields, Query, Refused
from app.sandbox.web import Answer, Request, encode, json_answer

_PATH = re.compile(r"shopify/admin/api/([^/]+)/graphql\.json")
_RATE_LIMITS = "https://shopify.dev/api/usage/rate-limits"


class Endpoint:
    """Answers the shop's GraphQL requests."""

    def __init__(self, store: Store, fields: Fields) -> None:
        self._store = store
        self._preparation = Preparation(fields)
        self._bucket = Bucket()

    def answer(self, request: Request) -> Answer:
        """Answer one request, with the faults that strike its operation."""
        found = _PATH.fullmatch(request.path)
        if found is None or found[1] not in VERSIONS:
            return json_answer({"errors": "Not Found"}, status=404)
        token = request.header("X-Shopify-Access-Token") or ""
        if not hmac.compare_digest(token.encode(), self._store.settings.shop_token.encode()):
            message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return json_answer({"errors": message}, status=401)
        if request.method != "POST":
            return json_answer({"errors": "Not Acceptable"}, status=406)
        self._store.host = request.header("Host") or self._store.host
        try:
            written = json.loads(request.body)
        except ValueError:
            return json_answer({"errors": "JSON is invalid"}, status=400)
        if not isinstance(written, dict) or not isinstance(written.get("query"), str):
            return json_answer({"errors": {"query": "Required parameter missing or invalid"}}, status=400)
        return self._run(found[1], written)

    def _run(self, version: str, written: Mapping[str, Any]) -> Answer:
        try:
            prepared = self._preparation.prepare(version, written["query"], written.get("operationName"))
            variables = prepared.variables(written.get("variables") or {})
        except Invalid as invalid:
            return _answer({"errors": invalid.errors}, version)
        if prepared.introspects:
            return _answer(prepared.introspected(written.get("variables") or {}), version)
        plan = prepared.plan(variables)
        operation = f"{plan.kind} {prepared.roots[0]}"
        self._store.books.called("shopify", operation)
        return self._store.faults.around(
            "shopify",
            operation,
            lambda: self._charged(plan, variables, version),
            lambda status, after: self._fault(status, after, plan.cost.asked(variables), version),
        )

    def _charged(self, plan: Plan, variables: Variables, version: str) -> Answer:
        asked, limit = plan.cost.asked(variables), self._store.limits.of("shopify")
        if asked > MOST_OF_ONE:
            return _answer({"errors": [_too_dear(asked)]}, version)
        if not self._bucket.take(limit, asked):
            return self._throttled(asked, version)
        query = Query(store=self._store, version=version)
        body = self._executed(plan, variables, query)
        actual = asked if plan.kind == "mutation" else min(asked, plan.cost.own + query.cost)
        self._bucket.give_back(asked - actual)
        body["extensions"] = self._cost(asked, actual)
        return _answer(body, version)

    def _executed(self, plan: Plan, variables: Variables, query: Query) -> dict[str, Any]:
        data: dict[str, Any] | None = {}
        errors: list[dict[str, Any]] = []
        for step in plan.steps:
            try:
                value = self._allowed(plan, step, variables, query)
            except Refused as refusal:
                errors.append(
                    {
                        "message": refusal.message,
                        "path": [step.key],
                        "extensions": {"code": refusal.code, **refusal.details},
                    }
                )
                if not step.nullable:
                    data = None
                value = None
            if data is not None:
                data[step.key] = value
        return {"errors": errors, "data": data} if errors else {"data": data}

    def _allowed(self, plan: Plan, step: Step, variables: Variables, query: Query) -> Any:
        """Run a root field. Raises Refused without the scope, or without the key that a mutation needs."""
        scope = SCOPES_OF.get(step.name)
        if scope is not None and scope not in self._store.scopes:
            raise Refused(
                f"Access denied for {step.name} field. Required access: `{scope}` access scope.",
                "ACCESS_DENIED",
                documentation="https://shopify.dev/api/usage/access-scopes",
                requiredAccess=f"`{scope}` access scope.",
            )
        arguments = step.read(variables)
        if plan.kind == "mutation" and query.version >= IDEMPOTENT_SINCE and step.name in IDEMPOTENT:
            return self._once(step, arguments, variables, query)
        return step.complete(step.resolve(None, arguments, query), variables, query)

    def _once(self, step: Step, arguments: Mapping[str, Any], variables: Variables, query: Query) -> Any:
        """Run a mutation once per key: a repeat gets the first answer, the key with other input an error."""
        key = (step.key_of(variables) if step.key_of else {}).get("key")
        if not key:
            raise Refused(
                "The @idempotent directive is required for this mutation but was not provided.", "BAD_REQUEST"
            )
        with self._store.records.lock:
            held = self._store.books.read("idempotencyKeys", f"{step.name} {key}")
            if held is not None:
                if held["input"] == digest(arguments):
                    return held["answer"]
                message = "The idempotency key was already used with different parameters."
                mismatch = {"field": None, "message": message, "code": "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"}
                return step.complete({"user_errors": [mismatch]}, variables, query)
            answer = step.complete(step.resolve(None, arguments, query), variables, query)
            kept = {"id": f"{step.name} {key}", "input": digest(arguments), "answer": answer}
            if not (answer or {}).get("userErrors"):
                self._store.records.write([("idempotencyKeys", f"{step.name} {key}", kept)])
            return answer

    def _cost(self, asked: int, actual: int | None) -> dict[str, Any]:
        status = self._bucket.status(self._store.limits.of("shopify"))
        return {"cost": {"requestedQueryCost": asked, "actualQueryCost": actual, "throttleStatus": status}}

    def _throttled(self, asked: int, version: str) -> Answer:
        error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": _RATE_LIMITS}}
        return _answer({"errors": [error], "extensions": self._cost(asked, None)}, version)

    def _fault(self, status: int, after: float | None, asked: int, version: str) -> Answer:
        """Word a fault: a throttle as the cost bucket does it, any other status as the shop's edge does."""
        if after is not None:
            answer = self._cost(asked, None)
            answer["cost"]["throttleStatus"]["currentlyAvailable"] = 0
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": _RATE_LIMITS}}
            return _answer({"errors": [error], "extensions": answer}, version)
        return json_answer({"errors": "Internal Server Error" if status == 500 else f"Error {status}"}, status=status)


def _too_dear(asked: int) -> dict[str, Any]:
    return {
        "message": f"Query cost is {asked}, which exceeds the single query max cost limit ({MOST_OF_ONE}).",
        "extensions": {
            "code": "MAX_COST_EXCEEDED",
            "cost": asked,
            "maxCost": MOST_OF_ONE,
            "documentation": _RATE_LIMITS,
        },
    }


def _answer(body: Mapping[str, Any], version: str) -> Answer:
    return Answer(
        body=encode(body).encode(),
        headers=(
            ("Content-Type", "application/json; charset=utf-8"),
            ("X-Shopify-API-Version", version),
            ("X-Request-Id", str(uuid.uuid4())),
        ),
    )
