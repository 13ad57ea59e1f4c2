"""What the words in the Dagster UI mean. docs/glossary.md says the same at length; a test compares them."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import dagster as dg

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "rows": "rows that were read and loaded",
        "complete": "whether the window has been read to its end; then it is not read again",
        "fetched_until": "until when the window has been read; a refresh goes on from there",
        "window_start": "start of the window, which belongs to it",
        "window_end": "end of the window, which does not belong to it",
        "remarks": "what you should know about a load that succeeded",
        "page_limit": "a trial that read no more pages than this of each list",
        "not_available": "the response that says that this account does not have the resource",
        "rejected": "rows that cannot be placed and were set aside in the table `<table>__rejected`",
        "parents_without_key": "rows of the parent without the field that requests need; they were left out",
        "missing_rows": "rows that the API no longer returns",
        "drift": "fields that are not as declared",
        "missing_fields": "declared fields that no row has",
        "preview": "the first rows",
        "sql": "a query for all rows",
        "source_rows": "the total that the API reports",
        "keys_read": "distinct keys that were read, also of rows outside the window",
        "duplicates": "rows that were read more than once; the newest copy is loaded",
        "moved": "pages that were read again because rows had moved between pages",
        "unsettled": "lists whose rows moved so that some may be hidden; the next refresh reads them again",
        "outside": "rows outside the requested windows, which were not loaded",
        "before_start": "of the rows outside, those from before the first window",
        "after_end": "of the rows outside, those from after the last window",
        "without_cursor": "rows that do not say when they changed",
        "ignored": "responses that were ignored as configured",
        "filtered": "rows that `record_filter` left out",
        "pages": "pages that were read",
        "requests": "requests to the API, with retries",
        "retries": "requests that were repeated after a failure",
        "waited_seconds": "seconds spent waiting, for limits of the API and before retries",
        "clock_lag_seconds": "seconds by which the clock of the API is behind",
        "bytes": "bytes of the responses, decompressed",
        "seconds_schema": "seconds to prepare the tables",
        "seconds_read": "seconds to read the API",
        "seconds_load": "seconds to load the rows into the destination",
        "load_id": "`_dlt_load_id` of the rows of this load",
        "last_load_id": "the last load of the family; the window counts as loaded while the destination holds it",
        "read_from": "the address of the API; windows read from another one do not count",
        "loaded_into": "the destination; windows loaded into another one do not count",
    }
)
"""The metadata of a materialization, what matters most first. What is zero or empty is left out, except `rows`."""
ORDER = {name: number for number, name in enumerate(FIELDS)}


@cache
def fields_glossary() -> dg.MarkdownMetadataValue:
    """Return a table of what the metadata of a materialization means."""
    rows = [f"| `{name}` | {meaning} |" for name, meaning in FIELDS.items()]
    return dg.MetadataValue.md("\n".join(["| field | meaning |", "| --- | --- |", *rows]))
