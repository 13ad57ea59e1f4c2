"""Examples of assets built on the loaded tables. They are defined only if the configuration enables them."""

from collections.abc import Sequence

import dagster as dg

from connectors_dagster.config import settings
from connectors_dagster.orchestration.connector_assets import ConnectorAssets

ORDERS, TRANSACTIONS = "storefront/orders", "billing/transactions"


def build_examples(everything: Sequence[ConnectorAssets]) -> dg.Definitions:
    """Build the examples whose resources are loaded, if CONNECTORS__EXAMPLES is true."""
    keys = {str(resource): key for assets in everything for key, resource in assets.by_key.items()}
    if not settings.show_examples() or {ORDERS, TRANSACTIONS} - set(keys):
        return dg.Definitions()
    from connectors_dagster.orchestration.examples.revenue import build_revenue  # takes time, and few enable it

    revenue = build_revenue(orders=keys[ORDERS], transactions=keys[TRANSACTIONS])
    # Dagster's own sensor for conditions has to be turned on in the UI.
    sensor = dg.AutomationConditionSensorDefinition(
        "automation_examples",
        target=dg.AssetSelection.assets(revenue),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Builds an example when a table that it reads was loaded.",
    )
    return dg.Definitions(assets=[revenue], sensors=[sensor])
