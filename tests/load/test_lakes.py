"""Lakes: what they need is named before the first request, and what they cannot keep exactly is refused by name."""

from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from fsspec import AbstractFileSystem

from connectors_dagster.config.dlt_defaults import use_defaults
from connectors_dagster.errors import DestinationBusyError, LoadError, SettingError, TransientLoadError
from connectors_dagster.load import ducklake, lake
from connectors_dagster.load.destination import reading
from connectors_dagster.load.destination_location import location
from connectors_dagster.load.inventory import take_inventory
from connectors_dagster.load.traits import destination_traits
from tests.support.postgres import lose_family_lock
from tests.support.processes import Job, Trap, die, opened, pause, run_at_once, start
from tests.support.rows import order

ORDERS = ["storefront/orders"]
FILES = "DESTINATION__DUCKLAKE__CREDENTIALS__STORAGE__BUCKET_URL"
CATALOG = "DESTINATION__DUCKLAKE__CREDENTIALS__CATALOG"


@contextmanager
def ducklake_tables() -> Iterator[Callable[[str], Any]]:
    """Read the lake as loads do."""
    use_defaults()
    with reading("storefront") as client:
        yield client.execute_sql


@pytest.fixture
def folder(project, monkeypatch):
    """A lake of Delta tables."""
    monkeypatch.setenv("CONNECTORS__DESTINATION", "filesystem")
    monkeypatch.setenv("CONNECTORS__TABLE_FORMAT", "delta")
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", (project / "lake").as_uri())
    return project / "lake"


def test_an_extension_that_is_missing_is_named_before_the_first_request(api, load, monkeypatch):
    monkeypatch.setenv("CONNECTORS__DESTINATION", "ducklake")
    monkeypatch.setattr(ducklake, "EXTENSIONS", {"duckdb": ("ducklake", "not_built_yet")})
    with pytest.raises(
        SettingError, match=r"'ducklake', which needs DuckDB's extension \w+ for DuckDB .*extra ducklake"
    ):
        load("storefront/customers")
    assert not api.requests


@pytest.mark.parametrize("url", ["mysql://root:hidden-word@db/lake", "no url", "duckdb://", "{}"])
def test_a_catalog_that_cannot_be_used_is_named_without_its_password(url, api, load, monkeypatch):
    monkeypatch.setenv("CONNECTORS__DESTINATION", "ducklake")
    monkeypatch.setenv(CATALOG, url)
    with pytest.raises(SettingError, match=f"{CATALOG} is not a catalog that can be used") as failure:
        load("storefront/customers")
    assert "hidden-word" not in str(failure.value) and not api.requests


def test_the_catalog_is_described_without_its_password(project, monkeypatch):
    monkeypatch.setenv("CONNECTORS__DESTINATION", "ducklake")
    assert location() == f"ducklake {project}/connectors.ducklake"
    monkeypatch.setenv(CATALOG, "postgresql://loader:hidden-word@db.example:5432/lake")
    assert location() == "ducklake db.example/lake"


@pytest.mark.parametrize("table_format", ["delta", "iceberg"])
def test_a_library_that_is_missing_is_named_before_the_first_request(folder, table_format, api, load, monkeypatch):
    monkeypatch.setenv("CONNECTORS__TABLE_FORMAT", table_format)
    monkeypatch.setitem(lake.LIBRARIES, table_format, "not_installed_here")
    with pytest.raises(
        SettingError, match=rf"CONNECTORS__TABLE_FORMAT is '{table_format}', which .* extra {table_format}"
    ):
        load("storefront/customers")
    assert not api.requests


def test_a_format_that_does_not_exist_is_refused(folder, api, load, monkeypatch):
    monkeypatch.setenv("CONNECTORS__TABLE_FORMAT", "hudi")
    with pytest.raises(SettingError, match="CONNECTORS__TABLE_FORMAT is 'hudi'"):
        load("storefront/customers")
    assert not api.requests


