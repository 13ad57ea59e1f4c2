"""The client of dlt, whose rows keep their fields as JSON text."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import requests
from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.paginators import BasePaginator

from connectors_dagster.compat.dlt_internals import TJsonPath, find_values
from connectors_dagster.http.links import LinkHeaderPaginator, find_link
from connectors_dagster.http.response import JsonResponse
from connectors_dagster.http.row_identity import identify_rows
from connectors_dagster.rows.raw_json import RawRow, encode_row, is_raw, with_fields
from connectors_dagster.rows.row_changes import FilteredRow, RowChanges
from connectors_dagster.rows.row_hash import with_hash


class RawClient(RESTClient):
    """dlt's client, with the fields of rows as JSON text even if the parser does not support the selector.

    If `value_column` is declared, a row that is a single value becomes an object with the value in that column. Rows
    are changed by `changes`, and those that it leaves out are marked. Each row gets the fields in `added`, and with
    `hashes_rows` a hash of all but the `unhashed_fields` as its key. The identity of each row is computed here once and
    stored in the response.
    """

    primary_key: Sequence[str] = ()
    value_column: str | None = None
    added: RawRow = {}  # noqa: RUF012  # never changed, but replaced
    hashes_rows: bool = False
    unhashed_fields: Sequence[str] = ()
    changes: RowChanges | None = None
    wrap_paginator: Callable[[BasePaginator], BasePaginator]

    def detect_paginator(self, response: requests.Response, data: Any) -> BasePaginator:
        """Choose a paginator for a connector that declares none, and wrap it."""
        if find_link(response, "next"):
            return LinkHeaderPaginator()
        return self.wrap_paginator(super().detect_paginator(response, data))

    def extract_response(self, response: requests.Response, data_selector: TJsonPath) -> list[Any]:
        """Return the rows of a page, as the paginator and all later steps get them."""
        found = find_values(data_selector, response.json())
        data = found[0] if len(found) == 1 else found
        rows: list[Any] = data if isinstance(data, list) else [data]
        # Some APIs write an empty list as null, an empty object, empty text or false.
        if data is None or not (data or self.value_column):
            rows = []
        if self.value_column:
            rows = [row if isinstance(row, dict) else {self.value_column: row} for row in rows]
        rows = [row if is_raw(row) else encode_row(row) for row in rows]
        rows, left_out = self.changes.apply(rows) if self.changes else (rows, set[int]())
        if self.added:
            rows = [with_fields(row, self.added) if is_raw(row) else row for row in rows]
        if self.hashes_rows:
            rows = [with_hash(row, self.unhashed_fields) if is_raw(row) else row for row in rows]
        cast(JsonResponse, response).row_keys = identify_rows(self.primary_key, rows)
        return [FilteredRow(row) if at in left_out else row for at, row in enumerate(rows)] if left_out else rows
