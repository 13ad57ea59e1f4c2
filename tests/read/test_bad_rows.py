"""Rows that cannot be placed fail their window only, or are set aside in a table of their own."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors_dagster import Connector, Cursor, ResourceOptions, load_connectors
from connectors_dagster.errors import RowError
from connectors_dagster.load.extract import Outcome
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.spec.windows import WindowGrid
from tests.support.feed import Feed, build_connector
from tests.support.rows import NOW, address, customer
from tests.support.shop import things
from tests.support.warehouse import Warehouse
from tests.support.wire import reply

ADDRESSES = "customer_addresses"
GRID = WindowGrid("P30D", "2024-01-01")
WINDOWS = GRID.opened(NOW)[:3]
SLICES = GRID.slices(WINDOWS, now=NOW, lookback=timedelta(minutes=5))
MIDDLES = [datetime(2024, month, 15, tzinfo=UTC) for month in (1, 2, 3)]
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a cursor that is no timestamp": ({"id": 9, "at": "yesterday"}, "cursor 'at' contains 'yesterday', which is not"),
    "no key": ({"at": "2024-02-15T00:00:00Z"}, "a row has no 'id', which is a key"),
    "a null key": ({"id": None, "at": "2024-02-15T00:00:00Z"}, "a row has no 'id', which is a key"),
    "a key that does not fit": ({"id": "A-3", "at": "2024-02-15T00:00:00Z"}, "'id' is a key and contains 'A-3'"),
}
Declare = Callable[..., Connector]


@pytest.fixture
def feed() -> Iterator[Feed]:
    """Three windows with one good row each."""
    with Feed().served() as feed:
        for number, at in enumerate(MIDDLES, start=1):
            feed.put(number, at, at=at.isoformat())
        yield feed


@pytest.fixture
def declare(feed: Feed, tmp_path: Path) -> Declare:
    def declare_(on_bad_row: Any = "fail", *, bounds: str = "both", **cursor: Any) -> Connector:
        connector = build_connector(tmp_path, feed, Cursor(**cursor), bounds=bounds)
        return replace(
            connector, resources={"changes": ResourceOptions(cursor=Cursor(**cursor), on_bad_row=on_bad_row)}
        )

    return declare_


def load(connector: Connector) -> Outcome:
    """Load three windows of a feed."""
    with loading(LoadRequest(now=NOW, resources=[connector.graph["changes"]], slices=SLICES)) as load:
        return load.outcomes["changes"]


def put_bad(feed: Feed, row: dict[str, Any]) -> None:
    """Add a row to the second window."""
    feed.rows["bad"] = (MIDDLES[1], row)


def rejected(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    return warehouse.query("SELECT raw_row, reason, window_key FROM feed.changes__rejected ORDER BY raw_row")


@pytest.mark.parametrize(("row", "reason"), BAD.values(), ids=BAD)
def test_a_row_that_cannot_be_placed_fails_its_window_by_name_and_no_other(feed, declare, warehouse, row, reason):
    put_bad(feed, row)
    outcome = load(declare())
    [error] = outcome.errors
    assert isinstance(error, RowError) and f"feed/changes window {WINDOWS[1].key}: {reason}" in str(error)
    assert "set on_bad_row" in str(error)
    assert [slice_.window for slice_ in outcome.landed if slice_] == [WINDOWS[0], WINDOWS[2]]
    assert warehouse.ids("feed.changes") == [1, 3]


def test_a_key_that_is_missing_fails_only_its_window_if_all_windows_share_their_requests(feed, declare, warehouse):
    put_bad(feed, BAD["no key"][0])
    outcome = load(declare(bounds="none"))
    assert [slice_.window for slice_ in outcome.failed if slice_] == [WINDOWS[1]]
    assert warehouse.ids("feed.changes") == [1, 3]


def test_a_bad_cursor_fails_all_windows_that_share_their_requests_because_it_belongs_to_none(feed, declare):
    put_bad(feed, {"id": 9, "at": "yesterday"})
    outcome = load(declare(bounds="none"))
    assert not outcome.ready and len(outcome.errors) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"write_disposition": "append"},
        {"merge_key": "at"},
        {"write_disposition": {"disposition": "merge", "strategy": "scd2"}},
    ],
    ids=str,
)
def test_all_windows_fail_together_if_rows_of_a_partial_read_could_change_others(feed, declare, warehouse, other):
    put_bad(feed, BAD["no key"][0])
    connector = declare()
    config: Any = {**connector.config, "resources": [{**connector.config["resources"][0], **other}]}
    outcome = load(replace(connector, config=config))
    assert not outcome.ready and len(outcome.errors) == 1
    assert "feed.changes" not in warehouse.tables()


@pytest.mark.parametrize("bounds", ["both", "none"])
@pytest.mark.parametrize(("row", "reason"), BAD.values(), ids=BAD)
def test_a_row_that_cannot_be_placed_is_set_aside_as_the_api_wrote_it(feed, declare, warehouse, row, reason, bounds):
    put_bad(feed, row | {"total": "10.00", "nested": {"a": [1, None]}})
    outcome = load(declare("set_aside", bounds=bounds))
    assert outcome.errors == [] and len(outcome.landed) == 3 and outcome.rejected == 1
    assert warehouse.ids("feed.changes") == [1, 2, 3]
    [(raw_row, why, window)] = rejected(warehouse)
    assert orjson.loads(raw_row) == row | {"total": "10.00", "nested": {"a": [1, None]}}
    assert reason in why
    assert window == (None if bounds == "none" and row.get("at") == "yesterday" else WINDOWS[1].key)
    [(load_id,)] = warehouse.query("SELECT _dlt_load_id FROM feed.changes__rejected")
    assert [load_id] == list(outcome.load_ids)


def test_a_row_that_is_set_aside_again_is_not_added_again(feed, declare, warehouse):
    put_bad(feed, {"id": "A-3", "at": "2024-02-15T00:00:00Z"})
    first, second = load(declare("set_aside")), load(declare("set_aside"))
    assert [first.rejected, second.rejected] == [1, 1] and len(rejected(warehouse)) == 1
    put_bad(feed, {"id": "A-4", "at": "2024-02-15T00:00:00Z"})
    load(declare("set_aside"))
    assert len(rejected(warehouse)) == 2


def test_a_row_without_a_cursor_is_set_aside_if_that_is_declared_to_fail(feed, declare, warehouse):
    put_bad(feed, {"id": 9, "at": None})
    outcome = load(declare("set_aside", without_cursor="fail"))
    assert outcome.errors == [] and warehouse.ids("feed.changes") == [1, 2, 3]
    assert len(rejected(warehouse)) == 1


def test_without_bad_rows_there_is_no_table_for_them(feed, declare, warehouse):
    assert load(declare("set_aside")).rejected == 0
    assert "feed.changes__rejected" not in warehouse.tables()


def test_rows_of_a_resource_without_declared_columns_are_set_aside(shop, tmp_path, warehouse):
    connector = things(tmp_path).connector
    connector.schema.write_text("tables: {}\n")
    resource = replace(connector, resources={"things": ResourceOptions(on_bad_row="set_aside")}).graph["things"]
    shop.replies = [reply({"data": [{"id": "1", "tags": [{"a": 1}]}, {"tags": [{"a": 2}]}]})]
    with loading(LoadRequest(now=NOW, resources=[resource])) as load:
        assert load.outcomes["things"].errors == []
    assert warehouse.ids("shop.things") == ["1"]
    assert warehouse.column("shop.things__rejected", "raw_row") == ['{"tags":[{"a":2}]}']


REQUIRED = "tables: {things: {columns: {id: {data_type: bigint}, v: {data_type: text, nullable: false}}}}"
ONE, KEY = {"id": 1, "v": "a"}, {"id": {"a": 1}, "v": "b"}
NESTED: Any = {
    "an object as a key": ("tables: {}", [ONE, KEY], "'id' is a key and contains '{\"a\":1}', which is not a single"),
    "a list as a key": ("tables: {}", [{"id": [1], "v": "b"}, ONE], "'id' is a key and contains '[1]', which is not a"),
    "only objects as keys": ("tables: {}", [KEY], "'id' is a key and contains '{\"a\":1}', which is not a single"),
    "no value that must be there": (REQUIRED, [ONE, {"id": 2}], "a row has no 'v', which is declared nullable: false"),
    "a key that does not fit": (REQUIRED, [ONE, {"id": "x", "v": "b"}], "'id' is a key and contains 'x', which is not"),
}


@pytest.mark.parametrize("on_bad_row", ["fail", "set_aside"])
@pytest.mark.parametrize(("schema", "rows", "reason"), NESTED.values(), ids=NESTED)
def test_a_bad_row_of_a_resource_with_child_tables_is_named_or_set_aside(
    shop, tmp_path, warehouse, schema, rows, reason, on_bad_row
):
    connector = things(tmp_path).connector
    connector.schema.write_text(schema)
    config: Any = {**connector.config, "resources": [{**connector.config["resources"][0], "max_table_nesting": 1}]}
    options = {"things": ResourceOptions(on_bad_row=on_bad_row)}
    resource = replace(connector, resources=options, config=config).graph["things"]
    shop.replies = [reply({"data": rows})]
    with loading(LoadRequest(now=NOW, resources=[resource])) as load:
        outcome = load.outcomes["things"]
    if on_bad_row == "fail":
        assert f"shop/things: {reason}" in str(outcome.error) and "set on_bad_row" in str(outcome.error)
    else:
        assert outcome.errors == [] and reason in warehouse.column("shop.things__rejected", "reason")[0]
        assert rows == [KEY] or warehouse.ids("shop.things") == [1]


EVOLVE: Any = {"tables": "discard_row", "columns": "evolve"}


@pytest.mark.parametrize("hints", [{}, {"merge_key": "v"}, {"schema_contract": EVOLVE}], ids=str)
def test_the_table_of_bad_rows_has_none_of_the_requirements_of_the_table_beside_it(shop, tmp_path, warehouse, hints):
    connector = things(tmp_path).connector
    connector.schema.write_text(REQUIRED)
    options = {"things": ResourceOptions(on_bad_row="set_aside")}
    good, others = [{"id": 1, "v": "a"}], [{"id": 2}, {"id": 3, "v": None}]
    for rows, hints_now in ((good, {}), (good + others, hints)):
        config: Any = {**connector.config, "resources": [{**connector.config["resources"][0], **hints_now}]}
        resource = replace(connector, resources=options, config=config).graph["things"]
        shop.replies = [reply({"data": rows})]
        with loading(LoadRequest(now=NOW, resources=[resource])) as load:
            assert load.outcomes["things"].errors == []
    assert warehouse.ids("shop.things") == [1]
    assert warehouse.column("shop.things__rejected", "raw_row") == ['{"id":2}', '{"id":3,"v":null}']
    names = {name for (name,) in warehouse.query("SELECT column_name FROM (DESCRIBE shop.things__rejected)")}
    assert names == {"id", "raw_row", "reason", "window_key", "_dlt_load_id"}


def test_a_row_without_a_key_never_makes_another_row_count_as_deleted(shop, tmp_path, warehouse):
    options = ResourceOptions(on_bad_row="set_aside", missing_rows="delete")
    resource = replace(things(tmp_path).connector, resources={"things": options}).graph["things"]
    for rows in ([{"id": "1"}, {"id": "2"}], [{"id": "1"}, {"id": None}]):
        shop.replies = [reply({"data": rows})]
        with loading(LoadRequest(now=NOW, resources=[resource])) as load:
            assert load.outcomes["things"].errors == []
    assert warehouse.ids("shop.things") == ["1", "2"]


def test_a_child_that_is_set_aside_deletes_no_child_of_its_parent(api, warehouse):
    billing = load_connectors()["billing"]
    connector = replace(billing, resources={**billing.resources, ADDRESSES: ResourceOptions(on_bad_row="set_aside")})
    api.set("billing/customers", [customer("c1"), customer("c2")])
    api.set(f"billing/{ADDRESSES}", [address("a1", "c1"), address("a2", "c1"), address("b1", "c2")])
    load_addresses = LoadRequest(now=NOW, resources=[connector.graph[ADDRESSES]])
    with loading(load_addresses) as load:
        assert load.outcomes[ADDRESSES].errors == []
    api.set(f"billing/{ADDRESSES}", [])
    api.answer("/c1/addresses", body={"data": [address("a1", "c1"), {"id": None, "city": "Oslo"}], "has_more": False})
    with loading(load_addresses) as load:
        assert load.outcomes[ADDRESSES].errors == []
    # Of c1, one address could not be read; c2 has none any more.
    assert warehouse.ids("billing.customer_addresses") == ["a1", "a2"]
    assert len(warehouse.column("billing.customer_addresses__rejected", "raw_row")) == 1


def test_a_parent_that_is_read_only_for_its_children_fails_on_a_bad_row(api):
    billing = load_connectors()["billing"]
    connector = replace(billing, resources={**billing.resources, "customers": ResourceOptions(on_bad_row="set_aside")})
    api.answer("/v1/customers", body={"data": [customer("c1"), {"id": None}], "has_more": False})
    with loading(LoadRequest(now=NOW, resources=[connector.graph[ADDRESSES]])) as load:
        assert "billing/customers: a row has no 'id'" in str(load.outcomes["customers"].error)
        assert not load.outcomes[ADDRESSES].ready