def test_a_format_is_only_for_a_folder(api, load, monkeypatch):
    monkeypatch.setenv("CONNECTORS__TABLE_FORMAT", "delta")
    with pytest.raises(
        SettingError, match="CONNECTORS__TABLE_FORMAT is 'delta', but CONNECTORS__DESTINATION is 'duckdb'"
    ):
        load("storefront/customers")
    assert not api.requests


@pytest.mark.parametrize(
    "hints", [{"max_table_nesting": 2, "columns": {"id": {"data_type": "bigint"}}}, {"merge_key": "day"}]
)
def test_a_table_that_a_lake_cannot_merge_exactly_is_refused_before_the_first_request(
    folder, declare, load_pages, shop, monkeypatch, hints
):
    monkeypatch.setitem(lake.LIBRARIES, "delta", "pyarrow")
    with pytest.raises(SettingError, match=rf"shop/things has {next(iter(hints))}, .* format delta cannot do that"):
        load_pages(declare(**hints), [{"id": 1}])
    assert not shop.received


def test_the_same_folder_with_another_format_is_another_destination(folder, monkeypatch):
    assert destination_traits().table_format == "delta"
    first = location()
    monkeypatch.setenv("CONNECTORS__TABLE_FORMAT", "iceberg")
    assert location() != first


@pytest.mark.only_in("delta", "iceberg")
def test_a_table_of_another_format_is_named_and_nothing_is_loaded(api, warehouse, load, monkeypatch, request):
    load("storefront/customers")
    here = request.config.getoption("destination")
    other = "iceberg" if here == "delta" else "delta"
    monkeypatch.setenv("CONNECTORS__TABLE_FORMAT", other)
    with pytest.raises(LoadError, match=f"storefront.customers is a table in the format {here}, and .* {other}"):
        load("storefront/customers")


