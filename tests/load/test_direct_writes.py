"""Rows are written at once only if the result is the same as that of a merge."""

from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from connectors_dagster import Connector, Setting
from connectors_dagster.compat import dlt_retries
from connectors_dagster.errors import LoadError
from connectors_dagster.load import traits
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from tests.support.processes import Job, Trap, run_at_once
from tests.support.rows import NOW, order
from tests.support.shop import AUTH
from tests.support.wire import reply

LOADED = Trap("dlt.load.load:Load.complete_package")
TABLE = "tables: {{things: {{columns: {{{columns}}}}}}}\n"


@pytest.fixture
def load_things(shop, tmp_path, monkeypatch):
    """Load the rows of one page: ``load_things(row, …, hints={…}, columns="…")``; returns how they were written."""
    merge, files = dlt_retries._merge, list[str]()
    monkeypatch.setattr(dlt_retries, "_merge", lambda job, by: (files.append(job._file_path), merge(job, by)))

    def load_(*rows, hints, columns):
        schema = tmp_path / "shop.schema.yaml"
        schema.write_text(TABLE.format(columns=columns))
        things = {"name": "things", "write_disposition": "merge", **hints}
        endpoint = {"path": "/things", "data_selector": "data", "paginator": "single_page"}
        client = {"base_url": Setting("base_url"), "auth": AUTH["bearer"]}
        config = {"client": client, "resources": [{**things, "endpoint": endpoint}]}
        connector = Connector(name="shop", description="A shop", schema=schema, config=config)
        shop.replies = [reply({"data": rows})]
        with loading(LoadRequest(now=NOW, resources=[connector.graph["things"]])) as load:
            assert [outcome.error for outcome in load.outcomes.values()] == [None]
            (package,) = load.info.load_packages
            tables = [job.file_path for job in package.jobs["completed_jobs"] if "/things." in job.file_path]
            if any(path.endswith(".sql") for path in tables):
                return "merged by dlt"
            at_once, files[:] = bool(files), []
            return "merged" if at_once else "appended"

    return load_


def test_a_single_existing_key_among_new_ones_causes_a_merge(load_things, warehouse):
    hints, columns = {"primary_key": "id"}, "id: {data_type: bigint}"
    assert load_things({"id": 1, "name": "old"}, {"id": 2, "name": "old"}, hints=hints, columns=columns) == "appended"
    assert load_things({"id": 2, "name": "new"}, {"id": 3, "name": "new"}, hints=hints, columns=columns) == "merged"
    assert load_things({"id": 4, "name": "new"}, hints=hints, columns=columns) == "appended"
    assert load_things({"id": 4, "name": "newer"}, hints=hints, columns=columns) == "merged"
    rows = warehouse.query("SELECT id, name FROM shop.things ORDER BY id")
    assert rows == [(1, "old"), (2, "new"), (3, "new"), (4, "newer")]


def test_rows_with_another_key_than_before_are_refused_until_the_others_are_gone(load_things, warehouse, monkeypatch):
    monkeypatch.setitem(traits.TRAITS, "duckdb", replace(traits.TRAITS["duckdb"], merges_files=False))
    before = partial(load_things, {"id": 1}, hints={"primary_key": "id"}, columns="id: {data_type: bigint}")
    columns = "id: {data_type: bigint}, code: {data_type: text}"
    changed = partial(load_things, {"id": 1, "code": "a"}, hints={"primary_key": "code"}, columns=columns)
    assert (before(), before()) == ("appended", "merged by dlt")
    with pytest.raises(
        LoadError, match=r"shop.things has rows without code, which the key has now: reset .*--drop-rows"
    ):
        changed()
    warehouse.change("DELETE FROM shop.things")
    assert (changed(), changed()) == ("appended", "merged by dlt")
    assert warehouse.query("SELECT id, code FROM shop.things") == [(1, "a")]


def test_a_key_that_came_twice_is_there_once_before_rows_are_appended(load_things, warehouse):
    hints, columns = {"primary_key": "id"}, "id: {data_type: bigint}"
    assert load_things({"id": 1}, {"id": 1}, hints=hints, columns=columns) == "appended"
    assert warehouse.ids("shop.things") == [1]


