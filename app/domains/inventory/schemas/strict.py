"""What every body that is sent to us keeps to."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

MOST = 500  # rows of one body: a moment's work for the database
NAME = validate.Length(min=1, max=200)


class Strict(Schema):
    """A body whose every field is known: a stranger's typo is told, not ignored."""

    class Meta:
        unknown = RAISE

    @pre_load
    def _no_nul(self, given: Any, **_: Any) -> Any:
        """U+0000 is valid in JSON and stored by no database."""
        texts = given.items() if isinstance(given, dict) else ()
        wrong = [name for name, text in texts if isinstance(text, str) and "\0" in text]
        if wrong:
            raise ValidationError(dict.fromkeys(wrong, ["U+0000 is no character of a text"]))
        return given


def quantity(**given: Any) -> fields.Decimal:
    """An exact number, as JSON text or number."""
    return fields.Decimal(allow_nan=False, as_string=True, metadata={"example": "12"}, **given)
