"""Pages as the paginator of a stream asks for them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.parity.asked import Asked
from tests.parity.described import Described
from tests.parity.made_up import Row
from tests.parity.templates import below, is_lookup

TOKEN = re.compile(r"c(\d+)e")
"""The cursor of a page, by the number of the row at which it begins."""
IN_LINK = re.compile(r"(\w+)=\(\[\^")
"""A parameter of a link that a pattern such as `after=([^&]+)` finds."""
NUMBERS = ("total_pages", "pages", "last_page", "pagecount", "page_count", "numpages", "lastpage", "totalpages")


@dataclass(frozen=True)
class Page:
    """A page of rows, with what the response says about the next one: in fields of the body, and in headers."""

    rows: Sequence[Row]
    fields: Sequence[tuple[Sequence[Any], Any]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def page_of(stream: Described, asked: Asked, rows: Sequence[Row], base: str) -> Page:
    """Return the page that a request asks for."""
    kind = stream.strategy.get("type")
    if not stream.paginator or kind is None:
        return Page(rows)
    size = _size(stream, asked)
    token = asked.at(stream.paginator.get("page_token_option"))
    if kind == "PageIncrement":
        first = int(stream.strategy.get("start_from_page") or 0)
        at = 0 if token is None else (int(token) - first) * size
        return Page(rows[at : at + size])
    if kind == "OffsetIncrement":
        at = int(token or 0)
        return Page(rows[at : at + size])
    return _by_cursor(stream, asked, rows, size, base)


def _size(stream: Described, asked: Asked) -> int:
    requested = str(asked.at(stream.paginator.get("page_size_option")))
    return int(requested) if requested.isdigit() and int(requested) else stream.size


def _by_cursor(stream: Described, asked: Asked, rows: Sequence[Row], size: int, base: str) -> Page:
    value, stop = str(stream.strategy.get("cursor_value")), str(stream.strategy.get("stop_condition") or "")
    if not stream.path and below(value, "response"):
        size = 1  # the whole body is a row
    at = _begin(stream, asked, rows, size)
    after, more = at + size, at + size < len(rows)
    by_link = (stream.paginator.get("page_token_option") or {}).get("type") == "RequestPath"
    searched = dict.fromkeys(IN_LINK.findall(value), f"c{after}e")
    link = f"{base}{asked.path}?{urlencode({**asked.query, **searched, 'zz': f'c{after}e'}, doseq=True)}"
    fields: list[tuple[Sequence[Any], Any]] = []
    plain = is_lookup(value)
    for path in _beside_rows(stream, value):
        if by_link or (plain and "url" in str(path[-1]).lower()):
            found: Any = link if more else None
        else:
            number = _number(path, at, size, len(rows))
            found = number if number is not None and not plain else (f"c{after}e" if more else None)
        if found is not None or not _absent(stop):
            fields.append((path, found))
    said = [path for path, _ in fields]
    for path in _beside_rows(stream, stop):
        if not any(path[: len(one)] == one or one[: len(path)] == path for one in (*said, *below(value, "response"))):
            number = _number(path, at, size, len(rows))
            fields.append((path, number if number is not None else _flag(path, more=more)))
    relation = "next" if "rel=next" in value + stop else '"next"'
    headers = {"Link": f"<{link}>; rel={relation}"} if more and below(value, "headers") else {}
    return Page(rows[at : at + size], fields, headers)


def _beside_rows(stream: Described, text: str) -> list[tuple[Any, ...]]:
    """Return the fields of a response that a template reads, except the rows."""
    rows = tuple(stream.path)
    return [path for path in below(text, "response") if not rows or path[: len(rows)] != rows]


def _in_last_row(stream: Described) -> list[tuple[Any, ...]]:
    """Return the fields of the last row of a page that say which one is next."""
    value, rows = stream.strategy.get("cursor_value"), tuple(stream.path)
    in_body = [path for path in below(value, "response") if rows and path[: len(rows)] == rows]
    return [*below(value, "last_record"), *(path[len(rows) + 1 :] for path in in_body if len(path) > len(rows) + 1)]


def _begin(stream: Described, asked: Asked, rows: Sequence[Row], size: int) -> int:
    """Return the number of the row at which a page begins, from whatever the request has as cursor."""
    for text in asked.texts:
        if found := TOKEN.fullmatch(text) or TOKEN.search(text if "c" in text and len(text) > 60 else ""):
            return int(found[1])
    option = stream.paginator.get("page_token_option") or {}
    token = asked.at(option)
    if token in (None, ""):
        return 0
    for path in _in_last_row(stream):
        for number, row in enumerate(rows):
            found_in_row: Any = row.value
            for key in path:
                found_in_row = found_in_row.get(key) if isinstance(found_in_row, Mapping) else None
            if str(found_in_row) == str(token):
                return number + 1
    if not str(token).isdigit():
        return 0
    name = str(option.get("field_name") or (option.get("field_path") or [""])[-1]).lower()
    by_row = any(word in name for word in ("offset", "skip", "start", "from"))
    return int(token) if by_row else (int(token) - 1) * size


def _number(path: Sequence[Any], at: int, size: int, rows: int) -> int | None:
    """Return what a field with this name says about the pages; None if it is no number."""
    name = str(path[-1]).lower().replace("-", "_")
    if name in NUMBERS:
        return -(-rows // size)
    if name in ("page", "current_page", "currentpage", "page_number", "pagenumber", "current", "number", "page_index"):
        return at // size + 1
    if name in ("next_page", "nextpage"):
        return at // size + 2 if at + size < rows else None
    if any(word in name for word in ("offset", "skip", "start")):
        return at
    if any(word in name for word in ("limit", "per_page", "perpage", "size", "maxresults")):
        return size
    return rows if any(word in name for word in ("total", "count", "hits")) else None


def _flag(path: Sequence[Any], *, more: bool) -> Any:
    """Return what a field says that ends the reading."""
    name = str(path[-1]).lower()
    ended = any(word in name for word in ("last", "end", "finished", "done")) and "has" not in name
    return (not more) if ended else more


def _absent(stop: str) -> bool:
    """Tell whether the last page must lack the field of the next one."""
    return " in " in stop
