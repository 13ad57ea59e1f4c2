"""Pages are read to their end, once each, and an answer that is no page is no end."""

import random
from collections.abc import Callable
from urllib.parse import unquote

import pytest
from starlette.responses import JSONResponse, Response

from connectors_dagster import guard, paginators
from connectors_dagster.errors import ApiError, EnvelopeError, RowError, TransientApiError
from tests.rows import address, customer, order, product
from tests.shop import settings, things
from tests.wire import reply

FIRST_WINDOW = "2024-01-01T00:00:00"
ERROR = {"error": {"code": "maintenance", "message": "please come back later"}}
LISTS = {
    "storefront/orders": "/orders",
    "catalog/ecommerce_data": "/v1/resource",
    "fulfillment/customers": "/customers",
    "billing/products": "/products",
    "subscriptions/addon": "/addons",
}
SIZES = {"storefront": 100, "catalog": 100, "fulfillment": 10, "billing": 20, "subscriptions": 100}


def rows_of(resource: str, count: int) -> list[dict]:
    make: dict[str, Callable[[int], dict]] = {
        "storefront": lambda i: order(i, FIRST_WINDOW),
        "catalog": lambda i: {"id": i},
        "fulfillment": lambda i: {"idcustomer": i},
        "billing": lambda i: product(f"{i:05}", FIRST_WINDOW + "Z"),
        "subscriptions": lambda i: {"id": f"{i:05}"},
    }
    return [make[resource.partition("/")[0]](number) for number in range(count)]


def key_of(resource: str) -> str:
    return "idcustomer" if resource.startswith("fulfillment") else "id"


def page_of(resource: str, rows: list[dict], **more) -> dict:
    name = resource.partition("/")[2]
    listed = {"list": [{name: row} for row in rows]} if resource.startswith("subscriptions") else {"data": rows}
    return {**listed, **({"has_more": True} if resource.startswith("billing") else {}), **more}


def part(rows: list[dict], request, *, most: int = 100, furthest: int = 1_000_000) -> list[dict]:
    """Cut a page by the offset asked for, up to a limit of the API's own."""
    offset = min(int(request.query_params["offset"]), furthest)
    return rows[offset : offset + most]


# The envelope


@pytest.mark.parametrize("resource", LISTS)
def test_an_empty_list_is_fine_and_the_table_has_its_declared_columns(api, load, warehouse, resource):
    load(resource)
    connector, _, name = resource.partition("/")
    columns = {row[0] for row in warehouse.query(f"DESCRIBE {connector}.{name}")}
    assert warehouse.query(f"SELECT * FROM {connector}.{name}") == []
    assert {key_of(resource)} < columns
    api.set(resource, rows_of(resource, 2))
    load(resource)
    assert len(warehouse.query(f"SELECT DISTINCT {key_of(resource)} FROM {connector}.{name}")) == 2


@pytest.mark.parametrize("resource", LISTS)
def test_an_answer_without_the_list_fails_and_says_what_to_check(api, read, resource):
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
    assert f"{resource.replace('/', '.')}" not in warehouse.tables()


def test_an_error_with_status_200_is_quoted(api, read):
    api.answer("/orders", body=ERROR)
    with pytest.raises(EnvelopeError, match=r"window 2024-01-01: page 1 .*please come back later"):
        read("storefront/orders")


def test_a_large_answer_without_the_list_is_named_by_its_fields_and_its_rows_are_not_shown(api, read):
    api.answer("/orders", body={"orders": [order(i, FIRST_WINDOW, note="private") for i in range(50)], "count": 50})
    with pytest.raises(EnvelopeError, match=r"the answer holds 'orders', 'count'") as error:
        read("storefront/orders")
    assert "private" not in str(error.value)


def test_items_without_the_wanted_object_fail(api, read):
    api.answer("/addons", body={"list": [{"addon": {"id": "a"}}, {"plan": {"id": "b"}}]})
    with pytest.raises(EnvelopeError, match=r"2 items at 'list' but 1 at 'list\.\*\.addon'"):
        read("subscriptions/addon")


def test_rows_that_are_no_objects_fail(api, read):
    api.answer("/v1/resource", body={"data": [{"id": 1}, 2]})
    with pytest.raises(EnvelopeError, match="something else than objects"):
        read("catalog/ecommerce_data")


def test_a_list_that_became_an_object_fails(api, read):
    api.answer("/v1/resource", body={"data": {"0": {"id": 1}, "1": {"id": 2}}})
    with pytest.raises(EnvelopeError, match="has no list at 'data'"):
        read("catalog/ecommerce_data")


