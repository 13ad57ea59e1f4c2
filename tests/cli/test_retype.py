"""The command that gives columns which are text their declared types."""

import dlt
import pytest
from dlt.common.schema import Schema
from dlt.sources import DltSource

from connectors_dagster.load.destination import build_destination

TEXT = {name: {"data_type": "text"} for name in ("total", "date_modified_gmt", "parent_id")}
ROW = {"id": 1, "total": "10.50", "date_modified_gmt": "2024-01-15T00:00:00", "parent_id": "7"}


@pytest.fixture
def load_as_text(tmp_path):
    """Load an order as if the columns of a table had not been declared."""

    def load(family: str, table: str, *rows):
        orders = dlt.resource(iter([list(rows)]), name=table, primary_key="id", columns=TEXT)
        pipeline = dlt.pipeline(
            family, str(tmp_path / "dlt"), destination=build_destination(), dataset_name="storefront"
        )
        pipeline.run(DltSource(Schema(family), "storefront", [orders]), loader_file_format="parquet")

    return load


def test_a_dry_run_lists_the_columns_and_the_command_changes_them(connectors, load_as_text, warehouse):
    load_as_text("storefront_orders", "orders", ROW, {**ROW, "id": 2, "parent_id": None})
    done = connectors("retype", "storefront", "--dry-run")
    assert "storefront/orders.total: text to decimal, 2 values; the texts stay in total__v_text" in done.output
    assert "nothing was changed" in done.output
    assert warehouse.column("storefront.orders", "total") == ["10.50", "10.50"]
    done = connectors("retype", "storefront/orders")
    assert "storefront/orders.parent_id: text to bigint, 1 values" in done.output and done.exit_code == 0
    assert warehouse.column("storefront.orders", "parent_id", order_by="id") == [7, None]
    done = connectors("retype", "storefront")
    assert (done.exit_code, done.output) == (0, "nothing to do: every declared column that is loaded has its type\n")


def test_a_family_that_is_refused_does_not_stop_the_others(connectors, load_as_text, warehouse):
    load_as_text("storefront_orders", "orders", {**ROW, "parent_id": "none"})
    load_as_text("storefront_coupons", "coupons", {"id": 1, "date_modified_gmt": "2024-01-15T00:00:00"})
    done = connectors("retype", "storefront")
    assert done.exit_code == 1
    assert (
        "storefront/orders.parent_id: text to bigint: 1 of 1 values do not convert exactly, such as 'none'"
        in done.output
    )
    assert "--keep-misfits" in done.output and "--column" in done.output
    assert "storefront/coupons.date_modified_gmt: text to timestamp" in done.output
    assert warehouse.column("storefront.orders", "total") == ["10.50"]
    assert connectors("retype", "storefront/orders", "--column", "total").exit_code == 0
    kept = connectors("retype", "storefront/orders", "--keep-misfits")
    assert "parent_id: text to bigint, 0 values; 1 are only text; the texts stay in parent_id__v_text" in kept.output


def test_a_column_that_is_not_declared_is_named(connectors):
    done = connectors("retype", "storefront/orders", "--column", "totl")
    assert done.exit_code == 1 and "no column 'totl' is declared" in done.output


def test_a_column_is_declared_as_the_api_or_as_the_table_spells_it(connectors):
    done = connectors("retype", "storefront/orders", "--column", "Total")
    assert (done.exit_code, done.output) == (0, "nothing to do: every declared column that is loaded has its type\n")
