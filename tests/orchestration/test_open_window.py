"""The open window is read repeatedly until it is complete. The tests set the time."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import dagster as dg
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from connectors_dagster import Cursor, TimestampFormat, load_connectors
from connectors_dagster.orchestration import clock, runs
from connectors_dagster.orchestration.assets import build_assets
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.partitions import open_windows
from connectors_dagster.spec.windows import WindowGrid
from tests.support.api import Api
from tests.support.feed import Feed, build_connector, load_slices, read_slices
from tests.support.rows import order, picklist, product

LAG = timedelta(minutes=5)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FOURTH, FIFTH, EIGHTH = "2024-03-31", "2024-04-30", "2024-07-29"
GRID = WindowGrid("P30D", "2024-01-01")
NOON = datetime(2024, 4, 10, 12, tzinfo=UTC)


class Time:
    """The current time for Dagster."""

    def __init__(self, now: datetime) -> None:
        self.now = now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time(NOON)
    monkeypatch.setattr(clock, "now", lambda: time.now)
    return time


@pytest.fixture
def run(instance: dg.DagsterInstance, time: Time) -> Callable[..., dict[str, Any]]:
    """Materialize windows in one run and return the metadata of the last one; a refresh resumes."""

    def run_(asset: str, windows: Sequence[str], *, refresh: bool = False) -> dict[str, Any]:
        open_windows(instance, GRID, time.now)
        key = dg.AssetKey(asset.split("/"))
        assets = build_assets(ConnectorAssets(connector=load_connectors()[key.path[0]]))
        job = dg.Definitions(assets=assets).resolve_implicit_job_def_def_for_assets([key])
        assert job
        config = {"config": {"full": not refresh}}
        job.execute_in_process(
            run_config={**runs.QUIET, "ops": {"__".join(key.path): config}},
            instance=instance,
            asset_selection=[key],
            tags={runs.RANGE_START: windows[0], runs.RANGE_END: windows[-1]},
        )
        return recorded(instance, asset, windows[-1])

    return run_


def recorded(instance: dg.DagsterInstance, asset: str, window: str) -> dict[str, Any]:
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset.split("/")), asset_partitions=[window])
    (record,) = instance.fetch_materializations(wanted, limit=1).records
    assert record.asset_materialization
    return {name: value.value for name, value in record.asset_materialization.metadata.items()}


def test_the_open_window_is_read_until_now_but_recorded_as_read_only_until_the_lookback(api, run, instance, warehouse):
    api.set("storefront/orders", [order(1, "2024-04-10T11:59:59")])
    opened = run("storefront/orders", ["2024-03-01", FOURTH])
    closed = recorded(instance, "storefront/orders", "2024-03-01")
    assert opened["fetched_until"] == (NOON - LAG).timestamp()
    assert not opened["complete"]
    assert closed["fetched_until"] == closed["window_end"] == opened["window_start"]
    assert closed["complete"]
    assert "2024-04-30T00:00:00" in [asked["modified_before"] for asked in api.asked("/orders")]
    assert warehouse.ids("storefront.orders") == [1]


def test_a_refresh_resumes_at_the_last_settled_time_and_a_manual_run_reads_everything(api, run, time, warehouse):
    run("storefront/orders", [FOURTH])
    time.now += HOUR
    api.set("storefront/orders", [order(1, "2024-04-10T11:54:00"), order(2, "2024-04-10T12:30:00")])
    refreshed = run("storefront/orders", [FOURTH], refresh=True)
    time.now += HOUR
    assert run("storefront/orders", [FOURTH], refresh=True)["rows"] == 0
    by_hand = run("storefront/orders", [FOURTH])
    # One second before the start, because the shop's lower bound is exclusive.
    assert [asked["modified_after"] for asked in api.asked("/orders")] == [
        "2024-03-30T23:59:59",
        "2024-04-10T11:49:59",
        "2024-04-10T12:49:59",
        "2024-03-30T23:59:59",
    ]
    assert refreshed["fetched_until"] == (NOON + HOUR - LAG).timestamp()
    assert (refreshed["rows"], by_hand["rows"]) == (2, 2)
    assert warehouse.ids("storefront.orders") == [1, 2]


def test_a_window_in_which_rows_moved_unnoticed_is_not_recorded_as_read(api, run, time, warehouse):
    """The pages of a cursor do not show whether rows moved; the next refresh reads the window from its start."""
    api.set("billing/products", [product(f"{number:02}", "2024-04-01T00:00:00Z") for number in range(25)])
    first = run("billing/products", [FOURTH])
    assert first["fetched_until"] == first["window_start"]
    assert (first["unsettled"], first["complete"]) == (1, False)
    time.now += HOUR
    assert run("billing/products", [FOURTH], refresh=True)["rows"] == 25
    api.set("billing/products", [product("new", "2024-04-10T12:30:00Z")])
    assert run("billing/products", [FOURTH], refresh=True)["fetched_until"] == (time.now - LAG).timestamp()


def test_a_change_the_api_shows_late_is_loaded_by_the_next_refresh(api, run, time, warehouse):
    run("billing/products", [FOURTH])
    api.set("billing/products", [product("late", (NOON - LAG + MINUTE).isoformat())])
    time.now += HOUR
    assert run("billing/products", [FOURTH], refresh=True)["rows"] == 1
    assert warehouse.ids("billing.products") == ["late"]


def test_rows_that_change_without_a_new_cursor_are_read_again_as_long_as_they_may_change(api, run, time, warehouse):
    """Of stripe, charges may change for 30 days, and events do not change."""
    made = {"id": "a", "created": int((NOON - timedelta(days=9)).timestamp())}
    for name in ("charges", "events"):
        api.set(f"stripe/{name}", [{**made, "type": "first"} if name == "events" else {**made, "status": "pending"}])
        first = run(f"stripe/{name}", [FOURTH])
        rows = api.tables["stripe"][name]
        rows[0].update({"type": "other"} if name == "events" else {"status": "succeeded"})
        time.now += HOUR
        refreshed = run(f"stripe/{name}", [FOURTH], refresh=True)
        assert (first["rows"], refreshed["rows"]) == ((1, 0) if name == "events" else (1, 1))
    assert warehouse.query("SELECT status FROM stripe.charges") == [("succeeded",)]
    asked = [request["created[gte]"] for name in ("charges", "events") for request in api.asked(f"/{name}")]
    opens = int(datetime.fromisoformat(f"{FOURTH}T00:00:00+00:00").timestamp())
    assert asked == [*map(str, (opens, opens, opens)), str(int((NOON + HOUR - 2 * LAG).timestamp()))]


def test_a_window_is_complete_once_its_rows_do_not_change_any_more(api, run, time):
    closed = run("stripe/charges", ["2024-03-01"])
    assert (closed["complete"], closed["fetched_until"]) == (False, (NOON - timedelta(days=30)).timestamp())
    time.now += timedelta(days=20)
    assert run("stripe/charges", ["2024-03-01"], refresh=True)["complete"]


@pytest.mark.parametrize("lag", [timedelta(minutes=15), timedelta(days=7)], ids=str)
def test_a_change_is_not_missed_if_the_clock_of_the_api_is_behind(api, run, time, warehouse, lag):
    def answer_with_date(request: Request) -> JSONResponse | None:
        after, rows = request.query_params["modified_after"], api.tables["storefront"]["orders"]
        found = [row for row in rows if row["date_modified_gmt"] > after]
        page = found[int(request.query_params["offset"]) :]
        return JSONResponse({"data": page}, headers={"Date": format_datetime(time.now - lag, usegmt=True)})

    api.set("storefront/orders", [])
    api.faults.append(answer_with_date)
    read = run("storefront/orders", [FOURTH])
    # The lag is measured in real time, and the time of the test stands still.
    assert read["fetched_until"] == pytest.approx((NOON - LAG - lag).timestamp(), abs=60)
    changed = f"{NOON - lag + MINUTE:%Y-%m-%dT%H:%M:%S}"
    api.set("storefront/orders", [order(1, changed)])
    time.now += HOUR
    run("storefront/orders", [FOURTH], refresh=True)
    assert read["clock_lag_seconds"] == pytest.approx(lag.total_seconds(), abs=60)
    assert warehouse.ids("storefront.orders") == [1]


def test_rows_that_never_get_a_cursor_are_found_again_by_a_refresh_without_the_filter(api, run, time, warehouse):
    run("chargebee/transaction", [FOURTH])
    api.set("chargebee/transaction", [{"id": "late"}])
    for days in (1, 8, 1):  # the second refresh is the first one after a multiple of 30 days since 1970
        time.now += timedelta(days=days)
        run("chargebee/transaction", [FOURTH], refresh=True)
    filtered = ["updated_at[between]" in asked for asked in api.asked("/transactions")]
    assert filtered == [True, True, False, True]
    assert warehouse.ids("chargebee.transaction") == ["late"]


def test_the_lookback_is_a_setting(api, run, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__LOOKBACK", "PT2H")
    assert run("storefront/orders", [FOURTH])["fetched_until"] == (NOON - 2 * HOUR).timestamp()


def test_the_transition_to_a_new_window_loses_nothing(api, run, time, instance, warehouse):
    window = GRID.find(FOURTH)
    time.now = window.end - HOUR
    run("storefront/orders", [FOURTH])
    time.now = window.end + MINUTE
    api.set("storefront/orders", [order(1, "2024-04-30T00:00:30")])
    assert run("storefront/orders", [FOURTH, FIFTH], refresh=True)["fetched_until"] == window.end.timestamp()
    assert not recorded(instance, "storefront/orders", FOURTH)["complete"]
    api.set("storefront/orders", [order(1, "2024-04-30T00:00:30"), order(2, "2024-04-29T23:59:59")])
    time.now = window.end + 2 * LAG
    run("storefront/orders", [FOURTH, FIFTH], refresh=True)
    assert recorded(instance, "storefront/orders", FOURTH)["complete"]
    assert not recorded(instance, "storefront/orders", FIFTH)["complete"]
    assert warehouse.ids("storefront.orders") == [1, 2]


def test_after_an_outage_of_three_windows_one_refresh_catches_up(api, run, time, instance, warehouse):
    run("storefront/orders", [FOURTH])
    time.now = GRID.find(EIGHTH).start + HOUR
    windows = [window for window in GRID.opened(time.now) if window.key >= FOURTH]
    missed = ["2024-04-10T11:55:00", *(f"{window.end - MINUTE:%Y-%m-%dT%H:%M:%S}" for window in windows[:-1])]
    api.set("storefront/orders", [order(id, at) for id, at in enumerate(missed)])
    run("storefront/orders", [FOURTH, EIGHTH], refresh=True)
    assert sorted(asked["modified_after"] for asked in api.asked("/orders")[1:]) == [
        "2024-04-10T11:49:59",
        "2024-04-29T23:59:59",
        "2024-05-29T23:59:59",
        "2024-06-28T23:59:59",
        "2024-07-28T23:59:59",
    ]
    complete = [recorded(instance, "storefront/orders", window.key)["complete"] for window in windows]
    assert complete == [True, True, True, True, False]
    assert warehouse.ids("storefront.orders") == [0, 1, 2, 3, 4]


def test_windows_read_from_another_shop_or_into_another_destination_do_not_count(api, run, time, tmp_path, monkeypatch):
    run("storefront/orders", [FOURTH])
    whole = api.asked("/orders")[0]
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "other.duckdb"))
    run("storefront/orders", [FOURTH], refresh=True)
    assert api.asked("/orders") == [whole, whole]
    with Api().served() as other_shop:
        monkeypatch.setenv("SOURCES__STOREFRONT__BASE_URL", other_shop.environment["SOURCES__STOREFRONT__BASE_URL"])
        run("storefront/orders", [FOURTH], refresh=True)
        assert other_shop.asked("/orders") == [whole]


def test_with_date_cursors_a_second_change_on_the_same_day_is_loaded_by_a_refresh(tmp_path):
    window = GRID.find(FOURTH)
    by_day = TimestampFormat(format="%Y-%m-%d", granularity=timedelta(days=1))
    with Feed(grain=by_day.granularity).served() as feed:
        feed.put(1, NOON + HOUR, at="2024-04-10")
        feed.put(2, NOON - timedelta(days=1), at="2024-04-09")
        (slice_,) = GRID.slices([window], now=NOON + 2 * HOUR, lookback=LAG)
        refresh = slice_.resumed(NOON, lookback=LAG)
        for bounds in ("both", "none"):
            connector = build_connector(tmp_path, feed, Cursor(timestamp_format=by_day), bounds=bounds)
            assert read_slices(connector, [refresh]) == ([1], [1])
        undeclared = build_connector(tmp_path, feed, Cursor(), bounds="none")
        assert read_slices(undeclared, [refresh]) == ([1], [1])


def test_local_time_behind_utc_loses_no_row_at_the_end_of_a_window(api, warehouse):
    window, orders = GRID.find(FOURTH), load_connectors()["fulfillment"].graph["orders"]
    lookback = orders.connector.lookback
    (first,) = GRID.slices([window], now=window.end + HOUR, lookback=lookback)
    load_slices(orders, [first])
    # Changed two hours after the end of the window in UTC; in Chicago the local time is five hours earlier.
    api.set("fulfillment/orders", [picklist(1, "2024-04-29 21:00:00")])
    (second,) = GRID.slices([window], now=window.end + 3 * HOUR, lookback=lookback)
    assert not first.complete
    load_slices(orders, [second.resumed(first.until, lookback=lookback)])
    assert warehouse.column("fulfillment.orders", "idorder") == [1]


def test_with_date_cursors_the_current_day_is_not_recorded_as_read():
    window = GRID.find(FOURTH)
    by_day = TimestampFormat(format="%Y-%m-%d", granularity=timedelta(days=1))
    (slice_,) = GRID.slices([window], now=NOON, lookback=LAG, timestamps=by_day)
    assert slice_.until == datetime(2024, 4, 10, tzinfo=UTC)


def test_without_a_lookback_a_window_read_to_its_end_is_not_requested_again(tmp_path):
    first, second = GRID.slices(GRID.opened(NOON)[:2], now=NOON, lookback=timedelta(0))
    with Feed().served() as feed:
        connector = build_connector(tmp_path, feed, Cursor())
        read_slices(connector, [first.resumed(first.until, lookback=timedelta(0)), second])
        assert [asked["after"] for asked in feed.asked] == ["2024-01-31T00:00:00Z"]
        assert read_slices(connector, [first.resumed(first.until, lookback=timedelta(0))]) == ([0], [])
