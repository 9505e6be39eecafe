"""No call reaches loopback or a private network, whatever its name says, unless the hub was started for it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.infra.remote.guard import AddressRefused, guarded_pool, is_public, judged
from app.infra.remote.spec import Dedupe
from app.settings import Settings
from tests.hub import Crank
from tests.runtime.conftest import Log, Remote, ThingCounted, spec, trial_steps

pytestmark = pytest.mark.capability("SEC-2")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::1", "::", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "2001:db8::1",
    ],
)  # fmt: skip
def test_what_is_no_address_of_the_public_internet_is_none(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "172.32.0.1", "192.169.0.1", "23.227.38.65", "2606:4700:4700::1111"])
def test_a_public_address_is_one(address: str) -> None:
    assert is_public(address)


@given(
    st.ip_addresses(network="10.0.0.0/8") | st.ip_addresses(network="fc00::/7") | st.ip_addresses(network="127.0.0.0/8")
)
def test_no_address_of_a_private_network_is_public(address: object) -> None:
    assert not is_public(str(address))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Something of ours on this machine that nobody outside is to reach by the hub."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(5)
        yield made


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_call_to_this_machine_ends_before_a_byte_is_sent(listener: socket.socket, scheme: str, name: str) -> None:
    pool = guarded_pool(f"{scheme}://{name}:{listener.getsockname()[1]}", 1, allow_loopback=False)
    with pytest.raises(AddressRefused, match="not a public address"):
        pool.request("POST", "/", body=b"secret")
    line, _ = listener.accept()
    with line:
        assert line.recv(100) == b""


def test_a_judged_socket_is_closed_where_it_is_refused(listener: socket.socket) -> None:
    line = socket.create_connection(listener.getsockname())
    with pytest.raises(AddressRefused):
        judged(line)
    assert line.fileno() == -1


def test_a_connection_whose_address_is_refused_is_a_case_and_sends_nothing(
    settings: Settings, database: object, redis_client: object, remote: Remote, log: Log
) -> None:
    crank = Crank(
        replace(settings, allow_loopback=False), adapter=lambda _: spec(Dedupe.LOOKUP), steps=trial_steps(log)
    )
    crank.connect("erp", "trial", role="erp", base_url=remote.url, doubt_seconds=0)
    with crank.uow() as uow:
        uow.publish(ThingCounted(thing="t", what="1"))
        uow.publish(ThingCounted(thing="u", what="1"))
    crank.settle()
    assert (remote.calls, crank.states()) == ([], {"parked": 2})
    assert crank.rows("SELECT code, count FROM hub.exception_case") == [("trial.address_refused", 2)]
    crank.close()