# The end


@pytest.mark.parametrize("resource", LISTS)
def test_every_row_around_a_multiple_of_the_page_size_is_read_once(api, read, resource):
    size = SIZES[resource.partition("/")[0]]
    for count in (1, 2, size - 1, size, size + 1, 2 * size - 1, 2 * size, 2 * size + 1):
        api.set(resource, rows := rows_of(resource, count))
        found, tally = read(resource)
        assert (found, tally.rows, tally.duplicates) == (rows, count, 0)


@pytest.mark.parametrize("resource", ["billing/event_types", "subscriptions/addon"])
def test_a_last_page_may_be_empty(api, read, resource):
    connector = resource.partition("/")[0]
    more = {"next": "second"} if connector == "billing" else {"next_offset": "second"}
    bodies = [page_of(resource, [{"id": "a"}], **more), page_of(resource, [], has_more=False)]
    api.answer(LISTS.get(resource, "/event-types"), response=lambda: JSONResponse(bodies.pop(0)))
    rows, tally = read(resource)
    assert ([row["id"] for row in rows], tally.pages, bodies) == (["a"], 2, [])


@pytest.mark.parametrize(
    ("resource", "requests_by_count"),
    [
        ("storefront/customers", {0: 1, 7: 1, 100: 2}),  # a header tells the total
        ("catalog/ecommerce_data", {0: 1, 1: 2, 7: 2, 100: 2, 950: 10}),
        ("fulfillment/customers", {0: 1, 7: 2, 95: 11}),
    ],
)
def test_reading_by_offset_costs_a_row_a_page_and_a_look_behind_a_short_first_page(
    api, read, resource, requests_by_count
):
    for count, requests in requests_by_count.items():
        api.set(resource, rows_of(resource, count))
        rows, tally = read(resource)
        assert (len(rows), tally.requests) == (count, requests)


def test_an_api_that_quietly_gives_smaller_pages_is_read_to_its_end(api, read):
    for count in (50, 51, 99, 100, 149, 150, 151):
        rows = rows_of("catalog/ecommerce_data", count)
        api.faults[:] = [lambda request, rows=rows: JSONResponse({"data": part(rows, request, most=50)})]
        assert read("catalog/ecommerce_data")[0] == rows


# Loops


@pytest.mark.parametrize("count", [3, 100, 500])
def test_an_offset_that_is_ignored_fails(api, read, count):
    api.answer("/v1/resource", body={"data": rows_of("catalog", count)})
    with pytest.raises(EnvelopeError, match=r"page 2 repeats an earlier page: .*check paginator"):
        read("catalog/ecommerce_data")
    assert len(api.asked("/v1/resource")) == 2


def test_an_offset_that_stops_counting_somewhere_fails(api, read):
    rows = rows_of("catalog", 1000)
    api.faults.append(lambda request: JSONResponse({"data": part(rows, request, furthest=300)}))
    with pytest.raises(EnvelopeError, match="page 6 repeats an earlier page"):
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
    with pytest.raises(EnvelopeError, match="page 2 points to a page that was already asked for: check paginator"):
        read(resource)


def test_a_cursor_that_runs_in_a_circle_fails(api, read):
    numbers = iter(range(1000))

    def answer():
        number = next(numbers)
        return JSONResponse(page_of("billing/event_types", [{"id": str(number)}], next=f"page {number % 3}"))

    api.answer("/event-types", response=answer)
    with pytest.raises(EnvelopeError, match="page 4 points to a page that was already asked for"):
        read("billing/event_types")


def test_a_page_that_repeats_under_a_new_cursor_fails(api, read):
    numbers = iter(range(1000))
    api.answer(
        "/event-types",
        response=lambda: JSONResponse(page_of("billing/event_types", [{"id": "a"}], next=f"{next(numbers)}")),
    )
    with pytest.raises(EnvelopeError, match="page 2 repeats an earlier page"):
        read("billing/event_types")


def test_empty_pages_without_end_fail(api, read, monkeypatch):
    monkeypatch.setattr(guard, "MOST_EMPTY_PAGES", 5)
    numbers = iter(range(1000))
    api.answer(
        "/event-types", response=lambda: JSONResponse(page_of("billing/event_types", [], next=f"{next(numbers)}"))
    )
    with pytest.raises(EnvelopeError, match="page 6 is empty, as are 5 before it"):
        read("billing/event_types")


