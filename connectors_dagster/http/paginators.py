"""The paginator of a list: dlt's, or one of ours where dlt's could lose rows."""

from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    HeaderCursorPaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
)

from connectors_dagster.http.cursors import BodyCursorPaginator, CursorHeaderPaginator
from connectors_dagster.http.links import BodyLinkPaginator, CountedLinkPaginator, LinkHeaderPaginator
from connectors_dagster.http.next_pages import ExpressionLinkPaginator, ExpressionPaginator
from connectors_dagster.http.offsets import AnchoredOffsetPaginator
from connectors_dagster.http.page_numbers import RereadPageNumberPaginator
from connectors_dagster.http.total import Total
from connectors_dagster.spec.resource import Resource


def wrap_paginator(paginator: BasePaginator, resource: Resource, total: Total, label: str) -> BasePaginator:
    """Return the paginator of this project for one of dlt's, or the paginator itself if there is none.

    Args:
        paginator: dlt's paginator; it is changed.
        resource: says what is known about the list.
        total: reads the number of rows from a response.
        label: names the sequence in errors.
    """
    if isinstance(paginator, ExpressionPaginator | ExpressionLinkPaginator):
        return paginator
    if isinstance(paginator, OffsetPaginator):
        if not (paginator.stop_after_empty_page or paginator.total_path or paginator.has_more_path):
            return paginator  # empty pages are normal, and only a maximum ends it
        return AnchoredOffsetPaginator(
            paginator,
            total,
            label,
            fixed_page_size=resource.fixed_page_size,
            omit_first=resource.omit_first_page_number,
            short_page_is_end=resource.short_page_is_end,
            stable=resource.pages_are_stable,
        )
    if isinstance(paginator, PageNumberPaginator):
        return RereadPageNumberPaginator(
            paginator,
            total,
            omit_first=resource.omit_first_page_number,
            short_page_is_end=resource.short_page_is_end,
            stable=resource.pages_are_stable,
        )
    if isinstance(paginator, HeaderLinkPaginator):
        counted = CountedLinkPaginator(paginator, total, label)
        return counted if resource.has_total else LinkHeaderPaginator(paginator.links_next_key)
    if isinstance(paginator, JSONLinkPaginator):
        return BodyLinkPaginator.like(paginator)
    if isinstance(paginator, JSONResponseCursorPaginator):
        return BodyCursorPaginator.like(paginator)
    return CursorHeaderPaginator.like(paginator) if isinstance(paginator, HeaderCursorPaginator) else paginator


def find_total(paginator: BasePaginator | None, resource: Resource) -> Total:
    """Return where the total is: as the resource declares, or else where an offset paginator finds it."""
    path = resource.total_path
    if not path and isinstance(paginator, OffsetPaginator) and paginator.total_path:
        path = str(paginator.total_path)
    return Total(header=resource.total_header or None, path=path or None)
