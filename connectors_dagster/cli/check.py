"""Whether a connector could run: its settings are there and one cheap request succeeds."""

from connectors_dagster.http.endpoint import Endpoint
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.session import ApiSession
from connectors_dagster.read.connection import connect
from connectors_dagster.spec.connector import Connector


def check(connector: Connector) -> str:
    """Ask the first resource for its first page and say what came.

    Raises:
        MissingSettingsError: names every setting without a value.
        ApiError: the request failed, or its answer is not what the connector says.
    """
    connection = connect(connector)
    resource = next(iter(connector.graph.values()))
    endpoint = Endpoint(resource, connection.values)
    session = ApiSession(connection.policy, ReadStats(), str(resource), rows_at=endpoint.rows_at)
    rows = next(endpoint.pages(session, {}), [])
    return f"{resource.endpoint['path']} answered with {len(rows)} rows"
