"""What ends on a known day is told in time, once at each mark, and its case ends when it was renewed."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from app.infra.connecting import change_settings
from app.infra.expiry import AHEAD, Ending, due_mark, note, warn
from app.infra.remote.certificate import certificate_ends
from app.infra.remote.spec import ConnectionSettings
from app.infra.web.auth import create_key, revoke_key
from tests.hub import Crank

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
CASES = "SELECT about, state, said, count FROM hub.exception_case WHERE code = 'connections.expires' ORDER BY about"


@given(st.integers(-90_000, 600_000))
def test_a_mark_is_the_nearest_that_was_reached(minutes: int) -> None:
    mark = due_mark(NOW + timedelta(minutes=minutes), NOW)
    assert mark == min((ahead for ahead in AHEAD if minutes <= ahead * 1440), default=None)


@pytest.mark.capability("RT-5")
def test_each_mark_is_told_once_as_one_case_and_a_renewal_ends_it(crank: Crank) -> None:
    ends = NOW + timedelta(days=40)

    def look(day: float) -> int:
        with crank.uow() as uow:
            return warn(uow, NOW + timedelta(days=day))

    with crank.uow() as uow:
        note(uow, "erp", "secret", [Ending(kind="secret", ends_at=ends)])
    assert [look(day) for day in (0, 9, 10, 11, 33, 34, 39, 39.5, 40.1, 41)] == [0, 0, 1, 0, 1, 0, 1, 0, 1, 0]
    assert crank.rows(CASES) == [("secret", "new", "it is over", 4)]
    with crank.uow() as uow:
        note(uow, "erp", "secret", [Ending(kind="secret", ends_at=ends + timedelta(days=365))])
    assert look(41) == 0
    assert crank.rows(CASES) == [("secret", "resolved", "it is over", 4)]


@pytest.mark.capability("RT-16")
def test_a_subscription_that_the_hub_renews_is_told_of_on_its_last_day_alone(crank: Crank) -> None:
    with crank.uow() as uow:
        ending = Ending(kind="subscription", name="salesOrders", ends_at=NOW + timedelta(days=3))
        note(uow, "erp", "subscription", [ending])
        assert [warn(uow, NOW + timedelta(days=day)) for day in (0, 1.9, 2.1, 3.1)] == [0, 0, 1, 1]


@pytest.mark.capability("RT-5")
def test_an_api_key_that_ends_is_told_until_it_is_revoked(crank: Crank) -> None:
    soon = crank.hub.clock.now() + timedelta(days=5)
    with crank.uow() as uow:
        prefix, _ = create_key(uow, name="warehouse", scopes=["erp:write"], connection="erp", expires_at=soon)
        assert warn(uow, crank.hub.clock.now()) == 1
    assert [row[:2] for row in crank.rows(CASES)] == [(f"key warehouse ({prefix})", "new")]
    with crank.uow() as uow:
        revoke_key(uow, prefix)
        uow.session.flush()
        assert warn(uow, crank.hub.clock.now()) == 0
    assert crank.rows(CASES)[0][1] == "resolved"


def test_a_settings_last_day_is_noted_and_a_day_that_is_none_is_refused(crank: Crank) -> None:
    with crank.uow() as uow:
        change_settings(uow, "erp", {"base_url": "http://127.0.0.1:1", "secret_ends_on": "2027-03-31"}, "dana")
    assert crank.rows("SELECT connection, kind, ends_at::date::text FROM hub.expiry") == [
        ("erp", "secret", "2027-03-31")
    ]
    with crank.uow() as uow:
        change_settings(uow, "erp", {"base_url": "http://127.0.0.1:1"}, "dana")
    assert crank.rows("SELECT count(*) FROM hub.expiry") == [(0,)]
    with pytest.raises(ValidationError, match="give a day as 2027-03-31"):
        ConnectionSettings().load({"secret_ends_on": "31.3.2027"})


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[str, ssl.SSLContext, datetime]]:
    """A TLS server on loopback: its address, who trusts it, and when its certificate ends."""
    private, ends = ec.generate_private_key(ec.SECP256R1()), NOW.replace(year=2031)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(private.public_key()).serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(private, hashes.SHA256())
    )  # fmt: skip
    pem = made.public_bytes(serialization.Encoding.PEM)
    key = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path / "server.pem"
    file.write_bytes(key + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    listening = create_server(("127.0.0.1", 0))

    def answer() -> None:
        try:
            with listening.accept()[0] as line, server.wrap_socket(line, server_side=True) as secured:
                secured.recv(1)
        except OSError:
            return

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield f"https://localhost:{listening.getsockname()[1]}", ssl.create_default_context(cadata=pem.decode()), ends
    listening.close()
    thread.join(5)


def test_a_remotes_certificate_tells_its_last_day(secure: tuple[str, ssl.SSLContext, datetime]) -> None:
    address, trusting, ends = secure
    assert certificate_ends(address, allow_loopback=True, context=trusting) == ends


def test_no_handshake_is_no_date(secure: tuple[str, ssl.SSLContext, datetime]) -> None:
    address, trusting, _ = secure
    assert certificate_ends(address, allow_loopback=False, context=trusting) is None, "loopback is refused"
    assert certificate_ends("http://localhost:1", allow_loopback=True) is None
    assert certificate_ends("https://localhost:1", allow_loopback=True) is None
