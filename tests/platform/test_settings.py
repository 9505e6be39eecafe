"""Settings: what holds, what is refused, and that .env.example tells all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from app.settings import CannotStart, Settings, addresses_file, kept_secret
from tests.servers import ROOT

GIVEN = {
    "DATABASE_URL": "postgresql://hub@db/hub",
    "REDIS_URL": "redis://cache/0",
    "HUB_SECRET_KEY": "k" * 48,
}
VARIABLE = r"\b(HUB_[A-Z_]+|DATABASE_URL|REDIS_URL)\b"
COMPOSE_ONLY = {"POSTGRES_PASSWORD"}


def refused(**changed: str) -> str:
    with pytest.raises(CannotStart) as caught:
        Settings.from_environment(GIVEN | changed)
    return caught.value.message


def documented() -> dict[str, str]:
    """Every variable of .env.example with the value that stands there."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=(.*)$", text, re.M))


class TestSettings:
    def test_three_variables_are_enough(self) -> None:
        settings = Settings.from_environment(GIVEN)
        assert (settings.port, settings.host, settings.workers, settings.demo) == (8000, "127.0.0.1", 2, False)
        assert settings.home == Path.cwd() / "var"

    @pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
    def test_every_spelling_of_a_database_address_will_do(self, scheme: str) -> None:
        settings = Settings.from_environment(GIVEN | {"DATABASE_URL": f"{scheme}://u:p@db:5/hub?sslmode=require"})
        assert settings.database_url == "postgresql+psycopg://u:p@db:5/hub?sslmode=require"

    def test_a_variable_set_to_nothing_counts_as_not_set(self) -> None:
        assert Settings.from_environment(GIVEN | {"HUB_PORT": ""}).port == 8000

    def test_one_sentence_names_everything_that_is_missing(self, tmp_path: Path) -> None:
        with pytest.raises(CannotStart) as caught:
            Settings.from_environment({"HUB_HOME": str(tmp_path)})
        for variable in GIVEN:
            assert variable in caught.value.message
        assert caught.value.message.count(". ") == 0

    @pytest.mark.parametrize(
        ("variable", "wrong", "advice"),
        [
            ("DATABASE_URL", "mysql://u:secret@db/hub", "begins with postgresql://"),
            ("REDIS_URL", "cache:6379", "begins with redis://"),
            ("HUB_PORT", "80a", "not a valid integer"),
            ("HUB_PORT", "70000", "a port from 1 to 65535"),
            ("HUB_WORKERS", "0", "a number from 1 up"),
            ("HUB_DEMO", "maybe", "not a valid boolean"),
            ("HUB_LOG_LEVEL", "LOUD", "one of DEBUG, INFO, WARNING, ERROR"),
            ("HUB_PUBLIC_URL", "hub.example", "begins with http:// or https://"),
            ("HUB_RETENTION_FROM", "25:00", "a time of day in UTC"),
            ("HUB_RETENTION_FROM", "01:07:30", "a time of day in UTC"),
            ("HUB_SECRET_KEY", "short", "at least 32 characters"),
        ],
    )
    def test_a_wrong_value_is_refused_with_advice(self, variable: str, wrong: str, advice: str) -> None:
        said = refused(**{variable: wrong})
        assert f"{variable}: " in said
        assert advice in said
        assert "secret" not in said

    def test_the_addresses_of_running_embedded_servers_are_found(self, tmp_path: Path) -> None:
        left = {"DATABASE_URL": "postgresql://a@b/c", "REDIS_URL": "redis://d/0"}
        addresses_file(tmp_path).write_text(json.dumps(left), encoding="utf-8")
        kept_secret(tmp_path / "secret.key")
        settings = Settings.from_environment({"HUB_HOME": str(tmp_path)})
        assert (settings.database_url, settings.redis_url) == ("postgresql+psycopg://a@b/c", "redis://d/0")

    def test_cookies_are_secure_where_the_address_is(self) -> None:
        assert Settings.from_environment(GIVEN | {"HUB_PUBLIC_URL": "https://hub.example/"}).cookie_secure
        assert not Settings.from_environment(GIVEN).cookie_secure

    def test_a_server_that_listens_everywhere_is_reached_at_this_machine(self) -> None:
        given = GIVEN | {"HUB_HOST": "0.0.0.0", "HUB_PORT": "8123"}
        assert Settings.from_environment(given).public_url == "http://127.0.0.1:8123"

    def test_no_secret_is_in_what_a_log_would_show(self) -> None:
        shown = repr(Settings.from_environment(GIVEN | {"HUB_DEMO_SECRET": "quiet"}))
        assert not any(secret in shown for secret in ("k" * 48, "hub@db", "quiet", "cache"))

    def test_a_kept_secret_stays_the_same_and_is_its_owners_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "secret.key"
        first = kept_secret(file)
        assert (kept_secret(file), len(first) >= 48, file.stat().st_mode & 0o777) == (first, True, 0o600)
        assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


class TestEnvironmentExample:
    def test_it_names_exactly_the_variables_that_the_program_reads(self) -> None:
        read = {
            name
            for file in (ROOT / "app").rglob("*.py")
            for name in re.findall(f'"{VARIABLE}"', file.read_text(encoding="utf-8"))
        }
        assert set(documented()) - COMPOSE_ONLY == read

    def test_its_values_are_the_defaults(self, tmp_path: Path) -> None:
        given = GIVEN | {"HUB_HOME": str(tmp_path)}
        shown = {name: value for name, value in documented().items() if value and name not in given}
        assert Settings.from_environment(given | shown) == Settings.from_environment(given)
