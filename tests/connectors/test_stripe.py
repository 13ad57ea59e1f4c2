"""Stripe: windows on the creation, changes that do not move it, lists that are cut, secrets and deleted rows."""

import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from connectors_dagster import load_connectors
from connectors_dagster.errors import EnvelopeError
from connectors_dagster.sandbox import CREDENTIALS, base_url

STRIPE = load_connectors()["stripe"]
WINDOWED = [r for r in STRIPE.graph.values() if r.cursor]
LINES = ("invoice_lines", "invoice_lines_in_full")
SECOND, THIRD = "2024-01-31", "2024-03-01"


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def row(id: str, at: str = "2024-02-05", **fields: Any) -> dict[str, Any]:
    return {"id": id, "created": seconds(at), **fields}


def listed(url: str, items: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    return {"object": "list", "url": url, "has_more": has_more, "data": items}


@pytest.mark.parametrize("resource", WINDOWED, ids=lambda r: r.name)
def test_a_window_is_requested_by_the_creation_in_epoch_seconds(api, load, resource):
    api.set(str(resource), [row("a")])
    load(str(resource), windows=[SECOND])
    (asked,) = api.asked(resource.endpoint["path"])
    assert asked == {"limit": "100", "created[gte]": str(seconds(SECOND)), "created[lt]": str(seconds(THIRD))}


def test_pages_start_after_the_last_row_and_no_row_is_lost_on_an_edge(api, load, warehouse):
    inside = [row(f"ch_{n:03}", "2024-02-05") for n in range(201)]
    api.set("stripe/charges", [row("edge", SECOND), row("next", THIRD), *inside])
    [stats] = load("stripe/charges", windows=[SECOND])["stripe/charges"].values()
    first, second, third = api.asked("/charges")
    assert (second.pop("starting_after"), third.pop("starting_after")) == ("ch_101", "ch_001")
    assert first == second == third
    assert (stats.rows, stats.pages) == (202, 3)
    assert len(warehouse.ids("stripe.charges")) == 202


def test_lines_of_an_invoice_become_rows_and_are_requested_only_if_there_are_more(api, load, warehouse):
    lines = {id: [{"id": f"{id}_{n}", "invoice": id, "amount": n} for n in range(12)] for id in ("long", "short")}
    cut = {
        "long": listed("…", lines["long"][:10], has_more=True),
        "short": listed("…", lines["short"][:2], has_more=False),
    }
    api.set("stripe/invoices", [row(id, lines=cut[id]) for id in lines])
    api.set("stripe/invoice_lines_in_full", lines["long"])
    load("stripe/invoices", "stripe/invoice_lines", "stripe/invoice_lines_in_full", windows=[SECOND])
    count = "SELECT _invoices_id, count(*), max(amount) FROM stripe.{} GROUP BY 1 ORDER BY 1"
    assert warehouse.query(count.format("invoice_lines")) == [("long", 10, 9), ("short", 2, 1)]
    assert warehouse.query(count.format("invoice_lines_in_full")) == [("long", 12, 11)]
    assert [path for path, _ in api.requests if path.endswith("/lines")] == ["/stripe/v1/invoices/long/lines"]


@pytest.mark.parametrize(
    ("lines", "loaded"),
    [
        (None, (0, False, 0)),
        ({"object": "list", "data": [{"id": "il_1"}]}, (1, True, 1)),
        ({"object": "list", "data": [], "has_more": True}, (0, True, 1)),
    ],
    ids=["no list", "a list that does not say whether it is cut", "a list without the first lines"],
)
def test_lines_are_requested_in_full_unless_the_list_says_that_it_has_all(api, load, warehouse, lines, loaded):
    api.set("stripe/invoices", [row("in_1", lines=lines)])
    api.set("stripe/invoice_lines_in_full", [{"id": "il_1", "invoice": "in_1"}])
    load("stripe/invoices", "stripe/invoice_lines", "stripe/invoice_lines_in_full", windows=[SECOND])
    counts = [warehouse.query(f"SELECT count(*) FROM stripe.{name}")[0][0] for name in LINES]
    [(cut,)] = warehouse.query("SELECT lines_are_cut FROM stripe.invoices")
    assert (counts[0], cut, counts[1]) == loaded


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"object": "list", "data": [row("a")]}, "contains 'object', 'data'"),
        ({"object": "list", "data": [], "has_more": None}, 'is {"object":"list","data":[],"has_more":null}'),
        ({"error": {"code": "x"}}, 'is {"error":{"code":"x"}}'),
    ],
)
def test_a_page_that_does_not_say_whether_there_are_more_is_refused_and_shown_without_rows(api, load, body, shown):
    api.answer("/charges", body=body)
    shown = re.escape(f"'has_more' is missing; the response {shown}")
    with pytest.raises(EnvelopeError, match=f"page 1 does not fit .*{shown}"):
        load("stripe/charges", windows=[SECOND])


