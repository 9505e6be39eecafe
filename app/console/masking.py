"""Personal data as the console shows it: enough to recognise. Seeing it whole is an audited click."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.infra.masking import is_secret, masked_text
from app.infra.masking import masked_document as masked_document


def masked_body(body: bytes) -> str:
    """A message's body for reading: JSON is laid out and masked, anything else is masked by pattern."""
    text = body.decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except ValueError:
        return masked_text(text)
    return json.dumps(masked_document(document), indent=2, ensure_ascii=False)


def plain_body(body: bytes) -> str:
    """A message's body laid out, nothing masked."""
    text = body.decode("utf-8", "replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def masked_headers(headers: Mapping[str, Any]) -> dict[str, str]:
    """Headers without what proves the sender."""
    return {name: "••••" if is_secret(name) else str(value) for name, value in sorted(headers.items())}
