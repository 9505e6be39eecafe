"""Once a night the source and the hub are compared: what differs is told until it is alike again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from sqlalchemy import Engine

from app.domains.product import queries, service
from app.domains.product.canonical import VariantDraft
from app.domains.product.ports import Refusal
from app.flows import catalogue_alignment, catalogue_in
from app.infra.windows import open_window
from app.kernel.errors import Refused
from app.settings import Settings
from tests.domains.product.shelves import draft
from tests.flows.paper_catalogue import Import, an_import

pytestmark = pytest.mark.capability("PRD-4")


@pytest.fixture
def hub(settings: Settings, database: Engine, redis_client: redis.Redis) -> Iterator[Import]:
    with an_import(settings, database, redis_client) as made:
        yield made


def import_whole(hub: Import) -> None:
    with hub.crank.uow() as uow:
        catalogue_in.start(uow, uow.hub.connections.get(uow.session, "erp"), whole=True, who="ann")
    hub.crank.settle()


def align(hub: Import) -> dict[tuple[str, str], tuple[str, str, str]]:
    """Compare at night; what differs, by SKU and field."""
    with hub.crank.uow() as uow:
        uow.sql("DELETE FROM hub.window_run")
        open_window(uow, catalogue_alignment.WINDOW, uow.hub.clock.now())
    hub.crank.settle()
    assert hub.newest(catalogue_alignment.KIND).state == "done"
    with hub.crank.uow() as uow:
        return {(one.sku, one.field): (one.kind, one.ours, one.theirs) for one in queries.drifts(uow)}


def cases(hub: Import) -> list[tuple[str, str]]:
    return hub.crank.rows("SELECT state, title FROM hub.exception_case WHERE code = 'product.drift' ORDER BY id")


def test_what_was_just_imported_is_alike(hub: Import) -> None:
    mug = VariantDraft(sku="MUG", gtin="96385074", uom="PCS")
    hub.source.write(draft("MUG", variants=(mug,), title="Mug", status="active"), draft("TENT", "T-RED", "T-GRN"))
    import_whole(hub)
    assert align(hub) == {}
    assert cases(hub) == []
    run = hub.newest(catalogue_alignment.KIND)
    assert (run.done, run.counts, run.said, run.who) == (2, {}, "all is alike", "hub")


def test_a_field_that_differs_is_told_until_it_is_alike_again_and_nothing_is_repaired(hub: Import) -> None:
    hub.source.write(draft("MUG", title="Mug", status="active"))
    import_whole(hub)
    with hub.crank.uow() as uow:
        service.keep(uow, draft("MUG", title="Becher", status="retired"), "ann")
    assert align(hub) == {
        ("MUG", "title"): ("differs", "Becher", "Mug"),
        ("MUG", "status"): ("differs", "retired", "active"),
    }
    ((state, title),) = cases(hub)
    assert (state, "2 fields differ" in title) == ("new", True)
    with hub.crank.uow() as uow:
        assert queries.product(uow, queries.place(uow, "MUG").product_id).title == "Becher"
        first = queries.drifts(uow)[0].found_at
    hub.source.write(draft("MUG", title="Becher", status="active"))
    assert {*align(hub)} == {("MUG", "status")}
    with hub.crank.uow() as uow:
        assert queries.drifts(uow)[0].found_at == first
        service.keep(uow, draft("MUG", status="active"), "ann")
    assert align(hub) == {}
    assert [state for state, _ in cases(hub)] == ["resolved"]


def test_what_is_missing_on_either_side_is_told(hub: Import) -> None:
    hub.source.write(draft("CUP", status="active"), draft("MUG", status="active"), draft("POT", status="retired"))
    import_whole(hub)
    del hub.source.sheets["CUP"], hub.source.sheets["POT"]
    hub.source.write(draft("NEW", title="New"))
    with hub.crank.uow() as uow:
        service.keep(uow, draft("OWN"), "ann")  # the source never had it
    assert align(hub) == {("CUP", ""): ("missing_there", "active", ""), ("NEW", ""): ("missing_here", "", "New")}
    hub.source.write(draft("CUP", status="active"))
    import_whole(hub)
    assert align(hub) == {}


def test_what_the_source_holds_wrongly_is_there_and_is_not_called_missing(hub: Import) -> None:
    hub.source.write(draft("MUG", status="active"))
    import_whole(hub)
    del hub.source.sheets["MUG"]
    hub.source.wrong.append(Refusal(key="MUG", code="product.gtin_check_digit", said="GTIN 1 ends in 1"))
    assert align(hub) == {}
    assert hub.newest(catalogue_alignment.KIND).set_aside == 1


def test_single_items_of_a_product_that_a_catalogue_put_together_are_compared_by_sku(hub: Import) -> None:
    hub.source.write(draft("T-RED", title="Tent red", status="active"), draft("T-GRN", title="Tent green"))
    with hub.crank.uow() as uow:
        service.keep(uow, draft("TENT", "T-RED", "T-GRN", title="Tent", placing=True), "pim")
    import_whole(hub)
    assert align(hub) == {}
    hub.source.write(draft("T-RED", title="Tent crimson", status="active"))
    assert align(hub) == {("T-RED", "title"): ("differs", "Tent red", "Tent crimson")}


def test_nothing_is_compared_that_was_never_imported(hub: Import) -> None:
    hub.source.write(draft("MUG"))
    hub.crank.connect("mute", "paper_mute")
    with hub.crank.uow() as uow:
        open_window(uow, catalogue_alignment.WINDOW, uow.hub.clock.now())
    hub.crank.settle()
    assert hub.source.asked == []
    with hub.crank.uow() as uow, pytest.raises(Refused) as refused:
        catalogue_alignment.start(uow, uow.hub.connections.get(uow.session, "erp"), who="ann")
    assert refused.value.code == "product.import_first"
    with hub.crank.uow() as uow, pytest.raises(Refused) as none:
        catalogue_alignment.start(uow, uow.hub.connections.get(uow.session, "mute"), who="ann")
    assert none.value.code == "product.no_source"
