"""A check of a connector: its settings exist and one request succeeds."""

from connectors_dagster.http.endpoint import Endpoint
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.session import ApiSession
from connectors_dagster.read.connection import connect
from connectors_dagster.spec.connector import Connector


def check(connector: Connector) -> str:
    """Request the first page of the first resource and describe the response.

    Raises:
        MissingSettingsError: names every setting without a value.
        ApiError: the request failed, or the response does not look as the connector says.
    """
    connection = connect(connector)
    resource = next(iter(connector.graph.values()))
    endpoint = Endpoint(resource, connection.values)
    session = ApiSession(connection.policy, ReadStats(), str(resource), rows_at=endpoint.rows_at)
    rows = next(endpoint.pages(session, {}), [])
    return f"{resource.endpoint['path']} returned {len(rows)} rows"
