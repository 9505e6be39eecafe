"""Forms whose errors stand at their fields: which rule a field breaks, and what mends it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import request
from marshmallow import ValidationError

from app.kernel.errors import HubError


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What stands in a form's fields, and what is wrong with it: field, rule and fix; no field is the form itself."""

    given: Mapping[str, str]
    wrong: Sequence[Mapping[str, str]] = field(default=())

    def at(self, name: str) -> list[Mapping[str, str]]:
        """What is wrong with one field, or with the form itself."""
        return [one for one in self.wrong if name in [part.strip() for part in one["field"].split(",")]]


def typed(names: Collection[str]) -> dict[str, str]:
    """What was typed into these fields; an unticked box is empty."""
    return {name: request.form.get(name, "").strip() for name in names}


def errors_of(error: HubError | ValidationError, names: Collection[str], at: Mapping[str, str]) -> list[dict[str, str]]:
    """What was refused, at its field where one of `names` is meant; `at` says the field of codes that name none."""
    if isinstance(error, ValidationError):
        return [
            {"field": name if name in names else "", "rule": text, "fix": ""}
            for name, said in error.messages_dict.items()
            for text in _texts(said)
        ]
    listed = error.facts.get("errors")
    if isinstance(listed, list):
        return [{"fix": "", **one} for one in listed]
    head, _, rest = error.message.partition(": ")
    if head in names:
        return [{"field": head, "rule": rest, "fix": ""}]
    return [{"field": at.get(error.code, ""), "rule": error.message, "fix": ""}]


def _texts(said: Any) -> list[str]:
    if isinstance(said, dict):
        return [text for part in said.values() for text in _texts(part)]
    return [str(text) for text in said] if isinstance(said, list) else [str(said)]
