"""No row is lost when others vanish, appear or move while pages are read, and duplicates are counted."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from connectors_dagster.errors import TransientApiError
from connectors_dagster.http import rereading
from tests.support.listing import LISTS, rows_of
from tests.support.numbered import numbered, numbers
from tests.support.shop import things


def change_after(api, path: str, pages: int, change: Callable[[], None]) -> None:
    """Call `change` when `pages` pages have been served."""

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
def test_no_row_is_missed_when_others_vanish_between_two_pages_of_100(api, load, warehouse, resource):
    rows = rows_of(resource, 450)
    api.set(resource, rows)
    change_after(api, LISTS.get(resource, "/customers"), 3, lambda: api.set(resource, rows[17:]))
    load(resource)
    assert set(range(17, 450)) <= set(warehouse.ids(resource.replace("/", ".")))


def test_no_row_that_exists_throughout_is_missed_while_others_appear_and_vanish(api, read):
    for seed in range(40):
        draw = random.Random(seed)
        rows = [{"idcustomer": number} for number in range(0, draw.randrange(0, 120), 2)]
        constant = {row["idcustomer"] for row in rows}
        api.set("fulfillment/customers", rows)
        api.faults[:] = [lambda _, given=(draw, rows, constant): appear_and_vanish(*given)]
        found = {row["idcustomer"] for row in read("fulfillment/customers")[0]}
        assert constant <= found, f"seed {seed}"


def appear_and_vanish(draw: random.Random, rows: list[dict], constant: set[int]) -> None:
    """Remove some rows and add others, in order; `constant` keeps the keys of rows that were never removed."""
    for _ in range(draw.randrange(0, 4)):
        if rows and draw.random() < 0.6:
            constant.discard(rows.pop(draw.randrange(len(rows)))["idcustomer"])
        else:
            rows.append({"idcustomer": draw.randrange(150)})
    rows.sort(key=lambda row: row["idcustomer"])


def test_a_row_that_appears_among_those_already_read_causes_no_later_row_to_be_missed(api, load, warehouse):
    rows = rows_of("storefront/customers", 250)
    api.set("storefront/customers", rows)
    change_after(api, "/customers", 1, lambda: rows.insert(0, {"id": -1}))
    [stats] = load("storefront/customers")["storefront/customers"].values()
    assert warehouse.ids("storefront.customers") == list(range(-1, 250))
    assert (stats.duplicates, stats.moved) == (0, 4)


def test_a_row_that_changes_and_moves_to_the_end_is_read_again_and_counted(api, load, warehouse):
    rows = [{"id": i, "name": "old"} for i in range(150)]
    api.set("catalog/ecommerce_data", rows)
    change_after(api, "/v1/resource", 1, lambda: rows.append(rows.pop(7) | {"name": "new"}))
    [stats] = load("catalog/ecommerce_data")["catalog/ecommerce_data"].values()
    assert warehouse.ids("catalog.ecommerce_data") == list(range(150))
    assert stats.duplicates == 1


def test_a_row_that_is_on_two_pages_is_counted_and_loaded_once(api, load, warehouse):
    pages = {None: (["a", "b"], "2"), "2": (["b", "c"], "3"), "3": (["c", "a", "d"], None)}

    def fault(request):
        ids, following = pages[request.query_params.get("next")]
        return JSONResponse({"data": [{"id": i} for i in ids], "next": following, "has_more": following is not None})

    api.faults.append(fault)
    [stats] = load("billing/event_types")["billing/event_types"].values()
    assert warehouse.ids("billing.event_types") == ["a", "b", "c", "d"]
    assert (stats.rows, stats.duplicates) == (7, 3)


def test_an_api_that_shuffles_its_rows_fails_instead_of_losing_some(api, read, monkeypatch):
    monkeypatch.setattr(rereading, "MAX_STEPS_BACK", 10)
    numbers = iter(range(1_000_000))

    def fault(request):
        return JSONResponse({"data": [{"id": next(numbers)} for _ in range(100)]})

    api.faults.append(fault)
    with pytest.raises(TransientApiError, match="rows are being deleted or moved faster than they can be read"):
        read("catalog/ecommerce_data")


OFFSET = {"type": "offset", "limit": 4, "total_path": None}
PAGES = {"type": "page_number", "base_page": 1, "total_path": None}


def page_of(query, rows: list, size: int = 4) -> list:
    """The rows of a page by offset or by page number."""
    start = int(query.get("offset", (int(query.get("page", 1)) - 1) * size))
    return rows[start : start + size]


@pytest.mark.parametrize("gone", [1, 2, 4, 5])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_rows_that_move_to_an_earlier_page_number_are_found(listing, read, tmp_path, gone, at):
    every = list(range(1, 21))

    def body(query):
        if len(listing.asked) == at + 1:
            del every[:gone]
        return {"data": numbered(*page_of(query, every))}

    listing.body = body
    found = read(things(tmp_path, paginator=PAGES))
    assert set(every) <= set(numbers(found))


@pytest.mark.parametrize("paginator", [OFFSET, PAGES])
def test_a_row_that_jumps_to_the_top_while_pages_are_read_is_found(listing, read, tmp_path, paginator):
    """Newest first: a row that is edited before its page was read moves to a page that was already read."""
    every = list(range(1, 21))

    def body(query):
        if len(listing.asked) == 4:
            every.insert(0, every.pop(15))
        return {"data": numbered(*page_of(query, every))}

    listing.body = body
    found, stats = read(things(tmp_path, paginator=paginator))
    assert numbers((found, stats)) == list(range(1, 21))
    assert stats.moved > 0


@pytest.mark.parametrize("paginator", [OFFSET, PAGES])
def test_a_row_that_is_edited_and_moves_to_the_end_is_read_last_as_it_is_now(listing, read, tmp_path, paginator):
    """Oldest first: the edited row is read twice, and its new version comes last."""
    every = [{"id": str(number), "name": "old"} for number in range(1, 9)]

    def body(query):
        if len(listing.asked) == 2:
            every.append(every.pop(0) | {"name": "new"})
        return {"data": page_of(query, every)}

    listing.body = body
    found, stats = read(things(tmp_path, paginator=paginator))
    assert [row["name"] for row in found if row["id"] == "1"][-1] == "new"
    assert {row["id"] for row in found} == {row["id"] for row in every}
    assert stats.duplicates > 0


def test_a_page_that_is_read_again_unchanged_brings_no_rows(listing, read, tmp_path):
    """A row is on two pages, older on the first one: reading the first page again does not bring back the old row."""
    pages = {"1": [{"id": "1", "name": "old"}, {"id": "2", "name": "x"}], "2": [{"id": "1", "name": "new"}]}
    listing.body = lambda query: {"data": pages.get(query["page"], [])}
    found, _ = read(things(tmp_path, paginator=PAGES))
    assert [row["name"] for row in found if row["id"] == "1"] == ["old", "new"]


@pytest.mark.parametrize("size", [2, 3, 5, 7])
@pytest.mark.parametrize("paginator", [OFFSET, PAGES])
def test_no_row_is_missed_while_others_appear_vanish_and_jump(listing, read, tmp_path, paginator, size):
    for seed in range(12):
        draw = random.Random(seed)
        rows = [{"idcustomer": number} for number in range(0, draw.randrange(0, 60), 2)]
        constant, quiet_after = {row["idcustomer"] for row in rows}, draw.randrange(1, 20)

        def body(query, draw=draw, rows=rows, constant=constant, quiet_after=quiet_after):
            if len(listing.asked) < quiet_after:
                appear_and_vanish(draw, rows, constant)
            return {"data": numbered(*(row["idcustomer"] for row in page_of(query, rows, size)))}

        listing.body, listing.asked = body, []
        given = paginator | ({"limit": size} if "limit" in paginator else {})
        found = read(things(tmp_path, paginator=given))
        assert constant <= set(numbers(found)), f"seed {seed}"


@pytest.mark.parametrize("where", ["header", "body"])
def test_a_row_that_a_falling_total_hides_is_found_by_a_second_pass(listing, read, tmp_path, where):
    rows = list(range(12))

    def body(query: Any) -> Any:
        start, total = int(query.get("after", 0)), len(rows)
        page = {"data": numbered(*rows[start : start + 4]), "next": start + 4 if start + 4 < total else None}
        if len(listing.asked) == 1:
            rows.remove(0)
        return page | {"total": total} if where == "body" else JSONResponse(page, headers={"X-Total-Count": str(total)})

    listing.body = body
    cursor = {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}
    connector = replace(things(tmp_path, paginator=cursor).connector, total_path="total" if where == "body" else None)
    assert set(numbers(read(connector.graph["things"]))) == set(range(12))


def test_rows_that_move_between_pages_of_one_row_are_found_by_a_second_pass(listing, read, tmp_path):
    rows = list(range(6))

    def body(query: Any) -> Any:
        page = numbered(*rows[int(query["offset"]) :][:1])
        if len(listing.asked) == 2:
            rows.remove(0)
        return {"data": page}

    listing.body = body
    found = read(things(tmp_path, paginator={"type": "offset", "limit": 1, "total_path": None}))
    assert set(numbers(found)) == set(range(6))


def test_page_numbers_are_read_twice_and_the_end_is_confirmed(listing, read, tmp_path):
    def requested(count: int, paginator: dict, **more) -> list[str]:
        listing.asked = []
        listing.body = lambda query: {"data": numbered(*page_of(query, list(range(count)))), "pages": -(-count // 4)}
        assert numbers(read(things(tmp_path, paginator=paginator, **more))) == list(range(count))
        return [query["page"] for query in listing.asked]

    assert requested(0, PAGES) == ["1", "2"]
    assert requested(7, PAGES) == ["1", "2", "1", "3", "2"]
    assert requested(8, PAGES) == ["1", "2", "1", "3", "2", "4"]
    assert requested(8, PAGES | {"total_path": "pages"}) == ["1", "2", "1", "3", "2"]
    assert requested(3, PAGES | {"total_path": "pages"}, params={"per_page": 4}) == ["1"]
    assert requested(3, PAGES | {"total_path": "pages"}) == ["1", "2", "1"]  # "pages" may be the number of this page
    assert requested(3, PAGES, params={"per_page": 4}) == ["1", "2", "1"]


def test_page_numbers_are_read_once_where_the_connector_says_that_they_are_stable(listing, read, tmp_path):
    listing.body = lambda query: {"data": numbered(*page_of(query, list(range(7))))}
    connector = replace(things(tmp_path, paginator=PAGES).connector, pages_are_stable=True, short_page_is_end=True)
    assert numbers(read(connector.graph["things"])) == list(range(7))
    assert [query["page"] for query in listing.asked] == ["1", "2"]


def test_another_parameter_with_the_name_of_a_size_makes_no_page_short(listing, read, tmp_path):
    listing.body = lambda query: {"data": numbered(*page_of(query, list(range(7))))}
    resource = things(tmp_path, paginator=PAGES, params={"count": 100, "per_page": 4})
    connector = replace(resource.connector, pages_are_stable=True, short_page_is_end=True)
    assert numbers(read(connector.graph["things"])) == list(range(7))


def test_page_numbers_of_an_api_that_shuffles_its_rows_fail(listing, read, tmp_path):
    draw = random.Random(1)
    listing.body = lambda query: {"data": numbered(*draw.sample(range(100_000), 4 if int(query["page"]) < 8 else 0))}
    with pytest.raises(TransientApiError, match="rows are being deleted or moved faster than they can be read"):
        read(things(tmp_path, paginator=PAGES))


def test_rows_that_appear_at_the_top_all_the_time_do_not_fail_a_load(listing, read, tmp_path):
    every = list(range(100, 120))

    def body(query):
        if len(listing.asked) % 8 == 0:
            every.insert(0, every[0] - 1)
        return {"data": numbered(*page_of(query, every))}

    listing.body = body
    found = read(things(tmp_path, paginator=PAGES))
    assert set(range(100, 120)) <= set(numbers(found))


def test_a_row_that_moves_to_a_page_that_was_filtered_is_found(listing, read, tmp_path):
    """Page 1 is short because the API has filtered it; then a row goes, and page 2 gives its only row to page 1."""
    every, hidden = [0, 1, 2, 3], {0}

    def body(query):
        if len(listing.asked) == 2:
            every.remove(0)
        return {"data": numbered(*(n for n in page_of(query, every, 3) if n not in hidden))}

    listing.body = body
    assert numbers(read(things(tmp_path, paginator=PAGES, params={"limit": 3}))) == [1, 2, 3]


def test_a_page_of_links_that_others_pushed_down_is_not_an_endless_list(listing, read, tmp_path):
    """Just as many rows appear as fit on a page, so that the next page has the rows of the page before."""
    every = list(range(100, 112))

    def body(query):
        if len(listing.asked) == 2:
            every[:0] = [1, 2, 3, 4]
        place = int(query.get("place", 0))
        following = f"{listing.url}/things?place={place + 4}" if place + 4 < len(every) else None
        return {"data": numbered(*every[place : place + 4]), "next": following}

    listing.body = body
    found = read(things(tmp_path, paginator={"type": "json_link", "next_url_path": "next"}))
    assert set(range(100, 112)) <= set(numbers(found))


def test_a_total_that_falls_while_only_empty_pages_were_read_loses_no_row(listing, read, tmp_path):
    """The API has filtered the first pages; a row goes after the second one, and the others move up."""
    every = list(range(1, 13))

    def body(query):
        if len(listing.asked) == 3:
            del every[0]
        page = int(query.get("page", 1))
        links = {"next": page + 1} if page * 3 < len(every) else {}
        links |= {"prev": page - 1} if page > 1 else {}
        written = ", ".join(f'<{listing.url}/things?page={at}>; rel="{name}"' for name, at in links.items())
        rows = numbered(*(n for n in every[(page - 1) * 3 :][:3] if n > 6))
        return JSONResponse({"data": rows}, headers={"Link": written, "X-Total": str(len(every))})

    listing.body = body
    connector = things(tmp_path, paginator="header_link").connector
    connector = replace(connector, total_header="X-Total", accept_fewer=True)
    assert numbers(read(connector.graph["things"])) == list(range(7, 13))


@pytest.mark.parametrize("paginator", [OFFSET, PAGES])
def test_a_declared_total_is_the_end_after_a_full_page(listing, read, tmp_path, paginator):
    """No page beyond it is requested; without a declaration, a common header and a refusal agree."""

    def body(query):
        rows = page_of(query, list(range(8)))
        headers = {"X-Total": "8"}
        return JSONResponse({"data": numbered(*rows)} if rows else {}, 200 if rows else 404, headers=headers)

    listing.body = body
    connector = things(tmp_path, paginator=paginator).connector
    assert numbers(read(replace(connector, total_header="X-Total").graph["things"])) == list(range(8))
    assert len(listing.asked) == 3
    assert numbers(read(connector.graph["things"])) == list(range(8))