@pytest.mark.parametrize("cursor", [{}, {"next": None}, {"next": ""}])
def test_more_without_a_cursor_is_no_end(api, read, cursor):
    api.answer("/event-types", body=page_of("billing/event_types", [{"id": "a"}], **cursor))
    with pytest.raises(EnvelopeError, match="says 'has_more' but gives no 'next': check cursor_path"):
        read("billing/event_types")


@pytest.mark.parametrize("has_more", [{}, {"has_more": None}, {"has_more": 7}])
def test_has_more_that_is_gone_or_no_answer_is_no_end(api, read, has_more):
    api.answer("/event-types", body={"data": [{"id": "a", "note": "private"}], "next": "b"} | has_more)
    with pytest.raises(
        EnvelopeError,
        match=r"billing/event_types: page 1 does not fit the paginator .*has_more.*check paginator in connectors",
    ) as error:
        read("billing/event_types")
    assert "private" not in str(error.value)


# Rows that vanish and appear while pages are read


def change_after(api, path: str, pages: int, change: Callable[[], None]) -> None:
    """Call `change` when so many pages have been given out."""

    def fault(request) -> Response | None:
        if request.url.path.endswith(path) and len(api.asked(path)) == pages + 1:
            change()
        return None

    api.faults.append(fault)


@pytest.mark.parametrize(
    ("vanish", "pages"),
    [
        (slice(0, 1), 1),
        (slice(0, 1), 2),
        (slice(9, 10), 1),
        (slice(5, 10), 1),
        (slice(0, 10), 1),
        (slice(0, 10), 2),
        (slice(0, 19), 2),
        (slice(3, 25), 2),
        (slice(0, 35), 3),
        (slice(None), 2),
        (slice(30, 40), 2),
    ],
)
def test_no_row_is_missed_when_others_vanish_between_two_pages_of_10(api, read, vanish, pages):
    rows = rows_of("fulfillment/customers", 45)
    stay = list(rows)
    del stay[vanish]
    api.set("fulfillment/customers", rows)
    change_after(api, "/customers", pages, lambda: api.set("fulfillment/customers", stay))
    found = [row["idcustomer"] for row in read("fulfillment/customers")[0]]
    assert {row["idcustomer"] for row in stay} <= set(found)


@pytest.mark.parametrize("resource", ["storefront/customers", "catalog/ecommerce_data"])
def test_no_row_is_missed_in_pages_of_100_either(api, load, warehouse, resource):
    rows = rows_of(resource, 450)
    api.set(resource, rows)
    change_after(api, LISTS.get(resource, "/customers"), 3, lambda: api.set(resource, rows[17:]))
    load(resource)
    assert set(range(17, 450)) <= set(warehouse.ids(resource.replace("/", ".")))


def test_no_row_that_was_there_all_the_time_is_missed_while_others_come_and_go(api, read):
    for seed in range(40):
        draw = random.Random(seed)
        rows = [{"idcustomer": number} for number in range(0, draw.randrange(0, 120), 2)]
        constant = {row["idcustomer"] for row in rows}
        api.set("fulfillment/customers", rows)
        api.faults[:] = [lambda _, given=(draw, rows, constant): come_and_go(*given)]
        found = {row["idcustomer"] for row in read("fulfillment/customers")[0]}
        assert constant <= found, f"seed {seed}"


def come_and_go(draw: random.Random, rows: list[dict], constant: set[int]) -> None:
    """Take some rows away and put others in, in order; `constant` keeps the keys of those never touched."""
    for _ in range(draw.randrange(0, 4)):
        if rows and draw.random() < 0.6:
            constant.discard(rows.pop(draw.randrange(len(rows)))["idcustomer"])
        else:
            rows.append({"idcustomer": draw.randrange(150)})
    rows.sort(key=lambda row: row["idcustomer"])


def test_a_row_that_appears_before_the_place_read_up_to_costs_none_behind_it(api, load, warehouse):
    rows = rows_of("storefront/customers", 250)
    api.set("storefront/customers", rows)
    change_after(api, "/customers", 1, lambda: rows.insert(0, {"id": -1}))
    [tally] = load("storefront/customers")["storefront/customers"].values()
    assert warehouse.ids("storefront.customers") == list(range(250))
    assert tally.duplicates == 0


