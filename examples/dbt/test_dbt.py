"""The models have what the API has, and their lineage leads to the tables they are made of."""

import importlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from connectors_dagster.sandbox import build_app, environment, generate_tables, serving

ORDERS, LINES = dg.AssetKey(["storefront", "orders"]), dg.AssetKey(["storefront", "order_lines"])
MODELS = [dg.AssetKey("revenue_by_day"), dg.AssetKey("products_sold")]
SOLD = ("completed", "processing")


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "warehouse.duckdb"))
    monkeypatch.setenv("SOURCES__STOREFRONT__STEP", "P100Y")  # one window
    return tmp_path / "warehouse.duckdb"


@pytest.fixture
def sold(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """The orders that count, as the API of the shop has them."""
    tables = generate_tables()
    with serving(build_app(tables)) as port:
        for name, value in environment(port).items():
            monkeypatch.setenv(name, value)
        yield [row for row in tables["storefront"]["orders"] if row["status"] in SOLD]


def test_the_models_have_what_the_shop_has(warehouse, sold):
    load_and_build(models_of_the_shop())
    with duckdb.connect(str(warehouse), read_only=True) as found:
        queries = (f"select sum(revenue) from models.{model}" for model in ("revenue_by_day", "products_sold"))
        revenue, of_lines = (found.execute(query).fetchall()[0][0] for query in queries)
    assert revenue == sum(Decimal(row["total"]) for row in sold)
    assert of_lines == sum(Decimal(line["total"]) for row in sold for line in row["line_items"])


def test_the_lineage_of_the_models_leads_to_the_tables(warehouse):
    graph = models_of_the_shop().resolve_asset_graph()
    assert graph.get(MODELS[0]).parent_keys == {ORDERS}
    assert graph.get(MODELS[1]).parent_keys == {ORDERS, LINES}


def test_the_sensor_that_has_models_built_again_is_on(warehouse):
    sensor = models_of_the_shop().resolve_sensor_def("automation_models")
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING


def open_windows(defs: dg.Definitions, instance: dg.DagsterInstance) -> list[str]:
    """Add the partitions that the sensor of the storefront adds."""
    (opened,) = defs.resolve_sensor_def("open_windows_storefront")(
        dg.build_sensor_context(instance=instance)
    ).dynamic_partitions_requests
    instance.add_dynamic_partitions(opened.partitions_def_name, opened.partition_keys)
    return list(opened.partition_keys)


def models_of_the_shop() -> dg.Definitions:
    """Import the definitions when the settings are those of the test."""
    return importlib.import_module("examples.dbt.definitions").defs


def load_and_build(defs: dg.Definitions) -> None:
    """Load the tables, and build the models."""
    with dg.DagsterInstance.ephemeral() as instance:
        job = defs.resolve_job_def("storefront")
        for window in open_windows(defs, instance):
            job.execute_in_process(instance=instance, partition_key=window, asset_selection=[ORDERS, LINES])
        every = defs.resolve_implicit_global_asset_job_def()
        assert every.execute_in_process(instance=instance, asset_selection=MODELS).success
