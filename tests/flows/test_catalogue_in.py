"""Products come in from their source: the whole once, what changed by the clock, and nothing that cannot be right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import redis
from sqlalchemy import Engine

from app.domains.product import queries
from app.domains.product.ports import Refusal
from app.flows import catalogue_in
from app.infra.runs.work import resume_run
from app.infra.value_maps import set_value
from app.infra.windows import open_window
from app.kernel.errors import NeedsAttention, Refused, Transient
from app.settings import Settings
from tests.domains.product.shelves import bundle, draft
from tests.flows.paper_catalogue import Import, an_import

IMPORTED = catalogue_in.KIND


@pytest.fixture
def hub(settings: Settings, database: Engine, redis_client: redis.Redis) -> Iterator[Import]:
    with an_import(settings, database, redis_client) as made:
        yield made


def start(hub: Import, *, whole: bool = True) -> str:
    with hub.crank.uow() as uow:
        connection = uow.hub.connections.get(uow.session, "erp")
        return catalogue_in.start(uow, connection, whole=whole, who="ann")


def open_catalogue_window(hub: Import) -> None:
    with hub.crank.uow() as uow:
        open_window(uow, catalogue_in.WINDOW, uow.hub.clock.now())
    hub.crank.settle()


@pytest.mark.capability("PRD-1", "PRD-4")
def test_the_whole_is_imported_page_by_page_and_told_in_bulk(hub: Import) -> None:
    hub.source.write(*(draft(f"SKU-{n:04}", title=f"Thing {n}") for n in range(1100)))
    start(hub)
    hub.crank.settle()
    run = hub.newest(IMPORTED)
    assert (run.state, run.done, run.total, run.set_aside) == ("done", 1100, 1100, 0)
    assert run.counts == {"created": 1100}
    assert [after for _, after in hub.source.asked] == ["", "SKU-0499", "SKU-0999"]
    assert [len(fact["product_ids"]) for fact in hub.told("product.catalogue_changed.v1")] == [500, 500, 100]
    assert hub.told("product.product_changed.v1") == []
    with hub.crank.uow() as uow:
        kept = queries.product(uow, queries.place(uow, "SKU-1099").product_id)
    assert (kept.title, kept.origins["text"].source) == ("Thing 1099", "erp")


@pytest.mark.capability("PRD-1")
def test_what_cannot_be_right_is_set_aside_by_name_and_the_rest_comes_in(hub: Import) -> None:
    hub.source.write(draft("GOOD"), bundle("SET", GHOST="1"))
    hub.source.wrong.append(Refusal(key="BAD", code="product.gtin_check_digit", said="GTIN 1 ends in 1"))
    run_id = start(hub)
    hub.crank.settle()
    run = hub.newest(IMPORTED)
    assert (run.state, run.counts, run.set_aside) == ("done", {"created": 1, "refused": 2}, 2)
    rows = hub.crank.rows("SELECT key, code FROM hub.run_item WHERE run_id = %(r)s ORDER BY key", r=run_id)
    assert rows == [("BAD", "product.gtin_check_digit"), ("SET", "product.component_missing")]


@pytest.mark.capability("PRD-4")
def test_what_changed_since_comes_by_the_clock_and_is_told_one_by_one(hub: Import) -> None:
    hub.source.write(draft("CUP", title="Cup"), draft("MUG", title="Mug"))
    start(hub)
    hub.crank.settle()
    begun = hub.newest(IMPORTED).created_at
    hub.source.changed.clear()
    hub.source.write(draft("MUG", title="Mug, large"))
    open_catalogue_window(hub)
    run = hub.newest(IMPORTED)
    assert (run.state, run.who, run.counts) == ("done", "hub", {"changed": 1})
    assert hub.source.asked[-1] == (begun - catalogue_in.OVERLAP, "")
    (fact,) = hub.told("product.product_changed.v1")
    assert (fact["code"], fact["version"], fact["changed"], fact["source"]) == ("MUG", 2, ["text"], "erp")


def test_the_clock_imports_nothing_that_nobody_has_asked_for_once(hub: Import) -> None:
    hub.source.write(draft("CUP"))
    hub.crank.connect("mute", "paper_mute")
    open_catalogue_window(hub)
    assert hub.source.asked == []
    assert hub.crank.rows("SELECT 1 FROM hub.run") == []


def test_the_next_poll_begins_where_the_last_one_that_ended_well_began(hub: Import) -> None:
    start(hub)
    hub.crank.settle()
    well = hub.newest(IMPORTED).created_at
    hub.source.failures.append(NeedsAttention("erp.closed", "the company is closed"))
    open_catalogue_window(hub)
    assert hub.newest(IMPORTED).state == "failed"
    with hub.crank.uow() as uow:  # and sixty times more
        uow.sql("DELETE FROM hub.window_run")
        uow.sql(
            "INSERT INTO hub.run (id, kind, connection, state, who) "
            "SELECT gen_random_uuid(), kind, connection, state, who FROM hub.run "
            "CROSS JOIN generate_series(1, 60) WHERE state = 'failed'"
        )
    open_catalogue_window(hub)
    assert hub.source.asked[-1] == (well - catalogue_in.OVERLAP, "")
    assert hub.crank.rows("SELECT count(*) FROM hub.run WHERE state = 'done'") == [(2,)]


def test_an_import_that_broke_off_goes_on_at_its_page_and_takes_nothing_in_twice(hub: Import) -> None:
    hub.source.write(*(draft(f"SKU-{n:04}") for n in range(600)))
    hub.source.failures = []
    run_id = start(hub)
    original = hub.source.page

    def breaks_once(**asked: object) -> object:
        if asked["after"] and not hub.source.failures:
            hub.source.failures.append(NeedsAttention("erp.closed", "the company is closed"))
            hub.source.page = original  # type: ignore[method-assign]
        return original(**asked)  # type: ignore[arg-type]

    hub.source.page = breaks_once  # type: ignore[method-assign, assignment]
    hub.crank.settle()
    assert (hub.newest(IMPORTED).state, hub.newest(IMPORTED).done) == ("failed", 500)
    with hub.crank.uow() as uow:
        resume_run(uow, run_id, "ann")
    hub.crank.settle()
    run = hub.newest(IMPORTED)
    assert (run.state, run.done, run.counts) == ("done", 600, {"created": 600})


def test_a_passing_failure_is_tried_again(hub: Import) -> None:
    hub.source.write(draft("CUP"))
    hub.source.failures.append(Transient("erp.away", "not now"))
    start(hub)
    hub.crank.settle()
    hub.crank.hasten()
    hub.crank.settle()
    assert hub.newest(IMPORTED).counts == {"created": 1}


def test_one_import_at_a_time_and_the_whole_first(hub: Import) -> None:
    with pytest.raises(Refused, match="nothing was imported") as first:
        start(hub, whole=False)
    assert first.value.code == "product.import_first"
    start(hub)
    with pytest.raises(Refused) as twice:
        start(hub)
    assert twice.value.code == "product.import_under_way"
    hub.crank.settle()
    start(hub, whole=False)
    hub.crank.settle()
    since = hub.newest(IMPORTED).spec["since"]
    assert since is not None
    assert timedelta(0) < hub.newest(IMPORTED).created_at - datetime.fromisoformat(since)


def test_a_connection_that_holds_no_products_says_so(hub: Import) -> None:
    hub.crank.connect("mute", "paper_mute")
    with hub.crank.uow() as uow, pytest.raises(Refused) as refused:
        catalogue_in.start(uow, uow.hub.connections.get(uow.session, "mute"), whole=True, who="ann")
    assert refused.value.code == "product.no_source"


@pytest.mark.capability("PRD-1", "CM-5")
def test_an_item_that_is_a_sku_of_ours_by_the_value_map_is_that_sku(hub: Import) -> None:
    with hub.crank.uow() as uow:
        for sku, number in (("TEE-M", "1000"), ("CUP", "2000"), ("CUP-OLD", "2000")):
            set_value(uow, "erp", "item", sku, number, "ann")
    hub.source.write(draft("1000", title="Shirt"), draft("2000", title="Cup"), draft("3000", title="Pot"))
    start(hub)
    hub.crank.settle()
    with hub.crank.uow() as uow:
        titles = {one.sku: one.title for one in queries.page(uow, queries.Filter())}
    assert titles == {"TEE-M": "Shirt", "CUP": "Cup", "CUP-OLD": "Cup", "3000": "Pot"}
    assert hub.newest(IMPORTED).counts == {"created": 4}