@pytest.mark.only_in("iceberg")
def test_a_commit_that_was_killed_while_it_was_written_is_undone(api, warehouse, load):
    api.set("storefront/customers", [{"id": 1}])
    load("storefront/customers")
    newest = max((warehouse.path / "storefront" / "customers" / "metadata").glob("*.json"))
    text = newest.read_text()
    newest.with_name(f"00099{newest.name[5:]}").write_text(text[: len(text) // 2])
    api.set("storefront/customers", [{"id": 1}, {"id": 2}])
    load("storefront/customers")
    assert warehouse.ids("storefront.customers") == [1, 2]


def tear() -> None:
    """Write the half of the next file, then kill this process."""

    def write_half(_: Any, path: str, text: str, **__: Any) -> None:
        Path(path).write_text(text[: len(text) // 2])
        die()

    vars_of: Any = AbstractFileSystem
    vars_of.write_text = write_half


@pytest.mark.only_in("delta", "iceberg")
@pytest.mark.parametrize("record", ["update_stored_schema", "complete_load"])
def test_a_load_that_was_killed_while_it_recorded_itself_is_repaired_by_the_next_one(record, api, warehouse):
    place = f"dlt.destinations.impl.filesystem.filesystem:FilesystemClient.{record}"
    api.set("storefront/customers", [{"id": 1}])
    with pytest.raises(BrokenProcessPool):
        run_at_once(Job(["storefront/customers"], trap=Trap(place, tear)))
    assert take_inventory("storefront")
    Job(["storefront/customers"]).run()
    assert warehouse.ids("storefront.customers") == [1]
    inventory = take_inventory("storefront")
    assert inventory and inventory.loads


@pytest.mark.only_in("iceberg")
def test_a_merge_into_an_iceberg_table_is_one_commit_also_with_a_new_column_and_a_key_of_two(
    declare, load_pages, warehouse
):
    """As dlt does it, 2,500 rows are three commits, and a new column fails."""
    columns = {name: {"data_type": "text", "nullable": False} for name in ("a", "b")}
    things = declare(columns=columns, primary_key=["a", "b"])
    metadata = warehouse.path / "shop" / "things" / "metadata"
    load_pages(things, [{"a": str(n), "b": "x"} for n in range(2_500)])
    before = len(list(metadata.glob("*.json")))
    load_pages(things, [{"a": str(n), "b": "x", "new": n} for n in range(1, 2_501)])
    assert len(list(metadata.glob("*.json"))) == before + 2  # the column, and the rows
    assert warehouse.query("SELECT count(*), count(new), count(DISTINCT a) FROM shop.things") == [(2_501, 2_500, 2_501)]


@pytest.mark.only_in("delta")
def test_a_folder_that_a_killed_load_has_made_is_used_and_one_with_other_files_is_not(api, warehouse, load):
    folder = warehouse.path / "storefront"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(LoadError, match="the folder storefront has files that no load has written"):
        load("storefront/customers")
    (folder / "notes.txt").unlink()
    api.set("storefront/customers", [{"id": 1}])
    load("storefront/customers")
    assert warehouse.ids("storefront.customers") == [1]


@pytest.mark.only_in("delta", "iceberg")
def test_a_table_that_was_deleted_by_hand_counts_as_not_loaded(api, warehouse, load):
    api.set("storefront/customers", [{"id": 1}])
    load("storefront/customers")
    first = take_inventory("storefront")
    rmtree(warehouse.path / "storefront" / "customers")
    load("storefront/customers")
    again = take_inventory("storefront")
    assert first and again and not first.loads & again.loads
    assert warehouse.ids("storefront.customers") == [1]


@pytest.mark.only_in("ducklake")
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_lake_with_another_catalog_has_every_row_once(kind, api, project, postgres, warehouse, monkeypatch):
    monkeypatch.setenv(CATALOG, postgres.url if kind == "postgresql" else f"sqlite:///{project}/lake.sqlite")
    windows = [window.key for window in opened()[:2]]
    api.set("storefront/orders", [order(id, f"{windows[id % 2]}T00:00:00") for id in range(300)])
    api.set("storefront/customers", [{"id": id} for id in range(150)])
    run_at_once(Job(ORDERS, windows), Job(ORDERS, windows[:1]), Job(["storefront/customers"]))
    with ducklake_tables() as query:
        assert query("SELECT id FROM storefront.orders ORDER BY id") == [(id,) for id in range(300)]
        assert query("SELECT count(*) FROM storefront.customers") == [(150,)]


@pytest.mark.only_in("ducklake")
def test_machines_that_share_only_the_catalog_never_merge_a_table_concurrently(
    api, project, postgres, warehouse, monkeypatch
):
    monkeypatch.setenv(CATALOG, postgres.url)
    monkeypatch.setenv(FILES, (project / "files").as_uri())
    monkeypatch.setenv("CONNECTORS__SIBLINGS_TIMEOUT", "0.1")
    first, second = (window.key for window in opened()[:2])
    api.set("storefront/orders", [order(id, f"{(first, second)[id % 2]}T00:00:00") for id in range(300)])
    [elsewhere] = start(Job(ORDERS, [first], Trap("dlt.load.load:Load.create_followup_jobs", pause)))
    while not (project / "paused").exists():
        assert not elsewhere.done()
    (project / "here").mkdir()
    here = Job(ORDERS, [second], folder=project / "here")
    with pytest.raises(DestinationBusyError, match=r"still holds the lock of family storefront\.storefront_orders"):
        run_at_once(here)
    lose_family_lock(postgres)
    with pytest.raises(DestinationBusyError, match=r"still holds the lock of storefront\.storefront_orders"):
        run_at_once(here)
    (project / "go on").touch()
    with pytest.raises(TransientLoadError, match="was lost at ducklake"):
        elsewhere.result()
    run_at_once(here)
    with ducklake_tables() as query:
        assert query("SELECT id FROM storefront.orders ORDER BY id") == [(id,) for id in range(300)]
