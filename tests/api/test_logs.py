"""Logs as a machine reads them: one JSON object a line, with the correlation id that the caller was told."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from app.settings import Settings
from tests.servers import ROOT

BREAKS = """
from app.factory import create_app
app = create_app()
app.add_url_rule("/breaks", "breaks", lambda: 1 / 0)
print(app.test_client().get("/breaks").json["correlation_id"])
print(app.test_client().get("/nowhere").json["correlation_id"])
"""


@pytest.mark.capability("RT-12")
def test_a_bug_and_a_refusal_are_one_json_line_each_with_the_id_that_the_caller_was_told(settings: Settings) -> None:
    environment = {
        "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url, "HUB_SECRET_KEY": settings.secret_key,
        "HUB_HOME": str(settings.home), "HUB_LOG_FORMAT": "json", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    said = subprocess.run(
        [sys.executable, "-c", BREAKS],
        env=os.environ | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert said.returncode == 0, said.stderr
    lines = said.stdout.splitlines()
    told = [line for line in lines if not line.startswith("{")]
    logged = [json.loads(line) for line in lines if line.startswith("{")]
    assert len(told) == 2
    assert [(line["correlation_id"], line["level"]) for line in logged] == [
        (told[0], "error"), (told[0], "info"), (told[1], "info"),
    ]  # fmt: skip
    assert "ZeroDivisionError" in logged[0]["exception"]
    assert [line.get("status") for line in logged] == [None, 500, 404]
