"""Signs in a response that there is another page."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from connectors_dagster.http.cursors import is_end
from connectors_dagster.http.links import find_link
from connectors_dagster.http.total import COMMON_HEADERS, read_number
from connectors_dagster.rows.json_codec import load

PAGE_SIZES = {10, 20, 25, 30, 50, 100, 200, 250, 500, 1_000}
ROWS = "(?:items|results|records|rows|entries|elements|objects|hits)"
"""Words for rows; names are compared without case and punctuation, from their last dot or colon on."""
NEXT = re.compile(
    "(?:x?ms)?(?:loadmore|next(?:page|records|results|batch|set|link)?)"
    "(?:url|uri|link|href|cursor|token|marker|offset|key|start|number)?"
    "|(?:x?ms)?continuation(?:token)?|lastevaluatedkey|scrollid"
)
CURSOR = re.compile("cursor|marker|offset|more")
"""Names that mean the next page if nothing is known of the API's paging, and the current one or the rows elsewhere."""
MORE = re.compile(f"(?:has|is|are)?(?:more(?:{ROWS}|pages|data)?(?:available|incollection)?|next(?:page)?|truncated)")
LAST = re.compile("done|(?:is)?last(?:page)?")
PAGES = re.compile("pages|(?:total|num|numberof)pages|page(?:count|total|s)|lastpage|maxpage|of")
COUNT = re.compile(
    f"total|count|total(?:count|size|number|found|{ROWS})|{ROWS}(?:total|count)|recordsfiltered|numfound"
)
YES, NO = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
PAGING = ("links", "paging", "pagination", "meta", "metadata", "pageinfo", "page", "pages", "cursor", "cursors")
"""Objects about the list. The numbers in others count something else."""
MARKERS = ("after", "starting_after", "cursor", "token")
DEPTH = 4
LINK = "header_link"
BY_PAGE = "{{type: page_number, base_page: 1, total_path: {}}}"
BY_OFFSET = "{{type: offset, limit: {}, total_path: {}}}"
BY_HEADER = "{{type: header_cursor, cursor_key: {}, cursor_param: …}}"


@dataclass(frozen=True)
class _Field:
    path: str
    name: str
    value: Any
    about_the_list: bool


def clear_signs(response: requests.Response, rows_at: Sequence[str] | None, pages: int) -> Iterator[tuple[str, str]]:
    """Yield what says that there is another page, and the paginator to write for it.

    If a field such as `has_more` says that there is none, a next link or cursor means nothing: some APIs always send
    one.

    Args:
        response: the response.
        rows_at: the names on the path to the rows; None if the body is no envelope. Then its fields are those of a row
            and mean something else.
        pages: how many pages were read.
    """
    fields = list(_fields(response.json(), rows_at))
    headers = list(_headers(response))
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


def signs_on_a_single_page(
    response: requests.Response, rows: int, rows_at: Sequence[str] | None
) -> Iterator[tuple[str, str]]:
    """Yield what says that a list which is read as a single page, with so many rows, has another one.

    The totals that are compared with the rows of every list, however it is read, are none of the signs.
    """
    fields, headers = list(_fields(response.json(), rows_at)), list(_headers(response))
    if False in map(_says_more, (*fields, *headers)):
        return
    for field in fields:
        if _is_cursor(field):
            yield repr(field.path), _for_next(field)
    for field in headers:
        if field.path.lower() not in COMMON_HEADERS and _counts(field) > rows:
            yield f"a header {field.path}", BY_HEADER.format(field.path)


def vague_signs(response: requests.Response, rows: int, rows_at: Sequence[str] | None) -> Iterator[tuple[str, str]]:
    """Yield what suggests that there is another page: a larger total, or as many rows as pages commonly have."""
    for field in _fields(response.json(), rows_at):
        if _counts(field) > rows:
            yield repr(field.path), BY_OFFSET.format(rows, field.path)
    if rows in PAGE_SIZES:
        yield f"exactly {rows} rows", BY_OFFSET.format(rows, "null")


