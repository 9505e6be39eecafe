"""How Business Central refuses: a status, a code of its error table, a message.

Source: "Troubleshooting REST API/OData calls" (error codes) of Microsoft's documentation, and the labels of the API
page sources; clients tell refusals apart by code and message, so both follow the vendor's wording.
"""

from __future__ import annotations

import uuid

from app.sandbox.web import Answer, json_answer


class Refusal(Exception):
    """A request that Business Central does not do; everything it changed is undone."""

    def __init__(self, code: str, message: str, *, status: int = 400, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after = retry_after

    def document(self) -> dict[str, object]:
        """Return the error's body in Microsoft's shape."""
        message = f"{self.message}  CorrelationId:  {uuid.uuid4()}."
        return {"error": {"code": self.code, "message": message}}

    def answer(self) -> Answer:
        """Return the refusal as an answer."""
        headers = () if self.retry_after is None else (("Retry-After", str(max(1, round(self.retry_after)))),)
        return json_answer(self.document(), status=self.status, headers=headers)


def dialog(message: str) -> Refusal:
    """The catch-all: what a person would have seen in a dialog."""
    return Refusal("Application_DialogException", message)


def field(message: str) -> Refusal:
    """A field has a value that the operation does not allow."""
    return Refusal("Application_FieldValidationException", message)


def bad_request(message: str) -> Refusal:
    """The body or the query is wrong in form."""
    return Refusal("BadRequest", message)


def not_found(what: str, key: str) -> Refusal:
    """There is no such record."""
    message = f"The {what} does not exist. Identification fields and values: Id='{key}'"
    return Refusal("Internal_RecordNotFound", message, status=404)


def no_relation(name: str, table: str, value: object, related: str) -> Refusal:
    """A field names a record of another table that is not there."""
    message = f"The field {name} of table {table} contains a value ({value}) that cannot be found in the related table"
    return Refusal("Internal_InvalidTableRelation", f"{message} ({related}).")


def same_key(what: str, fields: str) -> Refusal:
    """The record's key is taken."""
    return Refusal(
        "Internal_EntityWithSameKeyExists", f"The {what} already exists. Identification fields and values: {fields}"
    )


def no_segment(segment: str) -> Refusal:
    """The address names something that the API does not have."""
    message = f"Resource not found for the segment '{segment}'."
    return Refusal("BadRequest_ResourceNotFound", message, status=404)


def not_allowed(method: str, set_name: str) -> Refusal:
    """The entity does not take this method."""
    message = f"'{method}' requests for '{set_name}' of EdmType 'Entity' are not allowed."
    return Refusal("BadRequest_MethodNotAllowed", message, status=405)


def refuse(status: int, retry_after: float | None) -> Answer:
    """Word a switched-on fault, or a caller's speed, as Business Central does."""
    codes = {401: "Authentication_InvalidCredentials", 403: "Authorization_RequestDenied", 409: "Request_EntityChanged"}
    if status == 429:
        return Refusal(
            "Application_TooManyRequests",
            "Too many requests reached. Actual (6001). Maximum (6000).",
            status=429,
            retry_after=retry_after,
        ).answer()
    code = codes.get(status, "Internal_ServerError" if status >= 500 else "BadRequest")
    return Refusal(code, "An unexpected error occurred.", status=status, retry_after=retry_after).answer()
