"""A Singer tap for the orders, following the SDK's template: one stream with a start date."""

from typing import Any

from requests.auth import HTTPBasicAuth
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import OffsetPaginator

from benchmarks.peers.order_schema import order_schema
from benchmarks.task import PAGE, PASSWORD, SORTED, USER, bounds


class Pages(OffsetPaginator):
    """Continues until a page is not full."""

    def has_more(self, response: Any) -> bool:
        """Return whether the page is full."""
        return len(response.json()["data"]) == PAGE


class Orders(RESTStream[int]):
    """The orders, by modification time."""

    name = "orders"
    path = "/orders"
    primary_keys = ("id",)
    replication_key = "date_modified_gmt"
    records_jsonpath = "$.data[*]"
    schema = order_schema()

    @property
    def url_base(self) -> str:
        """Return the server's address."""
        return str(self.config["address"])

    @property
    def authenticator(self) -> HTTPBasicAuth:
        """Return the credentials."""
        return HTTPBasicAuth(USER, PASSWORD)

    def get_new_paginator(self) -> Pages:
        """Start with the first page."""
        return Pages(start_value=0, page_size=PAGE)

    def get_url_params(self, context: Any, next_page_token: int | None) -> dict[str, Any]:  # noqa: ARG002  # the SDK's
        """Return the parameters of a page."""
        return {**SORTED, **bounds(), "offset": next_page_token or 0, "per_page": PAGE}


class Storefront(Tap):
    """The tap."""

    name = "tap-storefront"
    config_jsonschema = th.PropertiesList(th.Property("address", th.StringType, required=True)).to_dict()

    def discover_streams(self) -> list[Orders]:
        """List the one stream."""
        return [Orders(tap=self)]


if __name__ == "__main__":
    Storefront.cli()
