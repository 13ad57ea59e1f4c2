"""No row is lost when others vanish, appear or move while pages are read, and duplicates are counted."""

import random
from collections.abc import Callable

import pytest
from starlette.responses import JSONResponse, Response

from connectors_dagster.errors import TransientApiError
from connectors_dagster.http import paginators
from tests.support.listing import LISTS, rows_of


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
    assert warehouse.ids("storefront.customers") == list(range(250))
    assert stats.duplicates == 0


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
    monkeypatch.setattr(paginators, "MAX_STEPS_BACK", 10)
    numbers = iter(range(1_000_000))

    def fault(request):
        return JSONResponse({"data": [{"id": next(numbers)} for _ in range(100)]})

    api.faults.append(fault)
    with pytest.raises(TransientApiError, match="rows are being deleted or moved faster than they can be read"):
        read("catalog/ecommerce_data")
