"""A load changes only its own tables, and unsuitable destinations are refused before the first request."""

import ast
import sqlite3
from contextlib import closing
from functools import reduce
from operator import xor
from pathlib import Path

import duckdb
import pytest

import connectors_dagster
from connectors_dagster import load_connectors
from connectors_dagster.errors import LoadError, SettingError
from connectors_dagster.load.copied_rows import copy_rows
from connectors_dagster.load.destination import build_destination, check_destination
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.load.traits import TRAITS
from tests.conftest import find
from tests.support.rows import NOW, order


@pytest.mark.parametrize("file", ["storefront.duckdb", "Storefront.db", "_dlt_staging_storefront.duckdb"])
def test_a_duckdb_file_named_like_the_connector_is_refused_before_the_first_request(
    file, project, api, load, monkeypatch
):
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(project / file))
    with pytest.raises(SettingError, match=r"DESTINATION__DUCKDB__CREDENTIALS .*rename the file"):
        load("storefront/customers")
    assert not api.requests
    assert not (project / file).exists()


def test_a_missing_folder_is_named_before_the_first_request_and_not_created(project, api, load, monkeypatch):
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(project / "disk" / "shop.duckdb"))
    with pytest.raises(
        LoadError, match=r"the folder .*/disk does not exist: create it, mount its disk or correct DEST"
    ):
        load("storefront/customers")
    assert not api.requests
    assert not (project / "disk").exists()


