"""OAuth 2 client credentials: one token for many calls, renewed early and once, forgotten when it is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest

from app.adapters.business_central.client import connect
from app.infra.remote.auth import ClientCredentials
from app.kernel.errors import Transient, Unauthorised, Waits
from tests.adapters.business_central.erp import a_us_company, an_erp
from tests.adapters.business_central.scripted import Answer, Scripted, scripted

pytestmark = pytest.mark.capability("SYS-dynamics-bc")


class Time:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def numbered(life: object = 3600) -> Callable[[str, str], Answer]:
    """Tokens t1, t2, …"""
    given: list[int] = []

    def answer(method: str, path: str) -> Answer:
        given.append(1)
        return 200, {}, {"access_token": f"t{len(given)}", "expires_in": life}

    return answer


def credentials(remote: Scripted, time: Time) -> ClientCredentials:
    return ClientCredentials(
        system="business_central", token_url=f"{remote.url}/tenant/oauth2/v2.0/token", client_id="roundhouse",
        client_secret="a very secret word", scope="a scope", allow_loopback=True, elapsed=time,
    )  # fmt: skip


def test_one_token_serves_until_two_minutes_before_its_end() -> None:
    time = Time()
    with scripted(numbered()) as remote:
        client = credentials(remote, time)
        assert client.headers() == {"Authorization": "Bearer t1"}
        time.seconds += 3479
        assert client.headers() == {"Authorization": "Bearer t1"}
        time.seconds += 2
        assert client.headers() == {"Authorization": "Bearer t2"}
        assert len(remote.requests) == 2
    method, path, _, form = remote.requests[0]
    assert (method, path) == ("POST", "/tenant/oauth2/v2.0/token")
    assert parse_qs(form.decode()) == {
        "grant_type": ["client_credentials"], "client_id": ["roundhouse"], "client_secret": ["a very secret word"],
        "scope": ["a scope"],
    }  # fmt: skip


@pytest.mark.parametrize("life", ["3600", None, 0, "soon"])
def test_a_life_that_is_text_or_nothing_is_an_hour(life: object) -> None:
    time = Time()
    with scripted(numbered(life)) as remote:
        client = credentials(remote, time)
        client.headers()
        time.seconds += 3400
        client.headers()
        assert len(remote.requests) == 1


def test_many_threads_fetch_one_token() -> None:
    with scripted(numbered()) as remote:
        client = credentials(remote, Time())
        got: list[str] = []
        threads = [threading.Thread(target=lambda: got.append(client.headers()["Authorization"])) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert (got, len(remote.requests)) == (["Bearer t1"] * 16, 1)


def test_while_one_thread_renews_early_the_others_go_on_with_the_old_token() -> None:
    time, asked, let_go = Time(), threading.Event(), threading.Event()
    count: list[int] = []

    def answer(method: str, path: str) -> Answer:
        count.append(1)
        if len(count) > 1:
            asked.set()
            assert let_go.wait(10)
        return 200, {}, {"access_token": f"t{len(count)}", "expires_in": 3600}

    with scripted(answer) as remote:
        client = credentials(remote, time)
        client.headers()
        time.seconds += 3500
        renewed: list[str] = []
        thread = threading.Thread(target=lambda: renewed.append(client.headers()["Authorization"]))
        thread.start()
        assert asked.wait(10)
        assert client.headers() == {"Authorization": "Bearer t1"}
        let_go.set()
        thread.join(10)
        assert (renewed, client.headers()["Authorization"], len(count)) == (["Bearer t2"], "Bearer t2", 2)


def test_a_refused_token_is_forgotten_but_not_a_newer_one() -> None:
    with scripted(numbered()) as remote:
        client = credentials(remote, Time())
        client.headers()
        thread = threading.Thread(target=lambda: (client.headers(), client.forget(), client.headers()))
        thread.start()
        thread.join(10)
        client.forget()  # this thread was refused with t1 as well; t2 is there since
        assert client.headers() == {"Authorization": "Bearer t2"}
        client.forget()
        assert client.headers() == {"Authorization": "Bearer t3"}
        assert len(remote.requests) == 3


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (401, "invalid_client", "business_central.invalid_client"),
        (400, "invalid_grant", "business_central.invalid_grant"),
        (400, "AADSTS something else", "business_central.token_refused"),
        (401, {"code": "Authentication_InvalidCredentials"}, "business_central.token_refused"),
    ],
)
def test_a_refused_client_pauses_the_connection(status: int, error: object, code: str) -> None:
    given = {"error": error, "error_description": "AADSTS7: why"}
    with scripted(lambda method, path: (status, {}, given)) as remote, pytest.raises(Unauthorised) as caught:
        credentials(remote, Time()).headers()
    assert (caught.value.code, caught.value.facts["said"]) == (code, "AADSTS7: why")


def test_a_busy_token_endpoint_is_tried_again_later() -> None:
    busy: Answer = (429, {"Retry-After": "9"}, {})
    with scripted(lambda method, path: busy) as remote, pytest.raises(Waits) as caught:
        credentials(remote, Time()).headers()
    assert caught.value.seconds == 9


def test_an_answer_without_a_token_is_tried_again_later() -> None:
    for given in ({}, [], b"<html>"):
        with scripted(lambda method, path, given=given: (200, {}, given)) as remote, pytest.raises(Transient):
            credentials(remote, Time()).headers()


def test_neither_secret_nor_token_shows() -> None:
    with scripted(numbered()) as remote:
        client = credentials(remote, Time())
        client.headers()
        for shown in (repr(client), str(client)):
            assert "a very secret word" not in shown
            assert "t1" not in shown


def test_a_token_that_ended_early_is_renewed_once_and_the_call_made() -> None:
    with an_erp(a_us_company()) as erp:
        remote = connect(erp.settings)
        path = f"/v2.0/{erp.spec.tenant}/{erp.spec.environment}/api/v2.0/companies"
        remote.send("GET", path, writes=False)
        erp.fault(kind="status", status=401, match="GET companies", times=1)
        assert remote.send("GET", path, writes=False).ok
        assert erp.calls()["POST token"] == 2
