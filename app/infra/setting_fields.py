"""A connection's settings as people type them: the fields of an adapter's schema, and text turned into values.

The console's form and `flask connection add --set key=value` use the same names: a nested field is `accounts.tip`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from marshmallow import Schema, ValidationError, fields, missing
from marshmallow.validate import OneOf

from app.kernel.errors import Invalid

YES = ("true", "yes", "on", "1")
NO = ("false", "no", "off", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """One field. `kind` is text, secret, choice, switch, number or document (JSON)."""

    name: str
    kind: str
    required: bool
    default: str
    choices: tuple[str, ...] = ()
    help: str = ""

    @property
    def label(self) -> str:
        return self.name.replace("_", " ").replace(".", ": ").capitalize()


def setting_fields(schema: Schema, before: str = "") -> Iterator[SettingField]:
    """Every field of a settings schema, nested ones by their dotted names, in the order of the schema."""
    for name, field in schema.fields.items():
        if isinstance(field, fields.Nested):
            yield from setting_fields(field.schema, f"{before}{name}.")
            continue
        yield SettingField(
            name=f"{before}{name}",
            kind=_kind(field),
            required=field.required,
            default=_default(field),
            choices=_choices(field),
            help=str(field.metadata.get("help", "")),
        )


def secret_names(schema: Schema) -> frozenset[str]:
    """The fields that are stored encrypted and never shown; secrets are never nested."""
    return frozenset(name for name, field in schema.fields.items() if field.metadata.get("secret"))


def typed(schema: Schema, texts: Mapping[str, str]) -> dict[str, Any]:
    """Texts by dotted name as the JSON values of a settings document; an empty text leaves the field to its default.

    Raises Invalid(`connections.settings`) for a name that the adapter does not know and a text that is no value.
    """
    known = {field.name: field for field in setting_fields(schema)}
    document: dict[str, Any] = {}
    wrong: list[dict[str, str]] = []
    for name, text in texts.items():
        if name not in known:
            fix = f"use one of {', '.join(sorted(known))}"
            wrong.append({"field": name, "rule": "the adapter has no such setting", "fix": fix})
            continue
        if not text.strip():
            continue
        try:
            _put(document, name, _value(known[name], text.strip()))
        except ValueError:
            wrong.append({"field": name, "rule": f"not a {known[name].kind}", "fix": _hint(known[name])})
    if wrong:
        raise refused(wrong)
    return document


def check(schema: Schema, document: Mapping[str, Any]) -> None:
    """Refuse a settings document that the adapter would not load; each error names field, rule and fix."""
    try:
        schema.load(document)
    except ValidationError as error:
        messages = cast(Mapping[str, Any], error.messages if isinstance(error.messages, dict) else {"": error.messages})
        raise refused(list(_flat("", messages))) from error


def as_texts(document: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """A settings document as the texts that a form shows."""
    texts: dict[str, str] = {}
    for name, value in document.items():
        if isinstance(value, dict) and value and all(isinstance(inner, str) for inner in value.values()):
            texts |= {f"{before}{name}.{inner}": text for inner, text in value.items()}
        texts[f"{before}{name}"] = value if isinstance(value, str) else json.dumps(value)
    return texts


def refused(wrong: list[dict[str, str]]) -> Invalid:
    said = "; ".join(f"{error['field']}: {error['rule']}" for error in wrong)
    return Invalid("connections.settings", f"these settings do not hold: {said}", errors=wrong)


def _kind(field: fields.Field[Any]) -> str:
    if field.metadata.get("secret"):
        return "secret"
    if _choices(field):
        return "choice"
    if isinstance(field, fields.Boolean):
        return "switch"
    if isinstance(field, fields.Integer | fields.Float | fields.Decimal):
        return "number"
    return "document" if isinstance(field, fields.Dict | fields.List) else "text"


def _choices(field: fields.Field[Any]) -> tuple[str, ...]:
    for validator in field.validators:
        if isinstance(validator, OneOf):
            return tuple(str(choice) for choice in validator.choices)
    return ()


def _default(field: fields.Field[Any]) -> str:
    default = field.load_default() if callable(field.load_default) else field.load_default
    if default is missing or default is None:
        return ""
    return default if isinstance(default, str) else json.dumps(default)


def _value(field: SettingField, text: str) -> Any:
    match field.kind:
        case "switch":
            if text.lower() not in YES + NO:
                raise ValueError(text)
            return text.lower() in YES
        case "number":
            return int(text) if text.lstrip("-").isdigit() else float(text)
        case "document":
            return json.loads(text)
    return text


def _put(document: dict[str, Any], name: str, value: Any) -> None:
    *groups, last = name.split(".")
    for group in groups:
        document = document.setdefault(group, {})
    document[last] = value


def _hint(field: SettingField) -> str:
    hints = {"switch": "yes or no", "number": "a number", "document": 'JSON, such as {"*": "1000"} or ["a", "b"]'}
    return f"give {hints.get(field.kind, 'text')}"


def _flat(path: str, wrong: Any) -> Iterator[dict[str, str]]:
    if isinstance(wrong, Mapping):
        for name, inner in wrong.items():
            yield from _flat(f"{path}.{name}".lstrip("."), inner)
        return
    for rule in wrong if isinstance(wrong, list) else [wrong]:
        missed = rule == "Missing data for required field."
        yield {"field": path, "rule": "is missing" if missed else str(rule).rstrip("."), "fix": "give a value"}
