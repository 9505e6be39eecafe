"""The page Storage: sizes in words, policies that are asked about before they change."""

from __future__ import annotations

import pytest

from app.console.storage import size_words
from app.infra.hub import Hub
from app.infra.retention.policy import policies
from app.infra.retention.storage import sample
from tests.console.browser import Browser

pytestmark = pytest.mark.capability("BAT-4", "ADM-2")


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_500, "1.5 kB"),
        (234_000_000, "234 MB"),
        (5.2e9, "5.2 GB"),
        (-2_500_000, "-2.5 MB"),
    ],
)
def test_a_size_is_told_in_words(count: float, said: str):
    assert size_words(count) == said


def test_it_shows_what_is_kept_how_large_tables_are_and_what_stays(hub: Hub, admin: Browser):
    sample(hub)
    page = admin.get("/admin/storage/").text
    for said in ("The database takes", "hub.delivery", "younger than 400 days", "Nothing has left yet", "no archive"):
        assert said in page
    assert "Answers to an Idempotency-Key" in page
    assert "3 days" in page


def test_a_policy_changes_after_its_question_and_under_a_name(hub: Hub, admin: Browser):
    admin.get("/admin/storage/")
    asked = admin.post("/admin/storage/policy", kind="notice", days="90", archive="yes")
    assert "Keep messages, as they came for 90 days" in asked.text
    with hub.unit_of_work() as uow:
        assert policies(uow)["notice"].keep_days == 400
    done = admin.post("/admin/storage/policy", kind="notice", days="90", archive="yes", sure="yes")
    assert "are kept for 90 days" in done.text
    with hub.unit_of_work() as uow:
        assert (policies(uow)["notice"].keep_days, policies(uow)["notice"].archive) == (90, True)


@pytest.mark.parametrize(("kind", "days"), [("event", "30"), ("notice", "soon"), ("notice", "0"), ("orders", "9")])
def test_what_does_not_hold_is_refused_before_it_is_asked(admin: Browser, kind: str, days: str):
    admin.get("/admin/storage/")
    assert admin.post("/admin/storage/policy", kind=kind, days=days).status_code == 422
