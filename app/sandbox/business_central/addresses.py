"""Addresses below …/api/v2.0/: which company, which set, which record, which action."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from app.sandbox.business_central.entities import ENTITIES
from app.sandbox.business_central.errors import no_segment
from app.sandbox.business_central.operations import takes
from app.sandbox.business_central.values import read_key

_NAMESPACE = "Microsoft.NAV."


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a request goes. `parent` is the record before the last set, `action` a bound action on the record."""

    set_name: str
    company: str = ""
    key: str = ""
    parent: tuple[str, str] | None = None
    action: str = ""

    def operation(self, method: str) -> str:
        """Return the name that faults and counts know the operation by."""
        return f"{method} {self.set_name}.{self.action}" if self.action else f"{method} {self.set_name}"


def parse_address(written: str) -> Address:
    """Read an address without its query. Raises Refusal for what the API does not have."""
    segments = [_segment(part) for part in written.strip("/").split("/")]
    first, key = segments[0]
    if first in {"$metadata", "$batch"} and len(segments) == 1:
        return Address(set_name=first)
    if first == "subscriptions" and len(segments) == 1:
        return Address(set_name=first, key=unquote(key).strip("'"))
    if first != "companies":
        raise no_segment(first)
    if not key:
        if len(segments) > 1:
            raise no_segment(segments[1][0])
        return Address(set_name=first)
    company = read_key(key)
    if len(segments) == 1:
        return Address(set_name="companies", company=company, key=company)
    return _inside(company, segments[1:])


def _inside(company: str, segments: list[tuple[str, str]]) -> Address:
    parent: tuple[str, str] | None = None
    set_name, key = "", ""
    for place, (name, written) in enumerate(segments):
        if name.startswith(_NAMESPACE) and place == len(segments) - 1 and key:
            return Address(company=company, set_name=set_name, key=key, action=name.removeprefix(_NAMESPACE))
        if place == 0:
            target = name
        else:
            if not key or set_name not in ENTITIES or place > 1:
                raise no_segment(name)
            navigation = ENTITIES[set_name].navigations.get(name)
            if navigation is None or not navigation.many:
                raise no_segment(name)
            parent, target = (set_name, key), navigation.target
        if not takes(target):
            raise no_segment(name)
        set_name, key = target, read_key(written) if written else ""
    return Address(company=company, set_name=set_name, key=key, parent=parent)


def _segment(part: str) -> tuple[str, str]:
    if part.endswith(")") and "(" in part:
        name, _, key = part[:-1].partition("(")
        return name, key
    return part, ""
