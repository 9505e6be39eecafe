"""The pausing kind: who is refused stops at once, burns nothing, tells one person, and goes on in order."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.adapters.business_central.verdicts import judge as business_central
from app.adapters.shopify.client import connect as shopify_at
from app.adapters.shopify.client import judge as shopify
from app.infra.connecting import pause_connection, resume_connection
from app.infra.remote.client import Outbound, Reply
from app.kernel.errors import Unauthorised
from tests.hub import Crank
from tests.runtime.conftest import Remote, ThingCounted

OPEN = "SELECT code, about FROM hub.exception_case WHERE state NOT IN ('resolved', 'dismissed') ORDER BY 1"
REFUSING = [("status", (401, {}))]


def tell(crank: Crank, *things: tuple[str, str]) -> None:
    with crank.uow() as uow:
        for thing, what in things:
            uow.publish(ThingCounted(thing=thing, what=what))


def resume(crank: Crank) -> None:
    with crank.uow() as uow:
        resume_connection(uow, "erp", "dana", "authorised again")


@pytest.mark.capability("RT-5")
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.lists(st.sampled_from(["t", "u", "v", "w"]), min_size=1, max_size=14),
    lets_in=st.integers(0, 14),
    status=st.sampled_from([401, 402, 403, 423]),
)
def test_a_dead_token_burns_no_attempt_and_all_goes_out_in_order_once_it_is_authorised(
    crank: Crank, remote: Remote, order: list[str], lets_in: int, status: int
) -> None:
    """Whatever lanes wait and whenever the token dies."""
    with crank.uow() as uow:
        uow.sql("TRUNCATE hub.delivery, hub.event, hub.attempt, hub.case_item, hub.exception_case")
        uow.sql("UPDATE hub.connection SET state = 'on', changed_at = created_at")
    crank.hub.connections.forget()
    remote.calls.clear()
    remote.held.clear()
    remote.tricks[:] = [("", None)] * lets_in + [("status", (status, {}))] * 200
    told = [(thing, str(n)) for n, thing in enumerate(order)]
    tell(crank, *told)
    crank.settle()
    refused = len(order) > lets_in
    assert crank.rows(OPEN) == ([("connections.refused", "erp")] if refused else [])
    assert crank.rows("SELECT state FROM hub.connection") == [("paused" if refused else "on",)]
    states = crank.states()
    assert states.get("parked", 0) == states.get("rejected", 0) == 0
    assert crank.rows("SELECT max(attempt) FROM hub.delivery WHERE state = 'due'") in ([(0,)], [(None,)])
    remote.tricks.clear()
    if refused:
        resume(crank)
    crank.settle()
    assert crank.states() == {"done": len(order)}
    assert crank.rows(OPEN) == []
    assert len(remote.held) == len(order)
    made = [key for key in remote.calls if key in remote.held]
    for thing in set(order):
        first_times = list(dict.fromkeys(key for key in made if key.startswith(f"{thing}.")))
        assert first_times == [f"{one}.{n}" for one, n in told if one == thing]


@pytest.mark.capability("RT-5")
def test_a_late_refusal_of_what_was_replaced_meanwhile_does_not_pause_again(crank: Crank, remote: Remote) -> None:
    remote.seconds, remote.tricks = 0.3, list(REFUSING)
    tell(crank, ("t", "1"))
    for place in crank.ready():
        crank.dispatcher.wake(place)
    assert crank.dispatcher.turn() == 1  # under way, with the old token
    with crank.uow() as uow:
        pause_connection(uow, "erp", "dana", "a new token comes")
    resume(crank)
    while crank.dispatcher.calls:
        crank.dispatcher.heard(1.0)
        crank.dispatcher.turn()
    assert crank.rows("SELECT state FROM hub.connection") == [("on",)]
    assert crank.rows(OPEN) == []
    crank.hasten()
    crank.settle()
    assert crank.states() == {"done": 1}
    assert crank.rows("SELECT attempt FROM hub.delivery") == [(1,)]


def test_a_paused_connection_is_not_called_at_all_however_much_waits(crank: Crank, remote: Remote) -> None:
    remote.tricks = list(REFUSING)
    tell(crank, ("t", "1"))
    crank.settle()
    called = len(remote.calls)
    tell(crank, *((f"t{n}", "1") for n in range(30)))
    crank.hasten()
    crank.settle()
    assert (len(remote.calls), crank.states()) == (called, {"due": 31})


def bc(status: int, code: str, message: str) -> Reply:
    return Reply(status, {}, json.dumps({"error": {"code": code, "message": message}}).encode())


@pytest.mark.capability("RT-5")
@pytest.mark.parametrize(
    "reply",
    [
        bc(401, "Authentication_InvalidCredentials", "The server has rejected the client credentials."),
        bc(403, "Authorization_RequestDenied", "The user is not set up."),
        bc(404, "Internal_CompanyNotFound", "The company does not exist."),
        bc(404, "BadRequest_NotFound", "No HTTP resource was found that matches the request URI 'https://x/v1.0'."),
        bc(410, "", "The API version v1.0 is no longer supported."),
        bc(400, "Application_DialogException", "Your license does not permit you to use table 36."),
        bc(400, "Application_DialogException", "Sorry, the current permissions prevented the action."),
    ],
)
def test_business_centrals_own_words_for_who_may_not_come_in(reply: Reply) -> None:
    assert isinstance(business_central(reply, True), Unauthorised)


def test_one_row_that_is_gone_refuses_nobody() -> None:
    assert not isinstance(
        business_central(bc(404, "Internal_RecordNotFound", "There is no order."), True), Unauthorised
    )


@pytest.mark.capability("RT-5")
@pytest.mark.parametrize("code", ["ACCESS_DENIED", "SHOP_INACTIVE"])
def test_shopifys_own_words_for_who_may_not_come_in(code: str) -> None:
    body: Mapping[str, object] = {"errors": [{"message": "no", "extensions": {"code": code}}]}
    assert isinstance(shopify(Reply(200, {}, json.dumps(body).encode()), True), Unauthorised)


@pytest.mark.capability("RT-5")
@pytest.mark.parametrize("status", [401, 402, 403, 404, 410, 423, 430])
def test_a_shop_that_is_frozen_locked_gone_or_closed_to_our_address_refuses_us(remote: Remote, status: int) -> None:
    remote.tricks = [("status", (status, {}))]
    shop: Outbound = shopify_at({"base_url": remote.url, "shop": "x", "access_token": "t", "allow_loopback": True})
    with pytest.raises(Unauthorised):
        shop.send("POST", "/things", writes=True, body={"key": "k", "what": "w"})