def likely_total(response: requests.Response, rows_at: Sequence[str] | None) -> int | None:
    """Return the largest number in the envelope that is named like a total number of rows."""
    return max(map(_counts, _fields(response.json(), rows_at)), default=0) or None


def _fields(
    body: Any, rows_at: Sequence[str] | None, path: str = "", depth: int = 0, *, about_the_list: bool = True
) -> Iterator[_Field]:
    """Yield the fields of the envelope, also those of objects in it, but not the rows."""
    if rows_at is None or not isinstance(body, Mapping) or depth > DEPTH:
        return
    for name, value in body.items():
        on_path, plain = name == next(iter(rows_at), None), _plain(name)
        within = about_the_list and (on_path or plain in PAGING)
        if isinstance(value, Mapping):
            yield _Field(f"{path}{name}", plain, value, within)
            inner = rows_at[1:] if on_path else ()
            yield from _fields(value, inner, f"{path}{name}.", depth + 1, about_the_list=within)
        elif isinstance(value, list):
            links = (
                link for link in (() if on_path else value) if isinstance(link, Mapping) and link.get("rel") == "next"
            )
            yield from (_Field(f"{path}{name}[?(@.rel == 'next')]", "next", link, within) for link in links)
        else:
            yield _Field(f"{path}{name}", plain, value, about_the_list)


def _headers(response: requests.Response) -> Iterator[_Field]:
    """Yield the headers as fields; some APIs write an object into one."""
    for header, text in response.headers.items():
        name = _plain(header).removeprefix("x")
        try:
            inner = _fields(load(text.encode()), ()) if text.startswith("{") else ()
        except ValueError:
            inner = ()
        yield _Field(header, name, text, about_the_list=True)
        yield from (_Field(header, field.name, field.value, field.about_the_list) for field in inner)


def _plain(name: str) -> str:
    return re.split("[.:@]", name)[-1].lower().translate({ord("_"): None, ord("-"): None, ord("$"): None})


def _says_more(field: _Field) -> bool | None:
    """Return whether a field says that there is another page; None if it does not say."""
    if not (more := MORE.fullmatch(field.name)) and not LAST.fullmatch(field.name):
        return None  # and do not write large values as text
    text = str(field.value).lower()
    if more and text in (*YES, *NO):
        return text in YES
    return text == "false" if not more and text in ("true", "false") else None


def _next(field: _Field, pages: int) -> str | None:
    """Return the paginator for a field that says that there is another page; None if it does not say so."""
    if NEXT.fullmatch(field.name) and not is_end(field.value) and field.value is not True:
        return _for_next(field)
    if _says_more(field):
        path = field.path
        return f"one with has_more_path: {path}" if MORE.fullmatch(field.name) else f"one that ends when {path} is true"
    more = PAGES.fullmatch(field.name) and field.about_the_list and (read_number(field.value) or 0) > pages
    return BY_PAGE.format(field.path) if more else None


def _counts(field: _Field) -> int:
    """Return the number of rows that a field reports; 0 if it does not."""
    return (COUNT.fullmatch(field.name) and field.about_the_list and read_number(field.value)) or 0


def _is_cursor(field: _Field) -> bool:
    """Return whether a field has a text that may name the next page; an address does if it has a query."""
    value = field.value
    if not CURSOR.fullmatch(field.name) or not isinstance(value, str) or is_end(value) or value.isdecimal():
        return False
    return field.name != "more" or "?" in value


def _for_next(field: _Field) -> str:
    value, path = field.value, field.path
    if isinstance(value, Mapping):
        if marker := next((name for name in MARKERS if name in value), None):
            return f"{{type: cursor, cursor_path: {path}.{marker}, cursor_param: …}}"
        href = next((name for name in ("href", "url") if name in value), "href")
        return f"{{type: json_link, next_url_path: {path}.{href}}}"
    if str(value).startswith(("http", "/", "?")):
        return f"{{type: json_link, next_url_path: {path}}}"
    return f"{{type: cursor, cursor_path: {path}, cursor_param: …}}"
