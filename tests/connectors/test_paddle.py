"""Paddle: the last page, archived rows, windows, ids, times and money."""

import httpx
import pytest
from starlette.responses import JSONResponse

from connectors_dagster import load_connectors
from connectors_dagster.config.selected_resources import selected_resources
from connectors_dagster.errors import ApiError
from connectors_dagster.sandbox import CREDENTIALS, base_url

PADDLE = load_connectors()["paddle"]
ONE_PAGE = ("event_types", "ip_addresses", "credit_balances")
LISTS = {name: r for name, r in PADDLE.graph.items() if name not in ONE_PAGE}
AT = "2024-01-05T00:00:00Z"


def entity(id: str, at: str = AT, **fields) -> dict:
    return {"id": id, "status": "active", "updated_at": at, **fields}


def test_a_page_is_requested_after_the_last_id_and_the_next_link_is_not_followed(api, load, warehouse):
    ids = [f"pro_{number:03}" for number in range(401)]
    api.set("paddle/products", [entity(id) for id in reversed(ids)])
    [first, *_] = load("paddle/products")["paddle/products"].values()
    assert [asked.get("after") for asked in api.asked("/products")] == [None, "pro_199", "pro_399"]
    assert (first.rows, first.requests, first.duplicates) == (401, 3, 0)
    assert warehouse.ids("paddle.products") == ids


def test_a_list_of_full_pages_ends_with_has_more_although_next_leads_to_another_host(api, read):
    api.set("paddle/customers", [entity(f"ctm_{number:03}") for number in range(200)])
    rows, stats = read("paddle/customers")
    assert (len(rows), stats.requests) == (200, 1)
    asked = {"per_page": 200, "order_by": "id[ASC]", "after": "ctm_199"}
    headers = {"Authorization": f"Bearer {CREDENTIALS['paddle']['api_key']}"}
    after_the_end = httpx.get(f"{base_url(api.port, 'paddle')}/customers", params=asked, headers=headers).json()
    assert after_the_end["data"] == []
    assert after_the_end["meta"]["pagination"]["next"] == "https://api.paddle.com/customers?after=ctm_199"


@pytest.mark.parametrize("name", LISTS)
def test_every_list_is_requested_in_order_of_creation_with_its_largest_pages_and_all_states(api, load, read, name):
    api.set("paddle/customers", [entity("ctm_1")])
    api.set("paddle/simulations", [entity("ntfsim_1")])
    if LISTS[name].parent:
        load(f"paddle/{name}")
    else:
        read(f"paddle/{name}")
    path = LISTS[name].endpoint["path"].rpartition("/")[2]
    asked, *others = sorted(api.asked(f"/{path}"), key=lambda query: query.get("status", ""))
    assert [other["status"] for other in others] == (["expired"] if name == "discounts" else [])
    assert asked.pop("order_by") == "id[ASC]"
    assert asked.pop("per_page") == {"transactions": "30", "adjustments": "50"}.get(name, "200")
    windows = {"updated_at[GTE]": "2024-01-01T00:00:00Z", "updated_at[LT]": "2024-01-31T00:00:00Z"}
    states = {
        **dict.fromkeys(("customers", "customer_addresses", "businesses", "prices", "products"), "active,archived"),
        **dict.fromkeys(("discounts", "simulations"), "active,archived"),
        "reports": "pending,ready,failed,expired",
        "client_tokens": "active,revoked",
        "checkout_domains": "pending_review,approved,rejected,in_review,action_required",
    }
    others = windows if name == "transactions" else {"include": "events"} if name == "simulation_runs" else {}
    assert asked == ({"status": states[name]} if name in states else others)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [("products", "active", "archived"), ("discounts", "active", "archived"), ("reports", "ready", "expired")],
)
def test_rows_that_lists_leave_out_by_default_are_loaded_with_their_state(api, load, warehouse, name, before, after):
    for status in (before, after):
        api.set(f"paddle/{name}", [entity("a", status=before), entity("b", status=status)])
        load(f"paddle/{name}")
    assert warehouse.query(f"SELECT id, status FROM paddle.{name} ORDER BY id") == [("a", before), ("b", after)]


