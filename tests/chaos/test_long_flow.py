"""A long flow whose process dies at each of its points, once: the next one goes on, and everything happens once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine

from app.infra.remote.spec import Dedupe
from app.settings import Settings
from tests.chaos.long_flow import POINTS, Flow
from tests.hub import Crank
from tests.runtime.conftest import Remote, remote, spec
from tests.servers import ROOT

__all__ = ["remote"]
PATIENCE_SECONDS = 240.0  # alone it takes ten; a machine that others use too may take ten times as long


@pytest.fixture
def crank(
    settings: Settings, database: Engine, redis_client: redis.Redis, remote: Remote, tmp_path: Path
) -> Iterator[Crank]:
    """The hub as the test sees it."""
    made = Crank(settings, adapter=lambda _: spec(Dedupe.LOOKUP), steps=Flow(tmp_path).steps())
    made.connect("erp", "trial", role="erp", base_url=remote.url, doubt_seconds=0)
    with made.uow() as uow:
        uow.sql("CREATE TABLE public.trial (id serial PRIMARY KEY, thing text, what text)")
    yield made
    with made.uow() as uow:
        uow.sql("DROP TABLE public.trial")
    made.close()


@pytest.mark.capability("RT-11", "RT-3")
def test_a_long_flow_goes_on_where_its_process_died_whichever_point_that_was(
    crank: Crank, settings: Settings, remote: Remote, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "HUB_HOME": str(settings.home),
        "HUB_SECRET_KEY": settings.secret_key,
        "HUB_ALLOW_LOOPBACK": "1",
    }
    command = [sys.executable, "-m", "tests.chaos.long_flow", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == dict.fromkeys(POINTS, 1)
    for thing in POINTS:
        did = [what for (what,) in crank.rows("SELECT what FROM public.trial WHERE thing = %(t)s ORDER BY id", t=thing)]
        assert (thing, did[0], sorted(did), did[-1]) == (
            thing,
            "begun",
            ["asked", "begun", "posted", "undone"],
            "undone",
        )
    made = [thing.replace(" ", "-") for thing in POINTS]
    assert sorted(remote.calls) == sorted([*made, *(f"undo-{name}" for name in made)])
    assert set(crank.states()) == {"done"}
    assert crank.rows("SELECT state, count(*) FROM hub.deadline GROUP BY 1") == [("missed", len(POINTS))]
    assert crank.rows("SELECT state, closed_by, sum(count)::int FROM hub.exception_case GROUP BY 1, 2") == [
        ("resolved", "dana", len(POINTS))
    ]
    told = "SELECT type, count(*) FROM hub.event GROUP BY type"
    assert set(dict(crank.rows(told)).values()) == {len(POINTS)}
