"""The last page is believed only if nothing in the response says that there is another one."""

from dataclasses import replace
from typing import Any

import pytest

from connectors_dagster.errors import ApiError, EnvelopeError
from tests.support.numbered import numbered, numbers
from tests.support.shop import things
from tests.support.wire import reply

LINK = {"type": "json_link", "next_url_path": "next"}
CURSOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}
PAGES = {"type": "page_number", "base_page": 1, "total_path": None}
OFFSET = {"type": "offset", "limit": 2, "total_path": None}
MORE: list[tuple[dict[str, Any], dict[str, str], str]] = [
    ({"links": {"next": "/things?page=2"}}, {}, "'links.next'.*json_link, next_url_path: links.next"),
    ({"_links": {"next": {"href": "/things?page=2"}}}, {}, "next_url_path: _links.next.href"),
    ({"paging": {"next": {"after": "2"}}}, {}, "type: cursor, cursor_path: paging.next.after"),
    ({"pages": {"next": {"starting_after": "b"}, "total_pages": 1}}, {}, "cursor_path: pages.next.starting_after"),
    ({"links": [{"rel": "self"}, {"rel": "next", "href": "/x"}]}, {}, r"links\[\?\(@.rel == 'next'\)\].href"),
    ({"has_more": "Y"}, {}, "has_more_path: has_more"),
    ({"done": False, "nextRecordsUrl": "/query/2"}, {}, "'done' and 'nextRecordsUrl'"),
    ({"isLast": False}, {}, "'isLast'.*ends when isLast is true"),
    ({"LastEvaluatedKey": {"id": 1}}, {}, "'LastEvaluatedKey'"),
    ({"meta": {"total_pages": 9}}, {}, "total_path: meta.total_pages"),
    ({}, {"Link": "</things?page=2>; rel=next"}, "header_link"),
    ({}, {"X-Next-Cursor": "b"}, "header_cursor, cursor_key: X-Next-Cursor"),
    ({}, {"x-ms-continuationtoken": "b"}, "header x-ms-continuationtoken"),
    ({"additional_data": {"pagination": {"more_items_in_collection": True}}}, {}, "'.*more_items_in_collection'"),
    ({"info": {"more_records": True}}, {}, "has_more_path: info.more_records"),
    ({"response_metadata": {"next_cursor": "b"}}, {}, "cursor_path: response_metadata.next_cursor"),
    ({"response": {"status": {"paging": {"hasNextPage": True}}}}, {}, "has_more_path: .*hasNextPage"),
    ({"hydra:view": {"hydra:next": "/things?page=2"}}, {}, "next_url_path: hydra:view.hydra:next"),
    ({"load_more_url": "/things?page=2"}, {}, "next_url_path: load_more_url"),
    ({"page": 1, "of": 3}, {}, "total_path: of"),
    ({"truncated": True}, {}, "'truncated'"),
    ({"moreResultsAvailable": True}, {}, "'moreResultsAvailable'"),
    ({}, {"X-Has-More": "true"}, "header X-Has-More"),
    ({}, {"X-Page-Count": "3"}, "header X-Page-Count"),
    ({}, {"X-Pagination": '{"HasNext":true}'}, "header X-Pagination"),
    (
        {"link": [{"relation": "self"}, {"relation": "next", "url": "/x"}]},
        {},
        r"link\[.*relation == 'next'.*next_url_path.*url",
    ),
    ({"end_of_stream": False, "after_cursor": "b"}, {}, "'end_of_stream'.*ends when end_of_stream is true"),
    ({"eof": False}, {}, "'eof'"),
    ({"exceededTransferLimit": True}, {}, "'exceededTransferLimit'"),
    ({"page_context": {"has_more_page": True}}, {}, "'page_context.has_more_page'"),
    ({"nextCursorMark": "AoI"}, {}, "cursor_path: nextCursorMark"),
    ({"resumptionToken": "b"}, {}, "cursor_path: resumptionToken"),
    ({"paginationInfo": {"currentPage": 1, "lastPage": 3}}, {}, "total_path: paginationInfo.lastPage"),
]
ONLY_ON_A_SINGLE_PAGE: list[tuple[dict[str, Any], dict[str, str], str]] = [
    ({"offset": "itr/rec"}, {}, "cursor_path: offset"),
    ({"cursor": "abc"}, {}, "cursor_path: cursor"),
    ({}, {"Total-Count": "25"}, "header Total-Count"),
    ({}, {"Content-Range": "things 0-0/25"}, "header Content-Range"),
    ({}, {"X-Pagination-Total-Count": "25"}, "header X-Pagination-Total-Count"),
    ({}, {"X-Resource-Total": "25"}, "header X-Resource-Total"),
    ({"bookmark": "g1AAA"}, {}, "cursor_path: bookmark"),
    ({"after": "t3_b"}, {}, "cursor_path: after"),
    ({"continue": {"apcontinue": "B"}}, {}, "'continue'"),
    ({"remaining": 15}, {}, "'remaining'"),
]
HONEST: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"total": {"amount": "12.00"}, "currency": "EUR"}, {}),
    ({"paging": {"cursors": {"before": "a", "after": "b"}}}, {}),
    ({"offset": 0, "limit": 10, "page": 1, "pages": 1, "count": 1}, {}),
    ({"next_run": "2026-12-01", "nextSyncToken": "CPDA", "@odata.deltaLink": "/things?token=1"}, {}),
    ({"unread_count": 77, "counts": {"open": 55}, "aggregations": {"total": 900}, "total_time_ms": 352}, {}),
    ({"more_info": "/help", "more": "https://docs.example", "cursor": "", "nextToken": None}, {}),
    ({"included": [{"rel": "self"}], "meta": {"included_total": 30}, "last": True, "totalPages": 1}, {}),
    ({"links": {"self": "/things", "last": "/things?page=1"}}, {"Link": '</help>; rel="help"', "X-Page-Count": "1"}),
    ({"links": {"next": {"href": None}}, "paging": {"next": {"after": ""}}, "continue": None, "eof": True}, {}),
    ({"next": {"page": None}}, {}),
    ({"rate": {"remaining": 4999}, "quota": {"total": 900}, "total_value": 4500, "orders_count": 77}, {}),
    ({"hits": {"total": {"value": 1, "relation": "eq"}}}, {"X-RateLimit-Total": "900", "Content-Range": "0-0/*"}),
]


