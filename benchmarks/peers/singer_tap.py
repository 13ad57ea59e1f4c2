"""A Singer tap for a shape, following the SDK's template: one stream with a start date, or one and its children."""

from typing import Any

from requests.auth import HTTPBasicAuth
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import OffsetPaginator

from benchmarks.peers.json_schema import json_schema
from benchmarks.shapes import BY_NAME, CURSOR, KEY, Shape
from benchmarks.task import FORMAT, PASSWORD, SORTED, USER


class Pages(OffsetPaginator):
    """Continues until a page is not full."""

    def has_more(self, response: Any) -> bool:
        """Return whether the page is full."""
        return len(response.json()["data"]) == self._page_size


class Stream(RESTStream[int]):
    """A list of the server."""

    primary_keys = (KEY,)
    records_jsonpath = "$.data[*]"

    @property
    def shape(self) -> Shape:
        """Return the shape of the rows."""
        return BY_NAME[str(self.config["shape"])]

    @property
    def url_base(self) -> str:
        """Return the server's address."""
        return str(self.config["address"])

    @property
    def authenticator(self) -> HTTPBasicAuth:
        """Return the credentials."""
        return HTTPBasicAuth(USER, PASSWORD)


class Rows(Stream):
    """The rows, by modification time."""

    def __init__(self, tap: Tap, shape: Shape) -> None:
        """Read the rows of a shape."""
        super().__init__(tap, name=shape.resource, schema=json_schema(shape.fields), path=f"/{shape.resource}")
        if shape.again:
            self.replication_key = CURSOR

    def get_new_paginator(self) -> Pages:
        """Start with the first page."""
        return Pages(start_value=0, page_size=self.shape.page)

    def get_url_params(self, context: Any, next_page_token: int | None) -> dict[str, Any]:
        """Return the parameters of a page."""
        since = self.get_starting_timestamp(context)  # None unless rows are loaded already
        bounds = {"modified_after": since.strftime(FORMAT)} if since else self.shape.bounds()
        return {**SORTED, **bounds, "offset": next_page_token or 0, "per_page": self.shape.page}

    def get_child_context(self, record: Any, context: Any) -> dict[str, Any]:  # noqa: ARG002  # the SDK's
        """Return what the address of the children needs."""
        return {"parent": record[KEY]}


class Children(Stream):
    """The children of each row."""

    parent_stream_type = Rows
    state_partitioning_keys = ()

    def __init__(self, tap: Tap, shape: Shape) -> None:
        """Read the children of the rows of a shape."""
        path = f"/{shape.resource}/{{parent}}/{shape.child}"
        super().__init__(tap, name=shape.child, schema=json_schema(shape.child_fields), path=path)


class Storefront(Tap):
    """The tap."""

    name = "tap-storefront"
    config_jsonschema = th.PropertiesList(
        th.Property("address", th.StringType, required=True), th.Property("shape", th.StringType, required=True)
    ).to_dict()

    def discover_streams(self) -> list[Stream]:
        """List the streams of the shape."""
        shape = BY_NAME[str(self.config["shape"])]
        return [Rows(self, shape), *([Children(self, shape)] if shape.child else [])]


if __name__ == "__main__":
    Storefront.cli()
