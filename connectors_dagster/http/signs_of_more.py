"""Signs in a response that there is another page."""

from collections.abc import Iterator, Mapping
from typing import Any

import requests

PAGE_SIZES = {10, 20, 25, 30, 50, 100, 200, 250, 500, 1_000}
NEXT = ("next", "nextpage", "nexturl", "nextlink", "nextcursor", "nexttoken", "nextpagetoken", "nextoffset")
MORE = ("hasmore", "hasnext", "hasnextpage", "more", "moreitems")
PAGES = ("pagecount", "pages", "totalpages", "lastpage", "numpages")
ROWS = ("total", "totalcount", "count", "totalresults", "totalitems", "totalrows", "recordcount")
OBJECTS = ("links", "paging", "pagination", "meta", "metadata", "pageinfo", "page", "cursor", "cursors")


def signs_of_more(response: requests.Response, rows: int) -> Iterator[str]:
    """Describe what a response with so many rows has that suggests another page; nothing if there is no such sign."""
    if not rows:
        return
    if "next" in response.links or 'rel="next' in response.headers.get("Link", "").lower():
        yield "a Link header"
    body = response.json()
    if isinstance(body, Mapping):
        yield from _fields(body, rows)
    if rows in PAGE_SIZES:
        yield f"exactly {rows} rows"


def _fields(body: Mapping[str, Any], rows: int) -> Iterator[str]:
    for name, value in body.items():
        plain = name.lower().replace("_", "").replace("-", "").lstrip("@$")
        if isinstance(value, Mapping) and plain in OBJECTS:
            yield from _fields(value, rows)
        elif (plain in NEXT and value) or (plain in MORE and value is True) or _counts_more(plain, value, rows):
            yield repr(name)


def _counts_more(name: str, value: Any, rows: int) -> bool:
    if isinstance(value, bool) or not isinstance(value, int):
        return False
    return (name in PAGES and value > 1) or (name in ROWS and value > rows)
