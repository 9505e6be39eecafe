"""Redis behind Sentinel: the address, and what happens to bells when the master dies. Real servers, a real sentinel."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from app.infra.bell import RedisBell, make_redis
from app.infra.outbox import Place
from app.infra.sentinel import read_address
from app.jobs.broker import BellBroker, make_broker, make_ringer
from app.settings import Settings

SERVER = shutil.which("redis-server")
PATIENCE_SECONDS = 20.0
PLACE = Place("orders", "", 3)


class TestAddress:
    def test_it_names_sentinels_service_database_and_both_accounts(self) -> None:
        read = read_address("rediss+sentinel://hub:s%3Acret@one:1,two/main/2?sentinel_password=other")
        assert (read.sentinels, read.service, read.database, read.tls) == (
            (("one", 1), ("two", 26379)),
            "main",
            2,
            True,
        )
        assert read.account == {"username": "hub", "password": "s:cret"}
        assert read.sentinel_account == {"password": "other"}

    @pytest.mark.parametrize("host", ["[::1]:7", "[::1]"])
    def test_an_address_of_ipv6_keeps_its_colons(self, host: str) -> None:
        ((name, port),) = read_address(f"redis+sentinel://:secret@{host}/main").sentinels
        assert (name, port) == ("::1", 7 if host.endswith("7") else 26379)

    def test_a_secret_is_not_shown(self) -> None:
        assert "secret" not in repr(read_address("redis+sentinel://:secret@one/main?sentinel_password=secret"))

    @pytest.mark.parametrize("wrong", ["redis+sentinel://one:1", "redis+sentinel://one/", "redis+sentinel:///main"])
    def test_one_without_hosts_or_service_says_what_to_give(self, wrong: str) -> None:
        with pytest.raises(ValueError, match="host:port,host:port/service/database"):
            read_address(wrong)


@dataclasses.dataclass
class Trio:
    """A master, its replica and the sentinel that watches both."""

    url: str
    ports: dict[str, int]
    processes: dict[str, subprocess.Popen[bytes]]

    def asks(self, name: str) -> redis.Redis:
        password = None if name == "sentinel" else "servers"
        return redis.Redis(port=self.ports[name], password=password, socket_timeout=2, decode_responses=True)


@pytest.fixture
def trio(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Trio]:
    if SERVER is None:
        pytest.skip("no redis-server on PATH: Debian's redis-server and redis-sentinel have it")
    ports = {name: free_port() for name in ("master", "replica", "sentinel")}
    made = Trio(f"redis+sentinel://:servers@127.0.0.1:{ports['sentinel']}/trade/0", ports, {})
    try:
        for name in ("master", "replica"):
            made.processes[name] = _start(tmp_path / name, name, ports)
        _await(lambda: made.asks("replica").info("replication")["master_link_status"] == "up")
        made.processes["sentinel"] = _start(tmp_path / "sentinel", "sentinel", ports)  # it asks for replicas at once
        _await(lambda: made.asks("sentinel").sentinel_slaves("trade")[0]["flags"] == "slave")
        yield made
    finally:
        for process in made.processes.values():
            process.kill()
            process.wait(5)


def _start(folder: Path, name: str, ports: dict[str, int]) -> subprocess.Popen[bytes]:
    assert SERVER is not None
    folder.mkdir()
    (folder / "conf").write_text(_conf(name, ports[name], ports["master"]), encoding="ascii")
    command = [SERVER, str(folder / "conf"), *(["--sentinel"] if name == "sentinel" else [])]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)


def _conf(name: str, port: int, master: int) -> str:
    common = f'port {port}\nbind 127.0.0.1\nsave ""\n'
    if name == "sentinel":
        return (
            f"port {port}\nbind 127.0.0.1\nsentinel monitor trade 127.0.0.1 {master} 1\n"
            "sentinel auth-pass trade servers\nsentinel down-after-milliseconds trade 300\n"
            "sentinel failover-timeout trade 5000\n"
        )
    follows = f"replicaof 127.0.0.1 {master}\n" if name == "replica" else ""
    return f"{common}requirepass servers\nmasterauth servers\nrepl-diskless-sync-delay 0\n{follows}"


def _await(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if holds():
                return
        except (redis.RedisError, LookupError):
            pass
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.02)  # between two looks at another process


@pytest.mark.capability("RT-3")
def test_bells_are_rung_and_heard_at_the_new_master_after_the_old_one_died(trio: Trio, settings: Settings) -> None:
    given = dataclasses.replace(settings, redis_url=trio.url)
    client = make_redis(given.redis_url)
    broker: BellBroker = make_broker(given, client)
    bell = RedisBell(client, make_ringer(broker))
    consumer = broker.consume("orders", timeout=200)

    bell.ring([PLACE])
    message = next(consumer)
    assert message is not None
    assert message.args == ("orders", "", 3)

    trio.processes["master"].kill()
    trio.processes["master"].wait(5)
    bell.ring_again([PLACE])  # nobody is there to hear: it is logged, and no error reaches the publisher
    _await(lambda: trio.asks("replica").info("replication")["role"] == "master")

    def rings_and_is_heard() -> bool:
        bell.ring_again([PLACE])
        return next(consumer) is not None

    _await(rings_and_is_heard)
    consumer.close()
    client.close()
