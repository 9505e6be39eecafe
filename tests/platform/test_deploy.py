"""deploy/kubernetes says what the program is, and nothing that it no longer is; its probe asks what processes do."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask

from app import flows
from app.commands.processes import WEB_DRAIN, table
from app.factory import create_app
from app.infra.hub import Hub
from app.infra.outbox import QUEUES
from app.infra.workers import Heart
from app.jobs import alive
from app.jobs.worker import STOP_SECONDS
from app.settings import Settings
from tests.hub import Crank
from tests.platform.test_settings import documented
from tests.servers import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
STARTER = ["python", "-m", "app.commands.processes"]
PROBE = ["python", "-m", "app.jobs.alive"]
EXAMPLE = "secret.example.yaml"
Manifest = dict[str, Any]


def read() -> dict[str, list[Manifest]]:
    return {
        file.name: list(yaml.safe_load_all(file.read_text(encoding="utf-8"))) for file in sorted(FOLDER.glob("*.yaml"))
    }


FILES = read()
ALL = [manifest for manifests in FILES.values() for manifest in manifests]


def of(kind: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in ALL if one["kind"] == kind}


WORKLOADS = of("Deployment") | of("Job")


def pod(workload: Manifest) -> Manifest:
    found: Manifest = workload["spec"]["template"]["spec"]
    return found


def container(workload: Manifest) -> Manifest:
    (found,) = pod(workload)["containers"]
    return dict(found)


def process_of(workload: Manifest) -> str:
    return str(container(workload)["command"][-1])


def told() -> dict[str, str]:
    """What the configuration and the example of the secret give to a process."""
    config: dict[str, str] = of("ConfigMap")["roundhouse"]["data"]
    secret: dict[str, str] = of("Secret")["roundhouse"]["stringData"]
    return config | secret


@pytest.fixture(scope="module")
def app(settings: Settings) -> Iterator[Flask]:
    made = create_app(settings)
    yield made
    made.extensions["hub"].close()


class TestManifests:
    def test_every_file_but_the_example_is_applied(self) -> None:
        (kustomization,) = FILES["kustomization.yaml"]
        assert sorted(kustomization["resources"]) == sorted(FILES.keys() - {"kustomization.yaml", EXAMPLE})
        assert kustomization["namespace"] in of("Namespace")
        assert [image["name"] for image in kustomization["images"]] == ["roundhouse"]

    def test_every_process_of_production_runs_and_none_else(self, settings: Settings) -> None:
        processes = table(settings)
        assert {process_of(one) for one in WORKLOADS.values()} == {"migrate", "web", "worker", "relay", "scheduler"}
        assert {process_of(one) for one in WORKLOADS.values()} <= processes.keys()
        for one in WORKLOADS.values():
            assert container(one)["command"][:-1] == STARTER
            assert (one["kind"] == "Job") == processes[process_of(one)].once
            assert container(one)["image"] == "roundhouse"

    @pytest.mark.parametrize("name", ["relay", "scheduler", "web"])
    def test_what_others_wait_for_runs_twice(self, name: str) -> None:
        assert of("Deployment")[name]["spec"]["replicas"] >= 2

    def test_every_variable_is_one_that_the_program_reads(self) -> None:
        own = {entry["name"] for one in WORKLOADS.values() for entry in container(one).get("env", ())}
        assert own | told().keys() <= documented().keys()

    def test_the_values_are_settings_that_hold(self) -> None:
        for one in WORKLOADS.values():
            given = {entry["name"]: entry["value"] for entry in container(one).get("env", ()) if "value" in entry}
            settings = Settings.from_environment(told() | given)
            assert not settings.demo
            assert not settings.allow_loopback
            assert (settings.host, settings.cookie_secure) == ("0.0.0.0", True)

    def test_every_map_and_secret_that_a_process_reads_is_there(self) -> None:
        for one in WORKLOADS.values():
            for source in container(one)["envFrom"]:
                assert source.get("configMapRef", {}).get("name", "roundhouse") in of("ConfigMap")
                assert source.get("secretRef", {}).get("name", "roundhouse") in of("Secret")
            for entry in container(one).get("env", ()):
                if wanted := entry.get("valueFrom", {}).get("secretKeyRef"):
                    assert wanted["key"] in of("Secret")[wanted["name"]]["stringData"]

    def test_every_queue_is_served_by_one_group(self) -> None:
        served = [
            queue
            for one in of("Deployment").values()
            for entry in container(one).get("env", ())
            if entry["name"] == "HUB_WORKER_QUEUES"
            for queue in entry["value"].split()
        ]
        assert sorted(served) == sorted(QUEUES)

    def test_ports_are_the_one_that_the_web_server_listens_on(self) -> None:
        (port,) = container(of("Deployment")["web"])["ports"]
        assert str(port["containerPort"]) == told()["HUB_PORT"]
        assert [one["targetPort"] for one in of("Service")["web"]["spec"]["ports"]] == [port["name"]]
        assert all("ports" not in container(one) for name, one in WORKLOADS.items() if name != "web")

    def test_probes_ask_what_the_program_answers(self, app: Flask) -> None:
        routes = {rule.rule for rule in app.url_map.iter_rules()}
        for name, one in of("Deployment").items():
            probes = {key: value for key, value in container(one).items() if key.endswith("Probe")}
            assert {"startupProbe", "livenessProbe"} <= probes.keys(), name
            for key, probe in probes.items():
                if "httpGet" in probe:
                    assert probe["httpGet"]["path"] in routes
                    assert probe["httpGet"]["port"] == "http"
                    assert (probe["httpGet"]["path"] == "/readyz") == (key == "readinessProbe")
                else:
                    assert probe["exec"]["command"] == [*PROBE, process_of(one)]
                    assert process_of(one) in alive.KINDS
        assert importlib.util.find_spec(PROBE[-1]) is not None

    def test_processes_get_the_time_to_end_that_they_take(self) -> None:
        for one in of("Deployment").values():
            stopping = STOP_SECONDS if process_of(one) != "web" else float(WEB_DRAIN.rstrip("s"))
            waits = container(one).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            assert pod(one)["terminationGracePeriodSeconds"] >= 2 * stopping + waits

    def test_nothing_runs_as_root_or_writes_where_it_should_not(self) -> None:
        uid = re.search(r"--uid (\d+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
        assert uid is not None
        for one in WORKLOADS.values():
            assert pod(one)["securityContext"]["runAsNonRoot"]
            assert pod(one)["securityContext"]["runAsUser"] == int(uid[1])
            assert pod(one)["automountServiceAccountToken"] is False
            own = container(one)["securityContext"]
            assert (own["readOnlyRootFilesystem"], own["allowPrivilegeEscalation"]) == (True, False)
            assert own["capabilities"] == {"drop": ["ALL"]}
            mounted = {mount["mountPath"] for mount in container(one)["volumeMounts"]}
            assert {told()["HUB_HOME"], "/tmp"} <= mounted
            assert {mount["name"] for mount in container(one)["volumeMounts"]} == {
                v["name"] for v in pod(one)["volumes"]
            }
            assert {"requests", "limits"} <= container(one)["resources"].keys()

    def test_archives_are_written_where_a_volume_is_mounted(self) -> None:
        relay = container(of("Deployment")["relay"])
        assert told()["HUB_ARCHIVE"] in {mount["mountPath"] for mount in relay["volumeMounts"]}

    def test_what_selects_a_workload_selects_one_that_is_there(self) -> None:
        labels = {name: one["spec"]["template"]["metadata"]["labels"] for name, one in WORKLOADS.items()}
        for name, one in of("Deployment").items():
            assert one["spec"]["selector"]["matchLabels"].items() <= labels[name].items()
            spread = pod(one)["topologySpreadConstraints"]
            assert {rule["labelSelector"]["matchLabels"]["app.kubernetes.io/name"] for rule in spread} == {name}
            budget = of("PodDisruptionBudget")[name]["spec"]
            assert budget["selector"] == one["spec"]["selector"]
            assert budget["maxUnavailable"] < one["spec"]["replicas"]
        assert of("Service")["web"]["spec"]["selector"].items() <= labels["web"].items()
        for scaler in of("HorizontalPodAutoscaler").values():
            assert scaler["spec"]["scaleTargetRef"]["name"] in of("Deployment")

    def test_the_example_holds_no_secret(self) -> None:
        text = (FOLDER / EXAMPLE).read_text(encoding="utf-8")
        assert text.count("CHANGE-ME") >= 4
        assert "/deploy/kubernetes/secret.yaml" in (ROOT / ".gitignore").read_text(encoding="utf-8")


TAKES_AWAY = re.compile(
    r"DROP (?:TABLE|COLUMN|SCHEMA|SEQUENCE)|\bRENAME\b|SET NOT NULL"
    r"|ALTER COLUMN \w+ (?:SET DATA )?TYPE|op\.drop_(?:table|column)"
)


def way_up(text: str) -> str:
    """What a revision runs on its way up: `upgrade`, and the functions and constants of the file that it names."""
    parts: dict[str, str] = {}
    for node in ast.parse(text).body:
        names = [target.id for target in getattr(node, "targets", ()) if isinstance(target, ast.Name)]
        if isinstance(node, ast.FunctionDef):
            names.append(node.name)
        parts |= dict.fromkeys(names, ast.get_source_segment(text, node) or "")
    found, wanted = "", ["upgrade"]
    while wanted:
        segment = parts.pop(wanted.pop(), "")
        found += segment
        wanted += re.findall(r"\w+", segment)
    return found


class TestRolling:
    """Old and new run side by side: a migration only adds, and the release after takes away what nobody needs."""

    @pytest.mark.parametrize(
        "file", sorted((ROOT / "migrations" / "versions").glob("*.py")), ids=lambda file: file.stem
    )
    def test_a_migration_takes_nothing_away_that_the_release_before_it_uses(self, file: Path) -> None:
        text = file.read_text(encoding="utf-8")
        assert TAKES_AWAY.findall(way_up(text)) == []
        assert "Safe with the previous release because:" in text

    @pytest.mark.parametrize(
        "statement", ["ALTER TABLE hub.event DROP COLUMN at", "ALTER TABLE a RENAME TO b", "ALTER COLUMN n TYPE bigint"]
    )
    def test_what_takes_away_is_recognised(self, statement: str) -> None:
        assert TAKES_AWAY.search(statement)


class TestProbe:
    @pytest.fixture
    def hub(self, crank: Crank) -> Hub:
        return crank.hub

    @pytest.fixture
    def crank(self, settings: Settings, database: object, redis_client: object) -> Iterator[Crank]:
        flows.load()
        made = Crank(settings, adapter=lambda _: pytest.fail("no adapter is asked"))
        yield made
        made.close()

    def test_a_process_that_beats_is_alive_and_one_that_is_silent_is_not(self, hub: Hub, settings: Settings) -> None:
        heart = Heart(hub, "relay", "test")
        heart.start()
        here = os.uname().nodename
        assert alive.look(settings.database_url, "relay", here)[0] == 0
        assert alive.look(settings.database_url, "scheduler", here) == (
            1, f"no scheduler on {here} has shown that it lives",
        )  # fmt: skip
        assert alive.look(settings.database_url, "relay", "elsewhere")[0] == 1
        heart.stop()
        with hub.unit_of_work() as uow:
            uow.sql(
                "INSERT INTO hub.worker (id, kind, version, host, beat_at) "
                "VALUES (0, 'relay', 'test', 'still', now() - interval '20 s')"
            )
        status, said = alive.look(settings.database_url, "relay", "still")
        assert (status, said) == (1, "the relay on still has not shown that it lives for 20 s")

    def test_nobody_is_restarted_because_the_database_is_away(self) -> None:
        status, said = alive.look("postgresql+psycopg://hub@127.0.0.1:1/hub", "worker", "here")
        assert (status, said) == (
            0, "the database cannot be asked (OperationalError); nothing speaks against this worker",
        )  # fmt: skip

    def test_a_wrong_question_is_told_from_silence(self, settings: Settings) -> None:
        given = {
            "PATH": os.environ["PATH"], "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url,
            "HUB_SECRET_KEY": settings.secret_key,
        }  # fmt: skip
        ran = subprocess.run(
            [sys.executable, *PROBE[1:], "web"], cwd=ROOT, env=given, capture_output=True, text=True, timeout=30,
            check=False,
        )  # fmt: skip
        assert (ran.returncode, ran.stderr) == (2, "give one of worker, relay, scheduler\n")
