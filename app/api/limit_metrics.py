"""Breakers and quotas for /metrics: what all processes share by way of Redis. While it is away they say nothing."""

from __future__ import annotations

from app.api.metrics import Family, Sample
from app.infra.breaking import breaker_of, quotas_at
from app.infra.connecting import all_connections
from app.infra.hub import Hub
from app.infra.remote.quota import Standing
from app.kernel.errors import Transient

STATES = ("closed", "half_open", "open", "held")


def limit_families(hub: Hub) -> list[Family]:
    """The state of every breaker, and how every quota is used, by whom."""
    with hub.unit_of_work() as uow:
        connections = [hub.connections.get(uow.session, row.name) for row in all_connections(uow)]
    states = [
        Sample(value=int(breaker_of(hub, connection.name).state == state),
               labels={"connection": connection.name, "state": state})
        for connection in connections
        for state in STATES
    ]  # fmt: skip
    used: list[Sample] = []
    limits: list[Sample] = []
    spent: list[Sample] = []
    try:
        for connection in connections:
            for standing in quotas_at(hub, connection):
                labels = {"connection": connection.name, "quota": standing.quota.name}
                limits.append(Sample(value=standing.limit, labels=labels))
                used.append(Sample(value=standing.used, labels={**labels, "by": "hub"}))
                used.append(Sample(value=standing.others, labels={**labels, "by": "others"}))
                spent += _spent(standing, labels)
    except Transient:  # /readyz says that Redis is away
        used, limits, spent = [], [], []
    about = "What was spent of a quota in this hour, by purpose."
    return [
        Family(name="hub_breaker_state", kind="gauge", about="1 for the state a breaker is in.", samples=states),
        Family(name="hub_quota_limit", kind="gauge", about="What a vendor allows in a window.", samples=limits),
        Family(name="hub_quota_used", kind="gauge", about="What is used of it, by the hub and others.", samples=used),
        Family(name="hub_quota_spent_hour", kind="gauge", about=about, samples=spent),
    ]


def _spent(standing: Standing, labels: dict[str, str]) -> list[Sample]:
    return [Sample(value=n, labels={**labels, "purpose": purpose}) for purpose, n in standing.spent_hour.items()]
