"""Signs in a response that there is another page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import requests

from connectors_dagster.http.cursors import is_end
from connectors_dagster.http.envelope_fields import EnvelopeField, fields_of_body, fields_of_headers
from connectors_dagster.http.links import find_link
from connectors_dagster.http.sign_names import (
    ADDRESSES,
    CURSOR,
    ESTIMATE,
    FIRST,
    HAS_PREVIOUS,
    IN_A_HEADER,
    LAST,
    LEFT,
    MARKERS,
    MORE,
    NEXT,
    NO,
    PAGES,
    PREVIOUS,
    YES,
    counts_of,
)
from connectors_dagster.http.total import COMMON_HEADERS, read_number

PAGE_SIZES = {10, 20, 25, 30, 50, 100, 200, 250, 500, 1_000}
OF_A_TOTAL = {"value", "count", "relation"}
"""The fields of an object that is a total."""
LINK = "header_link"
BY_PAGE = "{{type: page_number, base_page: 1, total_path: {}}}"
BY_OFFSET = "{{type: offset, limit: {}, total_path: {}}}"
BY_HEADER = "{{type: header_cursor, cursor_key: {}, cursor_param: …}}"


class SignsOfMore:
    """Finds what a response says about the length of a list.

    Args:
        rows_at: the names on the path to the rows; None if the body is no envelope. Then its fields are those of a row
            and mean something else.
        name: the name of the resource.
    """

    def __init__(self, rows_at: Sequence[str] | None, name: str) -> None:
        """Prepare the names to look for."""
        self.rows_at = rows_at
        self._counted = counts_of(frozenset({name, *(rows_at or ())[-1:]}))

    def clear(self, response: requests.Response, pages: int) -> Iterator[tuple[str, str]]:
        """Yield what says that there is another page after so many, and the paginator to write for it.

        If a field such as `has_more` says that there is none, a next link or cursor means nothing: some APIs always
        send one.
        """
        fields, headers = self._fields(response), list(fields_of_headers(response))
        said = [_says_more(field) for field in (*fields, *headers)]
        if False in said and True not in said:
            return
        if find_link(response, "next"):
            yield "a Link header with rel=next", LINK
        for field in headers:
            if _next(field, pages):
                yield f"a header {field.path}", BY_HEADER.format(field.path)
        for field in fields:
            if paginator := _next(field, pages):
                yield repr(field.path), paginator

    def more_pages(self, response: requests.Response, pages: int) -> Iterator[tuple[str, str]]:
        """Yield the numbers of pages that are larger than so many, and the paginator to write for each."""
        for field in self._fields(response):
            if _counts_more(field, pages):
                yield repr(field.path), BY_PAGE.format(field.path)

    def says_last(self, response: requests.Response) -> bool:
        """Return whether a field or header says that there is no other page, and none that there is one."""
        said = [_says_more(field) for field in (*self._fields(response), *fields_of_headers(response))]
        return (False in said or any(_says_end(field) for field in self._fields(response))) and True not in said

    def on_a_single_page(self, response: requests.Response, rows: int) -> Iterator[tuple[str, str]]:
        """Yield what says that a list which is read as a single page, with so many rows, has another one.

        The totals that are compared with the rows of every list, however it is read, are none of the signs.
        """
        fields, headers = self._fields(response), list(fields_of_headers(response))
        if False in map(_says_more, (*fields, *headers)):
            return
        for field in fields:
            if _is_cursor(field):
                yield repr(field.path), _for_next(field)
            if LEFT.fullmatch(field.name) and field.about_the_list and read_number(field.value):
                yield repr(field.path), BY_OFFSET.format(rows, "null")
        for field in headers:
            known = field.path.lower() in COMMON_HEADERS or not IN_A_HEADER.fullmatch(field.name)
            if not known and (read_number(field.value) or 0) > rows:
                yield f"a header {field.path}", BY_HEADER.format(field.path)

    def of_earlier_pages(self, response: requests.Response) -> Iterator[str]:
        """Yield what says that there is a page before this one."""
        if find_link(response, "prev"):
            yield "a Link header with rel=prev"
        for field in self._fields(response):
            if field.about_the_list and _says_previous(field):
                yield repr(field.path)

    def vague(self, response: requests.Response, rows: int) -> Iterator[tuple[str, str]]:
        """Yield what suggests that there is another page: a larger total, or as many rows as pages commonly have."""
        for field in self._fields(response):
            if self._count(field) > rows:
                yield repr(field.path), BY_OFFSET.format(rows, field.path)
        if rows in PAGE_SIZES:
            yield f"exactly {rows} rows", BY_OFFSET.format(rows, "null")

    def likely_total(self, response: requests.Response) -> int | None:
        """Return the largest number in the envelope that is named like a total number of rows.

        An estimate is none if the response says itself that the list ends here.
        """
        fields = self._fields(response)
        if self.says_last(response):
            fields = [field for field in fields if not ESTIMATE.match(field.name)]
        return max(map(self._count, fields), default=0) or None

    def _fields(self, response: requests.Response) -> list[EnvelopeField]:
        return list(fields_of_body(response.json(), self.rows_at))

    def _count(self, field: EnvelopeField) -> int:
        """Return the number of rows that a field reports; 0 if it does not."""
        if not field.about_the_list or not self._counted.fullmatch(field.name):
            return 0
        value = field.value
        if isinstance(value, Mapping):
            value = next(iter(value.values()), None) if value.keys() <= OF_A_TOTAL else None
        return read_number(value) or 0


def _says_more(field: EnvelopeField) -> bool | None:
    """Return whether a field says that there is another page; None if it does not say."""
    if not (more := MORE.fullmatch(field.name)) and not LAST.fullmatch(field.name):
        return None  # and do not write large values as text
    text = str(field.value).lower()
    if more and text in (*YES, *NO):
        return text in YES
    return text == "false" if not more and text in ("true", "false") else None


def _says_end(field: EnvelopeField) -> bool:
    """Return whether a field says that this is the last page."""
    return field.value is True and bool(LAST.fullmatch(field.name))


def _next(field: EnvelopeField, pages: int) -> str | None:
    """Return the paginator for a field that says that there is another page; None if it does not say so."""
    if NEXT.fullmatch(field.name) and not _leads_nowhere(field.value) and field.value is not True:
        return _for_next(field)
    if _says_more(field):
        path = field.path
        return f"one with has_more_path: {path}" if MORE.fullmatch(field.name) else f"one that ends when {path} is true"
    return BY_PAGE.format(field.path) if _counts_more(field, pages) else None


def _counts_more(field: EnvelopeField, pages: int) -> bool:
    """Return whether a field is a number of pages that is larger than so many."""
    return bool(PAGES.fullmatch(field.name)) and field.about_the_list and (read_number(field.value) or 0) > pages


def _says_previous(field: EnvelopeField) -> bool:
    """Return whether a field says that there is an earlier page; a cursor to one may lead to an empty page."""
    value = field.value
    if isinstance(value, bool):
        return bool(HAS_PREVIOUS.fullmatch(field.name)) if value else bool(FIRST.fullmatch(field.name))
    if isinstance(value, Mapping):
        value = next((value[name] for name in ADDRESSES if name in value), None)
    return bool(PREVIOUS.fullmatch(field.name)) and str(value).startswith(("http", "/", "?"))


def _leads_nowhere(value: Any) -> bool:
    """Return whether a link or cursor says that there is no next page, also as an object without an address."""
    if isinstance(value, Mapping):
        named = [value[name] for name in (*ADDRESSES, *MARKERS) if name in value]
        return all(map(is_end, named or value.values()))
    return is_end(value)


def _is_cursor(field: EnvelopeField) -> bool:
    """Return whether a field has a text that may name the next page; an address does if it has a query.

    APIs that write cursors into an object of their own send them on the last page too.
    """
    value = field.value
    if not CURSOR.fullmatch(field.name) or is_end(value) or ".cursors." in f".{field.path}":
        return False
    if isinstance(value, Mapping):
        return field.name == "continue"
    return isinstance(value, str) and not value.isdecimal() and (field.name != "more" or "?" in value)


def _for_next(field: EnvelopeField) -> str:
    value, path = field.value, field.path
    if isinstance(value, Mapping):
        if marker := next((name for name in MARKERS if name in value), None):
            return f"{{type: cursor, cursor_path: {path}.{marker}, cursor_param: …}}"
        address = next((name for name in ADDRESSES if name in value), ADDRESSES[0])
        return f"{{type: json_link, next_url_path: {path}.{address}}}"
    if str(value).startswith(("http", "/", "?")):
        return f"{{type: json_link, next_url_path: {path}}}"
    return f"{{type: cursor, cursor_path: {path}, cursor_param: …}}"
