"""What stops a start says so in one sentence that tells what to do."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from app.infra.embedded import ground
from app.infra.embedded import servers as embedded
from app.infra.embedded.redis import fitting
from app.infra.embedded.servers import Servers
from app.settings import CannotStart

Make = Callable[..., Servers]


class TestSentences:
    def test_a_disk_that_is_nearly_full(self, tmp_path: Path) -> None:
        with pytest.raises(CannotStart, match=r"Only \d+ MB are free under .*: free some, or set HUB_HOME"):
            ground.require_room(tmp_path, room=1 << 60)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
    def test_a_disk_that_fills_up(self, home: Path) -> None:
        small = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m,mode=711", "none", home], check=False)
        if small.returncode:
            pytest.skip("this root may not mount a small disk")
        try:
            with pytest.raises(CannotStart, match="is full: free some space, or set HUB_HOME to a folder on another"):
                embedded.PostgreSQL(
                    home=home,
                    programs=embedded._wheel("postgresql") or home,
                    owner=ground.other_user(home / "postgresql", embedded._wheel("postgresql") or home),
                ).start()
        finally:
            subprocess.run(["umount", home], check=True)

    def test_a_port_that_is_taken(self, free_port: Callable[[], int]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(CannotStart) as caught:
                ground.require_port("127.0.0.1", port, "HUB_PORT")
        assert caught.value.message == (
            f"Port {port} on 127.0.0.1 cannot be used (Address already in use): "
            f"stop the program that has it, or choose another, as in HUB_PORT={port + 100} make run."
        )
        ground.require_port("127.0.0.1", free_port(), "HUB_PORT")

    def test_no_redis_server_that_will_do(self, tmp_path: Path) -> None:
        old = tmp_path / "redis-server"
        old.write_text('#!/bin/sh\necho "Redis server v=5.0.14 sha=00000000:0"\n', encoding="ascii")
        old.chmod(0o755)
        for candidates in ([], [old]):
            with pytest.raises(CannotStart, match=r"No redis-server 6 or newer .* install it .* or set REDIS_URL"):
                fitting(candidates)

    def test_the_wheel_carries_a_redis_server_that_will_do(self) -> None:
        wheel = embedded._wheel("redis")
        if wheel is None:
            pytest.skip("no wheel carries Redis for this Python")
        assert fitting([wheel / "redis-server"]) == wheel / "redis-server"

    def test_a_folder_in_use(self, tmp_path: Path) -> None:
        held = ground.occupy(tmp_path)
        assert ground.holder_of(tmp_path) == os.getpid()
        with pytest.raises(CannotStart) as caught:
            ground.occupy(tmp_path)
        assert f"already runs in {tmp_path} (process {os.getpid()})" in caught.value.message
        ground.release(held)
        assert ground.holder_of(tmp_path) is None
        ground.release(ground.occupy(tmp_path))

    def test_files_of_another_version_of_postgresql(self, servers_of: Make, home: Path) -> None:
        servers = servers_of(home, redis=False)
        servers.start()
        servers.stop()
        (home / "postgresql" / "data" / "PG_VERSION").write_text("17\n", encoding="ascii")
        with pytest.raises(CannotStart, match=r"PostgreSQL did not start: it said .*incompatible with server"):
            servers.start()
