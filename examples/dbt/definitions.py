"""The storefront and dbt models of its tables, in one Dagster project on one DuckDB file."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

from connectors_dagster import build_definitions, load_connectors

SHOP = DbtProject(Path(__file__).parent / "shop")
SHOP.prepare_if_dev()
if not SHOP.manifest_path.exists():
    SHOP.preparer.prepare(SHOP)


class FollowTables(DagsterDbtTranslator):
    """Gives every model a condition: it is made anew when a table that it reads was loaded."""

    def get_automation_condition(self, dbt_resource_props: Mapping[str, Any]) -> dg.AutomationCondition[Any]:
        """Return the condition of a model."""
        return dg.AutomationCondition.eager()


@dbt_assets(manifest=SHOP.manifest_path, dagster_dbt_translator=FollowTables())
def models(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Build the models and run their tests."""
    yield from dbt.cli(["build"], context=context).stream()


# Dagster's own sensor for conditions has to be turned on in the UI; this one is on.
FOLLOWS_TABLES = dg.AutomationConditionSensorDefinition(
    "automation_models",
    target=dg.AssetSelection.assets(models),
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Builds a model when a table that it reads was loaded.",
)

defs = dg.Definitions.merge(
    build_definitions(load_connectors()["storefront"]),
    dg.Definitions(assets=[models], sensors=[FOLLOWS_TABLES], resources={"dbt": DbtCliResource(project_dir=SHOP)}),
)