def test_a_page_that_is_empty_although_there_are_more_is_refused(api, load):
    api.answer("/charges", body={"object": "list", "data": [], "has_more": True})
    with pytest.raises(EnvelopeError, match=r"reports 'has_more' but has no 'data\.\[-1\]\.id' cursor"):
        load("stripe/charges", windows=[SECOND])


def test_items_of_a_subscription_are_requested_with_its_id_if_there_are_more(api, load, warehouse):
    family = [f"stripe/{name}" for name in ("subscriptions", "subscription_items", "subscription_items_in_full")]
    items = [{"id": f"si_{n}", "subscription": "long"} for n in range(12)]
    rest = listed("…", items[:10], has_more=True)
    short = listed("…", [{"id": "si_x", "subscription": "short"}], has_more=False)
    api.set(family[0], [row("long", status="active", items=rest), row("short", status="canceled", items=short)])
    api.set(family[2], items)
    load(*family)
    assert [asked["subscription"] for asked in api.asked("/subscription_items")] == ["long"]
    assert warehouse.query("SELECT count(*) FROM stripe.subscription_items") == [(11,)]
    assert len(warehouse.ids("stripe.subscription_items_in_full")) == 12
    assert warehouse.ids("stripe.subscriptions") == ["long", "short"]


@pytest.mark.parametrize("name", ["payment_intents", "setup_intents", "checkout_sessions"])
def test_the_secret_with_which_a_browser_completes_a_payment_is_not_loaded(api, load, warehouse, name):
    api.set(f"stripe/{name}", [row("a", client_secret="a_secret_b")])
    load(f"stripe/{name}")
    assert "a_secret_b" not in str(warehouse.query(f"SELECT * FROM stripe.{name}"))


def test_a_deleted_customer_is_marked_and_kept(api, load, warehouse):
    for rows in ([row("a"), row("b")], [row("b")]):
        api.set("stripe/customers", rows)
        load("stripe/customers")
    found = warehouse.query("SELECT id, absent_since IS NULL FROM stripe.customers ORDER BY id")
    assert found == [("a", False), ("b", True)]


def test_the_account_is_named_only_if_it_is_configured(api, load, monkeypatch):
    sent = []
    api.faults.append(lambda request: sent.append(request.headers.get("stripe-account")))
    for account in (None, "acct_1"):
        if account:
            monkeypatch.setenv("SOURCES__STRIPE__ACCOUNT", account)
        load("stripe/coupons")
    assert sent == [None, "acct_1"]


@pytest.mark.parametrize(
    ("path", "params"),
    [("customers", {"updated": 1}), ("quotes", {"created[gte]": 1}), ("charges", {"starting_after": "ch_0"})],
)
def test_the_sandbox_refuses_what_stripe_refuses(api, path, params):
    api.set(f"stripe/{path}", [row("a")])
    headers = {"Authorization": f"Bearer {CREDENTIALS['stripe']['api_key']}"}
    url = f"{base_url(api.port, 'stripe')}/v1/{path}"
    assert [httpx.get(url, params=one, headers=headers).status_code for one in ({}, params)] == [200, 400]
