"""The catalogue of the emulated Business Central, imported by the real adapter over HTTP."""

from __future__ import annotations

import pytest
import redis
from sqlalchemy import Engine

from app import flows, registry
from app.adapters.business_central.client import Company
from app.domains.product import queries
from app.flows import catalogue_alignment, catalogue_in
from app.infra.runs.rows import runs
from app.settings import Settings
from tests.adapters.business_central.erp import a_us_company, an_erp
from tests.hub import Crank


@pytest.mark.capability("PRD-1", "PRD-4", "SYS-dynamics-bc")
def test_items_come_in_change_and_are_found_alike(
    settings: Settings, database: Engine, redis_client: redis.Redis
) -> None:
    flows.load()
    with an_erp(a_us_company()) as erp:
        crank = Crank(settings, adapter=registry.adapter)
        plain = {name: value for name, value in erp.settings.items() if name not in ("client_secret", "client_state")}
        secrets = {name: erp.settings[name] for name in ("client_secret", "client_state")}
        crank.connect("erp", "business_central", secrets=secrets, **plain)
        company = Company.of(erp.remote, erp.settings)
        company.post("items", {"number": "BIKE", "displayName": "Bicycle"})
        company.post("itemVariants", {"itemNumber": "BIKE", "code": "RED", "description": "Red bicycle"})

        def run(whole: bool) -> dict[str, int]:
            with crank.uow() as uow:
                catalogue_in.start(uow, uow.hub.connections.get(uow.session, "erp"), whole=whole, who="ann")
            crank.settle()
            with crank.uow() as uow:
                done = runs(uow, kind=catalogue_in.KIND)[0]
                assert (done.state, done.set_aside) == ("done", 0)
                return dict(done.counts)

        held = len(erp.held("items"))
        assert run(whole=True) == {"created": held}
        with crank.uow() as uow:
            tent = queries.product(uow, queries.place(uow, "MO-TENT-2P").product_id)
            bike = queries.product(uow, queries.place(uow, "BIKE-RED").product_id)
        assert (tent.status, tent.variants[0].uom, tent.origins["gtin"].source) == ("active", "PCS", "erp")
        assert tent.variants[0].gtin.startswith("952")
        assert (bike.code, bike.title, bike.variants[0].title) == ("BIKE", "Bicycle", "Red bicycle")

        erp.people("edit", set="items", number="MO-TENT-2P", values={"displayName": "Trail tent", "blocked": True})
        # all were made within the overlap, and the bicycle comes once for itself and once for its variant
        assert run(whole=False) == {"changed": 1, "unchanged": held}
        with crank.uow() as uow:
            tent = queries.product(uow, tent.product_id)
            catalogue_alignment.start(uow, uow.hub.connections.get(uow.session, "erp"), who="ann")
        assert (tent.title, tent.status, tent.version) == ("Trail tent", "retired", 2)
        crank.settle()
        with crank.uow() as uow:
            assert runs(uow, kind=catalogue_alignment.KIND)[0].state == "done"
            assert queries.drifts(uow) == []
        crank.close()
