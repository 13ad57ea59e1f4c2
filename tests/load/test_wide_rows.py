"""Rows that do not fit into the memory that DuckDB may use are loaded all the same."""

import logging

import pytest

from connectors_dagster.config.dlt_defaults import DUCKDB
from connectors_dagster.errors import LoadError

pytestmark = pytest.mark.journey


def wide(count: int, value: str, *, columns: int = 150) -> list[dict[str, str]]:
    return [{"id": f"{id:05}"} | {f"c{n}": f"{value} {n} of {id}" for n in range(columns)} for id in range(count)]


@pytest.fixture
def little(monkeypatch):
    """Give DuckDB so little memory that the rows of these tests do not fit."""
    monkeypatch.setitem(DUCKDB["global_config"], "memory_limit", "16MB")


def test_rows_of_any_size_are_loaded_in_the_memory_of_the_default(declare, load_pages, warehouse, caplog):
    long = "some text that is as long as the lines of an order " * 400
    rows = [{"id": f"{id:05}", "lines": [id, long]} for id in range(1_600)]
    resource = declare(columns={"id": {"data_type": "text"}, "lines": {"data_type": "json"}})
    with caplog.at_level(logging.WARNING):
        load_pages(resource, *(rows[at : at + 100] for at in range(0, len(rows), 100)))
    assert "take more memory" not in caplog.text
    assert warehouse.query("SELECT count(*), sum(len(lines)) > 30e6 FROM shop.things") == [(1_600, True)]


def test_wide_rows_are_loaded_with_all_memory_if_they_need_it(declare, load_pages, warehouse, little, caplog):
    with caplog.at_level(logging.WARNING):
        load_pages(declare(), wide(2_000, "old"))
    said = [record.getMessage() for record in caplog.records if "take more memory" in record.getMessage()]
    assert said == ["shop_things: these rows take more memory than DuckDB may use: now it may use all"]
    assert "Traceback" not in caplog.text
    assert warehouse.query("SELECT count(*), max(c7) FROM shop.things") == [(2_000, "old 7 of 999")]
    assert DUCKDB["global_config"]["memory_limit"] == "16MB"


def test_a_limit_that_was_configured_is_kept(declare, load_pages, warehouse, monkeypatch):
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS__GLOBAL_CONFIG", '{"memory_limit": "16MB", "threads": 2}')
    with pytest.raises(LoadError, match="Out of Memory"):
        load_pages(declare(), wide(2_000, "old"))


def test_all_rows_of_a_wide_table_can_change(declare, load_pages, warehouse):
    for value in ("old", "new"):
        load_pages(declare(), wide(2_000, value, columns=200))
    assert warehouse.query("SELECT count(*), min(c7) FROM shop.things") == [(2_000, "new 7 of 0")]
