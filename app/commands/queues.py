"""`flask queue …` and `flask policy …`: how much waits where, and whether promises are kept."""

from __future__ import annotations

import click

from app.commands.terminal import Commands, as_json, listed
from app.flows.policy import promises_now, queues_now
from app.infra.web.wiring import hub
from app.kernel.errors import NotFound

queues = Commands("queue", help="The queues: their shares and bounds, what waits, who serves them.")
policies = Commands("policy", help="What each step promises, and how it was kept.")
WORDS = {0: "never", 1: "when the hub is busy", 2: "when the hub is overloaded"}


@queues.command("list")
@as_json
def list_queues(json_wanted: bool) -> None:
    """Every queue by priority. `waiting` is the relay's estimate, at most some seconds old."""
    with hub().unit_of_work() as uow:
        rows = [
            {
                "queue": one.name, "weight": one.weight, "bound": one.bound, "waiting": one.waiting,
                "oldest_seconds": round(one.seconds, 1), "full": one.full, "deferred": one.deferred,
                "workers": one.workers, "slowed": one.slowed,
            }
            for one in queues_now(uow)
        ]  # fmt: skip
    columns = ("queue", "weight", "bound", "waiting", "oldest_seconds", "full", "deferred", "workers", "slowed")
    listed(rows, columns, json_wanted=json_wanted, nothing="There is no queue.")


@queues.command("levels")
@as_json
def levels(json_wanted: bool) -> None:
    """Where orders wait too long: of the hub itself, and of remotes. Nothing listed is calm."""
    load = hub().pressure.look()
    words = {1: "busy", 2: "overloaded"}
    rows = [{"where": name or "hub", "level": words[level]} for name, level in sorted(load.levels.items())]
    listed(rows, ("where", "level"), json_wanted=json_wanted, nothing="Calm: nothing is deferred.")


@policies.command("list")
@click.option("--hours", type=click.IntRange(1, 840), default=24, show_default=True, help="Of the last so many hours.")
@as_json
def list_policies(hours: int, json_wanted: bool) -> None:
    """Every promise with its target, how it was kept, and what waits first under load."""
    with hub().unit_of_work() as uow:
        rows = [
            {
                "policy": one.policy.name, "class": one.policy.kind.value, "queue": one.policy.queue,
                "priority": one.policy.priority, "target_seconds": one.policy.target, "steps": one.kept.steps,
                "within": round(one.kept.within, 4), "p95_seconds": one.kept.p95, "late": one.kept.late,
                "state": one.state, "waits": WORDS[one.policy.deferred], "promise": one.policy.promise,
                "covers": list(one.policy.steps),
            }
            for one in promises_now(uow, hours)
        ]  # fmt: skip
    columns = ("policy", "class", "queue", "target_seconds", "p95_seconds", "within", "late", "state", "waits")
    listed(rows, columns, json_wanted=json_wanted, nothing="No policy is stated.")


@policies.command("show")
@click.argument("name")
@as_json
def show(name: str, json_wanted: bool) -> None:
    """The last day of one policy, hour by hour: how many steps were late."""
    with hub().unit_of_work() as uow:
        found = {one.policy.name: one for one in promises_now(uow)}
    if name not in found:
        raise NotFound("policies.unknown", f"there is no policy {name!r}; `flask policy list` shows them", about=name)
    late = found[name].kept.hours
    rows = [{"hours_ago": len(late) - 1 - n, "late": count} for n, count in enumerate(late)]
    listed(rows, ("hours_ago", "late"), json_wanted=json_wanted, nothing="Nothing was measured.")
