"""How many rows there are in all, where an API says so."""

from typing import Any

import requests
from dlt.common import jsonpath

from connectors_dagster.spec.connector import Connector


def read_total(connector: Connector, response: requests.Response) -> int | None:
    """Read the total from the header or the place in the body that the connector names; None if it is no number."""
    found: Any = response.headers.get(connector.total_header) if connector.total_header else None
    if found is None and connector.total_path:
        found = next(iter(jsonpath.find_values(connector.total_path, response.json())), None)
    return int(str(found)) if str(found).isdecimal() else None
