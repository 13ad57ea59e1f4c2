"""The end of a sequence of pages is believed only when the API says so, or when two signs agree."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors_dagster.errors import EnvelopeError, TransientApiError
from connectors_dagster.http.link_header import parse_links
from connectors_dagster.sandbox import serving
from tests.support.shop import things
from tests.support.wire import reply


def rows(*ids: int) -> list[dict[str, Any]]:
    return [{"id": str(number)} for number in ids]


def ids(found: Any) -> list[int]:
    return sorted({int(row["id"]) for row in found[0]})


@pytest.fixture
def listing(monkeypatch):
    """Serve a function from query parameters to a body, to which the settings of the shop point."""
    served: dict[str, Any] = {"asked": []}

    async def respond(request: Request) -> Response:
        served["asked"].append(dict(request.query_params))
        body = served["body"](request.query_params)
        return body if isinstance(body, Response) else JSONResponse(body)

    with serving(Starlette(routes=[Route("/things", respond)])) as port:
        for name, value in {"base_url": f"http://127.0.0.1:{port}", "api_key": "k3y-of-the-shop"}.items():
            monkeypatch.setenv(f"SOURCES__SHOP__{name}".upper(), value)
        yield served


@pytest.mark.parametrize("hidden", [{15}, {9, 10}, {1, 10, 20}, {25}, {11, 12, 13}])
def test_a_page_that_the_api_filtered_after_it_cut_it_is_not_the_end(listing, read, tmp_path, hidden):
    every = range(1, 26)
    listing["body"] = lambda query: {
        "data": rows(*(n for n in every[int(query["offset"]) : int(query["offset"]) + 10] if n not in hidden))
    }
    found = read(things(tmp_path, paginator={"type": "offset", "limit": 10, "total_path": None}))
    assert ids(found) == [n for n in every if n not in hidden]


def test_a_short_page_is_the_end_where_the_connector_says_so(shop, read, tmp_path):
    shop.replies = [reply({"data": rows(1, 2)})]
    connector = things(tmp_path, paginator={"type": "offset", "limit": 10, "total_path": None}).connector
    read(replace(connector, short_page_is_end=True).graph["things"])
    assert len(shop.paths) == 1


def test_pages_without_rows_are_not_the_end_while_the_total_says_more(listing, read, tmp_path):
    listing["body"] = lambda query: {
        "data": rows(*(n for n in range(1, 13)[int(query["offset"]) :][:3] if not 4 <= n <= 8)), "total": 12
    }  # fmt: skip
    found = read(things(tmp_path, paginator={"type": "offset", "limit": 3, "total_path": "total"}))
    assert ids(found) == [1, 2, 3, 9, 10, 11, 12]


PAGES = {"type": "page_number", "base_page": 1}


@pytest.mark.parametrize("more", [{"total_path": "pages"}, {"total_path": None, "has_more_path": "more"}])
def test_an_empty_page_number_is_not_the_end_while_the_api_says_more(listing, read, tmp_path, more):
    pages = [rows(1, 2, 3), [], [], rows(4, 5, 6), rows(7, 8)]
    listing["body"] = lambda query: {
        "data": pages[int(query["page"]) - 1], "pages": len(pages), "more": int(query["page"]) < len(pages)
    }  # fmt: skip
    assert ids(read(things(tmp_path, paginator=PAGES | more))) == [*range(1, 9)]


def test_one_empty_page_after_a_full_one_is_confirmed_by_another(listing, read, tmp_path):
    pages = [rows(1, 2, 3), [], rows(4, 5, 6), rows(7)]
    listing["body"] = lambda query: {"data": dict(enumerate(pages, 1)).get(int(query["page"]), [])}
    assert ids(read(things(tmp_path, paginator=PAGES | {"total_path": None}))) == [*range(1, 8)]


@pytest.mark.parametrize("gone", [1, 2, 4, 5])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_rows_that_move_to_an_earlier_page_number_are_found(listing, read, tmp_path, gone, at):
    every = list(range(1, 21))

    def body(query: Any) -> Any:
        if len(listing["asked"]) == at + 1:
            del every[:gone]
        return {"data": rows(*every[(int(query["page"]) - 1) * 4 : int(query["page"]) * 4])}

    listing["body"] = body
    found = read(things(tmp_path, paginator=PAGES | {"total_path": None}))
    assert set(every) <= set(ids(found))


@pytest.mark.parametrize(
    ("header", "links"),
    [
        ('<https://a/?page=2>; rel="next last"', {"next": "https://a/?page=2", "last": "https://a/?page=2"}),
        ("<https://a/?f=a,b;c&page=1>; rel=prev, <https://a/?f=a,b;c>; rel=next",
         {"prev": "https://a/?f=a,b;c&page=1", "next": "https://a/?f=a,b;c"}),
        ('<https://a/>; REL="Next"; title="a, <b>; \\"c\\""', {"next": "https://a/"}),
        ('<https://a/1>;rel="next",<https://a/2>;rel="next"', {"next": "https://a/1"}),
        ('<https://a/1>; title=x; rel = "next" ', {"next": "https://a/1"}),
        ("", {}),
        ("nonsense", {}),
        ("<https://a/1>", {}),
    ],
)  # fmt: skip
def test_links_are_read_as_the_standard_defines_them(header, links):
    assert parse_links(header) == links


@pytest.mark.parametrize("link", ['<{}>; rel="next last"', "<{}&f=a,b;c>; rel=next", '<{}>; Rel="NEXT"'])
def test_any_spelling_of_a_link_header_is_followed(shop, read, tmp_path, link):
    first = reply({"data": rows(1)}, Link=link.format(f"{shop.url}/things?page=2"))
    shop.replies = [first, reply({"data": rows(2)})]
    assert ids(read(things(tmp_path, paginator="header_link"))) == [1, 2]


@pytest.mark.parametrize("end", [None, "", False, 0, {}, []])
@pytest.mark.parametrize("paginator", [{"type": "json_link", "next_url_path": "next"}, {
    "type": "cursor", "cursor_path": "next", "cursor_param": "after"}])  # fmt: skip
def test_whatever_an_api_writes_instead_of_a_next_page_is_the_end(shop, read, tmp_path, end, paginator):
    following = f"{shop.url}/things?page=2" if paginator["type"] == "json_link" else "2"
    shop.replies = [reply({"data": rows(1), "next": following}), reply({"data": rows(2), "next": end})]
    assert ids(read(things(tmp_path, paginator=paginator))) == [1, 2]
    assert len(shop.paths) == 2


@pytest.mark.parametrize("last", [{"data": None}, {"data": {}}, {"data": ""}, {"data": False}, "204"])
def test_a_last_page_without_a_list_is_the_end_if_the_first_had_one(shop, read, tmp_path, last):
    first = reply({"data": rows(1), "next": "2"})
    shop.replies = [first, reply(b"", "204 No Content") if last == "204" else reply(last)]
    paginator = {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}
    assert ids(read(things(tmp_path, paginator=paginator))) == [1]


@pytest.mark.parametrize(
    ("body", "sign"),
    [
        ({"data": rows(1), "has_more": True}, "'has_more'"),
        ({"data": rows(1), "page_count": 3}, "'page_count'"),
        ({"data": rows(1), "total": 3}, "'total'"),
        ({"data": rows(*range(100))}, "exactly 100 rows"),
    ],
)
def test_a_sign_of_another_page_without_a_paginator_is_refused(shop, read, tmp_path, body, sign):
    shop.replies = [reply(body)]
    with pytest.raises(EnvelopeError, match=f"page 1 has .*{sign}.*check paginator") as caught:
        read(without_paginator(tmp_path))
    assert "another page" in str(caught.value)


def test_one_page_without_a_sign_of_another_needs_no_paginator(shop, read, tmp_path):
    shop.replies = [reply({"data": rows(1, 2), "next": None, "has_more": False, "page_count": 1, "total": 2})]
    assert ids(read(without_paginator(tmp_path))) == [1, 2]


def without_paginator(folder) -> Any:
    connector = things(folder).connector
    config: Any = {**connector.config, "client": {**connector.config["client"]}}
    del config["client"]["paginator"]
    return replace(connector, config=config).graph["things"]


def test_a_total_that_is_not_reached_fails_unless_the_connector_accepts_it(shop, read, tmp_path):
    shop.replies = [reply({"data": rows(1, 2), "total": 3})]
    connector = replace(things(tmp_path).connector, total_path="total")
    with pytest.raises(TransientApiError, match="2 rows were read, but the API reports a total of 3: check paginator"):
        read(connector.graph["things"])
    assert ids(read(replace(connector, accept_fewer=True).graph["things"])) == [1, 2]


def test_the_parameters_of_a_page_are_requested_as_declared(shop, read, tmp_path):
    shop.replies = [reply({"data": rows(1)}), reply({"data": []})]
    read(things(tmp_path, paginator=PAGES | {"total_path": None}))
    assert [parse_qs(urlsplit(path).query)["page"] for path in shop.paths[:2]] == [["1"], ["2"]]
