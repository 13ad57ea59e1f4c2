"""Signs in a response that there is another page."""

from collections.abc import Iterator, Mapping
from typing import Any

import requests

from connectors_dagster.http.cursors import is_end
from connectors_dagster.http.links import find_link

PAGE_SIZES = {10, 20, 25, 30, 50, 100, 200, 250, 500, 1_000}
NEXT = ("next", "nextpage", "nextpageurl", "nexturl", "nextlink", "odata.nextlink", "nextcursor", "nexttoken",
        "nextpagetoken", "nextoffset", "nextmarker")  # fmt: skip
MORE = ("hasmore", "hasnext", "hasnextpage", "more", "moreitems", "istruncated")
PAGES = ("pagecount", "pages", "totalpages", "lastpage", "numpages", "pagetotal")
ROWS = ("total", "totalcount", "count", "totalresults", "totalitems", "totalrows", "recordcount", "totalrecords")
OBJECTS = ("links", "paging", "pagination", "meta", "metadata", "pageinfo", "page", "cursor", "cursors")
LINK = "header_link"
BY_PAGE = "{{type: page_number, base_page: 1, total_path: {}}}"
BY_OFFSET = "{{type: offset, limit: {}, total_path: {}}}"


def clear_signs(response: requests.Response, *, in_body: bool) -> Iterator[tuple[str, str]]:
    """Yield what says that there is another page, and the paginator to write for it.

    Args:
        response: the response.
        in_body: whether the body is an envelope. Otherwise its fields are those of a row and mean something else.
    """
    if find_link(response, "next"):
        yield "a Link header with rel=next", LINK
    body = response.json()
    for path, name, value in _fields(body) if in_body and isinstance(body, Mapping) else ():
        if paginator := _next(name, value, path):
            yield repr(path), paginator


def vague_signs(response: requests.Response, rows: int, *, in_body: bool) -> Iterator[tuple[str, str]]:
    """Yield what suggests that there is another page: a larger total, or as many rows as pages commonly have."""
    body = response.json()
    for path, name, value in _fields(body) if in_body and isinstance(body, Mapping) else ():
        if name in ROWS and (_number(value) or 0) > rows:
            yield repr(path), BY_OFFSET.format(rows, path)
    if rows in PAGE_SIZES:
        yield f"exactly {rows} rows", BY_OFFSET.format(rows, "null")


def _fields(body: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str, Any]]:
    for name, value in body.items():
        plain = name.lower().replace("_", "").replace("-", "").lstrip("@$")
        if isinstance(value, Mapping) and plain in OBJECTS:
            yield from _fields(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", plain, value


def _next(name: str, value: Any, path: str) -> str | None:
    """Return the paginator for a field that says that there is another page; None if it does not say so."""
    if name in NEXT and not is_end(value) and value is not True:
        return _for_next(value, path)
    if name in MORE and str(value).lower() == "true":
        return f"one with has_more_path: {path}"
    return BY_PAGE.format(path) if name in PAGES and (_number(value) or 0) > 1 else None


def _for_next(value: Any, path: str) -> str:
    if isinstance(value, Mapping):
        href = next((name for name in ("href", "url") if name in value), "href")
        return f"{{type: json_link, next_url_path: {path}.{href}}}"
    if str(value).startswith(("http", "/", "?")):
        return f"{{type: json_link, next_url_path: {path}}}"
    return f"{{type: cursor, cursor_path: {path}, cursor_param: …}}"


def _number(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isdecimal() else None
