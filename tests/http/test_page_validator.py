"""Pages are read to the end, once each, and a response that is not a page is not the end."""

import pytest
from starlette.responses import JSONResponse

from connectors_dagster import load_connectors
from connectors_dagster.errors import EnvelopeError
from connectors_dagster.http import repeated_pages
from tests.support.listing import FIRST_WINDOW, LISTS, SIZES, key_of, page_of, part, rows_of
from tests.support.rows import order
from tests.support.shop import things
from tests.support.wire import reply

ERROR = {"error": {"code": "maintenance", "message": "please come back later"}}


# The envelope


@pytest.mark.parametrize("resource", LISTS)
def test_an_empty_list_is_fine_and_the_table_has_its_declared_columns(api, load, warehouse, resource):
    load(resource)
    connector, _, name = resource.partition("/")
    columns = {row[0] for row in warehouse.query(f"DESCRIBE {connector}.{name}")}
    assert warehouse.query(f"SELECT * FROM {connector}.{name}") == []
    assert {key_of(resource)} < columns


def test_a_key_without_a_declared_type_accepts_rows_after_an_empty_list(api, load, warehouse):
    load("catalog/ecommerce_data")
    api.set("catalog/ecommerce_data", [{"id": 1}, {"id": 2}])
    load("catalog/ecommerce_data")
    assert warehouse.ids("catalog.ecommerce_data") == ["1", "2"]


@pytest.mark.parametrize("resource", LISTS)
def test_a_response_without_the_list_fails_and_says_what_to_check(api, read, resource):
    connector = resource.partition("/")[0]
    bodies = [ERROR, {}, [], None, 5, "text", {"data": None, "list": None}, {"data": 1, "list": 1}]
    api.faults.append(lambda _: JSONResponse(bodies[0]))
    head = "list" if connector == "subscriptions" else "data"
    window = " window 2024-01-01" if resource in ("storefront/orders", "billing/products") else ""
    while bodies:
        with pytest.raises(
            EnvelopeError,
            match=rf"{resource}{window}: page 1 .*(has no list at '{head}'|does not fit the paginator).*"
            rf"check (data_selector|paginator) in connectors/{connector}.py",
        ):
            read(resource)
        bodies.pop(0)


@pytest.mark.parametrize("resource", LISTS)
def test_an_envelope_that_changes_between_two_pages_fails_at_the_second(api, load, warehouse, resource):
    size = SIZES[resource.partition("/")[0]]
    api.set(resource, rows_of(resource, size + 5))

    def fault(request):
        second = {"offset", "next"} & set(request.query_params) and request.query_params.get("offset") != "0"
        return JSONResponse({"items": []}) if second and request.url.path.endswith(LISTS[resource]) else None

    api.faults.append(fault)
    with pytest.raises(EnvelopeError, match=rf"{resource}.*: page 2 "):
        load(resource)
    connector, _, name = resource.partition("/")
    if not load_connectors()[connector].graph[name].windowed:  # else the other windows are loaded
        assert f"{connector}.{name}" not in warehouse.tables()


def test_an_error_with_status_200_is_quoted(api, read):
    api.answer("/orders", body=ERROR)
    with pytest.raises(EnvelopeError, match=r"window 2024-01-01: page 1 .*please come back later"):
        read("storefront/orders")


def test_a_large_response_without_the_list_is_described_by_its_fields_without_its_rows(api, read):
    api.answer("/orders", body={"orders": [order(i, FIRST_WINDOW, note="private") for i in range(50)], "count": 50})
    with pytest.raises(EnvelopeError, match=r"the response contains 'orders', 'count'") as error:
        read("storefront/orders")
    assert "private" not in str(error.value)


def test_items_without_the_wanted_object_fail(api, read):
    api.answer("/addons", body={"list": [{"addon": {"id": "a"}}, {"plan": {"id": "b"}}]})
    with pytest.raises(EnvelopeError, match=r"2 items at 'list' but 1 at 'list\.\*\.addon'"):
        read("subscriptions/addon")


def test_rows_that_are_not_objects_fail(api, read):
    api.answer("/v1/resource", body={"data": [{"id": 1}, 2]})
    with pytest.raises(EnvelopeError, match="rows that are not objects"):
        read("catalog/ecommerce_data")


def test_a_list_that_became_an_object_fails(api, read):
    api.answer("/v1/resource", body={"data": {"0": {"id": 1}, "1": {"id": 2}}})
    with pytest.raises(EnvelopeError, match="has no list at 'data'"):
        read("catalog/ecommerce_data")


# The end


@pytest.mark.parametrize("resource", LISTS)
def test_every_row_is_read_once_when_the_count_is_near_a_multiple_of_the_page_size(api, read, resource):
    size = SIZES[resource.partition("/")[0]]
    for count in (1, 2, size - 1, size, size + 1, 2 * size - 1, 2 * size, 2 * size + 1):
        api.set(resource, rows := rows_of(resource, count))
        found, stats = read(resource)
        assert (found, stats.rows, stats.duplicates) == (rows, count, 0)


@pytest.mark.parametrize("resource", ["billing/event_types", "subscriptions/addon"])
def test_the_last_page_may_be_empty(api, read, resource):
    connector = resource.partition("/")[0]
    more = {"next": "second"} if connector == "billing" else {"next_offset": "second"}
    bodies = [page_of(resource, [{"id": "a"}], **more), page_of(resource, [], has_more=False)]
    api.answer(LISTS.get(resource, "/event-types"), response=lambda: JSONResponse(bodies.pop(0)))
    rows, stats = read(resource)
    assert ([row["id"] for row in rows], stats.pages, bodies) == (["a"], 2, [])


