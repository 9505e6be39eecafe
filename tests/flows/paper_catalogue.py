"""A catalogue on paper: products that a test writes down, read by number as a source reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import redis
from sqlalchemy import Engine

from app import flows
from app.domains.product.canonical import ProductDraft
from app.domains.product.ports import Batch, ProductSource, Refusal
from app.infra.remote.client import Outbound
from app.infra.remote.spec import AdapterSpec, Capability, Dedupe, SettingsSchema
from app.infra.runs.rows import RunRow, runs
from app.kernel.errors import HubError
from app.settings import Settings
from tests.hub import Crank


class AnySettings(SettingsSchema):
    class Meta:
        unknown = "include"


@dataclass
class Catalogue:
    """The source. `asked` is what it was asked for; the next call fails with each of `failures`."""

    sheets: dict[str, ProductDraft] = field(default_factory=dict)
    wrong: list[Refusal] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)  # what a question with `since` is answered with
    asked: list[tuple[datetime | None, str]] = field(default_factory=list)
    failures: list[HubError] = field(default_factory=list)

    def write(self, *drafts: ProductDraft) -> None:
        for draft in drafts:
            self.sheets[draft.code] = draft
            self.changed.add(draft.code)

    def page(self, *, since: datetime | None, after: str = "", most: int = 500) -> Batch:
        if self.failures:
            raise self.failures.pop(0)
        self.asked.append((since, after))
        wanted = sorted(code for code in self.sheets if code > after and (since is None or code in self.changed))
        part = wanted[:most]
        return Batch(
            drafts=tuple(self.sheets[code] for code in part), after=part[-1] if len(wanted) > most else "",
            refused=() if after else tuple(self.wrong),
        )  # fmt: skip


def adapters(source: Catalogue) -> Callable[[str], AdapterSpec]:
    def connect(settings: Mapping[str, Any]) -> Outbound:
        return Outbound(system="paper", base_url="http://127.0.0.1:9", allow_loopback=True)

    sells = Capability(port=ProductSource, build=lambda remote, settings: source, dedupe=Dedupe.READS)
    specs = {
        name: AdapterSpec(
            name=name, title=name, api_version="1", settings=AnySettings, connect=connect, capabilities=ports,
            contract="unverified",
        )
        for name, ports in {"paper_catalogue": (sells,), "paper_mute": ()}.items()
    }  # fmt: skip
    return specs.__getitem__


@dataclass
class Import:
    """A hub with a source of products that is called `erp`, cranked by a test."""

    crank: Crank
    source: Catalogue

    def newest(self, kind: str) -> RunRow:
        with self.crank.uow() as uow:
            return runs(uow, kind=kind)[0]

    def told(self, kind: str) -> list[Any]:
        rows = self.crank.rows("SELECT payload FROM hub.event WHERE type = %(t)s ORDER BY id", t=kind)
        return [row[0] for row in rows]


@contextmanager
def an_import(settings: Settings, database: Engine, redis_client: redis.Redis) -> Iterator[Import]:
    flows.load()
    source = Catalogue()
    crank = Crank(settings, adapter=adapters(source))
    crank.connect("erp", "paper_catalogue")
    yield Import(crank, source)
    crank.close()