def test_a_row_that_changes_and_moves_behind_is_read_again_and_counted(api, load, warehouse):
    rows = [{"id": i, "name": "old"} for i in range(150)]
    api.set("catalog/ecommerce_data", rows)
    change_after(api, "/v1/resource", 1, lambda: rows.append(rows.pop(7) | {"name": "new"}))
    [tally] = load("catalog/ecommerce_data")["catalog/ecommerce_data"].values()
    assert warehouse.ids("catalog.ecommerce_data") == list(range(150))
    assert tally.duplicates == 1


def test_a_row_that_is_on_two_pages_is_counted_and_loaded_once(api, load, warehouse):
    pages = {None: (["a", "b"], "2"), "2": (["b", "c"], "3"), "3": (["c", "a", "d"], None)}

    def fault(request):
        ids, following = pages[request.query_params.get("next")]
        return JSONResponse({"data": [{"id": i} for i in ids], "next": following, "has_more": following is not None})

    api.faults.append(fault)
    [tally] = load("billing/event_types")["billing/event_types"].values()
    assert warehouse.ids("billing.event_types") == ["a", "b", "c", "d"]
    assert (tally.rows, tally.duplicates) == (7, 3)


def test_an_api_that_shuffles_its_rows_fails_instead_of_losing_some(api, read, monkeypatch):
    monkeypatch.setattr(paginators, "MOST_STEPS_BACK", 10)
    numbers = iter(range(1_000_000))

    def fault(request):
        return JSONResponse({"data": [{"id": next(numbers)} for _ in range(100)]})

    api.faults.append(fault)
    with pytest.raises(TransientApiError, match="rows vanish or move faster than they are read"):
        read("catalog/ecommerce_data")


# Children


@pytest.mark.parametrize(
    ("parents", "children", "path"),
    [
        ("billing/customers", "billing/customer_addresses", "/addresses"),
        ("billing/customers", "billing/businesses", "/businesses"),
        ("subscriptions/item", "subscriptions/attached_item", "/attached_items"),
    ],
)
def test_children_of_a_parent_that_vanished_are_no_rows_and_counted(api, load, warehouse, parents, children, path):
    api.set(parents, [{"id": "a"}, {"id": "b"}, {"id": "c"}])
    api.set(children, [{"id": f"{p} {n}", "customer_id": p, "parent_item_id": p} for p in "abc" for n in (1, 2)])

    def vanish(request):
        return JSONResponse({"message": "no such thing"}, 404) if request.url.path.endswith(f"/b{path}") else None

    api.faults.append(vanish)
    [tally] = load(parents, children)[children].values()
    assert warehouse.ids(children.replace("/", ".")) == ["a 1", "a 2", "c 1", "c 2"]
    assert (tally.rows, tally.ignored, tally.retries) == (4, 1, 0)


def test_404_elsewhere_fails(api, read):
    api.faults.append(lambda _: JSONResponse({}, 404))
    for resource in [*LISTS, "billing/customers", "subscriptions/item"]:
        with pytest.raises(ApiError, match=f"{resource}.*answered 404.*check base_url and path"):
            read(resource)


def test_a_parents_key_cannot_lead_to_another_endpoint(api, load):
    api.set("billing/customers", [customer("../products"), customer("a/b?c#d")])
    api.set("billing/customer_addresses", [address("1", "../products"), address("2", "a/b?c#d")])
    load("billing/customer_addresses")
    assert not [path for path, _ in api.requests if unquote(path) == "/billing/v1/products/addresses"]
    assert not api.asked("/products")


@pytest.mark.parametrize("key", [None, ".."])
def test_a_parent_without_a_usable_key_fails_instead_of_asking_for_something_else(api, load, key):
    api.answer("/v1/customers", body={"data": [{"id": key}], "has_more": False, "next": None})
    with pytest.raises(RowError, match=r"billing/customer_addresses: a row of billing/customers has .* as 'id'"):
        load("billing/customer_addresses")
    assert not api.asked("/addresses")


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
def test_rows_are_found_wherever_the_selector_says_and_pages_overlap_there_too(
    wire, read, project, monkeypatch, selector, wrap
):
    for name, value in settings(wire.url).items():
        monkeypatch.setenv(name, value)
    rows = [{"id": str(number), "at": number} for number in range(5)]
    pages = [rows[0:2], rows[2:4], rows[0:2], rows[1:3], rows[2:4], rows[3:5], rows[4:5]]
    wire.replies = [reply(wrap(page)) for page in pages]
    paginator = {"type": "offset", "limit": 2, "total_path": None}
    found, tally = read(things(project, selector=selector, paginator=paginator))
    assert (found, tally.duplicates) == (rows, 0)
