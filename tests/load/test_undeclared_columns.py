"""Fields that are not declared become columns, but not without a limit."""

import duckdb
import pytest

from connectors_dagster.errors import RowError

DECLARED = {"id": {"data_type": "bigint"}}
FIELDS = "shop/things: more than 50 fields are not declared, such as 'f0', .*SOURCES__SHOP__MAX_UNDECLARED_COLUMNS"


@pytest.fixture(autouse=True)
def fifty(monkeypatch):
    monkeypatch.setenv("SOURCES__SHOP__MAX_UNDECLARED_COLUMNS", "50")


def fields(first: int, count: int) -> dict[str, int]:
    return {f"f{number}": number for number in range(first, first + count)}


@pytest.mark.parametrize("columns", [DECLARED, None], ids=["declared", "inferred"])
@pytest.mark.parametrize(
    "rows",
    [
        [{"id": 1, **fields(0, 60)}],
        [{"id": number, **fields(number, 2)} for number in range(60)],
        [{"id": number, **fields(0, number)} for number in range(60)],
    ],
    ids=["one row", "different fields", "more and more fields"],
)
def test_too_many_undeclared_fields_fail_by_name_and_load_nothing(declare, load_pages, warehouse, columns, rows):
    with pytest.raises(RowError, match=FIELDS):
        load_pages(declare(columns=columns), rows)
    with pytest.raises(duckdb.CatalogException):
        warehouse.ids("shop.things")


def test_too_many_lists_do_not_become_tables(declare, load_pages):
    with pytest.raises(RowError, match=FIELDS):
        load_pages(declare(), [{"id": 1, **{name: [{"a": 1}] for name in fields(0, 60)}}])


def test_as_many_undeclared_fields_as_allowed_are_loaded(declare, load_pages, warehouse):
    load_pages(declare(columns=DECLARED), [{"id": number, **fields(0, number)} for number in range(51)])
    assert warehouse.query("SELECT f49 FROM shop.things WHERE id = 50") == [("49",)]


def test_declared_fields_do_not_count(declare, load_pages, warehouse):
    columns = DECLARED | {name: {"data_type": "bigint"} for name in fields(0, 60)}
    load_pages(declare(columns=columns), [{"id": 1, **fields(0, 60), **fields(100, 50)}])
    assert warehouse.query("SELECT f59, f149 FROM shop.things") == [(59, "149")]
