"""The paging styles of documented APIs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

Row = dict[str, Any]
Paging = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """Rows of a page, the other fields of the body, and headers."""

    rows: Sequence[Row]
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def _size(paging: Paging, request: Request) -> int:
    """The page size: as requested, up to the API's maximum."""
    return min(int(request.query_params.get(paging.get("size", ""), paging["rows"])), int(paging["rows"]))


def _none(rows: Sequence[Row], _: Paging, __: Request) -> Page:
    return Page(rows)


def _offset(rows: Sequence[Row], paging: Paging, request: Request) -> Page:
    start = int(request.query_params.get(paging["place"], 0))
    return Page(rows[start : start + _size(paging, request)])


def _next(rows: Sequence[Row], paging: Paging, request: Request) -> Page:
    """A cursor that even the last page has; `has_more` marks the end."""
    start, end = _read(request, paging, "next of ", _size(paging, request))
    return Page(rows[start:end], {"next": f"next of {end}", "has_more": end < len(rows)})


def _next_offset(rows: Sequence[Row], paging: Paging, request: Request) -> Page:
    """A cursor that looks like JSON; the last page has none."""
    start, end = _read(request, paging, '["1700000000000","', _size(paging, request))
    return Page(rows[start:end], {"next_offset": f'["1700000000000","{end}"]'} if end < len(rows) else {})


def _after(rows: Sequence[Row], paging: Paging, request: Request) -> Page:
    """The last key of the previous page; even the last page has a `next` link, which leads to the vendor's host."""
    key, after, size = paging["by"], request.query_params.get(paging["place"]), _size(paging, request)
    start = next((n + 1 for n, row in enumerate(rows) if row[key] == after), 0)
    shown = rows[start : start + size]
    more = {"next": "https://api.vendor.example/next", "has_more": start + size < len(rows), "per_page": size}
    return Page(shown, {"meta": {"request_id": "r", "pagination": more}})


def _starting_after(rows: Sequence[Row], paging: Paging, request: Request) -> Page:
    """The id of the last row of the previous page."""
    after, size = request.query_params.get(paging["place"]), _size(paging, request)
    start = 0 if after is None else 1 + next(n for n, row in enumerate(rows) if row["id"] == after)
    return Page(rows[start : start + size], {"object": "list", "has_more": start + size < len(rows)})


def _page_info(rows: Sequence[Row], paging: Paging, request: Request) -> Page:
    """The next page's URL in a header, with nothing but the place and the size in it."""
    place, others = paging["place"], set(request.query_params) - {paging["place"], paging["size"]}
    assert place not in request.query_params or not others, f"{others} are sent with {place}"
    first, size = first_query(request, paging), _size(paging, request)
    start = int(request.query_params.get(place, "0").partition(" ")[0])
    path = str(request.url).partition("?")[0]
    after = urlencode({paging["size"]: size, place: f"{start + size} {urlencode(first)}"})
    link = f'<{path}?{after}&previous>; rel="previous", <{path}?{after}>; rel="next"'
    return Page(rows[start : start + size], headers={"Link": link} if start + size < len(rows) else {})


def first_query(request: Request, paging: Paging) -> dict[str, str]:
    """Return the parameters of the first request of a list, which the place of a page carries if it is sent alone."""
    query = dict(request.query_params)
    if paging.get("alone") and paging["place"] in query:
        return dict(parse_qsl(query[paging["place"]].partition(" ")[2]))
    return query


def _link(rows: Sequence[Row], paging: Paging, request: Request) -> Page:
    """The next page's URL in a header, and totals."""
    page, size = int(request.query_params.get(paging["place"], 1)), _size(paging, request)
    pages = -(-len(rows) // size)
    headers = {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(pages)}
    if page < pages:
        headers["Link"] = f'<{request.url.include_query_params(**{paging["place"]: page + 1})}>; rel="next"'
    return Page(rows[(page - 1) * size : page * size], headers=headers)


def _read(request: Request, paging: Paging, mark: str, size: int) -> tuple[int, int]:
    digits = request.query_params.get(paging["place"], mark + "0").removeprefix(mark).rstrip('"]')
    return int(digits), int(digits) + size


STYLES: Mapping[str, Callable[[Sequence[Row], Paging, Request], Page]] = {
    "none": _none,
    "offset": _offset,
    "next": _next,
    "next_offset": _next_offset,
    "after": _after,
    "starting_after": _starting_after,
    "page_info": _page_info,
    "link": _link,
}
