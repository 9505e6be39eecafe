"""The scheduler: opens windows when their time comes. Any number may run; a window's run is a row.

`python -m app.jobs.schedule`
"""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass
from datetime import UTC, datetime

import redis
import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from app import flows, registry
from app.flows.runtime import STEPS
from app.infra.bell import RedisBell
from app.infra.hub import Hub, open_hub
from app.infra.telemetry import configure_logs
from app.infra.windows import open_window
from app.infra.workers import Heart
from app.jobs.broker import make_broker, make_ringer
from app.jobs.keeper import WINDOW as RETENTION
from app.kernel.version import VERSION
from app.settings import Settings

LATE_SECONDS = 3600  # a scheduler that was away opens what it missed within the hour; the poll reads by time anyway
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A window as data: its name and when it opens, in UTC (local cron fires twice or never when clocks change)."""

    name: str
    cron: str


WINDOWS = (
    Window(name="erp_poll", cron="* * * * *"),
    Window(name="channel_stock", cron="2-59/5 * * * *"),
    Window(name="stock_poll", cron="* * * * *"),
    Window(name="channel_prices", cron="4-59/15 * * * *"),
    Window(name="catalogue_poll", cron="7-59/15 * * * *"),
    Window(name="catalogue_alignment", cron="41 2 * * *"),
    Window(name="customer_poll", cron="9-59/15 * * * *"),
    Window(name="customer_alignment", cron="11 3 * * *"),
    Window(name="expiry_watch", cron="23 5 * * *"),
    Window(name="stock_recount", cron="37 3 * * *"),
    Window(name="state_counts", cron="*/5 * * * *"),
    Window(name="subscription_watch", cron="*/15 * * * *"),
    Window(name="gap_scan", cron="3-59/10 * * * *"),
    Window(name=RETENTION, cron=""),  # by HUB_RETENTION_FROM
)


def schedule(hub: Hub, scheduler: BackgroundScheduler) -> None:
    """Give every window its job; each firing only inserts the run and tells of it."""
    for window in WINDOWS:
        scheduler.add_job(
            fire, CronTrigger.from_crontab(cron_of(window, hub.settings), timezone=UTC), args=(hub, window.name),
            id=window.name, misfire_grace_time=LATE_SECONDS, coalesce=True, max_instances=1,
        )  # fmt: skip


def cron_of(window: Window, settings: Settings) -> str:
    """When a window opens. Retention's time is a setting: each house has quiet hours of its own."""
    if window.name != RETENTION:
        return window.cron
    hour, minute = settings.retention_from.split(":")
    return f"{int(minute)} {int(hour)} * * *"


def fire(hub: Hub, name: str) -> bool:
    """Open a window for the minute it stands for; False where another scheduler was first."""
    instant = hub.clock.now().replace(second=0, microsecond=0)
    with hub.unit_of_work() as uow:
        opened = open_window(uow, name, instant)
    if opened:
        log.info("schedule.window_opened", window=name, instant=_plain(instant))
    return opened


def _plain(instant: datetime) -> str:
    return instant.isoformat()


def main() -> None:
    """Schedule until SIGTERM or SIGINT."""
    settings = Settings.from_environment()
    configure_logs(settings)
    stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stop.set())
    flows.load()

    def bell(client: redis.Redis) -> RedisBell:
        return RedisBell(client, make_ringer(make_broker(settings, client)))

    hub = open_hub(settings, adapter=registry.adapter, subscriptions=STEPS.by_event, bell=bell, pool_size=2)
    heart = Heart(hub, "scheduler", VERSION)
    heart.start()
    scheduler = BackgroundScheduler(timezone=UTC)
    schedule(hub, scheduler)
    scheduler.start()
    log.info("schedule.started", windows=[window.name for window in WINDOWS])
    stop.wait()
    scheduler.shutdown(wait=False)
    heart.stop()
    hub.close()


if __name__ == "__main__":
    main()