@pytest.mark.parametrize(
    ("resource", "requests_by_count"),
    [
        ("storefront/customers", {0: 1, 7: 1, 100: 1}),  # a header has the total
        ("catalog/ecommerce_data", {0: 2, 1: 2, 7: 2, 100: 3, 950: 11}),
        ("fulfillment/customers", {0: 2, 7: 2, 95: 12}),
    ],
)
def test_reading_by_offset_costs_one_row_per_page_and_a_request_after_a_short_page(
    api, read, resource, requests_by_count
):
    for count, requests in requests_by_count.items():
        api.set(resource, rows_of(resource, count))
        rows, stats = read(resource)
        assert (len(rows), stats.requests) == (count, requests)


def test_an_api_that_returns_smaller_pages_than_requested_is_read_to_its_end(api, read):
    for count in (50, 51, 99, 100, 149, 150, 151):
        rows = rows_of("catalog/ecommerce_data", count)
        api.faults[:] = [lambda request, rows=rows: JSONResponse({"data": part(rows, request, most=50)})]
        assert read("catalog/ecommerce_data")[0] == rows


# Loops


@pytest.mark.parametrize("count", [3, 100, 500])
def test_an_offset_that_is_ignored_fails(api, read, count):
    api.answer("/v1/resource", body={"data": rows_of("catalog", count)})
    with pytest.raises(EnvelopeError, match=r"page [25] repeats an earlier page: .*check paginator"):
        read("catalog/ecommerce_data")
    assert len(api.asked("/v1/resource")) <= 5


def test_an_offset_that_is_ignored_beyond_a_limit_fails(api, read):
    rows = rows_of("catalog", 1000)
    api.faults.append(lambda request: JSONResponse({"data": part(rows, request, furthest=300)}))
    with pytest.raises(EnvelopeError, match="page 9 repeats an earlier page"):
        read("catalog/ecommerce_data")


@pytest.mark.parametrize(
    ("resource", "path", "more"),
    [
        ("billing/event_types", "/event-types", {"next": "same"}),
        ("subscriptions/addon", "/addons", {"next_offset": "same"}),
    ],
)
def test_a_cursor_that_does_not_move_fails(api, read, resource, path, more):
    numbers = iter(range(1000))
    api.answer(path, response=lambda: JSONResponse(page_of(resource, [{"id": f"{next(numbers)}"}], **more)))
    with pytest.raises(EnvelopeError, match="page 2 points to a page that was already requested: check paginator"):
        read(resource)


def test_a_circular_cursor_fails(api, read):
    numbers = iter(range(1000))

    def answer():
        number = next(numbers)
        return JSONResponse(page_of("billing/event_types", [{"id": str(number)}], next=f"page {number % 3}"))

    api.answer("/event-types", response=answer)
    with pytest.raises(EnvelopeError, match="page 4 points to a page that was already requested"):
        read("billing/event_types")


def test_a_page_that_repeats_under_a_new_cursor_fails(api, read):
    numbers = iter(range(1000))
    api.answer(
        "/event-types",
        response=lambda: JSONResponse(page_of("billing/event_types", [{"id": "a"}], next=f"{next(numbers)}")),
    )
    with pytest.raises(EnvelopeError, match="page 3 repeats an earlier page"):
        read("billing/event_types")


def test_endless_empty_pages_fail(api, read, monkeypatch):
    monkeypatch.setattr(repeated_pages, "MAX_EMPTY_PAGES", 5)
    numbers = iter(range(1000))
    api.answer(
        "/event-types", response=lambda: JSONResponse(page_of("billing/event_types", [], next=f"{next(numbers)}"))
    )
    with pytest.raises(EnvelopeError, match="page 6 and the 5 pages before it are empty"):
        read("billing/event_types")


@pytest.mark.parametrize("cursor", [{}, {"next": None}, {"next": ""}])
def test_has_more_without_a_cursor_is_not_the_end(api, read, cursor):
    api.answer("/event-types", body=page_of("billing/event_types", [{"id": "a"}], **cursor))
    with pytest.raises(EnvelopeError, match="reports 'has_more' but has no 'next' cursor: check cursor_path"):
        read("billing/event_types")


@pytest.mark.parametrize("has_more", [{}, {"has_more": None}, {"has_more": 7}])
def test_has_more_that_is_missing_or_invalid_is_not_the_end(api, read, has_more):
    api.answer("/event-types", body={"data": [{"id": "a", "note": "private"}], "next": "b"} | has_more)
    with pytest.raises(
        EnvelopeError,
        match=r"billing/event_types: page 1 does not fit the paginator .*has_more.*check paginator in connectors",
    ) as error:
        read("billing/event_types")
    assert "private" not in str(error.value)


# Selectors


@pytest.mark.parametrize(
    ("selector", "wrap"),
    [
        ("$", lambda rows: rows),
        ("answer.rows", lambda rows: {"answer": {"rows": rows}}),
        ("answers[0].rows", lambda rows: {"answers": [{"rows": rows}]}),
        ("$['the rows']", lambda rows: {"the rows": rows}),
    ],
)
def test_rows_are_found_with_any_selector_and_their_pages_overlap(shop, read, project, selector, wrap):
    rows = [{"id": str(number), "at": number} for number in range(5)]
    pages = [rows[0:2], rows[2:4], rows[0:2], rows[1:3], rows[2:4], rows[3:5], rows[4:5], []]
    shop.replies = [reply(wrap(page)) for page in pages]
    paginator = {"type": "offset", "limit": 2, "total_path": None}
    found, stats = read(things(project, selector=selector, paginator=paginator))
    assert (found, stats.duplicates) == (rows, 0)
