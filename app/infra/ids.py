"""Ids that people and APIs see: UUID version 7 (RFC 9562), which sort by time."""

from __future__ import annotations

from uuid_utils import uuid7  # `compat` makes one of the standard library's, for ten times the price


def new_id() -> str:
    return str(uuid7())
