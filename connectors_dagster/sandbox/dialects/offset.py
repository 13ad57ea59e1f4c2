"""Paging by offset, for the three APIs whose offsets count rows."""

from collections.abc import Callable

from connectors_dagster.sandbox.dialects.dialect import Listing, Page
from connectors_dagster.sandbox.dialects.parameters import PageSize, whole_number


def offset_pages(size: PageSize) -> Callable[[Listing], Page]:
    """Build pages that have their rows under `data` and do not say whether more follow."""

    def page(listing: Listing) -> Page:
        start = whole_number(listing.query, "offset", default=0)
        return Page({"data": listing.rows[start : start + size.read(listing.query)]})

    return page
