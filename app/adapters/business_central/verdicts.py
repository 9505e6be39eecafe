"""What Business Central's refusals mean: a table of its error codes, and of messages where one code says everything.

Codes: "Troubleshooting REST API/OData calls" of Microsoft's documentation. `Application_DialogException` is whatever a
person would have seen in a dialog, and other `Application_` codes say little more, so these are told apart by the
labels of Microsoft's page sources; what the table does not know goes to a person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from app.infra.remote.client import Reply, retry_after
from app.kernel.errors import Ambiguous, Disposition, HubError, NeedsAttention, NotFound, Transient, Unauthorised, Waits

SYSTEM = "business_central"
KEPT_TEXT, KEPT_NAME = 2000, 200
THROTTLED_SECONDS = 15.0  # where a 429 names no time: a twentieth of the window of five minutes


class EntityChanged(Transient):
    """Somebody else changed the document since it was read: read again, decide again."""


class AlreadyThere(HubError):
    """The key of the thing to create is taken."""


class Gone(NotFound):
    """The document is not there any more."""


class OurMistake(HubError):
    """The request is wrong in its form: a defect of this adapter, never of the order."""

    disposition: ClassVar[Disposition] = Disposition.BUG


CODES: Mapping[str, tuple[type[HubError], str]] = {
    "Request_EntityChanged": (EntityChanged, "entity_changed"),
    "Internal_EntityWithSameKeyExists": (AlreadyThere, "already_there"),
    "Internal_TenantUnavailable": (Transient, "tenant_unavailable"),
    "Internal_ServerError": (Ambiguous, "server_error"),
    "Internal_CompanyNotFound": (Unauthorised, "company_not_found"),
    "Internal_RecordNotFound": (NeedsAttention, "record_not_found"),
    "Internal_DataNotFoundFilter": (NeedsAttention, "record_not_found"),
    "Internal_InvalidTableRelation": (NeedsAttention, "invalid_relation"),
    "BadRequest_ResourceNotFound": (NeedsAttention, "entity_missing"),
    "Application_FieldValidationException": (NeedsAttention, "field_refused"),
    "Application_StringExceededLength": (NeedsAttention, "text_too_long"),
    "Application_EvaluateException": (NeedsAttention, "value_refused"),
    "Application_FilterErrorException": (NeedsAttention, "value_refused"),
    "Application_InvalidGUID": (OurMistake, "bad_request"),
    "Application_CallbackNotAllowed": (NeedsAttention, "asks_for_confirmation"),
}

FAMILIES: tuple[tuple[str, type[HubError], str], ...] = (
    ("Authentication_", Unauthorised, "not_authenticated"),
    ("Authorization_", Unauthorised, "not_authorised"),
    ("BadRequest", OurMistake, "bad_request"),
)

# Whole paths that are not there: a retired API version, an app that was removed. One row that is gone says less.
RETIRED = re.compile(r"no http resource was found|(api version|endpoint) .*(no longer|not) (supported|available)", re.I)

DIALOGS: tuple[tuple[re.Pattern[str], type[HubError], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind, name)
    for pattern, kind, name in (
        (r"licen[cs]e (does not|doesn't) permit|not licen[cs]ed", Unauthorised, "not_licensed"),
        (r"current permissions prevented|do(es)? not have permission", Unauthorised, "not_permitted"),
        (r"line .*already exists", EntityChanged, "entity_changed"),
        (r"status must be equal to 'open'|cannot change .*(released|shipped)", EntityChanged, "released_meanwhile"),
        (r"enter numbers manually|manual nos", NeedsAttention, "manual_numbers_off"),
        (r"not within your range of allowed posting dates|posting date", NeedsAttention, "period_closed"),
        (r"nothing to post", Transient, "nothing_to_post"),  # an earlier call, thought lost, has just posted it
        (r"blocked", NeedsAttention, "blocked"),
        (r"locked by another user|deadlock|in use by another|is (currently )?locked", Transient, "locked"),
    )
)


# A master or a setup that a refusal names: whatever is refused for the same one waits for the same case. A document of
# ours is no such thing. Labels of Microsoft's base application: TestField, Get, table relations, blocked masters.
DOCUMENTS = r"(?!Sales |Purchase |Gen\. Journal |Warehouse )"
NAMED = tuple(
    re.compile(pattern)
    for pattern in (
        r"value \((?P<value>[^)]*)\) that cannot be found in the related table \((?P<what>[^)]+)\)",
        rf" must [^:]*? in (?P<what>{DOCUMENTS}[^:]+): (?P<value>.+?)\.(?: It cannot| Current value|$)",
        rf"The (?P<what>{DOCUMENTS}[^.]+) does not exist\. Identification fields and values: (?P<value>.+?)\.?$",
        r"\b(?P<what>Customer|Item|Resource|G/L Account) (?P<value>\S+) is blocked",
        r"for the (?P<what>Dimension Code) (?P<value>.+?)\.?$",
        r"Manual Nos\. in (?P<what>No\. Series) (?P<value>\S+?)\.?$",
        r"(?P<what>allowed posting dates)(?P<value>)",
    )
)


def named_in(message: str) -> str:
    """The master or setup that a refusal names, such as `Item No.=TENT`; nothing where it names none."""
    for pattern in NAMED:
        if found := pattern.search(plain(message)):
            return f"{found.group('what').strip()} {found.group('value').strip()}".strip()[:KEPT_NAME]
    return ""


def judge(reply: Reply, writes: bool) -> HubError | None:
    """The verdict on an answer, None where the status decides. Carries Business Central's own words as `said`."""
    if reply.ok:
        return None
    code, message = error_of(reply)
    kind, name = _meaning(code, message, reply.status)
    if kind is None:
        return None
    facts = {"said": f"{code}: {message}"[:KEPT_TEXT]}
    if kind is Ambiguous and not writes:
        kind = Transient
    spoken = f"Business Central answered {reply.status}: {plain(message)}"[:KEPT_TEXT]
    if issubclass(kind, Waits):
        after = retry_after(reply)
        seconds = THROTTLED_SECONDS if after is None else after
        return kind(f"{SYSTEM}.{name}", spoken, seconds=seconds, **facts)
    if issubclass(kind, Transient):
        return kind(f"{SYSTEM}.{name}", spoken, retry_after=retry_after(reply), **facts)
    about = named_in(message) if issubclass(kind, NeedsAttention) else ""
    return kind(f"{SYSTEM}.{name}", spoken, about=about, **facts)


