"""Everything Dagster shows of one connector."""

import dagster as dg

from connectors_dagster.orchestration.api_asset import build_api
from connectors_dagster.orchestration.assets import build_assets
from connectors_dagster.orchestration.automation import build_automation
from connectors_dagster.orchestration.checks import build_checks
from connectors_dagster.spec.connector import Connector


def build_definitions(connector: Connector) -> dg.Definitions:
    """Build assets, lineage and automation of a connector; touches no secret, network or disk."""
    return dg.Definitions.merge(
        dg.Definitions(assets=[build_api(connector), *build_assets(connector)], asset_checks=[build_checks(connector)]),
        build_automation(connector),
    )
