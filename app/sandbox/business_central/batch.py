"""$batch in JSON: calls one after the other, or, with `Isolation: snapshot`, in one transaction.

Source: "Using OData transactional $batch requests" of Microsoft's documentation. A failure in an isolated batch undoes
all of it, although the answers before it say 200 or 201. Posting actions commit in between.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from app.sandbox.business_central.addresses import parse_address
from app.sandbox.business_central.desk import Call, Desk
from app.sandbox.business_central.errors import Refusal, bad_request
from app.sandbox.web import Answer, encode, text_answer

MOST_CALLS = 100  # Microsoft Learn, "Work with API limits": operations in one $batch


def perform_batch(
    desk: Desk, base: str, body: Any, *, isolated: bool, going_on: bool, count: Callable[[str], None]
) -> Answer:
    """Do a batch; `going_on` after a failure is what Prefer: odata.continue-on-error asks. Raises Refusal."""
    requests = body.get("requests") if isinstance(body, Mapping) else None
    if not isinstance(requests, list) or not all(isinstance(each, Mapping) for each in requests):
        raise bad_request("Invalid Request Body")
    if len(requests) > MOST_CALLS:
        raise bad_request(f"The batch has {len(requests)} operations, the maximum is {MOST_CALLS}.")
    calls = [_call(desk, base, each) for each in requests]
    for call in calls:
        count(call.address.operation(call.method))
    answers = _isolated(desk, calls) if isolated else _one_by_one(desk, calls, going_on=going_on)
    texts = [_text(request, answer) for request, answer in zip(requests, answers, strict=False)]
    return text_answer(f'{{"responses":[{",".join(texts)}]}}')


def _one_by_one(desk: Desk, calls: list[Call], *, going_on: bool) -> list[Answer]:
    answers: list[Answer] = []
    for call in calls:
        try:
            answers.append(desk.perform(call))
        except Refusal as refusal:
            answers.append(refusal.answer())
            if not going_on:
                break
    return answers


def _isolated(desk: Desk, calls: list[Call]) -> list[Answer]:
    if len({call.address.company for call in calls}) != 1:
        raise bad_request("A batch with Isolation: snapshot runs in one company.")
    answers: list[Answer] = []
    with desk.company(calls[0].address.company).change() as change:
        for call in calls:
            try:
                if call.method == "GET":
                    answers.append(desk.read(call, change.company))
                else:
                    answers.append(desk.write(call, change))
            except Refusal as refusal:
                answers.append(refusal.answer())
                change.undo()
                break
    return answers


def _call(desk: Desk, base: str, written: Mapping[str, Any]) -> Call:
    headers = {str(name).lower(): str(value) for name, value in (written.get("headers") or {}).items()}
    url = str(written.get("url", "")).removeprefix(base).strip("/")
    path, _, query = url.partition("?")
    if "company" in headers and not path.startswith("companies("):
        path = f"companies({_company(desk, headers['company'])})/{path}"
    return Call(
        method=str(written.get("method", "")).upper(),
        base=base,
        path=path,
        query=query,
        address=parse_address(path),
        body=written.get("body"),
        if_match=headers.get("if-match"),
        prefer=headers.get("prefer", ""),
    )


def _company(desk: Desk, name: str) -> str:
    for company in desk.companies.values():
        if name in {company.spec.name, company.id}:
            return company.id
    return desk.company(name).id


def _text(request: Mapping[str, Any], answer: Answer) -> str:
    headers = encode({name.lower(): value for name, value in answer.headers})
    body = f',"body":{answer.body.decode()}' if answer.body else ""
    return f'{{"id":{json.dumps(request.get("id"))},"status":{answer.status},"headers":{headers}{body}}}'
