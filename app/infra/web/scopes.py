"""What an API key may do, and what a person's role may do."""

from __future__ import annotations

from enum import StrEnum

SCOPES = {
    "erp:write": "Report accepted orders, shipments and invoices to /erp/<connection>/…",
    "orders:read": "Read orders and their timelines.",
    "stock:read": "Read what can be sold, and how it comes.",
    "stock:write": "Report counts, movements and goods on their way; keep stock for carts; set channel policies.",
    "customers:read": "Read customers, and which of them may be one.",
    "customers:write": "Change customers; merge them and take a merge back.",
    "privacy": "Ask for a person's data or its erasure, and fetch the file.",
    "operations:read": "Read deliveries, cases and connections.",
    "operations:write": "Replay and dismiss deliveries, pause and resume connections.",
    "products:read": "Read products, their SKUs and units.",
    "products:write": "Say what products are.",
    "prices:read": "Ask for quotes; read price lists, promotions, tax rates and what channels show.",
    "prices:write": "Change price lists, promotions, tax rates and what is known of items.",
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
