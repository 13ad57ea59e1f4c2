"""What can be built on the loaded tables, as examples: among the definitions only if configuration says so."""

from collections.abc import Sequence

import dagster as dg

from connectors_dagster.config import settings
from connectors_dagster.orchestration.examples.revenue import NEEDS, build_revenue
from connectors_dagster.spec.connector import Connector


def build_examples(connectors: Sequence[Connector]) -> dg.Definitions:
    """Build the examples whose connectors are there, if CONNECTORS__EXAMPLES is true."""
    if not settings.show_examples() or NEEDS - {connector.name for connector in connectors}:
        return dg.Definitions()
    return dg.Definitions(assets=[build_revenue()])
