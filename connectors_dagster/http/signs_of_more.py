"""Signs in a response that there is another page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import requests

from connectors_dagster.http.cursors import is_end
from connectors_dagster.http.links import find_link
from connectors_dagster.http.total import read_number

PAGE_SIZES = {10, 20, 25, 30, 50, 100, 200, 250, 500, 1_000}
NEXT = ("next", "nextpage", "nextpageurl", "nextpageuri", "nexturl", "nexturi", "nextlink", "nexthref",
        "odata.nextlink", "nextcursor", "nexttoken", "nextpagetoken", "nextpagecursor", "nextoffset", "nextmarker",
        "nextstart", "nextrecordsurl", "lastevaluatedkey", "continuationtoken")  # fmt: skip
MORE = ("hasmore", "hasnext", "hasnextpage", "more", "moreitems", "istruncated")
LAST = ("done", "islast", "islastpage", "last")
YES, NO = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
PAGES = ("pagecount", "pages", "totalpages", "lastpage", "numpages", "pagetotal")
ROWS = ("total", "totalcount", "count", "totalresults", "totalitems", "totalrows", "recordcount", "totalrecords",
        "totalelements", "totalsize")  # fmt: skip
OBJECTS = ("links", "paging", "pagination", "meta", "metadata", "pageinfo", "page", "pages", "cursor", "cursors")
HEADERS = {f"{start}{name}" for start in ("", "x", "xms") for name in NEXT}
MARKERS = ("after", "starting_after", "cursor", "token")
LINK = "header_link"
BY_PAGE = "{{type: page_number, base_page: 1, total_path: {}}}"
BY_OFFSET = "{{type: offset, limit: {}, total_path: {}}}"


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
    said = [_says_more(name, value) for _, name, value in fields]
    if False in said and True not in said:
        return
    if find_link(response, "next"):
        yield "a Link header with rel=next", LINK
    for name, value in response.headers.items():
        if _plain(name) in HEADERS and not is_end(value):
            yield f"a header {name}", f"{{type: header_cursor, cursor_key: {name}, cursor_param: …}}"
    for path, name, value in fields:
        if paginator := _next(name, value, path, pages):
            yield repr(path), paginator


def vague_signs(response: requests.Response, rows: int, rows_at: Sequence[str] | None) -> Iterator[tuple[str, str]]:
    """Yield what suggests that there is another page: a larger total, or as many rows as pages commonly have."""
    for path, name, value in _fields(response.json(), rows_at):
        if name in ROWS and (read_number(value) or 0) > rows:
            yield repr(path), BY_OFFSET.format(rows, path)
    if rows in PAGE_SIZES:
        yield f"exactly {rows} rows", BY_OFFSET.format(rows, "null")


def likely_total(response: requests.Response, rows_at: Sequence[str] | None) -> int | None:
    """Return the largest number in the envelope that is named like a total number of rows."""
    numbers = (read_number(value) for _, name, value in _fields(response.json(), rows_at) if name in ROWS)
    return max((number for number in numbers if number is not None), default=None)


def _fields(body: Any, rows_at: Sequence[str] | None, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield path, plain name and value of the fields of the envelope, also of objects on the path to the rows."""
    if rows_at is None or not isinstance(body, Mapping):
        return
    for name, value in body.items():
        on_path = name == next(iter(rows_at), None)
        if isinstance(value, Mapping) and (on_path or _plain(name) in OBJECTS):
            yield f"{path}{name}", _plain(name), None
            yield from _fields(value, rows_at[1:] if on_path else (), f"{path}{name}.")
        elif isinstance(value, list) and not on_path and _plain(name) in OBJECTS:
            links = (link for link in value if isinstance(link, Mapping) and link.get("rel") == "next")
            yield from ((f"{path}{name}[?(@.rel == 'next')]", "next", link) for link in links)
        else:
            yield f"{path}{name}", _plain(name), value


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").lstrip("@$")


def _says_more(name: str, value: Any) -> bool | None:
    """Return whether a field says that there is another page; None if it does not say."""
    if name not in (*MORE, *LAST):
        return None  # and do not write all rows as text
    text = str(value).lower()
    if name in MORE and text in (*YES, *NO):
        return text in YES
    return text == "false" if name in LAST and text in ("true", "false") else None


def _next(name: str, value: Any, path: str, pages: int) -> str | None:
    """Return the paginator for a field that says that there is another page; None if it does not say so."""
    if name in NEXT and not is_end(value) and value is not True:
        return _for_next(value, path)
    if _says_more(name, value):
        return f"one with has_more_path: {path}" if name in MORE else f"one that ends when {path} is true"
    return BY_PAGE.format(path) if name in PAGES and (read_number(value) or 0) > pages else None


def _for_next(value: Any, path: str) -> str:
    if isinstance(value, Mapping):
        if marker := next((name for name in MARKERS if name in value), None):
            return f"{{type: cursor, cursor_path: {path}.{marker}, cursor_param: …}}"
        href = next((name for name in ("href", "url") if name in value), "href")
        return f"{{type: json_link, next_url_path: {path}.{href}}}"
    if str(value).startswith(("http", "/", "?")):
        return f"{{type: json_link, next_url_path: {path}}}"
    return f"{{type: cursor, cursor_path: {path}, cursor_param: …}}"
