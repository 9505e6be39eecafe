"""What an API key may do, and what a person's role may do."""

from __future__ import annotations

from enum import StrEnum

SCOPES = {
    "erp:write": "Report accepted orders, shipments and invoices to /erp/<connection>/…",
    "orders:read": "Read orders and their timelines.",
    "operations:read": "Read deliveries, cases and connections.",
    "operations:write": "Replay and dismiss deliveries, pause and resume connections.",
    "metrics": "Read /metrics from elsewhere than this machine.",
}


class Role(StrEnum):
    """Who a person is to the hub."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    FINANCE = "finance"
    ADMIN = "admin"


class Permission(StrEnum):
    """What the console and the commands ask before they change something."""

    VIEW = "view"
    WORK = "work"  # replay, dismiss, resolve cases, map values
    CONNECT = "connect"  # add connections, rotate secrets, pause
    PEOPLE = "people"  # people and API keys
    UNMASK = "unmask"  # see personal data in clear, audited


GRANTS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.VIEW}),
    Role.FINANCE: frozenset({Permission.VIEW, Permission.UNMASK}),
    Role.OPERATOR: frozenset({Permission.VIEW, Permission.WORK, Permission.UNMASK}),
    Role.ADMIN: frozenset(Permission),
}


def may(role: str, permission: Permission) -> bool:
    """True if a person of this role may do it."""
    return permission in GRANTS[Role(role)]