def test_a_disk_that_cannot_be_written_is_named_before_the_first_request(api, load, monkeypatch):
    """Nobody can create files in /sys, not even root."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", "/sys/shop.duckdb")
    with pytest.raises(LoadError, match=r"/sys/shop.duckdb.*the folder must exist on a disk that can be written"):
        load("storefront/customers")
    assert not api.requests


def checksum(block: bytes) -> bytes:
    """Compute the checksum that DuckDB stores before each block of a file."""
    words = (int.from_bytes(block[at : at + 8], "little") for at in range(0, len(block), 8))
    mixed = (word * 0xBF58476D1CE4E5B9 % 2**64 for word in words)
    return reduce(xor, mixed, 5381).to_bytes(8, "little")


def test_a_file_of_another_version_of_duckdb_is_named_and_not_changed(api, load, warehouse):
    load("storefront/customers")
    file = warehouse.path.read_bytes()
    header = file[8:12] + (1_000_000).to_bytes(8, "little") + file[20:4096]
    warehouse.path.write_bytes(checksum(header) + header + file[4096:])
    foreign, requests = warehouse.path.read_bytes(), len(api.requests)
    with pytest.raises(
        LoadError, match=r"warehouse.duckdb was written by another version of DuckDB: .*Install a version"
    ):
        load("storefront/customers")
    assert (warehouse.path.read_bytes(), len(api.requests)) == (foreign, requests)

    warehouse.path.write_bytes(file)
    load("storefront/customers")


def test_a_database_in_memory_is_refused_because_its_rows_would_be_lost(api, load, monkeypatch):
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", ":memory:")
    with pytest.raises(SettingError, match="':memory:': the rows would be lost"):
        load("storefront/customers")
    assert not api.requests


@pytest.mark.parametrize("folder", ["/", "."])
def test_a_folder_in_place_of_the_duckdb_file_is_refused(api, load, monkeypatch, folder):
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", folder)
    with pytest.raises(SettingError, match=r"DESTINATION__DUCKDB__CREDENTIALS is /.*, which is a folder: set the path"):
        load("storefront/customers")
    assert not api.requests


@pytest.mark.parametrize("name", ["duckdbb", "DuckDB"])
def test_an_unknown_destination_is_refused_with_the_one_that_is_meant(api, load, monkeypatch, name):
    monkeypatch.setenv("CONNECTORS__DESTINATION", name)
    with pytest.raises(SettingError, match=f"CONNECTORS__DESTINATION is '{name}', .*did you mean 'duckdb'"):
        load("storefront/customers")
    assert not api.requests


@pytest.mark.parametrize("name", ["filesystem", "lancedb", "athena"])
def test_a_destination_that_cannot_replace_rows_is_refused_because_they_would_be_doubled(api, load, monkeypatch, name):
    monkeypatch.setenv("CONNECTORS__DESTINATION", name)
    with pytest.raises(SettingError, match=f"CONNECTORS__DESTINATION is '{name}', which cannot replace rows"):
        load("storefront/customers")
    assert not api.requests


def test_a_destination_that_replaces_rows_in_the_tables_that_dlt_makes_is_not_refused(monkeypatch):
    monkeypatch.setenv("CONNECTORS__DESTINATION", "athena")
    monkeypatch.setenv("DESTINATION__ATHENA__FORCE_ICEBERG", "true")
    check_destination(build_destination(), "storefront")


def test_rows_of_a_database_of_sqlalchemy_are_merged_and_nested_fields_are_json_not_text(
    project, api, load, monkeypatch
):
    monkeypatch.setenv("CONNECTORS__DESTINATION", "sqlalchemy")
    monkeypatch.setenv("DESTINATION__SQLALCHEMY__CREDENTIALS", f"sqlite:///{project}/shop.db")
    note = 'it\'s \\ 100 % "quoted" ü'
    for total in ("1.50", "2.50"):
        row = order(1, "2024-01-05T00:00:00", line_items=[{"sku": note, "total": total}], customer_note=note)
        api.set("storefront/orders", [row, order(2, "2024-01-06T00:00:00", line_items=[])])
        load("storefront/orders", windows=["2024-01-01"])
    with closing(sqlite3.connect(project / "shop__storefront.db")) as database:
        rows = database.execute(
            "SELECT id, customer_note, json_type(line_items), line_items ->> '$[0].total' FROM orders ORDER BY id"
        ).fetchall()
    assert rows == [(1, note, "array", "2.50"), (2, None, "array", None)]


def test_staging_does_not_use_a_schema_that_may_belong_to_another_connector(project, api, load, warehouse):
    with duckdb.connect(str(warehouse.path)) as database:
        database.execute("CREATE SCHEMA storefront_staging; CREATE TABLE storefront_staging.orders AS SELECT 7 AS id")
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00")])
    for _ in range(2):
        load("storefront/orders", windows=["2024-01-01"])
    assert warehouse.query("SELECT * FROM storefront_staging.orders") == [(7,)]
    assert warehouse.ids("storefront.orders") == [1]


def test_a_table_that_was_not_created_by_a_load_is_refused_and_not_altered(api, load, warehouse):
    with duckdb.connect(str(warehouse.path)) as database:
        database.execute("CREATE SCHEMA storefront; CREATE TABLE storefront.customers AS SELECT 7 AS id, 'x' AS note")
    api.set("storefront/customers", [{"id": 1}])
    with pytest.raises(LoadError, match=r"storefront\.customers was not created by a load.*rename or drop"):
        load("storefront/customers")
    assert warehouse.query("SELECT * FROM storefront.customers") == [(7, "x")]


def test_duckdb_writes_a_large_load_to_the_file_at_once_although_dlt_lets_its_log_grow_to_a_gigabyte(api):
    request = LoadRequest(now=NOW, resources=[load_connectors()["storefront"].graph["customers"]])
    with loading(request) as load, load.pipeline.sql_client() as client:
        assert client.execute_sql("SELECT current_setting('wal_autocheckpoint')") == [("3.8 MiB",)]


def test_what_a_destination_can_do_is_not_concluded_from_its_name():
    package = Path(connectors_dagster.__file__).parent
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in package.rglob("*.py")]
    compared = [ast.unparse(node) for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    assert not [found for found in compared if "destination_name()" in found or "'duckdb'" in found]
    assert TRAITS["duckdb"].in_file and not any(TRAITS[name].in_file for name in TRAITS.keys() - {"duckdb"})


@pytest.mark.parametrize("source", ["clickhouse", "filesystem", "sqlalchemy", "nonsense"])
def test_rows_are_copied_only_from_where_that_is_tested_and_nothing_is_opened(source, project, monkeypatch):
    monkeypatch.setenv("CONNECTORS__TABLE_FORMAT", "delta")
    monkeypatch.setattr("connectors_dagster.load.copied_rows.build_destination", None)
    with pytest.raises(SettingError, match=f"rows cannot be copied from '{source}', only from duckdb, duckl"):
        copy_rows([find("storefront/orders")], source=source)
    assert not list(project.iterdir())


def test_a_file_to_copy_from_that_is_not_there_is_named_and_not_made(project, monkeypatch):
    monkeypatch.setenv("CONNECTORS__DESTINATION", "postgres")
    with pytest.raises(LoadError, match=r"warehouse\.duckdb: there is no such file"):
        copy_rows([find("storefront/orders")], source="duckdb")
    assert not (project / "warehouse.duckdb").exists()


def test_rows_are_not_copied_to_where_it_is_not_known_which_tables_are_there(monkeypatch):
    monkeypatch.setenv("CONNECTORS__DESTINATION", "sqlalchemy")
    with pytest.raises(SettingError, match="CONNECTORS__DESTINATION is 'sqlalchemy', which does not say which"):
        copy_rows([find("storefront/orders")], source="duckdb")


def test_credentials_that_a_cloud_has_found_on_the_machine_are_those_of_each_client():
    for name in ("filesystem", "bigquery", "ducklake", "sqlalchemy"):
        assert "configuration" not in vars(build_destination(name))  # a copy of them would lack what was found