def error_of(reply: Reply) -> tuple[str, str]:
    """Code and message of an error body `{"error": {"code", "message"}}`; empty where it is something else."""
    try:
        body: Any = json.loads(reply.body)
        error = body["error"]
        return str(error.get("code") or ""), str(error.get("message") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", reply.text[:KEPT_TEXT]


def plain(message: str) -> str:
    """The message without the correlation id, which is another one each time."""
    return message.split("CorrelationId", 1)[0].strip()


def _meaning(code: str, message: str, status: int) -> tuple[type[HubError] | None, str]:
    if status == 429:
        return Waits, "throttled"
    if status == 503:
        return Transient, "unavailable"  # the request was not taken
    if status == 410 or (status in (400, 404) and RETIRED.search(message)):
        return Unauthorised, "version_retired"
    if status in (409, 412):
        return (AlreadyThere, "already_there") if "SameKey" in code else (EntityChanged, "entity_changed")
    if status == 404 and code in ("Internal_RecordNotFound", "BadRequest_NotFound", ""):
        return Gone, "gone"
    if code.startswith("Application_"):
        for pattern, kind, name in DIALOGS:
            if pattern.search(message):
                return kind, name
    if code in CODES:
        return CODES[code]
    for prefix, kind, name in FAMILIES:
        if code.startswith(prefix) and 400 <= status < 500:
            return kind, name
    if 400 <= status < 500 and status not in (401, 402, 403, 408, 423, 425):
        return NeedsAttention, "refused"
    return None, ""