def test_an_api_that_lists_expired_discounts_is_asked_for_them(api, load, warehouse):
    api.set("paddle/discounts", [entity("a"), entity("b", status="archived"), entity("c", status="expired")])
    [stats, *_] = load("paddle/discounts")["paddle/discounts"].values()
    assert warehouse.ids("paddle.discounts") == ["a", "b", "c"]
    assert (stats.rows, stats.ignored) == (3, 0)


def test_an_api_that_knows_no_expired_discounts_is_asked_for_the_others_and_the_refusal_is_told(
    api, load, warehouse, caplog
):
    api.set("paddle/discounts", [entity("a"), entity("b", status="archived")])
    wrong = {"field": "status", "message": "must be one of active, archived"}
    refusal = {"error": {"type": "request_error", "code": "bad_request", "errors": [wrong]}}
    api.faults.append(
        lambda request: JSONResponse(refusal, 400) if request.query_params.get("status") == "expired" else None
    )
    [stats, *_] = load("paddle/discounts")["paddle/discounts"].values()
    assert warehouse.ids("paddle.discounts") == ["a", "b"]
    assert (stats.rows, stats.ignored) == (2, 1)
    [told] = [r.getMessage() for r in caplog.records if "response ignored as configured" in r.getMessage()]
    assert "status=expired" in told and "for status expired" in told


def test_a_400_that_is_not_about_the_state_still_fails(api, load):
    api.answer("/discounts", 400, {"error": {"code": "bad_request", "detail": "Invalid request."}})
    with pytest.raises(ApiError, match=r"paddle/discounts.*answered 400.*Invalid request"):
        load("paddle/discounts")


def test_the_seven_kinds_of_adjustments_are_loaded_and_one_just_made_has_no_time(api, load, warehouse):
    kinds = ("refund", "credit", "credit_reverse", "chargeback", "chargeback_reverse")
    kinds += ("chargeback_warning", "chargeback_warning_reverse")
    rows = [entity(f"adj_{number}", action=action) for number, action in enumerate(kinds)]
    api.set("paddle/adjustments", [*rows, entity("adj_new", "0001-01-01T00:00:00Z", action="refund")])
    load("paddle/adjustments")
    found = warehouse.query("SELECT id, action FROM paddle.adjustments ORDER BY id")
    assert found == [*((row["id"], row["action"]) for row in rows), ("adj_new", "refund")]


def test_what_belongs_to_a_customer_is_loaded_with_the_customer(api, load, warehouse):
    api.set("paddle/customers", [entity("ctm_1"), entity("ctm_2")])
    balance = {"available": "1250", "reserved": "0", "used": "400"}
    balances = [{"customer_id": "ctm_1", "currency_code": code, "balance": balance} for code in ("EUR", "USD")]
    api.set("paddle/credit_balances", balances)
    api.set("paddle/payment_methods", [{"id": "paymtd_1", "customer_id": "ctm_2", "type": "card"}])
    load("paddle/customers", "paddle/credit_balances", "paddle/payment_methods")
    found = warehouse.query(
        "SELECT customer_id, currency_code, balance ->> 'used' FROM paddle.credit_balances ORDER BY 2"
    )
    assert found == [("ctm_1", "EUR", "400"), ("ctm_1", "USD", "400")]
    assert warehouse.query("SELECT id, _customers_id FROM paddle.payment_methods") == [("paymtd_1", "ctm_2")]


def test_addresses_of_an_archived_customer_are_loaded_and_a_deleted_customer_is_counted(api, load, warehouse):
    api.set("paddle/customers", [entity("ctm_1", status="archived"), entity("ctm_2")])
    api.set("paddle/customer_addresses", [entity("add_1", customer_id="ctm_1", status="archived")])
    gone = {"error": {"type": "request_error", "code": "not_found"}}
    api.answer("/ctm_2/addresses", 404, gone)
    [stats] = load("paddle/customers", "paddle/customer_addresses")["paddle/customer_addresses"].values()
    assert warehouse.ids("paddle.customer_addresses") == ["add_1"]
    assert (stats.rows, stats.ignored) == (1, 1)


