"""A resource may be requested once for each value of a list, or for each combination of several lists."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.responses import JSONResponse

from connectors_dagster import Cursor, ResourceOptions, Setting
from connectors_dagster.errors import EnvelopeError, SettingError
from connectors_dagster.read.connection import connect
from connectors_dagster.read.trial import Trial
from tests.support.requested import Asked, Requested, connector_of, load_resources
from tests.support.rows import NOW

JANUARY, FEBRUARY = "2024-01-01", "2024-01-31"
SALES = {
    "name": "sales",
    "primary_key": ["_region", "id"],
    "write_disposition": "merge",
    "endpoint": {"path": "/{each.region}/sales", "params": {"kind": "{each.kind}"}},
}
LISTS = {"region": ["eu", "a/b"], "kind": [1, 2]}


@pytest.fixture
def api() -> Iterator[Requested]:
    with Requested().served() as api:
        yield api


def test_everything_is_requested_for_each_combination_and_rows_say_which(api, warehouse, tmp_path):
    options = {"sales": ResourceOptions(for_each=LISTS, include_each=("region", "kind"))}
    sales = {**SALES, "primary_key": ["_region", "_kind", "id"]}
    connector = connector_of(tmp_path, api.url, sales, options=options)
    api.answer = lambda _: {"data": [{"id": 1, "_region": "own"}, {"id": 2}]}
    stats = load_resources(connector)["sales"][None]
    assert sorted((asked.path, asked.query["kind"]) for asked in api.asked) == [
        ("/a/b/sales", "1"), ("/a/b/sales", "2"), ("/eu/sales", "1"), ("/eu/sales", "2"),
    ]  # fmt: skip
    assert (stats.rows, stats.requests, stats.pages, stats.duplicates) == (8, 4, 4, 0)
    rows = warehouse.query("SELECT _region, _kind, id, own_region FROM shop.sales ORDER BY ALL")
    assert rows[:3] == [("a/b", 1, 1, "own"), ("a/b", 1, 2, None), ("a/b", 2, 1, "own")]
    assert len(rows) == 8
    trial = Trial(connect(connector), NOW)
    assert len(trial.rows(connector.graph["sales"]) or ()) == 2  # with the first values only


def test_numbers_are_text_in_a_header(api, tmp_path):
    endpoint = {"path": "/sales", "headers": {"X-Kind": "{each.kind}", "X-Wide": 7}}
    options = {"sales": ResourceOptions(for_each={"kind": [1, 2]})}
    connector = connector_of(tmp_path, api.url, {**SALES, "primary_key": "id", "endpoint": endpoint}, options=options)
    api.answer = lambda _: {"data": [{"id": 1}]}
    load_resources(connector)
    assert sorted((asked.headers["x-kind"], asked.headers["x-wide"]) for asked in api.asked) == [("1", "7"), ("2", "7")]


def test_null_leaves_the_parameter_out(api, warehouse, tmp_path):
    endpoint = {"path": "/sales", "params": {"kind": "{each.kind}", "size": 7}}
    options = {"sales": ResourceOptions(for_each={"kind": [None, "old"]})}
    connector = connector_of(tmp_path, api.url, {**SALES, "primary_key": "id", "endpoint": endpoint}, options=options)
    api.answer = lambda asked: {"data": [{"id": len(asked.query)}]}
    stats = load_resources(connector)["sales"][None]
    assert sorted((asked.query for asked in api.asked), key=len) == [{"size": "7"}, {"kind": "old", "size": "7"}]
    assert (stats.rows, warehouse.column("shop.sales", "id")) == (2, [1, 2])


@pytest.mark.parametrize(
    "endpoint", [{"path": "/{each.kind}/sales"}, {"path": "/sales", "params": {"kind": "a {each.kind}"}}]
)
def test_null_cannot_be_part_of_a_text(tmp_path, endpoint):
    options = {"sales": ResourceOptions(for_each={"kind": [None, "old"]})}
    with pytest.raises(ValueError, match=r"for_each\.kind has null, which can only be the whole value of query param"):
        connector_of(
            tmp_path, "http://127.0.0.1", {**SALES, "primary_key": "id", "endpoint": endpoint}, options=options
        )


def test_a_value_may_stand_anywhere_in_a_request_and_keeps_its_type(api, tmp_path):
    endpoint = {
        "path": "/search",
        "method": "POST",
        "headers": {"X-Kind": "kind {each.kind}"},
        "json": {"query": "{ a(kind: {each.kind}) { id } }", "deep": [{"kind": "{each.kind}"}]},
    }
    api.answer = lambda asked: {"data": [{"id": asked.body["deep"][0]["kind"]}]}
    search = {"name": "search", "primary_key": "id", "write_disposition": "merge", "endpoint": endpoint}
    connector = connector_of(tmp_path, api.url, search, options={"search": ResourceOptions(for_each={"kind": [1, 2]})})
    load_resources(connector)
    first = min(api.asked, key=lambda asked: str(asked.body))
    assert first.headers["x-kind"] == "kind 1"
    assert first.body == {"query": "{ a(kind: 1) { id } }", "deep": [{"kind": 1}]}


def test_a_window_fails_if_one_of_its_values_fails_and_the_others_are_loaded(api, warehouse, tmp_path):
    def answer(asked: Asked) -> Any:
        month = asked.query["since"][:7]
        if asked.path == "/us/sales" and month == "2024-01" and asked.query["since"] < "2024-01-30":
            return JSONResponse({"error": "not open"}, status_code=422)
        at = "2024-01-05T00:00:00Z" if asked.query["since"] < "2024-01-30" else "2024-02-05T00:00:00Z"
        return {"data": [{"id": 1, "made": at}], "total": 1}

    api.answer = answer
    endpoint = {
        "path": "/{each.region}/sales",
        "incremental": {"cursor_path": "made", "start_param": "since", "end_param": "until"},
    }
    options = ResourceOptions(for_each={"region": ["eu", "us"]}, include_each=("region",), cursor=Cursor())
    sales = {**SALES, "endpoint": endpoint}
    connector = connector_of(tmp_path, api.url, sales, options={"sales": options}, total_path="total")
    stats = load_resources(connector, JANUARY, FEBRUARY, failing=True)["sales"]
    assert warehouse.query("SELECT _region FROM shop.sales WHERE made > '2024-02-01' ORDER BY ALL") == [
        ("eu",),
        ("us",),
    ]
    february = next(found for slice_, found in stats.items() if slice_ and slice_.window.key == FEBRUARY)
    assert (february.rows, february.source_rows, february.requests) == (2, 2, 2)
    with pytest.raises(Exception, match=r"shop/sales window 2024-01-01 for region us: GET .* answered 422"):
        load_resources(connector, JANUARY)


def test_a_total_and_repeated_pages_are_checked_for_each_value_on_its_own(api, tmp_path):
    api.answer = lambda asked: {"data": [{"id": 1}], "total": 2 if asked.path.startswith("/a") else 1}
    options = {"sales": ResourceOptions(for_each={**LISTS, "kind": [1]}, include_each=("region",))}
    connector = connector_of(tmp_path, api.url, SALES, options=options, total_path="total")
    with pytest.raises(EnvelopeError, match=r"for region a/b, kind 1: 1 different rows were read.* total of 2"):
        load_resources(connector)


def test_children_are_requested_for_each_parent_and_value(api, warehouse, tmp_path):
    api.answer = lambda asked: {"data": [{"id": 1}, {"id": 2}] if asked.path == "/shops" else [{"id": asked.path}]}
    shops = {"name": "shops", "primary_key": "id", "write_disposition": "merge", "endpoint": "/shops"}
    sales = {
        "name": "sales",
        "primary_key": "id",
        "write_disposition": "merge",
        "include_from_parent": ["id"],
        "endpoint": "/shops/{resources.shops.id}/{each.region}",
    }
    connector = connector_of(
        tmp_path, api.url, shops, sales, options={"sales": ResourceOptions(for_each={"region": ["eu", "us"]})}
    )
    load_resources(connector)
    assert warehouse.ids("shop.sales") == ["/shops/1/eu", "/shops/1/us", "/shops/2/eu", "/shops/2/us"]


def test_a_list_may_be_a_setting_and_must_have_values(api, warehouse, tmp_path, monkeypatch):
    regions = Setting("regions", type=list, description="regions to load")
    sales = {"name": "sales", "primary_key": "id", "write_disposition": "merge", "endpoint": "/{each.region}"}
    options = {"sales": ResourceOptions(for_each={"region": regions})}
    connector = connector_of(tmp_path, api.url, sales, options=options)
    assert connector.settings == ("regions",)
    api.answer = lambda asked: {"data": [{"id": asked.path}]}
    monkeypatch.setenv("SOURCES__SHOP__REGIONS", "eu, us, eu")
    load_resources(connector)
    assert warehouse.ids("shop.sales") == ["/eu", "/us"]
    monkeypatch.setenv("SOURCES__SHOP__REGIONS", ",")
    with pytest.raises(SettingError, match=r"shop/sales: for_each.region has no values"):
        load_resources(connector)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (ResourceOptions(), "{each.kind} is used or included, but for_each does not list it"),
        (ResourceOptions(for_each={**LISTS, "kinds": [1]}), "for_each.kinds is not used: write {each.kinds}"),
        (ResourceOptions(for_each={**LISTS, "region": []}), "for_each.region has no values"),
        (ResourceOptions(for_each={**LISTS, "region": ["eu", "eu"]}), "for_each.region has no values, or one twice"),
        (ResourceOptions(for_each={**LISTS, "region": "eu"}), "for_each.region is 'eu': it must be a list"),
        (ResourceOptions(for_each={**LISTS, "region": Setting("x")}), "setting x, which is not declared as a list"),
        (ResourceOptions(for_each=LISTS, include_each=("regoin",)), "did you mean 'region'?"),
    ],
)
def test_lists_that_do_not_fit_the_request_are_refused(tmp_path, options, said):
    with pytest.raises(ValueError, match="shop/sales: ") as caught:
        connector_of(tmp_path, "https://shop.example", SALES, options={"sales": options})
    assert said in str(caught.value)