@pytest.mark.parametrize("paginator", [LINK, CURSOR, "single_page"])
@pytest.mark.parametrize(("body", "headers", "shown"), MORE)
def test_a_list_that_ends_while_a_response_says_more_is_refused(shop, read, tmp_path, paginator, body, headers, shown):
    shop.replies = [reply({"data": numbered(1)} | body, **headers)]
    with pytest.raises(EnvelopeError, match=f"page 1 .*{shown}"):
        read(things(tmp_path, paginator=paginator))
    connector = replace(things(tmp_path, paginator=paginator).connector, accept_fewer=True)
    assert numbers(read(connector.graph["things"])) == [1]


@pytest.mark.parametrize(("body", "headers", "shown"), ONLY_ON_A_SINGLE_PAGE)
def test_a_single_page_with_what_may_be_the_next_cursor_is_refused(shop, read, tmp_path, body, headers, shown):
    shop.replies = [reply({"data": numbered(1)} | body, **headers)]
    with pytest.raises(EnvelopeError, match=f"page 1 .*{shown}"):
        read(things(tmp_path, paginator="single_page"))


@pytest.mark.parametrize(("body", "headers"), HONEST)
def test_a_single_page_with_other_fields_is_read(shop, read, tmp_path, body, headers):
    shop.replies = [reply({"data": numbered(1)} | body, **headers)]
    assert numbers(read(things(tmp_path, paginator="single_page"))) == [1]


def test_an_empty_single_page_that_points_to_another_one_is_refused(shop, read, tmp_path):
    shop.replies = [reply({"data": [], "next": "/things?page=2"})]
    with pytest.raises(EnvelopeError, match="page 1 has 'next'"):
        read(things(tmp_path, paginator="single_page"))


@pytest.mark.parametrize("paginator", [PAGES, OFFSET])
@pytest.mark.parametrize("more", [{"has_more": True}, {"meta": {"pageCount": 9}}, {"next": "/things?page=9"}])
def test_filtered_pages_are_not_the_end_while_the_last_one_says_more(listing, read, tmp_path, paginator, more):
    pages = {0: numbered(1, 2), 1: numbered(3)}

    def body(query: Any) -> Any:
        at = int(query.get("offset", 2 * (int(query.get("page", 1)) - 1)))
        return {"data": [row for rows in pages.values() for row in rows][at : at + 2]} | more

    listing.body = body
    with pytest.raises(EnvelopeError, match="is the last one for the paginator, but has"):
        read(things(tmp_path, paginator=paginator))


def test_a_next_link_means_nothing_if_the_api_says_that_this_is_the_last_page(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1), "has_more": False, "links": {"next": "/things?page=2"}})]
    assert numbers(read(things(tmp_path))) == [1]


