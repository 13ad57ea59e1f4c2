"""The total number of rows, if an API reports it."""

from dataclasses import dataclass

import requests

from connectors_dagster.compat.dlt_internals import find_values

COMMON_HEADERS = ("x-wp-total", "x-total-count", "x-total")


@dataclass(frozen=True, kw_only=True)
class Total:
    """The place in a response that reports the total number of rows.

    Args:
        header: a response header that the connector declares.
        path: a JSON path in the body that the connector declares.
    """

    header: str | None = None
    path: str | None = None

    def read(self, response: requests.Response) -> int | None:
        """Read the total that the connector declares; None if it is missing or not a number."""
        return read_number(self.find(response))

    def find(self, response: requests.Response) -> object:
        """Return what is at the place that the connector declares; None if nothing is there."""
        found: object = response.headers.get(self.header) if self.header else None
        if found is None and self.path:
            found = next(iter(find_values(self.path, response.json())), None)
        return found

    def guess(self, response: requests.Response) -> int | None:
        """Read the declared total, or else one of the headers that APIs commonly use."""
        headers = response.headers
        common = next((headers[name] for name in COMMON_HEADERS if name in headers), None)
        declared = self.read(response)
        return read_number(common) if declared is None else declared


def read_number(found: object) -> int | None:
    """Return a count that an API writes as a number or as text; None if it is neither."""
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    return int(str(found)) if str(found).isdecimal() else None
