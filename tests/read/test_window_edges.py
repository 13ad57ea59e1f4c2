"""Every row belongs to exactly one window, however the API writes timestamps."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors_dagster.spec.windows import WindowGrid
from tests.support.rows import order, picklist, product

DAY = timedelta(days=1)
HALF, SECOND = timedelta(seconds=0.5), timedelta(seconds=1)
NOW = datetime(2024, 4, 10, 12, tzinfo=UTC)
GRID = WindowGrid("P30D", "2024-01-01")
START, END, NEXT_END = (window.start for window in GRID.opened(NOW)[:3])
WINDOWS = {
    "P30D": ["2024-01-01", "2024-01-31"],
    "P1M": ["2024-01-31", "2024-02-29"],
    "P1D": ["2024-02-28", "2024-02-29"],
}

Row = Callable[[Any, Any], dict[str, Any]]
RESOURCES: dict[str, tuple[Row, str, str]] = {
    "storefront/orders": (order, "id", "date_modified_gmt"),
    "billing/products": (lambda id, at: product(f"{id:03}", at), "id::int", "updated_at"),
    "fulfillment/orders": (picklist, "idorder", "updated"),
}


def fraction(digits: int) -> Callable[[datetime], str]:
    return lambda at: f"{at:%Y-%m-%dT%H:%M:%S}.{f'{at:%f}000'[:digits]}"


def shifted(**offset: float) -> Callable[[datetime], str]:
    minutes = int(timedelta(**offset).total_seconds() // 60)
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    return lambda at: (at + timedelta(**offset)).replace(tzinfo=None).isoformat() + zone


SPELLINGS: dict[str, Callable[[datetime], str]] = {
    "no zone": lambda at: at.replace(tzinfo=None).isoformat(),
    "a space": lambda at: at.replace(tzinfo=None).isoformat(" "),
    "Z": lambda at: at.replace(tzinfo=None).isoformat() + "Z",
    "+00:00": lambda at: at.isoformat(),
    "+02:00": shifted(hours=2),
    "-05:30": shifted(hours=-5.5),
    "basic": lambda at: at.strftime("%Y%m%dT%H%M%S.%fZ"),
    **{f"{digits} digits": fraction(digits) for digits in range(1, 10)},
    **{f"{digits} digits Z": lambda at, digits=digits: fraction(digits)(at) + "Z" for digits in range(1, 10)},  # type: ignore[misc]
}


@pytest.mark.parametrize("resource", ["storefront/orders", "billing/products"], ids=["filtered", "scanned"])
@pytest.mark.parametrize("step", WINDOWS)
def test_a_row_at_the_edge_of_windows_is_in_exactly_one(api, warehouse, load, resource, step):
    make, key, _ = RESOURCES[resource]
    first, second = (WindowGrid(step, WINDOWS[step][0]).find(window) for window in WINDOWS[step])
    timestamps = [at for w in (first, second) for at in (w.start, w.start + HALF, w.end - SECOND)]
    timestamps += [first.start - SECOND, second.end]
    api.set(resource, [make(id, SPELLINGS["no zone"](at)) for id, at in enumerate(timestamps)])
    counts = load(resource, windows=WINDOWS[step], step=step, start=WINDOWS[step][0], now=second.end - DAY / 2)[
        resource
    ]
    assert [stats.rows for stats in counts.values()] == [3, 3]
    assert warehouse.column(resource.replace("/", "."), key) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_spelling_of_a_timestamp_goes_into_the_same_window(api, warehouse, load, resource):
    make, key, cursor = RESOURCES[resource]
    rows = dict(
        enumerate((spell, at) for spell in SPELLINGS.values() for at in (START, START + HALF, END - SECOND, END))
    )
    api.set(resource, [make(id, spell(at)) for id, (spell, at) in rows.items()])
    counts = load(resource)[resource]
    assert [stats.rows for stats in counts.values()] == [3 * len(SPELLINGS), len(SPELLINGS), 0, 0]
    found = warehouse.query(f"SELECT {key}, {cursor}::TIMESTAMP AT TIME ZONE 'UTC' FROM {resource.replace('/', '.')}")
    assert {id: at.astimezone(UTC) for id, at in found} == {id: at for id, (_, at) in rows.items()}


def test_windows_loaded_one_by_one_and_out_of_order_make_one_table(api, warehouse, load):
    timestamps = [START, END - SECOND, END, END + HALF, NEXT_END - SECOND, NEXT_END]
    api.set("storefront/orders", [order(id, SPELLINGS["Z"](at)) for id, at in enumerate(timestamps)])
    for window in ("2024-01-31", "2024-01-01", "2024-03-01"):
        load("storefront/orders", windows=[window])
    assert warehouse.ids("storefront.orders") == [0, 1, 2, 3, 4, 5]


def test_rows_without_a_cursor_are_loaded_and_counted(api, warehouse, load):
    api.set("billing/products", [product("a", None), product("b", "2024-01-05T00:00:00Z"), {"id": "c", "name": "C"}])
    counts = load("billing/products")["billing/products"]
    assert [stats.without_cursor for stats in counts.values()] == [2, 0, 0, 0]
    assert warehouse.query("SELECT id, updated_at::DATE::VARCHAR FROM billing.products ORDER BY id") == [
        ("a", None),
        ("b", "2024-01-05"),
        ("c", None),
    ]


def test_the_newer_state_of_a_row_that_changes_between_two_windows_wins(api, warehouse, load, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__MAX_PARALLEL_REQUESTS", "1")
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00.500Z", status="pending")])

    def edit_between_the_windows(request: Any) -> None:
        if request.query_params["modified_before"] == "2024-03-01T00:00:00":
            api.set("storefront/orders", [order(1, "2024-02-05T00:00:00+02:00", status="completed")])

    api.faults.append(edit_between_the_windows)
    counts = load("storefront/orders")["storefront/orders"]
    assert [stats.rows for stats in counts.values()] == [1, 1, 0, 0]
    assert warehouse.column("storefront.orders", "status") == ["completed"]