def test_signs_beside_nested_rows_are_seen(shop, read, tmp_path):
    nodes = {"nodes": numbered(1), "pageInfo": {"hasNextPage": True, "endCursor": "b"}}
    shop.replies = [reply({"data": {"things": nodes}})]
    with pytest.raises(EnvelopeError, match=r"has_more_path: data.things.pageInfo.hasNextPage"):
        read(things(tmp_path, selector="data.things.nodes"))


@pytest.mark.parametrize("paginator", [LINK, CURSOR, "single_page", "header_link"])
@pytest.mark.parametrize(
    "name",
    ["total", "total_count", "totalElements", "count", "record_count", "nbHits", "data_total_count", "total_things"],
)
def test_an_undeclared_total_that_is_not_reached_fails_unless_fewer_rows_are_accepted(
    shop, read, tmp_path, paginator, name
):
    shop.replies = 2 * [reply({"data": numbered(1, 2), "meta": {name: 3}})]
    with pytest.raises(EnvelopeError, match=r"2 different rows were read.* total of 3.*set accept_fewer"):
        read(things(tmp_path, paginator=paginator))
    shop.replies = [reply({"data": numbered(1, 2), "meta": {name: 3}})]
    connector = replace(things(tmp_path, paginator=paginator).connector, accept_fewer=True)
    assert numbers(read(connector.graph["things"])) == [1, 2]


@pytest.mark.parametrize("name", ["estimated_total", "approximateTotal"])
def test_an_estimate_counts_only_if_the_api_does_not_say_that_the_list_ends(shop, read, tmp_path, name):
    body = {"data": numbered(1, 2), "meta": {name: 3}}
    shop.replies = [reply({**body, "has_more": False})]
    assert numbers(read(things(tmp_path))) == [1, 2]
    shop.replies = [reply(body), reply(body)]
    with pytest.raises(EnvelopeError, match=r"2 different rows were read.* total of 3"):
        read(things(tmp_path))


def test_an_undeclared_total_may_be_an_object_or_in_the_attributes(shop, read, tmp_path):
    for more in ({"hits": {"total": {"value": 3, "relation": "eq"}}}, {"@attributes": {"count": "3"}}):
        shop.replies = 2 * [reply({"hits": {}, "data": numbered(1, 2)} | more)]
        with pytest.raises(EnvelopeError, match=r"total of 3.*set accept_fewer"):
            read(things(tmp_path))


@pytest.mark.parametrize(
    "body",
    [
        {"result_info": {"page": 1, "total_count": 3}},
        {"result": {"total": 3}},
        {"response": {"result": {"total": 3}}},
        {"response": {"meta": {"total": 3}}},
        {"responseMeta": {"totalCount": 3}},
        {"counts": {"total": 3}},
    ],
)
def test_an_undeclared_total_is_found_in_any_object_about_the_list(shop, read, tmp_path, body):
    shop.replies = 2 * [reply({"data": numbered(1, 2)} | body)]
    with pytest.raises(EnvelopeError, match=r"2 different rows were read.* total of 3"):
        read(things(tmp_path, paginator="single_page"))


@pytest.mark.parametrize("count", [1, 2, 0])
def test_a_count_of_the_rows_of_a_page_is_not_taken_for_a_total(listing, read, tmp_path, count):
    pages = {None: (numbered(1, 2), "b"), "b": (numbered(3, 4), None)}
    listing.body = lambda query: dict(zip(("data", "next"), pages[query.get("after")], strict=True)) | {"count": count}
    assert numbers(read(things(tmp_path, paginator=CURSOR))) == [1, 2, 3, 4]


@pytest.mark.parametrize("total", ["1,009", {"value": 9, "relation": "eq"}, "many", -1])
def test_a_declared_total_that_is_not_a_number_fails(shop, read, tmp_path, total):
    shop.replies = [reply({"data": numbered(1), "total": total})]
    connector = replace(things(tmp_path).connector, total_path="total")
    with pytest.raises(EnvelopeError, match="as its total, which is not a whole number: check total_path"):
        read(connector.graph["things"])


def test_a_total_beside_the_declared_place_is_found(shop, read, tmp_path):
    shop.replies = 2 * [reply({"data": numbered(1), "meta": {"total": 9}})]
    connector = replace(things(tmp_path).connector, total_path="meta.totl")
    with pytest.raises(EnvelopeError, match=r"1 different rows were read.* total of 9"):
        read(connector.graph["things"])


def test_a_total_written_with_a_point_is_read(shop, read, tmp_path):
    shop.replies = 2 * [reply(b'{"data": [{"id": 1}], "total": 9.0}')]
    connector = replace(things(tmp_path).connector, total_path="total")
    with pytest.raises(EnvelopeError, match="total of 9"):
        read(connector.graph["things"])


