"""docker-compose.yml, Dockerfile and the Makefile say what the program is, and nothing that it no longer is."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from flask import Flask

from app.commands.processes import Process, table
from app.factory import create_app
from app.settings import Settings
from tests.platform.test_settings import COMPOSE_ONLY, documented
from tests.servers import ROOT

STARTER = ["python", "-m", "app.commands.processes"]
GOALS = {"run", "test", "lint", "bench", "chaos", "contracts", "e2e", "capabilities", "lock", "clean", "help"}
OLDEST_POSTGRESQL = 15


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def dockerfile() -> list[list[str]]:
    """Every instruction with its words, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]


@pytest.fixture
def processes(settings: Settings) -> Mapping[str, Process]:
    return table(settings)


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(settings)


def ours(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The services that run our image."""
    return {name: service for name, service in compose["services"].items() if service["image"] == "roundhouse"}


def filled_in(value: str) -> str:
    """A value as compose gives it where no variable is set: `${NAME:-default}` is its default, the others nothing."""
    return re.sub(r"\$\{\w+(?::-([^}]*)|[^}]*)\}", r"\1", value)


def answers(app: Flask, address: str) -> bool:
    """Whether the program has a route for the path of this address."""
    path = re.sub(r"^https?://[^/]+", "", address)
    return any(rule.rule == path for rule in app.url_map.iter_rules())


class TestProcesses:
    def test_every_command_starts_a_module_that_is_there(self, processes: Mapping[str, Process]) -> None:
        for process in processes.values():
            interpreter, flag, module, *_ = process.command
            assert (os.access(interpreter, os.X_OK), flag) == (True, "-m")
            assert importlib.util.find_spec(module) is not None

    def test_every_application_that_a_command_serves_is_there(self, processes: Mapping[str, Process]) -> None:
        served = [process.command[-1] for process in processes.values() if "granian" in process.command]
        assert [target.partition(":")[0] for target in served] == ["app.sandbox.wsgi", "wsgi"]
        assert all(importlib.util.find_spec(target.partition(":")[0]) for target in served)

    def test_what_no_table_knows_is_refused_with_the_choices(self, settings: Settings) -> None:
        given = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "HUB_SECRET_KEY": settings.secret_key,
        }
        ran = subprocess.run(
            [next(iter(table(settings).values())).command[0], *STARTER[1:], "webb"],
            cwd=ROOT, env=given, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert ran.returncode == 1
        choices = "migrate, sandbox, web, worker, relay, scheduler, prepare"
        assert ran.stderr == f"There is no process 'webb': give one of {choices}.\n"


class TestCompose:
    def test_it_starts_every_process_that_production_needs(
        self, compose: dict[str, Any], processes: Mapping[str, Process]
    ) -> None:
        assert ours(compose).keys() == processes.keys() - {"sandbox", "prepare"}
        for name, service in ours(compose).items():
            assert service["command"] == [*STARTER, name]
            assert service["restart"] == ("no" if processes[name].once else "unless-stopped")

    def test_every_variable_is_one_that_the_program_reads(self, compose: dict[str, Any]) -> None:
        given = {variable for service in ours(compose).values() for variable in service["environment"]}
        used = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
        assert given | used <= documented().keys()
        assert used >= COMPOSE_ONLY

    def test_its_values_are_settings_that_hold(self, compose: dict[str, Any]) -> None:
        for service in ours(compose).values():
            given = {
                name: re.sub(r"\$\{\w+(:-([^}]*)|[^}]*)\}", r"\2", value)
                for name, value in service["environment"].items()
            }
            settings = Settings.from_environment(given | {"HUB_SECRET_KEY": "k" * 48})
            assert settings.host == "0.0.0.0"
            assert not settings.demo
            assert not settings.allow_loopback

    def test_the_port_it_publishes_is_the_one_the_web_server_listens_on(self, compose: dict[str, Any]) -> None:
        web = compose["services"]["web"]
        assert [port.rpartition(":")[2] for port in web["ports"]] == [web["environment"]["HUB_PORT"]]
        assert all(port.startswith("127.0.0.1:") for port in web["ports"])

    def test_the_addresses_name_its_own_servers(self, compose: dict[str, Any]) -> None:
        environment, postgres = compose["services"]["web"]["environment"], compose["services"]["postgres"]
        named = re.match(r"postgresql://(\w+):.*@(\w+):5432/(\w+)$", environment["DATABASE_URL"])
        assert named is not None
        account = postgres["environment"]
        assert named.groups() == (account["POSTGRES_USER"], "postgres", account["POSTGRES_DB"])
        assert environment["REDIS_URL"].startswith("redis://redis:6379/")
        assert {"postgres", "redis"} <= compose["services"].keys()
        assert int(postgres["image"].partition(":")[2]) >= OLDEST_POSTGRESQL

    def test_nothing_starts_before_what_it_needs_is_well(self, compose: dict[str, Any]) -> None:
        for name, service in ours(compose).items():
            for needed, when in service["depends_on"].items():
                wanted = "service_completed_successfully" if needed == "migrate" else "service_healthy"
                assert when["condition"] == wanted, name
                assert needed == "migrate" or "test" in compose["services"][needed]["healthcheck"]

    def test_the_web_server_is_asked_a_question_that_it_answers(self, compose: dict[str, Any], app: Flask) -> None:
        (asked,) = re.findall(r"http://[^']+", " ".join(compose["services"]["web"]["healthcheck"]["test"]))
        assert asked.startswith(f"http://127.0.0.1:{compose['services']['web']['environment']['HUB_PORT']}/")
        assert answers(app, asked)


class TestDockerfile:
    def test_it_runs_the_web_server_and_not_as_root(self, dockerfile: list[list[str]]) -> None:
        told = dict(dockerfile)
        assert yaml.safe_load(told["CMD"]) == [*STARTER, "web"]
        assert told["USER"] == "hub"
        assert "--uid 10001" in next(words for name, words in dockerfile if name == "RUN" and "useradd" in words)

    def test_its_variables_and_its_port_are_the_programs(self, dockerfile: list[list[str]]) -> None:
        given = dict(word.split("=", 1) for name, words in dockerfile if name == "ENV" for word in shlex.split(words))
        hubs = {name: value for name, value in given.items() if name.startswith("HUB_")}
        assert hubs.keys() <= documented().keys()
        assert hubs["HUB_PORT"] == dict(dockerfile)["EXPOSE"]

    def test_its_health_check_asks_what_the_program_answers(self, dockerfile: list[list[str]], app: Flask) -> None:
        told = dict(dockerfile)["HEALTHCHECK"]
        (path,) = re.findall(r"http://127\.0\.0\.1:\{os\.environ\['HUB_PORT'\]\}(/\w+)", told)
        assert answers(app, path)

    def test_everything_it_copies_is_there_and_not_ignored(self, dockerfile: list[list[str]]) -> None:
        ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        copied = [
            source
            for name, words in dockerfile
            if name == "COPY" and "--from" not in words
            for source in words.split()[:-1]
        ]
        assert copied
        for source in copied:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignore, source

    def test_its_python_is_the_one_that_the_lock_files_are_made_for(self, dockerfile: list[list[str]]) -> None:
        images = {words.split()[0] for name, words in dockerfile if name == "FROM"}
        made_for = set(re.findall(r"--python-version (\S+)", (ROOT / "Makefile").read_text(encoding="utf-8")))
        assert images == {f"python:{version}-slim" for version in made_for}


class TestMakefile:
    def test_help_lists_every_goal(self) -> None:
        shown = subprocess.run(
            ["make", "help"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
        ).stdout
        assert set(re.findall(r"^  make (\w+)  ", shown, re.M)) == GOALS

    @pytest.mark.parametrize(
        ("python", "said"),
        [
            ("", "Python is not installed: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.11"),
            ("/bin/false", "/bin/false is older than Python 3.11: install Python 3.11, or name one: make PYTHON="),
        ],
    )
    def test_an_old_or_missing_python_gets_one_sentence(self, python: str, said: str) -> None:
        ran = subprocess.run(
            ["make", "run", f"PYTHON={python}"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
        )
        assert ran.returncode != 0
        assert ran.stderr.splitlines()[0].startswith(said)

    def test_what_is_locked_carries_a_hash_and_no_address_of_an_index(self) -> None:
        for name in ("requirements.txt", "requirements-dev.txt"):
            text = (ROOT / name).read_text(encoding="utf-8")
            pinned = re.findall(r"^([a-z0-9-]+)==\S+.* \\\n +--hash=sha256:", text, re.M)
            assert len(pinned) == len(re.findall(r"^[a-z0-9-]+==", text, re.M)) > 0
            assert "://" not in text
