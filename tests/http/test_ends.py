"""The end of a sequence of pages is believed only when the API says so, or when two signs agree."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.responses import JSONResponse, Response

from connectors_dagster.errors import ApiError, EnvelopeError, RowError
from connectors_dagster.http.link_header import parse_links
from tests.support.numbered import numbered, numbers
from tests.support.shop import things
from tests.support.wire import reply


@pytest.mark.parametrize("hidden", [{15}, {9, 10}, {1, 10, 20}, {25}, {11, 12, 13}])
def test_a_page_that_the_api_filtered_after_it_cut_it_is_not_the_end(listing, read, tmp_path, hidden):
    every = range(1, 26)
    listing.body = lambda query: {
        "data": numbered(*(n for n in every[int(query["offset"]) : int(query["offset"]) + 10] if n not in hidden))
    }
    found = read(things(tmp_path, paginator={"type": "offset", "limit": 10, "total_path": None}))
    assert numbers(found) == [n for n in every if n not in hidden]


def test_a_short_page_is_the_end_where_the_connector_says_so(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1, 2)})]
    connector = things(tmp_path, paginator={"type": "offset", "limit": 10, "total_path": None}).connector
    read(replace(connector, short_page_is_end=True).graph["things"])
    assert len(shop.paths) == 1


@pytest.mark.parametrize("paginator", [{"type": "offset", "limit": 4}, {"type": "page_number", "base_page": 1}])
def test_an_empty_first_page_is_the_end_only_if_the_next_one_is_empty_too(listing, read, tmp_path, paginator):
    def body(query: Any) -> Any:
        start = int(query.get("offset", 4 * (int(query.get("page", 1)) - 1)))
        return {"data": numbered(*(n for n in range(10)[start : start + 4] if n >= hidden))}

    listing.body = body
    for hidden in (4, 5, 10):
        listing.asked = []
        found = numbers(read(things(tmp_path, paginator=paginator | {"total_path": None})))
        assert found == list(range(hidden, 10)), listing.asked
    assert len(listing.asked) == 2


@pytest.mark.parametrize("empty", range(2, 6))
def test_a_page_that_is_empty_only_once_loses_no_rows(listing, read, tmp_path, empty):
    def body(query: Any) -> Any:
        start = 4 * (int(query["page"]) - 1)
        return {"data": [] if len(listing.asked) == empty else numbered(*range(20)[start : start + 4])}

    listing.body = body
    assert numbers(read(things(tmp_path, paginator=PAGES | {"total_path": None}))) == list(range(20))


@pytest.mark.parametrize("total", [lambda _, rows: min(rows, 30), lambda start, rows: rows - start])
@pytest.mark.parametrize("rows", [25, 59, 60])
def test_a_total_that_full_pages_have_passed_is_not_the_end(listing, read, tmp_path, total, rows):
    """The API counts only up to a limit, or counts the rows that remain."""

    def body(query: Any) -> Any:
        start = int(query["offset"])
        return {"data": numbered(*range(rows)[start : start + 10]), "total": total(start, rows)}

    listing.body = body
    found = read(things(tmp_path, paginator={"type": "offset", "limit": 10, "total_path": "total"}))
    assert numbers(found) == list(range(rows))


@pytest.mark.parametrize(
    ("paginator", "total"),
    [({"type": "offset", "limit": 4}, 10), ({"type": "page_number", "base_page": 1}, 3)],
)
def test_a_total_that_only_the_first_page_has_counts_for_all(listing, read, tmp_path, paginator, total):
    def body(query: Any) -> Any:
        start = int(query.get("offset", 4 * (int(query.get("page", 1)) - 1)))
        return {"data": numbered(*range(10)[start : start + 4]), "total": None if start else total}

    listing.body = body
    assert numbers(read(things(tmp_path, paginator=paginator | {"total_path": "total"}))) == list(range(10))


def test_a_list_that_ends_before_its_first_total_fails_even_if_later_pages_report_a_smaller_one(shop, read, tmp_path):
    first, last = {"data": numbered(1, 2), "next": "2", "total": 9}, {"data": numbered(3), "total": 3}
    shop.replies = 2 * [reply(first), reply(last)]
    paginator = {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}
    connector = replace(things(tmp_path, paginator=paginator).connector, total_path="total")
    with pytest.raises(EnvelopeError, match="3 different rows were read in 2 passes, but the API reports a total of 9"):
        read(connector.graph["things"])


PAGES = {"type": "page_number", "base_page": 1}


@pytest.mark.parametrize("extra", [{"total": 12}, {}])
def test_pages_without_rows_are_not_the_end_while_the_total_says_more(listing, read, tmp_path, extra):
    every = [n for n in range(1, 13) if not 4 <= n <= 8]

    def body(query: Any) -> Any:
        offset = int(query["offset"])
        page = numbered(*(n for n in range(1, 13)[offset : offset + 3] if n in every))
        return {"data": page, "more": offset + 3 < 12, **extra}

    listing.body = body
    sign = {"total_path": "total"} if extra else {"total_path": None, "has_more_path": "more"}
    connector = things(tmp_path, paginator={"type": "offset", "limit": 3, **sign}).connector
    assert numbers(read(replace(connector, accept_fewer=True).graph["things"])) == every


@pytest.mark.parametrize("hidden", [set(), {4}, {1}, {12}, {1, 4, 12}])
@pytest.mark.parametrize(("limit", "most"), [(2, 2), (3, 3), (7, 7), (10, 7)])
def test_an_offset_list_with_small_and_filtered_pages_is_read_to_its_end(listing, read, tmp_path, hidden, limit, most):
    every = range(1, 13)
    listing.body = lambda query: {
        "data": numbered(*(n for n in every[int(query["offset"]) :][:most] if n not in hidden))
    }
    found = read(things(tmp_path, paginator={"type": "offset", "limit": limit, "total_path": None}))
    assert numbers(found) == [n for n in every if n not in hidden]


@pytest.mark.parametrize(("limit", "hidden"), [(1, {5}), (3, {4, 5}), (3, {8, 9}), (5, {6, 7, 8, 9})])
def test_a_page_after_a_full_one_without_new_rows_is_not_the_end_yet(listing, read, tmp_path, limit, hidden):
    every = range(1, 21)
    listing.body = lambda query: {
        "data": numbered(*(n for n in every[int(query["offset"]) :][:limit] if n not in hidden))
    }
    found = read(things(tmp_path, paginator={"type": "offset", "limit": limit, "total_path": None}))
    assert numbers(found) == [n for n in every if n not in hidden]


def test_an_offset_beyond_the_end_may_be_refused(listing, read, tmp_path):
    for count in range(1, 10):
        listing.body = lambda query, count=count: (
            {"data": numbered(*range(count))[int(query["offset"]) :][:4]}
            if int(query["offset"]) < count
            else JSONResponse({"error": "out of range"}, 400)
        )
        found = read(things(tmp_path, paginator={"type": "offset", "limit": 4, "total_path": None}))
        assert numbers(found) == [*range(count)]


def test_a_page_number_beyond_a_short_page_may_be_refused(listing, read, tmp_path):
    pages = [numbered(1, 2, 3), numbered(4)]
    listing.body = lambda query: (
        {"data": pages[int(query["page"]) - 1]}
        if int(query["page"]) <= 2
        else JSONResponse({"detail": "Invalid page."}, 404)
    )
    assert numbers(read(things(tmp_path, paginator=PAGES | {"total_path": None}))) == [1, 2, 3, 4]


def test_a_page_that_is_refused_after_a_full_page_is_not_the_end(listing, read, tmp_path):
    listing.body = lambda query: (
        {"data": numbered(1, 2, 3)} if query["page"] == "1" else JSONResponse({"detail": "Not found."}, 404)
    )
    with pytest.raises(ApiError, match="page=2 answered 404"):
        read(things(tmp_path, paginator=PAGES | {"total_path": None}))


@pytest.mark.parametrize("paginator", [PAGES, {"type": "offset", "limit": 4}])
def test_a_page_that_is_refused_while_the_api_says_more_is_not_the_end(shop, read, tmp_path, paginator):
    first, short = [reply({"data": page, "more": True}) for page in (numbered(1, 2, 3, 4), numbered(4, 5))]
    again = [first] if paginator == PAGES else []
    shop.replies = [first, short, *again, reply({"error": "gone"}, "404 Not Found")]
    with pytest.raises(ApiError, match="answered 404"):
        read(things(tmp_path, paginator=paginator | {"total_path": None, "has_more_path": "more"}))


@pytest.mark.parametrize("more", [{"total_path": "pages"}, {"total_path": None, "has_more_path": "more"}])
def test_an_empty_page_number_is_not_the_end_while_the_api_says_more(listing, read, tmp_path, more):
    pages = [numbered(1, 2, 3), [], [], numbered(4, 5, 6), numbered(7, 8)]
    listing.body = lambda query: {
        "data": pages[int(query["page"]) - 1], "pages": len(pages), "more": int(query["page"]) < len(pages)
    }  # fmt: skip
    assert numbers(read(things(tmp_path, paginator=PAGES | more))) == [*range(1, 9)]


def test_one_empty_page_after_a_full_one_is_confirmed_by_another(listing, read, tmp_path):
    pages = [numbered(1, 2, 3), [], numbered(4, 5, 6), numbered(7)]
    listing.body = lambda query: {"data": dict(enumerate(pages, 1)).get(int(query["page"]), [])}
    assert numbers(read(things(tmp_path, paginator=PAGES | {"total_path": None}))) == [*range(1, 8)]


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
        ("<https://a/1>; crossorigin; rel='next'; title=", {"next": "https://a/1"}),
        ("junk, <https://a/1>; rel=prev x, ;; <https://a/2>; rel=next;", {"prev": "https://a/1", "next": "https://a/2"}),
        ('<https://a/1>; rel="next"; anchor="#x", <https://a/2>; rel="next"', {"next": "https://a/2"}),
    ],
)  # fmt: skip
def test_links_are_read_as_the_standard_defines_them(header, links):
    assert parse_links(header) == links


@pytest.mark.parametrize("link", ['<{}>; rel="next last"', "<{}&f=a,b;c>; rel=next", '<{}>; Rel="NEXT"'])
def test_any_spelling_of_a_link_header_is_followed(shop, read, tmp_path, link):
    first = reply({"data": numbered(1)}, Link=link.format(f"{shop.url}/things?page=2"))
    shop.replies = [first, reply({"data": numbered(2)})]
    assert numbers(read(things(tmp_path, paginator="header_link"))) == [1, 2]


def sized(folder, **endpoint):
    return things(folder, paginator="header_link", params={"limit": 4}, **endpoint)


def test_a_full_page_without_a_link_is_refused_if_half_of_it_has_none_either(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1, 2, 3, 4)}), reply({"data": numbered(1, 2)})]
    with pytest.raises(EnvelopeError, match=r"page 1 has as many rows as were requested and no Link header, and half"):
        read(sized(tmp_path))
    assert shop.paths == ["/things?limit=4", "/things?limit=2"]


@pytest.mark.parametrize(
    "half",
    [
        reply({"data": numbered(1, 2)}, Link='</things?page=2>; rel="next"'),
        reply({"data": numbered(1, 2, 3, 4)}),
        reply({"data": numbered(7)}),
        reply({"error": "limit is always 4"}, "400 Bad Request"),
    ],
    ids=["links arrive", "no size is heeded", "it was no size but a filter", "no other size is accepted"],
)
def test_a_full_page_without_a_link_is_the_last_if_half_of_it_shows_nothing_else(shop, read, tmp_path, half):
    shop.replies = [reply({"data": numbered(1, 2, 3, 4)}), half]
    assert numbers(read(sized(tmp_path))) == [1, 2, 3, 4]


def counted(folder, *, accept_fewer):
    connector = replace(sized(folder).connector, total_header="X-Total", accept_fewer=accept_fewer)
    return connector.graph["things"]


@pytest.mark.parametrize("accept_fewer", [False, True])
def test_a_full_page_without_a_link_is_refused_if_the_total_says_that_more_follow(shop, read, tmp_path, accept_fewer):
    pages = [reply({"data": numbered(*range(1, size + 1))}, **{"X-Total": "6"}) for size in (4, 2)]
    shop.replies = [*pages, *pages]
    with pytest.raises(EnvelopeError, match="no Link header, and half of it has none either"):
        read(counted(tmp_path, accept_fewer=accept_fewer))


def test_a_page_that_the_api_keeps_smaller_than_requested_is_refused_if_the_total_is_larger(shop, read, tmp_path):
    pages = [reply({"data": numbered(*range(1, size + 1))}, **{"X-Total": "4"}) for size in (2, 1)]
    shop.replies = [*pages, *pages]
    with pytest.raises(EnvelopeError, match="no Link header, and half of it has none either"):
        read(counted(tmp_path, accept_fewer=True))
    hidden = [reply({"data": numbered(1, 2)}, **{"X-Total": "3"})]
    shop.replies = [*hidden, reply({"data": numbered(1)}, **{"X-Total": "3", "Link": '</things?page=2>; rel="next"'})]
    assert numbers(read(counted(tmp_path, accept_fewer=True))) == [1, 2]


def test_a_full_page_of_all_rows_that_the_api_counts_is_not_confirmed(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1, 2, 3, 4)}, **{"X-Total": "4"})]
    assert numbers(read(counted(tmp_path, accept_fewer=True))) == [1, 2, 3, 4]
    assert shop.paths == ["/things?limit=4"]


def test_rows_that_the_api_counts_and_hides_may_be_missing_from_a_full_page_if_links_arrive(shop, read, tmp_path):
    whole = reply({"data": numbered(1, 2, 3, 4)}, **{"X-Total": "5"})
    half = reply({"data": numbered(1, 2)}, **{"X-Total": "5", "Link": '</things?page=2>; rel="next"'})
    shop.replies = [whole, half]
    assert numbers(read(counted(tmp_path, accept_fewer=True))) == [1, 2, 3, 4]


@pytest.mark.parametrize("name", ["account", "discount"])
def test_a_filter_that_ends_like_the_name_of_a_page_size_is_not_one(shop, read, tmp_path, name):
    shop.replies = [reply({"data": numbered(1, 2, 3, 4)}), reply({"data": numbered(8, 9)})]
    assert numbers(read(things(tmp_path, paginator="header_link", params={name: 4}))) == [1, 2, 3, 4]
    assert shop.paths == [f"/things?{name}=4"]


def test_a_page_that_is_not_full_or_follows_a_link_is_the_last_without_another_request(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1, 2, 3)})]
    assert numbers(read(sized(tmp_path))) == [1, 2, 3]
    link = f'<{shop.url}/things?limit=4&page=2>; rel="next"'
    shop.replies = [reply({"data": numbered(1, 2, 3, 4)}, Link=link), reply({"data": numbered(5, 6, 7, 8)})]
    assert numbers(read(sized(tmp_path))) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert len(shop.paths) == 3


@pytest.mark.parametrize("end", [None, "", " ", "null", "None", False, 0, {}, []])
@pytest.mark.parametrize("paginator", [{"type": "json_link", "next_url_path": "next"}, {
    "type": "cursor", "cursor_path": "next", "cursor_param": "after"}])  # fmt: skip
def test_whatever_an_api_writes_instead_of_a_next_page_is_the_end(shop, read, tmp_path, end, paginator):
    following = f"{shop.url}/things?page=2" if paginator["type"] == "json_link" else "2"
    shop.replies = [reply({"data": numbered(1), "next": following}), reply({"data": numbered(2), "next": end})]
    assert numbers(read(things(tmp_path, paginator=paginator))) == [1, 2]
    assert len(shop.paths) == 2


@pytest.mark.parametrize("end", ["", "null"])
def test_an_empty_cursor_in_a_header_is_the_end(shop, read, tmp_path, end):
    shop.replies = [reply({"data": numbered(1)}, X_Next="c2"), reply({"data": numbered(2)}, X_Next=end)]
    paginator = {"type": "header_cursor", "cursor_key": "X-Next", "cursor_param": "after"}
    assert numbers(read(things(tmp_path, paginator=paginator))) == [1, 2]


def test_a_cursor_that_is_a_field_of_a_row_may_be_zero(listing, read, tmp_path):
    pages = {None: [3, 2], "2": [1, 0], "0": [-1]}
    listing.body = lambda query: {"data": numbered(*pages.get(query.get("after"), []))}
    paginator = {"type": "cursor", "cursor_path": "data[-1].id", "cursor_param": "after"}
    assert numbers(read(things(tmp_path, paginator=paginator))) == [-1, 0, 1, 2, 3]


@pytest.mark.parametrize("following", [{"id": 7}, [7]])
def test_a_cursor_that_is_not_a_single_value_fails_by_name(shop, read, tmp_path, following):
    shop.replies = [reply({"data": numbered(1), "next": following})]
    paginator = {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}
    with pytest.raises(EnvelopeError, match=r"page 1 does not fit the paginator .*'next' is not a single value"):
        read(things(tmp_path, paginator=paginator))


def test_an_empty_page_is_not_the_end_while_has_more_says_more(shop, read, tmp_path):
    pages = [(numbered(1), "b", "Y"), ([], "c", "Y"), (numbered(2), "d", "N")]
    shop.replies = [reply({"data": page, "next": cursor, "more": more}) for page, cursor, more in pages]
    paginator = {"type": "cursor", "cursor_path": "next", "cursor_param": "a", "has_more_path": "more"}
    assert numbers(read(things(tmp_path, paginator=paginator | {"stop_after_empty_page": True}))) == [1, 2]


@pytest.mark.parametrize(
    "paginator",
    [
        {"type": "offset", "limit": 2, "total_path": None},
        {"type": "offset", "limit": 2, "total_path": "total"},
        {"type": "page_number", "base_page": 1, "total_path": None},
        {"type": "page_number", "base_page": 1, "total_path": None, "has_more_path": "more"},
        {"type": "json_link", "next_url_path": "next"},
    ],
)
def test_a_response_without_a_body_is_the_end_for_every_paginator(listing, read, tmp_path, paginator):
    def body(query: Any) -> Any:
        start = int(query.get("offset", 2 * (int(query.get("page", 1)) - 1)))
        page = {"data": numbered(1, 2)[start:], "total": 3, "more": True, "next": "/things?page=2"}
        return page if page["data"] else Response(status_code=204)

    listing.body = body
    connector = replace(things(tmp_path, paginator=paginator).connector, accept_fewer=True)
    assert numbers(read(connector.graph["things"])) == [1, 2]


def test_a_row_that_is_an_empty_object_is_not_an_empty_list(shop, read, tmp_path):
    shop.replies = [reply({"data": [{}]})]
    with pytest.raises(RowError, match="a row has no 'id', which is a key"):
        read(things(tmp_path))


@pytest.mark.parametrize("empty", ["", False, 0, None])
def test_a_first_page_without_a_list_fails(shop, read, tmp_path, empty):
    shop.replies = [reply({"data": empty})]
    with pytest.raises(EnvelopeError, match="page 1 has no list at 'data'"):
        read(things(tmp_path))


def test_a_single_page_may_write_an_empty_list_as_an_empty_object(shop, read, tmp_path):
    shop.replies = [reply({"data": {}})]
    assert read(things(tmp_path))[0] == []


@pytest.mark.parametrize("last", [{"data": None}, {"data": {}}, {"data": ""}, {"data": False}, "204"])
def test_a_last_page_without_a_list_is_the_end_if_the_first_had_one(shop, read, tmp_path, last):
    first = reply({"data": numbered(1), "next": "2"})
    shop.replies = [first, reply(b"", "204 No Content") if last == "204" else reply(last)]
    paginator = {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}
    assert numbers(read(things(tmp_path, paginator=paginator))) == [1]


@pytest.mark.parametrize(
    ("body", "sign"),
    [
        ({"data": numbered(1), "has_more": True}, "'has_more'"),
        ({"data": numbered(1), "page_count": 3}, "'page_count'"),
        ({"data": numbered(1), "total": 3}, "'total'"),
        ({"data": numbered(1), "paging": {"cursors": {"x": 1}, "isTruncated": "true"}}, "'paging.isTruncated'"),
        ({"data": numbered(*range(100))}, "exactly 100 rows.*limit: 100, total_path: null"),
    ],
)
def test_a_sign_of_another_page_without_a_paginator_is_refused(shop, read, tmp_path, body, sign):
    shop.replies = [reply(body)]
    with pytest.raises(EnvelopeError, match=f"page 1 has .*{sign}.*single_page if there is no other page.*check pag"):
        read(without_paginator(tmp_path))


def test_a_guessed_paginator_that_does_not_fit_is_refused_with_one_to_declare(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1), "meta": {"totalPages": 2}})]
    with pytest.raises(
        EnvelopeError, match=r"declares no paginator.*\{type: page_number.*total_path: meta.totalPages\}"
    ):
        read(without_paginator(tmp_path))


@pytest.mark.parametrize(
    ("body", "headers", "paginator"),
    [
        ({"data": numbered(1), "next": "/things?page=2"}, {}, "{type: json_link, next_url_path: next}"),
        ({"data": numbered(1), "meta": {"next_cursor": "c2"}}, {}, "{type: cursor, cursor_path: meta.next_cursor"),
        ({"data": numbered(1), "has_more": True}, {}, "has_more_path: has_more"),
        ({"data": numbered(1), "pages": 2}, {}, "{type: page_number, base_page: 1, total_path: pages}"),
        ({"data": numbered(1)}, {"Link": "</things?page=2>; rel=next"}, "header_link"),
    ],
)
def test_a_single_page_that_points_to_another_is_refused(shop, read, tmp_path, body, headers, paginator):
    shop.replies = [reply(body, **headers)]
    with pytest.raises(EnvelopeError, match=f"for example .*{paginator}.*, or accept_fewer if there is no other"):
        read(things(tmp_path))
    connector = replace(things(tmp_path).connector, accept_fewer=True)
    assert numbers(read(connector.graph["things"])) == [1]


def test_the_fields_of_a_body_that_is_itself_the_row_are_not_signs(shop, read, tmp_path):
    shop.replies = [reply({"id": "1", "pages": 300, "next": "2", "total": 5, "has_more": True})]
    assert numbers(read(things(tmp_path, selector="$"))) == [1]


@pytest.mark.parametrize("link", ['<{}>; rel="next last"', "<{}&f=a,b;c>; rel=next"])
def test_a_link_header_is_followed_without_a_declared_paginator(shop, read, tmp_path, link):
    first = reply({"data": numbered(1)}, Link=link.format(f"{shop.url}/things?page=2"))
    shop.replies = [first, reply({"data": numbered(2)})]
    assert numbers(read(without_paginator(tmp_path))) == [1, 2]


@pytest.mark.parametrize("end", ["", "null"])
def test_a_next_url_is_followed_without_a_declared_paginator(shop, read, tmp_path, end):
    following = f"{shop.url}/things?page=2"
    shop.replies = [reply({"data": numbered(1), "next": following}), reply({"data": numbered(2), "next": end})]
    assert numbers(read(without_paginator(tmp_path))) == [1, 2]


def test_one_page_without_a_sign_of_another_needs_no_paginator(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1, 2), "next": None, "has_more": False, "page_count": 1, "total": 2})]
    assert numbers(read(without_paginator(tmp_path))) == [1, 2]


def without_paginator(folder) -> Any:
    connector = things(folder).connector
    config: Any = {**connector.config, "client": {**connector.config["client"]}}
    del config["client"]["paginator"]
    return replace(connector, config=config).graph["things"]


def test_a_total_that_is_not_reached_fails_unless_the_connector_accepts_it(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1, 2), "total": 3})]
    connector = replace(things(tmp_path).connector, total_path="total")
    with pytest.raises(EnvelopeError, match="2 different rows were read in 2 passes, but the API reports a total of 3"):
        read(connector.graph["things"])
    assert len(shop.paths) == 2
    assert numbers(read(replace(connector, accept_fewer=True).graph["things"])) == [1, 2]
    assert len(shop.paths) == 3


@pytest.mark.parametrize("header", ["X-Total-Count", "X-WP-Total"])
def test_a_total_in_a_common_header_counts_without_being_declared(shop, read, tmp_path, header):
    shop.replies = [reply({"data": numbered(1, 2)}, **{header: "3"})]
    with pytest.raises(EnvelopeError, match="the API reports a total of 3"):
        read(things(tmp_path))


def test_the_total_of_an_offset_paginator_must_be_reached(listing, read, tmp_path):
    listing.body = lambda query: {"data": numbered(*range(10))[int(query["offset"]) :][:4], "total": 12}
    with pytest.raises(EnvelopeError, match=r"10 different rows were read in 2 passes, .* a total of 12"):
        read(things(tmp_path, paginator={"type": "offset", "limit": 4, "total_path": "total"}))


def test_a_row_that_is_missing_from_the_total_is_found_when_the_list_is_read_again(shop, read, tmp_path):
    cut, whole = {"data": numbered(1, 2), "total": 3}, {"data": numbered(2, 1, 3), "total": 3}
    shop.replies = [reply(cut), reply(whole)]
    connector = replace(things(tmp_path).connector, total_path="total")
    found, stats = read(connector.graph["things"])
    assert [row["id"] for row in found] == ["1", "2", "3"]
    assert (stats.rows, stats.keys, stats.duplicates, stats.moved, stats.source_rows) == (3, 3, 0, 1, 3)


def test_the_parameters_of_a_page_are_requested_as_declared(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1)}), reply({"data": []})]
    read(things(tmp_path, paginator=PAGES | {"total_path": None}))
    assert [parse_qs(urlsplit(path).query)["page"] for path in shop.paths[:2]] == [["1"], ["2"]]


def test_an_empty_first_page_of_an_api_with_small_pages_hides_no_rows(listing, read, tmp_path):
    """The first page of 2 instead of 5 rows is filtered: how long pages are shows only on a later one."""
    every = range(20)

    def body(query):
        offset = int(query["offset"])
        return {"data": numbered(*(n for n in every[offset:][:2] if n > 1)), "more": offset + 2 < len(every)}

    listing.body = body
    found = read(
        things(tmp_path, paginator={"type": "offset", "limit": 5, "total_path": None, "has_more_path": "more"})
    )
    assert numbers(found) == [*range(2, 20)]


def test_empty_first_page_numbers_are_not_the_end_while_the_total_says_more(listing, read, tmp_path):
    every = range(12)

    def body(query):
        start = (int(query["page"]) - 1) * 2
        return JSONResponse({"data": numbered(*(n for n in every[start:][:2] if n > 5))}, headers={"X-Total": "12"})

    listing.body = body
    connector = things(tmp_path, paginator={"type": "page_number", "base_page": 1, "total_path": None}).connector
    assert numbers(read(replace(connector, accept_fewer=True).graph["things"])) == [*range(6, 12)]


def test_an_offset_list_with_few_rows_left_on_each_page_does_not_count_as_repeated(listing, read, tmp_path):
    every = range(30)

    def body(query):
        offset = int(query["offset"])
        rows = numbered(*(n for n in every[offset:][:10] if n in (13, 27)))
        return JSONResponse({"data": rows}, headers={"X-Total": "30"})

    listing.body = body
    connector = things(tmp_path, paginator={"type": "offset", "limit": 10, "total_path": None}).connector
    assert numbers(read(replace(connector, accept_fewer=True).graph["things"])) == [13, 27]


@pytest.mark.parametrize("sign", [{"total": 8}, {"more": True}])
def test_a_filtered_last_page_may_have_the_rows_of_the_page_before(listing, read, tmp_path, sign):
    """Of 8 rows only 3 and 4 are left, which are on several overlapping pages; the API says where the list ends."""

    def body(query):
        offset = int(query["offset"])
        rows = numbered(*(n for n in range(8)[offset:][:5] if n in (3, 4)))
        return {"data": rows, **({"total": 8} if "total" in sign else {"more": offset + 5 < 8})}

    listing.body = body
    path = {"total_path": "total"} if "total" in sign else {"total_path": None, "has_more_path": "more"}
    connector = things(tmp_path, paginator={"type": "offset", "limit": 5, **path}).connector
    assert numbers(read(replace(connector, accept_fewer=True).graph["things"])) == [3, 4]


def test_a_refusal_where_the_total_ends_is_the_end_even_if_all_rows_were_filtered(listing, read, tmp_path):
    def body(query):
        offset = int(query["offset"])
        return {"data": [], "total": 4} if offset < 4 else JSONResponse({"error": "out of range"}, 404)

    listing.body = body
    connector = things(tmp_path, paginator={"type": "offset", "limit": 4, "total_path": "total"}).connector
    assert numbers(read(replace(connector, accept_fewer=True).graph["things"])) == []


@pytest.mark.parametrize("rows", [9, 10, 25, 30])
def test_the_number_of_rows_on_a_page_is_not_taken_for_the_total(listing, read, tmp_path, rows):
    def body(query: Any) -> Any:
        page = numbered(*range(1, rows + 1)[int(query["offset"]) :][:10])
        return {"data": page, "count": len(page)}

    listing.body = body
    found = read(things(tmp_path, paginator={"type": "offset", "limit": 10, "total_path": "count"}))
    assert numbers(found) == list(range(1, rows + 1))


@pytest.mark.parametrize("beyond", ["empty", "the last page", "refused"])
@pytest.mark.parametrize("path", ["page", "pages"])
@pytest.mark.parametrize("rows", [2, 3, 8, 9])
def test_the_number_of_a_page_is_not_taken_for_the_number_of_pages(listing, read, tmp_path, path, rows, beyond):
    pages = -(-rows // 3)

    def body(query: Any) -> Any:
        number = int(query["page"])
        if beyond == "refused" and number > pages:
            return JSONResponse({"message": "no such page"}, 404)
        shown = min(number, pages) if beyond == "the last page" else number
        return {"data": numbered(*range(1, rows + 1)[3 * shown - 3 : 3 * shown]), "page": number, "pages": pages}

    listing.body = body
    found = read(things(tmp_path, paginator={**PAGES, "total_path": path}))
    assert numbers(found) == list(range(1, rows + 1))


IGNORED: Any = {
    "response_actions": [{"status_code": 404, "action": "ignore"}, {"content": "no records", "action": "ignore"}]
}


def test_a_response_that_is_ignored_after_other_pages_is_not_the_end(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1), "next": "/things?page=2"}), reply({"error": "gone"}, 404)]
    with pytest.raises(ApiError, match=r"answered 404: .*responses ignore it, but there are pages before it"):
        read(things(tmp_path, paginator={"type": "json_link", "next_url_path": "next"}, **IGNORED))


def test_a_response_with_rows_is_not_ignored_because_of_a_text_in_one_of_them(shop, read, tmp_path):
    shop.replies = [reply({"data": [{"id": 1, "note": "no records in the attic"}]})]
    with pytest.raises(ApiError, match="ignore it, but it has 1 rows: narrow them"):
        read(things(tmp_path, **IGNORED))
    shop.replies = [reply({"data": [], "message": "no records"})]
    assert numbers(read(things(tmp_path, **IGNORED))) == []


def test_an_ignored_response_without_a_body_is_the_end_by_its_status(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1, 2)}), reply(b"", "204 No Content")]
    ignored = [{"status_code": 204, "action": "ignore"}]
    paginator = {"type": "page_number", "base_page": 1, "total_path": None}
    assert numbers(read(things(tmp_path, paginator=paginator, response_actions=ignored))) == [1, 2]


@pytest.mark.parametrize("total", [None, "total"])
def test_an_api_that_accepts_only_multiples_of_the_page_size_is_read_if_its_pages_are_stable(
    listing, read, tmp_path, total
):
    def body(query: Any) -> Any:
        start = int(query["offset"])
        return {"data": numbered(*range(45)[start // 10 * 10 :][:10]), **({"total": 45} if total else {})}

    listing.body = body
    resource = things(tmp_path, paginator={"type": "offset", "limit": 10, "total_path": total})
    with pytest.raises(
        ApiError, match=r"moved faster than .*multiples of the page size as offset, set pages_are_stable"
    ):
        read(resource)
    found = read(replace(resource.connector, pages_are_stable=True).graph["things"])
    assert numbers(found) == list(range(45))


def test_lists_in_the_items_of_a_list_are_read_if_every_item_has_one(shop, read, tmp_path):
    selector = "groups[*].parts[*].rows[*]"
    groups = [{"parts": [{"rows": numbered(1, 2)}, {"rows": []}]}, {"parts": []}, {"parts": [{"rows": numbered(3)}]}]
    shop.replies = [reply({"groups": groups})]
    assert numbers(read(things(tmp_path, selector=selector))) == [1, 2, 3]
    shop.replies = [reply({"groups": [*groups, {"parts": [{"lines": numbered(4)}]}]})]
    with pytest.raises(EnvelopeError, match=r"has 4 items at 'groups.\*.parts' but 3 at 'groups.\*.parts.\*.rows'"):
        read(things(tmp_path, selector=selector))


@pytest.mark.parametrize(
    ("base", "told"), [(1, lambda rows, _: len(rows)), (0, lambda _, pages: pages - 1), (1, lambda _, pages: pages - 2)]
)
def test_a_number_of_pages_that_is_another_number_is_not_the_end(listing, read, tmp_path, base, told):
    def body(query: Any) -> Any:
        start = 4 * (int(query["page"]) - base)
        rows = numbered(*range(25)[start : start + 4])
        return {"data": rows, "told": told(rows, 7)}

    listing.body = body
    found = read(things(tmp_path, paginator=PAGES | {"base_page": base, "total_path": "told"}))
    assert numbers(found) == list(range(25))


def test_a_full_last_page_is_confirmed_once_unless_the_total_of_rows_agrees(listing, read, tmp_path):
    def body(query: Any) -> Any:
        start = 4 * (int(query["page"]) - 1)
        return {"data": numbered(*range(8)[start : start + 4]), "pages": 2} | more

    listing.body = body
    for more, pages in (({}, ["1", "2", "1", "3"]), ({"total": 8}, ["1", "2", "1"])):
        listing.asked = []
        resource = things(tmp_path, paginator=PAGES | {"total_path": "pages"})
        connector = replace(resource.connector, total_path="total") if more else resource.connector
        assert numbers(read(connector.graph["things"])) == list(range(8))
        assert [query["page"] for query in listing.asked][: len(pages)] == pages
        assert "4" not in [query["page"] for query in listing.asked]


@pytest.mark.parametrize(
    ("earlier", "headers"),
    [
        ({"first": False}, {}),
        ({"links": {"prev": "/things?page=0"}}, {}),
        ({}, {"Link": '</things?page=0>; rel="prev"'}),
    ],
)
def test_a_first_page_that_says_that_there_is_one_before_it_is_refused(shop, read, tmp_path, earlier, headers):
    shop.replies = [reply({"data": numbered(4, 5)} | earlier, **headers)]
    with pytest.raises(EnvelopeError, match=r"page 1 is the first .*a page before it: set base_page or offset"):
        read(things(tmp_path, paginator=PAGES | {"total_path": None}))


@pytest.mark.parametrize(
    "paginator",
    [{"type": "offset", "limit": 4, "maximum_offset": 8}, {"type": "page_number", "base_page": 0, "maximum_page": 2}],
)
def test_the_maximum_of_a_paginator_is_not_the_end_while_there_are_rows(listing, read, tmp_path, paginator):
    listing.body = lambda query: {
        "data": numbered(*range(30)[int(query.get("offset", 4 * int(query.get("page", 0)))) :][:4])
    }
    resource = things(tmp_path, paginator=paginator | {"total_path": None})
    with pytest.raises(EnvelopeError, match=r"has rows at its maximum of \d.*one with a higher maximum"):
        read(resource)
    assert len(numbers(read(replace(resource.connector, accept_fewer=True).graph["things"]))) >= 8


def test_a_page_that_says_that_it_is_the_last_may_repeat_its_cursor(shop, read, tmp_path):
    cursor = {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}
    pages = [
        {"data": numbered(1), "end_of_stream": False, "next": "1"},
        {"data": numbered(2), "end_of_stream": True, "next": "2"},
        {"data": [], "end_of_stream": True, "next": "2"},
    ]
    shop.replies = [reply(page) for page in pages]
    assert numbers(read(things(tmp_path, paginator=cursor))) == [1, 2]


def test_a_page_without_a_list_is_empty_if_the_declared_total_says_so(shop, read, tmp_path):
    shop.replies = [reply({"page": {"totalElements": 0}})]
    resource = things(tmp_path, selector="_embedded.things")
    assert numbers(read(replace(resource.connector, total_path="page.totalElements").graph["things"])) == []
    shop.replies = [reply({"page": {"totalElements": 1}})]
    with pytest.raises(EnvelopeError, match=r"has no list at '_embedded\.things'"):
        read(replace(resource.connector, total_path="page.totalElements").graph["things"])


@pytest.mark.parametrize("total", ["pages", None])
def test_a_page_without_a_body_is_not_the_end_while_the_number_of_pages_says_more(listing, read, tmp_path, total):
    def body(query: Any) -> Any:
        pages = {1: numbered(1, 2), 3: numbered(3, 4)}
        number = int(query["page"])
        return Response(status_code=204) if number == 2 else {"data": pages.get(number, []), "pages": 3}

    listing.body = body
    connector = things(tmp_path, paginator={"type": "page_number", "base_page": 1, "total_path": total})
    if total:
        assert numbers(read(connector)) == [1, 2, 3, 4]
    else:
        with pytest.raises(EnvelopeError, match="is the last one for the paginator, but has 'pages'"):
            read(connector)
