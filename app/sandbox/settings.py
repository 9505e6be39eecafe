"""What a sandbox is started with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.sandbox.companies import CompanySpec


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of one sandbox; the defaults make an in-process sandbox for a test.

    `seed` is `demo`, `empty` or the path of a JSON file of masters. `store` keeps the books over restarts.
    `hub_url` is where webhooks and warehouse callbacks go; empty sends none.
    """

    seed: str = "demo"
    store: Path | None = None
    hub_url: str = ""
    shop_domain: str = "demo.myshopify.com"
    shop_secret: str = "sandbox-shop-secret"
    shop_token: str = "sandbox-shop-token"
    tenant: str = "marlow"
    environment: str = "production"
    client_id: str = "roundhouse"
    client_secret: str = "sandbox-erp-secret"
    erp_token: str = ""
    demo_rate: float = 0.0
    demo_troubles: bool = True
    notification_delay: float = 0.3  # the real Business Central gathers for 30 seconds, too long for a demo
    collection_after: int = 1000  # changes in one notification before they become one of the collection
    companies: tuple[CompanySpec, ...] = ()  # of Business Central; none means the demo's
    random_seed: int = 1

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings of a sandbox process from HUB_SANDBOX_… and HUB_DEMO_…; raises ValueError by name."""
        store = environ.get("HUB_SANDBOX_STORE", "")
        return cls(
            seed=environ.get("HUB_SANDBOX_SEED") or "demo",
            store=Path(store) if store else None,
            hub_url=environ.get("HUB_SANDBOX_HUB_URL", "").rstrip("/"),
            shop_secret=environ.get("HUB_SANDBOX_SHOP_SECRET") or cls.shop_secret,
            shop_token=environ.get("HUB_SANDBOX_SHOP_TOKEN") or cls.shop_token,
            client_secret=environ.get("HUB_SANDBOX_ERP_SECRET") or cls.client_secret,
            erp_token=environ.get("HUB_SANDBOX_ERP_TOKEN", ""),
            demo_rate=_rate(environ.get("HUB_DEMO_RATE") or "0"),
            demo_troubles=environ.get("HUB_DEMO_TROUBLES", "1") != "0",
        )


def _rate(written: str) -> float:
    try:
        rate = float(written)
    except ValueError:
        rate = -1.0
    if rate < 0:
        raise ValueError(f"HUB_DEMO_RATE is {written!r}; give the orders per second as a number from 0 up.")
    return rate