def test_a_total_below_the_rows_of_a_page_is_the_total_of_something_else(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1, 2), "pages": 1})]
    with pytest.raises(EnvelopeError, match="2 rows, but reports a total of 1, which is the total of something else"):
        read(things(tmp_path, paginator=OFFSET | {"total_path": "pages"}))


@pytest.mark.parametrize(
    "error",
    [
        {"errors": [{"message": "Throttled"}], "data": None, "extensions": {"cost": 1}},
        {"errors": [{"message": "Throttled"}], "data": [], "meta": {"request_id": "x"}},
        {"error": True, "data": [], "meta": {"message": "x"}},
        {"status": "fail", "data": []},
        {"status": 500, "data": []},
        {"code": 40105, "message": "token invalid", "data": []},
        {"success": "false", "data": []},
        {"success": 0, "data": []},
        {"Success": False, "data": []},
        {"ErrorCode": "LIMIT", "data": None},
        {"Fault": {"Error": [{"Message": "x"}]}, "data": None},
        {"result": "error", "data": []},
        {"status": "KO", "data": []},
        {"success": "N", "data": None},
        {"state": False, "data": []},
        {"meta": {"code": 429, "error_message": "slow down"}, "data": []},
        {"message": "Too many requests", "data": []},
        {"incomplete_results": True, "data": [{"id": "2"}]},
        {"timed_out": True, "data": [{"id": "2"}]},
        {"_shards": {"total": 5, "failed": 2}, "data": [{"id": "2"}]},
        {"status": "partial_success", "data": [{"id": "2"}]},
        {"responseStatus": {"status": "FAILURE"}, "data": []},
    ],
)
def test_a_later_page_that_reports_an_error_instead_of_rows_is_not_the_end(shop, read, tmp_path, error):
    shop.replies = [reply({"data": numbered(1), "next": "/things?page=2"}), reply(error)]
    with pytest.raises(ApiError, match="and reports an error"):
        read(things(tmp_path, paginator=LINK))


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ({"code": 0}, {"code": 1, "msg": "no permission"}),
        ({}, {"code": 4, "msg": "no permission"}),
        ({}, {"retCode": 10001}),
        ({"resultCode": "S0"}, {"resultCode": "E17"}),
        ({"meta": {"status": "complete"}}, {"meta": {"status": "halted"}}),
    ],
)
@pytest.mark.parametrize("rows", [[], None])
def test_a_page_without_rows_that_reports_another_outcome_is_not_the_end(shop, read, tmp_path, before, then, rows):
    first = {"data": numbered(1), "next": "/things?page=2"} | before
    shop.replies = [reply(first), reply({"data": rows} | then)]
    with pytest.raises(EnvelopeError, match=r"page 2 has no rows and reports .*: check error_when"):
        read(things(tmp_path, paginator=LINK))
    shop.replies = [reply(first), reply({"data": rows} | then)]
    connector = replace(things(tmp_path, paginator=LINK).connector, error_when="")
    assert numbers(read(connector.graph["things"])) == [1]


def test_an_outcome_that_counts_the_rows_may_be_0_on_the_last_page(shop, read, tmp_path):
    shop.replies = [
        reply({"data": numbered(1, 2), "result": 2, "code": 1, "next": "/things?page=2"}),
        reply({"data": [], "result": 0, "code": 1}),
    ]
    assert numbers(read(things(tmp_path, paginator=LINK))) == [1, 2]


def test_rows_may_be_in_an_object_that_is_named_like_an_outcome(shop, read, tmp_path):
    pages = [{"result": {"items": numbered(1)}, "next": "/things?page=2"}, {"result": {"items": []}}]
    shop.replies = [reply(page) for page in pages]
    assert numbers(read(things(tmp_path, paginator=LINK, selector="result.items"))) == [1]


@pytest.mark.parametrize(
    "fine",
    [
        {"message": "No more results"},
        {"_shards": {"failed": 0}},
        {"timed_out": False},
        {"code": 200},
        {"code": 20000},
        {"errorCode": 0},
        {"errorCode": "OK"},
        {"errors": []},
        {"status": 200},
    ],
)
def test_an_empty_last_page_that_reports_success_is_the_end(shop, read, tmp_path, fine):
    shop.replies = [reply({"data": numbered(1), "next": "/things?page=2"}), reply({"data": []} | fine)]
    assert numbers(read(things(tmp_path, paginator=LINK))) == [1]


def test_errors_beside_rows_are_left_to_error_when(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1), "errors": [{"message": "one field is missing"}]})]
    assert numbers(read(things(tmp_path))) == [1]
