"""Revenue by month over two connectors: one SQL model in DuckDB that depends on the assets it reads."""

from pathlib import Path

import dagster as dg

from connectors_dagster.config.settings import destination_name
from connectors_dagster.load.destination import duckdb_file, only_writer
from connectors_dagster.load.traits import destination_traits

MODEL = Path(__file__).with_name("revenue_by_month.sql")
COLUMNS = {
    "month": ("date", "first day of the month, UTC", ("date_paid_gmt", "billed_at")),
    "source": ("varchar", "source of the sale: storefront or billing", ()),
    "currency": ("varchar", "ISO 4217 code of the amounts", ("currency", "currency_code")),
    "sales": ("bigint", "number of paid orders or billed transactions", ("status", "status")),
    "revenue": ("decimal(18,2)", "sum of the totals, with tax", ("total", "details")),
}
"""Each column with type, description, and the columns of orders and of transactions it comes from."""


def build_revenue(*, orders: dg.AssetKey, transactions: dg.AssetKey) -> dg.AssetsDefinition:
    """Build the asset. Once its automation is on, it is rebuilt whenever a table it reads was loaded."""

    @dg.asset(
        key=["examples", "revenue_by_month"],
        deps=[orders, transactions],
        group_name="examples",
        kinds={"sql", "duckdb"},
        description=f"Example of what to build on loaded tables:\n```sql\n{MODEL.read_text(encoding='utf-8')}```",
        metadata={
            "dagster/table_name": "examples.revenue_by_month",
            "dagster/column_schema": _columns(),
            "dagster/column_lineage": _lineage(orders, transactions),
        },
        automation_condition=dg.AutomationCondition.eager(),
    )
    def revenue_by_month() -> dg.MaterializeResult[None]:
        if not destination_traits().in_file:
            raise dg.Failure(f"This example requires DuckDB, but the destination is {destination_name()}.")
        import duckdb  # imported here so that listing definitions does not load a database

        with only_writer(duckdb_file(), "revenue_by_month"), duckdb.connect(str(duckdb_file())) as warehouse:
            warehouse.execute("CREATE SCHEMA IF NOT EXISTS examples")
            sql = f"CREATE OR REPLACE TABLE examples.revenue_by_month AS\n{MODEL.read_text(encoding='utf-8')}"
            warehouse.execute(sql)
            (rows,) = warehouse.execute("SELECT count(*) FROM examples.revenue_by_month").fetchone() or (0,)
        return dg.MaterializeResult(metadata={"dagster/row_count": rows})

    return revenue_by_month


def _columns() -> dg.TableSchema:
    columns = [dg.TableColumn(name, type, description) for name, (type, description, _) in COLUMNS.items()]
    return dg.TableSchema(columns=columns)


def _lineage(*keys: dg.AssetKey) -> dg.TableColumnLineage:
    return dg.TableColumnLineage(
        deps_by_column={
            name: [dg.TableColumnDep(key, column) for key, column in zip(keys, origins, strict=False)]
            for name, (_, _, origins) in COLUMNS.items()
        }
    )
