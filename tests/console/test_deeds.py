"""What a person changes at the console: asked first, done by a service, kept with name and reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.infra.cases import ExceptionCase
from app.infra.connections import ConnectionRow
from app.infra.hub import Hub
from app.infra.value_maps import ValueMapRow
from tests.console.browser import SETTINGS, Browser, acts, capture, connect, set_aside, state_of

WHO = "operator@shop.example"
ROW = "orders.sku_unmapped|order_to_cash.post_to_erp|erp"


@pytest.mark.capability("RT-6", "ADM-2")
def test_a_replay_says_first_what_it_will_do(operator: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    for n in range(3):
        _, delivery, _ = set_aside(hub, f"orders:{n}")
    asked = operator.post("/admin/dead-letters/replay", rowid=ROW)
    assert "Replay 3 letters" in asked.text
    assert "Nothing has been done yet" in asked.text
    assert (state_of(hub, delivery), len(acts(hub))) == ("parked", 1)
    done = operator.post("/admin/dead-letters/replay", rowid=ROW, sure="yes", why="the item exists now")
    assert "3 letters set due again" in done.text
    assert state_of(hub, delivery) == "due"
    assert acts(hub)[-1][:1] + acts(hub)[-1][2:] == (WHO, "the item exists now")


@pytest.mark.capability("RT-6")
def test_a_dismissal_needs_a_reason(operator: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    event, delivery, _ = set_aside(hub)
    row = {"kind": "delivery", "rowid": f"{event}.{delivery}"}
    assert "Why are they not needed?" in operator.post("/admin/dead-letters/dismiss", **row).text
    assert operator.post("/admin/dead-letters/dismiss", sure="yes", why=" ", **row).status_code == 422
    assert state_of(hub, delivery) == "parked"
    operator.post("/admin/dead-letters/dismiss", sure="yes", why="a test order", **row)
    assert state_of(hub, delivery) == "dismissed"
    assert (WHO, "dismissed deliveries", "a test order") in acts(hub)


@pytest.mark.capability("SEC-2")
def test_a_post_without_the_page_s_token_changes_nothing(operator: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    _, delivery, case = set_aside(hub)
    for path, form in (
        ("dead-letters/replay", {"rowid": ROW, "sure": "yes"}),
        (f"cases/{case}/mend", {"remedy": "mended"}),
        ("connections/erp/pause", {"sure": "yes", "why": "mischief"}),
        ("sign-out", {}),
    ):
        for token in ("", "forged"):
            answer = operator.client.post(f"/admin/{path}", data={"csrf_token": token, **form})
            assert answer.status_code == 400
    assert state_of(hub, delivery) == "parked"
    assert operator.get("/admin/").status_code == 200


@pytest.mark.capability("ADM-1")
def test_a_viewer_changes_nothing(signed_in: Callable[[str], Browser], hub: Hub) -> None:
    connect(hub, "erp")
    _, delivery, case = set_aside(hub)
    viewer = signed_in("viewer")
    page = viewer.get(f"/admin/cases/{case}").text
    assert "Your role may look" in page
    assert 'name="remedy"' not in page
    for path, form in (
        ("dead-letters/replay", {"rowid": ROW, "sure": "yes"}),
        ("dead-letters/dismiss", {"rowid": ROW, "sure": "yes", "why": "x"}),
        (f"cases/{case}/mend", {"remedy": "mended"}),
        (f"cases/{case}/take", {}),
        ("connections/erp/test", {}),
        ("connections/erp/pause", {"sure": "yes", "why": "x"}),
    ):
        assert viewer.post(f"/admin/{path}", **form).status_code == 403
    assert state_of(hub, delivery) == "parked"
    assert [who for who, _, _ in acts(hub)] == ["setup"]


@pytest.mark.capability("VIS-4", "PRD-3")
def test_a_missing_sku_is_mapped_and_its_orders_released_in_one_press(operator: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    first = set_aside(hub, "orders:1")
    second = set_aside(hub, "orders:2")
    assert first[2] == second[2]
    operator.get(f"/admin/cases/{first[2]}")
    done = operator.post(f"/admin/cases/{first[2]}/mend", remedy="map_sku", target="1896-S")
    assert "Mapped item MO-1 to 1896-S. 2 deliveries set due again." in done.text
    assert [state_of(hub, one[1]) for one in (first, second)] == ["due", "due"]
    with hub.unit_of_work() as uow:
        row = uow.session.get(ValueMapRow, ("erp", "item", "MO-1"))
        case = uow.session.get(ExceptionCase, first[2])
    assert row is not None
    assert (row.target, row.changed_by) == ("1896-S", WHO)
    assert case is not None
    assert (case.state, case.closed_by, case.reason) == ("resolved", WHO, "mapped item MO-1 to 1896-S")
    assert {who for who, did, _ in acts(hub) if did != "added a connection"} == {WHO}


@pytest.mark.capability("VIS-4")
def test_a_remedy_without_its_value_changes_nothing(operator: Browser, hub: Hub) -> None:
    _, delivery, case = set_aside(hub)
    operator.get(f"/admin/cases/{case}")
    answer = operator.post(f"/admin/cases/{case}/mend", remedy="map_sku", target=" ")
    assert answer.status_code == 422
    assert "Say what MO-1 is at erp" in answer.text
    assert operator.post(f"/admin/cases/{case}/mend", remedy="wishful").status_code == 422
    assert state_of(hub, delivery) == "parked"


@pytest.mark.capability("VIS-4")
def test_a_case_is_taken_and_several_are_released_together(operator: Browser, hub: Hub) -> None:
    cases = [set_aside(hub, f"orders:{n}", code=f"orders.odd_{n}") for n in range(3)]
    operator.post(f"/admin/cases/{cases[0][2]}/take")
    assert "operator" in operator.get("/admin/cases/?view=mine").text
    rows = [case for _, _, case in cases]
    assert "Release 3 deliveries" in operator.post("/admin/cases/many", rowid=rows, deed="release").text
    operator.post("/admin/cases/many", rowid=rows, deed="release", sure="yes", why="the period is open again")
    assert [state_of(hub, delivery) for _, delivery, _ in cases] == ["due"] * 3
    assert "Nothing needs a decision" in operator.get("/admin/cases/").text
    assert "1 of 1" not in operator.get(f"/admin/cases/{rows[0]}").text


@pytest.mark.capability("VIS-4")
def test_a_dismissed_case_takes_what_waits_with_it(operator: Browser, hub: Hub) -> None:
    _, delivery, case = set_aside(hub)
    assert "Deliveries dismissed" in operator.post(f"/admin/cases/{case}/dismiss").text
    operator.post(f"/admin/cases/{case}/dismiss", sure="yes", why="posted by hand as SO-77")
    assert state_of(hub, delivery) == "dismissed"
    assert "posted by hand as SO-77" in operator.get(f"/admin/cases/{case}").text


@pytest.mark.capability("SEC-3")
def test_seeing_personal_data_is_an_act(operator: Browser, hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        uow.sql(
            "INSERT INTO hub.notice (connection, topic, correlation_id, headers, body, verdict) VALUES ('shop', "
            "'orders/create', 'c-1', '{\"x-shopify-hmac-sha256\": \"abc\", \"accept\": \"*/*\"}', %(body)s, 'kept')",
            {"body": b'{"email": "rosa.tremblay@maplemail.example", "customer": {"first_name": "Rosa"}}'},
        )
        row = uow.sql("SELECT id FROM hub.notice").fetchone()
    assert row is not None
    page = operator.get(f"/admin/notices/{row[0]}").text
    assert "r•••••@maplemail.example" in page
    assert "rosa" not in page
    assert "Rosa" not in page
    assert "abc" not in page
    assert len(acts(hub)) == 0
    assert "rosa.tremblay@maplemail.example" in operator.post(f"/admin/notices/{row[0]}/whole").text
    assert acts(hub) == [(WHO, "saw a notice whole", "")]


@pytest.mark.capability("RT-13", "ADM-2")
def test_a_connection_is_paused_with_a_reason_and_resumed(admin: Browser, hub: Hub) -> None:
    connect(hub, "erp")
    assert "Why? Somebody else will find it paused." in admin.post("/admin/connections/erp/pause").text
    assert admin.post("/admin/connections/erp/pause", sure="yes", why="").status_code == 422
    admin.post("/admin/connections/erp/pause", sure="yes", why="stock count")
    assert "stock count" in admin.get("/admin/connections/erp").text
    assert "One thing needs you" in admin.get("/admin/").text
    admin.post("/admin/connections/erp/resume")
    with hub.unit_of_work() as uow:
        assert hub.connections.get(uow.session, "erp").state == "on"
    assert [did for _, did, _ in acts(hub)][1:] == ["paused a connection", "resumed a connection"]


@pytest.mark.capability("ADM-2", "SEC-1")
def test_a_connection_is_added_by_the_form_of_its_adapter(admin: Browser, hub: Hub) -> None:
    admin.get("/admin/connections/add?adapter=business_central")
    form = {"adapter": "business_central", "name": "marlow-us", "roles": "erp", **SETTINGS["erp"]}
    wrong = admin.post("/admin/connections/add", **{**form, "company_id": "not-a-guid", "tax_mode": "gross"})
    assert wrong.status_code == 422
    assert "give the id as 8-4-4-4-12 hex digits" in wrong.text
    assert "a client secret" not in wrong.text
    added = admin.post("/admin/connections/add", **form, **{"accounts.shipping": "4100", "comment_lines": "2"})
    assert "Added. Test it before the first order needs it." in added.text
    assert "a client secret" not in added.text
    with hub.unit_of_work() as uow:
        row = uow.session.get(ConnectionRow, "marlow-us")
        kept = hub.connections.get(uow.session, "marlow-us").settings
        routes = uow.sql("SELECT role, connection FROM hub.route").fetchall()
    assert row is not None
    assert "client_secret" not in row.settings
    assert row.secrets is not None
    assert b"a client secret" not in row.secrets
    assert kept["client_secret"] == "a client secret"
    assert (kept["accounts"]["shipping"], kept["comment_lines"]) == ("4100", 2)
    assert routes == [("erp", "marlow-us")]


@pytest.mark.capability("SEC-1")
def test_new_secrets_keep_the_old_one_valid_where_the_adapter_can(admin: Browser, hub: Hub) -> None:
    connect(hub, "shop", "erp")
    admin.get("/admin/connections/shop/secrets")
    done = admin.post("/admin/connections/shop/secrets", webhook_secret="the new one", access_token="")
    assert "The new secrets are in use" in done.text
    assert "the new one" not in done.text
    with hub.unit_of_work() as uow:
        kept = hub.connections.get(uow.session, "shop").settings
    assert (kept["webhook_secret"], kept["access_token"]) == ("the new one", "shpat_0123456789")
    assert SETTINGS["shop"]["webhook_secret"] in str(kept)
    assert admin.post("/admin/connections/erp/secrets", client_secret="").status_code == 422


@pytest.mark.capability("ADM-1", "GOV-2")
def test_people_and_keys_are_made_and_ended(admin: Browser, hub: Hub) -> None:
    made = admin.post("/admin/people/add", email="New@Shop.example", role="viewer", name="New")
    assert "Password of new@shop.example, shown once" in made.text
    assert admin.post("/admin/people/add", email="new@shop.example", role="viewer").status_code == 409
    assert admin.post("/admin/people/add", email="nobody", role="viewer").status_code == 422
    shown = admin.post("/admin/people/keys", name="Warehouse", scope=["erp:write"], days="30").text
    token = shown.split('data-copy="')[1].split('"')[0]
    assert token.startswith("rh_")
    assert token not in admin.get("/admin/people/").text
    prefix = token.split("_")[1]
    assert "Revoke the key" in admin.post("/admin/people/keys/revoke", prefix=prefix).text
    admin.post("/admin/people/keys/revoke", prefix=prefix, sure="yes", why="lost laptop")
    assert "Revoked" in admin.get("/admin/people/").text
    assert ("admin@shop.example", "revoked an API key", "lost laptop") in acts(hub)


@pytest.mark.capability("ORD-10", "ADM-2")
def test_any_number_finds_the_order(operator: Browser, hub: Hub) -> None:
    connect(hub, "shop")
    (order_id,) = capture(hub)
    with hub.unit_of_work() as uow:
        uow.sql(
            "INSERT INTO orders.erp_document (order_id, erp, external_id, number, version, currency, total_minor, "
            "tax_minor) VALUES (%(id)s, 'erp', 'guid-1', 'SO-101', 1, 'USD', 1, 0)",
            {"id": order_id},
        )
        found = uow.sql("SELECT name, external_id FROM orders.sales_order").fetchone()
    assert found is not None
    for number in (found[0], found[0].lstrip("#"), found[1], "SO-101", order_id, f"trail-{found[0]}"):
        page = operator.client.get("/admin/search/", query_string={"q": number}).text
        assert (number, f"/admin/orders/{order_id}" in page) == (number, True)
    alone = operator.client.get("/admin/search/", query_string={"q": "SO-101", "go": "first"})
    assert alone.location == f"/admin/orders/{order_id}"


@pytest.mark.capability("ADM-2", "SEC-3")
def test_a_person_is_signed_out_turned_off_and_on_but_not_the_last_administrator(
    admin: Browser, operator: Browser, hub: Hub
) -> None:
    def deed(what: str, email: str = "operator@shop.example") -> str:
        given = {"email": email, "deed": what}
        assert "Why?" in admin.post("/admin/people/state", **given).text
        return admin.post("/admin/people/state", **given, sure="yes", why="lost laptop").text

    assert operator.get("/admin/runbooks/").status_code == 200
    assert "signed a person out" in deed("sign_out")
    assert operator.get("/admin/runbooks/").status_code == 302
    assert "turned a person off" in deed("off")
    assert operator.sign_in("operator@shop.example").status_code == 401
    deed("on")
    operator.sign_in("operator@shop.example")
    assert operator.get("/admin/runbooks/").status_code == 200
    assert "another administrator first" in deed("off", "admin@shop.example")
    with hub.unit_of_work() as uow:
        acts = uow.sql("SELECT did, why FROM hub.act WHERE kind = 'person' AND why <> '' ORDER BY id").fetchall()
    assert [row[0] for row in acts] == ["signed a person out", "turned a person off", "turned a person on"]
