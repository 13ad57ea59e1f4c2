"""Lists in rows as tables of their own: exact under merge, with the key of their row, and without requests."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors_dagster import Connector, Cursor, ResourceOptions
from connectors_dagster.load.extract import Outcome
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.spec.windows import WindowGrid
from tests.support.feed import Feed, build_connector
from tests.support.rows import NOW
from tests.support.warehouse import Warehouse

GRID = WindowGrid("P30D", "2024-01-01")
SLICES = GRID.slices(GRID.opened(NOW)[:3], now=NOW, lookback=timedelta(minutes=5))
JANUARY, FEBRUARY = datetime(2024, 1, 15, tzinfo=UTC), datetime(2024, 2, 15, tzinfo=UTC)
Load = Callable[..., dict[str, Outcome]]
Declare = Callable[..., Connector]


@pytest.fixture
def feed() -> Iterator[Feed]:
    with Feed().served() as feed:
        yield feed


@pytest.fixture
def declare(feed: Feed, tmp_path: Path) -> Declare:
    def declare_(path: str = "lines", *, columns: Any = None, bounds: str = "both", **resource: Any) -> Connector:
        connector = build_connector(tmp_path, feed, Cursor(), bounds=bounds)
        config: Any = {**connector.config, "resources": [{**connector.config["resources"][0], **resource}]}
        options = {"changes": ResourceOptions(cursor=Cursor(), children={path: "change_lines"})}
        declared = {"changes": connector.tables["changes"], **({"change_lines": columns} if columns else {})}
        return replace(connector, config=config, resources=options, schema=declared)

    return declare_


@pytest.fixture
def load(declare: Declare) -> Load:
    def load_(connector: Connector | None = None, names: Sequence[str] = ("changes", "change_lines")) -> Any:
        graph = (connector or declare()).graph
        with loading(LoadRequest(now=NOW, resources=[graph[name] for name in names], slices=SLICES)) as load:
            return load.outcomes

    return load_


def put(feed: Feed, id: int, at: datetime, *skus: str, **fields: Any) -> None:
    """Put a row with one line for each SKU."""
    feed.put(id, at, at=at.isoformat(), lines=[{"sku": sku, "price": "1.50"} for sku in skus], **fields)


def lines(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    return warehouse.query("SELECT _changes_id, _position, sku FROM feed.change_lines ORDER BY ALL")


def test_each_item_is_a_row_with_the_key_of_its_row_and_its_place(feed, load, warehouse):
    put(feed, 1, JANUARY, "a", "b")
    put(feed, 2, FEBRUARY, "c")
    outcomes = load()
    assert lines(warehouse) == [(1, 0, "a"), (1, 1, "b"), (2, 0, "c")]
    assert [stats.rows for stats in outcomes["change_lines"].landed.values()] == [2, 1, 0]
    assert len(feed.asked) == len(SLICES)  # no request is made for lists


def test_items_that_are_gone_or_moved_are_gone_also_the_last_one(feed, load, warehouse):
    put(feed, 1, JANUARY, "a", "b", "c")
    put(feed, 2, JANUARY, "d")
    put(feed, 3, FEBRUARY, "e", "f")
    load()
    put(feed, 1, JANUARY + timedelta(hours=1), "b", "x")
    put(feed, 2, JANUARY + timedelta(hours=1))
    load()
    assert lines(warehouse) == [(1, 0, "b"), (1, 1, "x"), (3, 0, "e"), (3, 1, "f")]


def test_of_a_row_that_was_read_twice_only_the_items_of_its_newest_copy_are_loaded(feed, load, warehouse):
    put(feed, 1, JANUARY, "a", "b", "c")
    put(feed, 2, JANUARY, "d")
    feed.rows["newer"] = (FEBRUARY, {"id": 1, "at": FEBRUARY.isoformat(), "lines": [{"sku": "z"}]})
    outcomes = load()
    assert lines(warehouse) == [(1, 0, "z"), (2, 0, "d")]
    assert [stats.rows for stats in outcomes["change_lines"].landed.values()] == [1, 1, 0]


def test_declared_columns_have_their_types_and_own_fields_are_kept_beside_added_ones(feed, declare, load, warehouse):
    feed.put(1, JANUARY, at=JANUARY.isoformat(), lines=[{"_position": "own", "price": "12345678901234567.89"}])
    load(declare(columns={"price": {"name": "price", "data_type": "decimal"}}))
    rows = warehouse.query("SELECT _position, own_position, price FROM feed.change_lines")
    assert rows == [(0, "own", Decimal("12345678901234567.89"))]


@pytest.mark.parametrize("nothing", [None, [], {}, "", False, 0])
def test_a_value_that_is_empty_has_no_items(feed, load, warehouse, nothing):
    put(feed, 1, JANUARY, "a")
    feed.put(2, JANUARY, at=JANUARY.isoformat(), lines=nothing)
    feed.put(3, JANUARY, at=JANUARY.isoformat())
    load()
    assert lines(warehouse) == [(1, 0, "a")]


def test_a_list_may_be_within_an_object_and_its_items_may_be_single_values(feed, declare, load, warehouse):
    feed.put(1, JANUARY, at=JANUARY.isoformat(), lines={"count": 2, "data": ["x", None]})
    feed.put(2, JANUARY, at=JANUARY.isoformat(), lines=None)
    load(declare("lines.data"))
    assert warehouse.query("SELECT _position, value FROM feed.change_lines ORDER BY 1") == [(0, "x"), (1, None)]


def test_a_value_that_is_no_list_fails_the_table_and_says_where_it_is(feed, load, warehouse):
    put(feed, 1, JANUARY, "a")
    feed.put(2, FEBRUARY, at=FEBRUARY.isoformat(), lines={"first": {"sku": "b"}})
    outcomes = load()
    assert outcomes["changes"].errors == [] and warehouse.ids("feed.changes") == [1, 2]
    [error] = outcomes["change_lines"].errors
    assert "feed/change_lines: lines of the row 2 of feed/changes is not a list but" in str(error)


def test_the_table_alone_is_loaded_with_the_rows_that_it_is_in(feed, load, warehouse):
    put(feed, 1, JANUARY, "a", "b")
    load(names=["change_lines"])
    put(feed, 1, JANUARY, "b")
    load(names=["change_lines"])
    assert lines(warehouse) == [(1, 0, "b")] and warehouse.ids("feed.changes") == [1]


def test_a_window_that_fails_does_not_count_as_loaded_for_its_lists(feed, load, warehouse):
    put(feed, 1, JANUARY, "a")
    feed.rows["bad"] = (FEBRUARY, {"at": FEBRUARY.isoformat(), "lines": [{"sku": "b"}]})
    outcomes = load()
    assert list(outcomes["change_lines"].failed) == list(outcomes["changes"].failed) == [SLICES[1]]
    assert lines(warehouse) == [(1, 0, "a")]


def test_rows_with_a_key_of_several_fields_keep_their_items_apart(feed, declare, load, warehouse):
    for id_, shop, sku in [(1, "nl", "a"), (2, "de", "b")]:
        feed.put(id_, JANUARY, at=JANUARY.isoformat(), shop=shop, number=7, lines=[{"sku": sku}, {"sku": sku}])
    connector = declare(primary_key=["shop", "number"])
    load(connector)
    feed.put(2, JANUARY, at=JANUARY.isoformat(), shop="de", number=7, lines=[{"sku": "c"}])
    load(connector)
    found = warehouse.query("SELECT _changes_shop, _changes_number, _position, sku FROM feed.change_lines ORDER BY ALL")
    assert found == [("de", 7, 0, "c"), ("nl", 7, 0, "a"), ("nl", 7, 1, "a")]


def test_without_items_there_is_no_table_unless_its_columns_are_declared(feed, declare, load, warehouse):
    put(feed, 1, JANUARY)
    load()
    assert "feed.change_lines" not in warehouse.tables()
    load(declare(columns={"sku": {"name": "sku", "data_type": "text"}}))
    assert lines(warehouse) == []


@pytest.mark.parametrize(
    ("path", "resource", "problem"),
    [
        ("lines", {"max_table_nesting": 1}, "max_table_nesting"),
        ("lines", {"write_disposition": "append"}, "write_disposition"),
        ("at", {}, "'at', which is declared as timestamp"),
    ],
)
def test_what_cannot_become_a_table_is_refused(declare, path, resource, problem):
    with pytest.raises(ValueError, match=problem):
        declare(path, **resource)


def test_a_table_of_a_list_cannot_have_the_name_of_another(feed, tmp_path):
    connector = build_connector(tmp_path, feed, Cursor())
    with pytest.raises(ValueError, match="'changes' is the name of two tables"):
        replace(connector, resources={"changes": ResourceOptions(cursor=Cursor(), children={"lines": "changes"})})
