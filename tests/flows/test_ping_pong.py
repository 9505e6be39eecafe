"""Two systems that change one field back and forth are stopped after some turns, with one case that names both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import redis
from sqlalchemy import Engine

from app import flows, registry
from app.adapters.business_central.client import Company
from app.domains.product import queries
from app.flows import catalogue_in, ping_pong
from app.infra.ownership import set_owner
from app.infra.ping_pong import CASE, Change, Turn, forget, next_turn
from app.infra.replay.again import resolve_case
from app.infra.windows import WindowOpened
from app.settings import Settings
from tests.adapters.business_central.erp import Erp, a_us_company, an_erp
from tests.hub import Crank
from tests.stock import MORNING

pytestmark = pytest.mark.capability("CM-8")
SKU = "MO-TENT-2P"
WINDOW = timedelta(hours=72)


def told(value: str, last: str = "") -> Change:
    return Change(company="", key="product TENT", group="text", last=last, value=value)


def turns(*said: tuple[str, str], hours: float = 1) -> list[int]:
    """How many turns are counted after each word of a source."""
    before: Turn | None = None
    counted, last = [], ""
    for n, (source, value) in enumerate(said):
        before = next_turn(before, told(value, last), source, MORNING + n * timedelta(hours=hours), WINDOW)
        counted.append(before.turns if before else 0)
        last = source
    return counted


def test_only_what_puts_a_value_back_is_a_turn() -> None:
    assert turns(("erp", "a"), ("pim", "b"), ("erp", "a"), ("pim", "b"), ("erp", "a")) == [0, 1, 2, 3, 4]
    assert turns(("erp", "a"), ("pim", "b"), ("erp", "c"), ("pim", "d"), ("erp", "e")) == [0, 1, 2, 1, 1]
    assert turns(("erp", "a"), ("pim", "b"), ("wms", "c"), ("erp", "a")) == [0, 1, 1, 1]
    assert turns(("erp", "a"), ("erp", "b"), ("erp", "a")) == [0, 0, 0]


def test_turns_are_counted_within_the_window() -> None:
    assert turns(("erp", "a"), ("pim", "b"), ("erp", "a"), ("pim", "b"), hours=40) == [0, 1, 2, 1]


@dataclass
class Fight:
    """Two emulated ERPs that know the same item by another name, and a hub that imports from both."""

    crank: Crank
    erps: dict[str, Erp]
    versions: list[int] = field(default_factory=list)

    def told_by(self, name: str) -> str:
        """Import whole from one; returns the title that the hub has then."""
        with self.crank.uow() as uow:
            catalogue_in.start(uow, uow.hub.connections.get(uow.session, name), whole=True, who="ann")
        self.crank.settle()
        with self.crank.uow() as uow:
            tent = queries.product(uow, queries.place(uow, SKU).product_id)
        self.versions.append(tent.version)
        return tent.title

    def cases(self) -> list[tuple[str, str, dict[str, str]]]:
        return self.crank.rows(
            "SELECT about, state, facts -> 'values' FROM hub.exception_case WHERE code = %(code)s ORDER BY opened_at",
            code=CASE,
        )


@pytest.fixture
def fight(settings: Settings, database: Engine, redis_client: redis.Redis) -> Iterator[Fight]:
    flows.load()
    crank = Crank(settings, adapter=registry.adapter)
    with ExitStack() as stack:
        erps = {name: stack.enter_context(an_erp(a_us_company())) for name in ("east", "west")}
        for name, erp in erps.items():
            plain = {key: said for key, said in erp.settings.items() if key not in ("client_secret", "client_state")}
            secrets = {key: erp.settings[key] for key in ("client_secret", "client_state")}
            crank.connect(name, "business_central", secrets=secrets, **plain)
            Company.of(erp.remote, erp.settings)
            erp.people("edit", set="items", number=SKU, values={"displayName": f"Tent of {name}"})
        yield Fight(crank, erps)
        crank.close()


def test_two_erps_that_fight_over_a_title_are_stopped_and_go_on_with_the_owner(fight: Fight) -> None:
    said = [fight.told_by(name) for name in ("east", "west", "east", "west", "east", "west", "east")]
    # the fourth turn is not taken any more: west's title stays
    assert said == [*(f"Tent of {name}" for name in ("east", "west", "east", "west")), *["Tent of west"] * 3]
    assert fight.versions == [1, 2, 3, 4, 4, 4, 4]
    ((about, state, values),) = fight.cases()
    assert (about, state) == ("product text: east and west", "new")
    assert ["Tent of east" in values["east"], "Tent of west" in values["west"]] == [True, True]
    noted = fight.crank.rows("SELECT key, source, state FROM hub.foreign_update WHERE field_group = 'text'")
    assert {(key, state) for key, _, state in noted} == {(f"product {SKU}", "refused")}

    with fight.crank.uow() as uow:
        set_owner(uow, "", "product", "text", "east", "ann")
    assert [state for _, state, _ in fight.cases()] == ["resolved"]
    assert [fight.told_by("west"), fight.told_by("east"), fight.told_by("west")] == [
        "Tent of west",
        *["Tent of east"] * 2,
    ]
    assert len(fight.cases()) == 1


def test_a_case_that_is_resolved_lets_both_go_on_and_counts_from_one(fight: Fight) -> None:
    for name in ("east", "west", "east", "west", "east"):
        fight.told_by(name)
    (case_id,) = fight.crank.rows("SELECT id::text FROM hub.exception_case WHERE code = %(code)s", code=CASE)[0]
    fight.erps["west"].people("edit", set="items", number=SKU, values={"displayName": "Tent of east"})
    with fight.crank.uow() as uow:
        resolve_case(uow, case_id, "june", "west has the right title now")
    assert fight.told_by("east") == "Tent of east"
    assert fight.told_by("west") == "Tent of east"
    assert [state for _, state, _ in fight.cases()] == ["resolved"]


def test_old_turns_are_forgotten_and_those_of_an_open_case_are_not(fight: Fight) -> None:
    for name in ("east", "west", "east", "west", "east"):
        fight.told_by(name)
    later = "UPDATE hub.turn SET last_at = last_at - interval '80 hours'"
    with fight.crank.uow() as uow:
        uow.sql(later)
        held = uow.sql("SELECT count(*) FROM hub.turn WHERE case_id IS NOT NULL").fetchone()
        uow.publish(WindowOpened(name=ping_pong.WINDOW, instant=uow.hub.clock.now()))
    fight.crank.settle()
    with fight.crank.uow() as uow:
        assert uow.sql("SELECT count(*) FROM hub.turn").fetchone() == held
        uow.sql("UPDATE hub.exception_case SET state = 'resolved'")
        assert forget(uow) == (held[0] if held else 0)