def test_a_key_without_the_scope_fails_with_paddles_message(api, read):
    api.answer("/adjustments", 403, {"error": {"code": "forbidden", "detail": "not allowed"}})
    with pytest.raises(ApiError, match=r"paddle/adjustments.*answered 403.*forbidden.*check their scope") as failure:
        read("paddle/adjustments")
    assert str(failure.value).endswith("; SOURCES__PADDLE__RESOURCES=-adjustments loads the others without it")


def test_a_resource_that_a_key_may_not_read_is_left_out_as_its_error_says(api, materialize, warehouse, monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", "paddle")
    api.answer("/client-tokens", 403, {"error": {"code": "forbidden", "detail": "not allowed"}})
    api.set("paddle/simulations", [entity("ntfsim_1")])
    with pytest.raises(AssertionError):
        assert materialize("paddle/client_tokens", "paddle/simulations").errors == []
    monkeypatch.setenv("SOURCES__PADDLE__RESOURCES", "-client_tokens")
    assert "client_tokens" not in selected_resources(PADDLE)
    assert materialize("paddle/simulations").errors == []
    assert warehouse.ids("paddle.simulations") == ["ntfsim_1"]


def test_each_ip_becomes_a_row_and_ips_no_longer_listed_are_deleted(api, load, warehouse):
    api.set("paddle/ip_addresses", [{"ipv4_cidr": "192.0.2.1/32"}, {"ipv4_cidr": "192.0.2.2/32"}])
    load("paddle/ip_addresses")
    api.set("paddle/ip_addresses", [{"ipv4_cidr": "192.0.2.2/32"}])
    load("paddle/ip_addresses")
    assert warehouse.column("paddle.ip_addresses", "ipv4_cidr") == ["192.0.2.2/32"]


def test_event_types_keep_one_row_per_name_however_often_they_are_loaded(api, load, warehouse):
    api.set("paddle/event_types", [{"name": "price.created", "group": "Price", "available_versions": [1]}])
    load("paddle/event_types")
    load("paddle/event_types")
    assert warehouse.query("SELECT name, available_versions FROM paddle.event_types") == [("price.created", "[1]")]


def test_times_with_0_to_9_fraction_digits_land_in_their_window_to_the_microsecond(api, load, warehouse):
    digits = "123456789"
    spelled = {f"txn_{n}": "2024-01-30T23:59:59" + (f".{digits[:n]}" if n else "") + "Z" for n in range(10)}
    api.set("paddle/transactions", [entity(id, at) for id, at in spelled.items()])
    first, *others = load("paddle/transactions")["paddle/transactions"].values()
    assert (first.rows, [stats.rows for stats in others]) == (10, [0, 0, 0])
    found = warehouse.query("SELECT id, epoch_us(updated_at) % 1000000 FROM paddle.transactions ORDER BY id")
    assert found == [(f"txn_{n}", int(digits[:n].ljust(6, "0")[:6])) for n in range(10)]


def test_money_and_custom_data_keep_every_digit(api, load, warehouse):
    custom = {"ratio": 0.1000, "big": 12345678901234567890}
    totals = {"total": "90071992547409931234", "currency_code": "USD"}
    api.set("paddle/adjustments", [entity("adj_1", totals=totals)])
    api.set("paddle/products", [entity("pro_1", custom_data=custom)])
    api.set("paddle/discounts", [entity("dsc_1", amount="007.50")])
    for name in ("adjustments", "products", "discounts"):
        load(f"paddle/{name}")
    assert warehouse.query("SELECT totals ->> 'total' FROM paddle.adjustments") == [("90071992547409931234",)]
    assert warehouse.column("paddle.products", "custom_data") == ['{"ratio":0.1,"big":12345678901234567890}']
    assert warehouse.column("paddle.discounts", "amount") == ["007.50"]


def test_only_transactions_are_requested_window_by_window_and_other_lists_once(api, load):
    for name, requests in (("transactions", 2), ("prices", 1)):
        load(f"paddle/{name}", windows=["2024-01-01", "2024-01-31"])
        assert len(api.asked(f"/{name}")) == requests