def test_a_key_of_several_columns_exists_only_if_all_columns_match(load_things, warehouse):
    hints, columns = {"primary_key": ["order", "Line No"]}, "order: {data_type: text}, Line No: {data_type: bigint}"
    first, second = {"order": "it's", "Line No": 1}, {"order": "it's", "Line No": 2}
    assert load_things(first, hints=hints, columns=columns) == "appended"
    assert load_things(second, hints=hints, columns=columns) == "appended"
    assert load_things(second, first, hints=hints, columns=columns) == "merged"
    assert warehouse.query('SELECT "order", line_no FROM shop.things ORDER BY line_no') == [("it's", 1), ("it's", 2)]


def test_a_merge_key_deletes_rows_whose_primary_keys_are_not_loaded_again(load_things, warehouse):
    hints = {"primary_key": "id", "merge_key": "cart"}
    columns = "id: {data_type: bigint}, cart: {data_type: bigint}"
    load_things({"id": 1, "cart": 7}, {"id": 2, "cart": 7}, hints=hints, columns=columns)
    assert load_things({"id": 3, "cart": 7}, hints=hints, columns=columns) == "merged by dlt"
    assert warehouse.ids("shop.things") == [3]


def test_rows_marked_as_deleted_are_not_appended(load_things, warehouse):
    hints, columns = {"primary_key": "id"}, "id: {data_type: bigint}, gone: {data_type: bool, hard_delete: true}"
    assert (
        load_things({"id": 1, "gone": False}, {"id": 2, "gone": True}, hints=hints, columns=columns) == "merged by dlt"
    )
    assert warehouse.ids("shop.things") == [1]


def test_a_merge_at_once_leaves_no_value_of_the_row_that_was_there(load_things, warehouse):
    hints, columns = {"primary_key": "id"}, "id: {data_type: bigint}, size: {data_type: bigint}"
    load_things({"id": 1, "size": 1, "colour": "red"}, {"id": 2, "size": "big"}, hints=hints, columns=columns)
    assert load_things({"id": 1, "weight": 3}, {"id": 3, "size": 5}, hints=hints, columns=columns) == "merged"
    assert warehouse.query("SELECT id, size, size__v_text, colour, weight FROM shop.things ORDER BY id") == [
        (1, None, None, None, "3"),
        (2, None, "big", None, None),
        (3, 5, None, None, None),
    ]
    loads = warehouse.column("shop.things", "_dlt_load_id", order_by="id")
    assert loads[0] == loads[2] != loads[1]


def test_a_row_that_somebody_doubled_is_one_again_when_it_is_loaded(load_things, warehouse):
    hints, columns = {"primary_key": "id"}, "id: {data_type: bigint}"
    load_things({"id": 1, "name": "old"}, {"id": 2, "name": "old"}, hints=hints, columns=columns)
    warehouse.change("INSERT INTO shop.things SELECT * FROM shop.things WHERE id = 1")
    assert load_things({"id": 1, "name": "new"}, hints=hints, columns=columns) == "merged"
    assert warehouse.query("SELECT id, name FROM shop.things ORDER BY id") == [(1, "new"), (2, "old")]


def test_a_load_of_several_files_is_merged_because_several_appends_are_not_atomic(api, load, monkeypatch, warehouse):
    monkeypatch.setenv("DATA_WRITER__FILE_MAX_ITEMS", "100")
    monkeypatch.setattr("connectors_dagster.read.row_reader.BATCH_ROWS", 100)
    api.set("storefront/orders", [order(id, "2024-01-15T12:00:00") for id in range(250)])
    load("storefront/orders", windows=["2024-01-01"])
    assert "_dlt_staging_storefront.orders" in warehouse.tables()
    assert warehouse.ids("storefront.orders") == list(range(250))


def test_rows_appended_by_a_killed_load_are_not_duplicated_by_the_next_run(api, warehouse):
    orders = [order(id, "2024-01-15T12:00:00") for id in range(250)]
    api.set("storefront/orders", orders)
    load = Job(["storefront/orders"], ["2024-01-01"])
    with pytest.raises(BrokenProcessPool):
        run_at_once(replace(load, trap=LOADED))
    assert warehouse.ids("storefront.orders") == list(range(250))
    load.run()
    assert warehouse.ids("storefront.orders") == list(range(250))
    assert not list(Path(".connectors/loads").glob("load-*"))
