"""A window that cannot be read does not keep the others out: they are loaded and recorded, and the run fails."""

from datetime import UTC, datetime
from io import StringIO
from urllib.parse import urlencode

import dagster as dg
import pytest

# Only this tells what the UI shows of each partition.
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from rich.console import Console
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors_dagster.cli import run, terminal
from connectors_dagster.orchestration import assets, window_runs
from connectors_dagster.spec.windows import WindowGrid
from tests.support.api import Api
from tests.support.feed import Feed
from tests.support.processes import Job, Trap, start_command
from tests.support.rows import NOW, order

GRID = WindowGrid("P30D", "2024-01-01")
WINDOWS = [window.key for window in GRID.opened(NOW)]
ORDERS = dg.AssetKey(["storefront", "orders"])
DAYS = ["2024-01-15", "2024-02-15", "2024-03-15", "2024-04-05"]
FAMILY = ("woocommerce/orders", "woocommerce/order_notes")


@pytest.fixture(autouse=True)
def at_this_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors_dagster.orchestration.clock.now", lambda: NOW)
    monkeypatch.setattr(assets, "RETRY", assets.RETRY._replace(delay=0))


@pytest.fixture
def orders(api: Api) -> Api:
    """Four windows with one order each."""
    api.set("storefront/orders", [order(n, f"{day}T12:00:00") for n, day in enumerate(DAYS, start=1)])
    return api


def window_of(request: Request) -> str:
    """Return the key of the window that a request for orders asks for."""
    end = datetime.fromisoformat(request.query_params["modified_before"]).replace(tzinfo=UTC)
    return next(window.key for window in GRID.opened(NOW) if window.start < end <= window.end)


def break_windows(api: Api, *windows: str, status: int = 422, times: int = 1_000_000, **headers: str) -> None:
    """Answer requests for orders of some windows with a status."""
    left = [times]

    def fault(request: Request) -> Response | None:
        if not request.url.path.endswith("/orders") or window_of(request) not in windows or not left[0]:
            return None
        left[0] -= 1
        return JSONResponse({"message": f"no {window_of(request)}"}, status, headers=headers)

    api.faults.append(fault)


def asked(api: Api) -> list[str]:
    """List the windows of the requests for orders."""
    found = [Request({"type": "http", "query_string": urlencode(query).encode()}) for query in api.asked("/orders")]
    return sorted(map(window_of, found))


def recorded(instance: dg.DagsterInstance, key: dg.AssetKey = ORDERS) -> dict[str, int]:
    """Return the rows that Dagster has for each materialized window."""
    records = instance.fetch_materializations(dg.AssetRecordsFilter(asset_key=key), limit=100).records
    found = [record.asset_materialization for record in reversed(records)]
    return {event.partition: event.metadata["rows"].value for event in found}


def shown_as_failed(instance: dg.DagsterInstance, key: dg.AssetKey = ORDERS) -> set[str]:
    """Return the windows that the UI shows as failed."""
    partitions = dg.DynamicPartitionsDefinition(name=GRID.name)
    value = get_and_update_asset_status_cache_value(instance, key, partitions)
    return set(value.deserialize_failed_partition_subsets(partitions).get_partition_keys())


@pytest.mark.parametrize("bad", [0, 3])
def test_the_windows_that_were_read_well_are_loaded_and_the_bad_one_fails_by_name(
    orders, warehouse, instance, materialize, bad
):
    break_windows(orders, WINDOWS[bad])
    summary = materialize("storefront/orders")
    good = [n for n in range(4) if n != bad]
    assert warehouse.ids("storefront.orders") == [n + 1 for n in good]
    assert recorded(instance) == {WINDOWS[n]: 1 for n in good}
    assert shown_as_failed(instance) == {WINDOWS[bad]}
    assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]
    assert (summary.lines["storefront/orders"].windows, summary.lines["storefront/orders"].rows) == (3, 3)
    [error] = summary.errors
    assert f"storefront/orders window {WINDOWS[bad]}: GET" in error and f'422: {{"message":"no {WINDOWS[bad]}' in error
    assert error.endswith(": loaded")


@pytest.mark.journey
def test_a_window_that_failed_is_read_by_the_next_run_like_one_that_was_never_read(
    orders, warehouse, instance, materialize
):
    break_windows(orders, WINDOWS[1], times=1)
    assert materialize("storefront/orders").errors != []
    assert materialize("storefront/orders").errors == []
    assert warehouse.ids("storefront.orders") == [1, 2, 3, 4]
    assert recorded(instance) == dict.fromkeys(WINDOWS, 1) and shown_as_failed(instance) == set()


def test_each_window_that_fails_says_why(orders, warehouse, materialize):
    break_windows(orders, WINDOWS[0], status=422)
    break_windows(orders, WINDOWS[3], status=410)
    [error] = materialize("storefront/orders").errors
    first, last, loaded = error.splitlines()
    assert f"window {WINDOWS[0]}:" in first and "answered 422" in first
    assert f"window {WINDOWS[3]}:" in last and "answered 410" in last
    assert loaded == f"storefront/orders window {WINDOWS[1]} to {WINDOWS[2]}: loaded"
    assert warehouse.ids("storefront.orders") == [2, 3]


def test_rows_of_a_window_that_fails_on_a_later_page_are_loaded_but_the_window_is_not_recorded(
    orders, warehouse, instance, materialize
):
    many = [order(100 + n, "2024-02-15T12:00:00") for n in range(150)]
    orders.set("storefront/orders", [*orders.tables["storefront"]["orders"], *many])
    orders.faults.append(
        lambda request: JSONResponse({"message": "no"}, 422) if request.query_params.get("offset", "0") != "0" else None
    )
    materialize("storefront/orders")
    assert set(recorded(instance)) == {WINDOWS[0], WINDOWS[2], WINDOWS[3]}
    assert {1, 3, 4} <= set(warehouse.ids("storefront.orders"))
    orders.faults.clear()
    assert materialize("storefront/orders").errors == []
    assert warehouse.ids("storefront.orders") == [1, 2, 3, 4, *range(100, 250)]


def test_a_retry_reads_only_the_windows_that_are_not_loaded_yet(orders, warehouse, instance, materialize, waits):
    break_windows(orders, WINDOWS[2], status=503, times=2 * (1 + 3))
    summary = materialize("storefront/orders")
    assert summary.errors == []
    assert (summary.lines["storefront/orders"].windows, summary.lines["storefront/orders"].rows) == (4, 4)
    assert warehouse.ids("storefront.orders") == [1, 2, 3, 4]
    requests = asked(orders)
    assert {window: requests.count(window) for window in WINDOWS} == dict(zip(WINDOWS, [1, 1, 9, 1], strict=True))
    assert recorded(instance) == dict.fromkeys(WINDOWS, 1)
    assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.SUCCESS]


def test_the_windows_that_earlier_attempts_loaded_keep_what_was_recorded_of_them(orders, instance, materialize, waits):
    break_windows(orders, WINDOWS[2], status=503, times=1 + 3)
    materialize("storefront/orders")
    wanted = dg.AssetRecordsFilter(asset_key=ORDERS, asset_partitions=[WINDOWS[0]])
    last, first = [record.asset_materialization for record in instance.fetch_materializations(wanted, limit=9).records]
    assert last.metadata["load_id"] == first.metadata["load_id"]
    assert last.metadata["complete"].value is True and "fetched_until" in last.metadata


def test_a_window_that_fails_in_every_attempt_leaves_the_others_loaded_once(
    orders, warehouse, instance, materialize, waits
):
    break_windows(orders, WINDOWS[0], status=503)
    [error] = materialize("storefront/orders").errors
    assert f"storefront/orders window {WINDOWS[0]}: GET" in error and "answered 503" in error
    assert f"storefront/orders window {WINDOWS[1]} to {WINDOWS[3]}: loaded" in error
    requests = asked(orders)
    assert [requests.count(window) for window in WINDOWS] == [3 * (1 + 3), 1, 1, 1]
    assert warehouse.ids("storefront.orders") == [2, 3, 4]
    assert shown_as_failed(instance) == {WINDOWS[0]}


@pytest.mark.parametrize("status", [401, 429])
def test_after_an_answer_that_every_window_would_get_no_other_one_is_requested(
    orders, warehouse, instance, materialize, monkeypatch, waits, status
):
    monkeypatch.setenv("SOURCES__STOREFRONT__MAX_PARALLEL_REQUESTS", "1")
    break_windows(orders, *WINDOWS[1:], status=status)
    [error] = materialize("storefront/orders").errors
    assert list(dict.fromkeys(asked(orders))) == WINDOWS[:2]
    assert warehouse.ids("storefront.orders") == [1] and set(recorded(instance)) == {WINDOWS[0]}
    assert f"window {WINDOWS[2]} to {WINDOWS[3]}: not read, because other windows failed" in error


@pytest.mark.parametrize("status", [403, 422, 503])
def test_old_windows_that_always_fail_never_keep_a_later_one_out(
    orders, warehouse, instance, materialize, monkeypatch, waits, status
):
    monkeypatch.setenv("SOURCES__STOREFRONT__MAX_PARALLEL_REQUESTS", "1")
    break_windows(orders, *WINDOWS[:3], status=status)
    [error] = materialize("storefront/orders").errors
    assert warehouse.ids("storefront.orders") == [4] and set(recorded(instance)) == {WINDOWS[3]}
    assert all(f"storefront/orders window {window}: GET" in error for window in WINDOWS[:3])


def test_if_every_window_fails_each_has_its_own_error(orders, instance, materialize):
    break_windows(orders, *WINDOWS)
    [error] = materialize("storefront/orders").errors
    assert recorded(instance) == {}
    assert all(f"storefront/orders window {window}" in error for window in WINDOWS)


def test_an_api_that_refuses_connections_is_not_asked_for_every_window(orders, materialize, monkeypatch, waits):
    monkeypatch.setenv("SOURCES__STOREFRONT__BASE_URL", "http://127.0.0.1:9/wp-json/wc/v3")
    monkeypatch.setenv("SOURCES__STOREFRONT__MAX_PARALLEL_REQUESTS", "1")
    [error] = materialize("storefront/orders").errors
    assert f"window {WINDOWS[0]}: the API did not answer at 127.0.0.1:9" in error
    assert f"window {WINDOWS[1]} to {WINDOWS[3]}: not read, because other windows failed" in error


def test_without_a_filter_all_windows_share_the_requests_and_fail_together(api, instance, materialize):
    api.answer("/v1/products", 422)
    [error] = materialize("billing/products").errors
    assert "billing/products window" in error and "answered 422" in error
    assert recorded(instance, dg.AssetKey(["billing", "products"])) == {}


def test_a_killed_run_between_the_load_and_its_end_leaves_the_next_one_exact(orders, warehouse, instance, materialize):
    break_windows(orders, WINDOWS[1])
    place = Trap("connectors_dagster.orchestration.load_report:LoadReport.landed")
    process = start_command(Job(["storefront/orders"], trap=place), "--to", "2024-04-10")
    process.join()
    assert process.exitcode == -9
    assert warehouse.ids("storefront.orders") == [1, 3, 4]
    assert set(recorded(instance)) == {WINDOWS[0], WINDOWS[2], WINDOWS[3]}
    orders.faults.clear()
    assert materialize("storefront/orders").errors == []
    assert warehouse.ids("storefront.orders") == [1, 2, 3, 4]


# Families


@pytest.fixture
def notes(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Four windows with one order each, and a note of each order."""
    monkeypatch.setenv("CONNECTORS__ENABLED", "woocommerce")
    api.set("woocommerce/orders", [order(n, f"{day}T12:00:00") for n, day in enumerate(DAYS, start=1)])
    api.set("woocommerce/order_notes", [{"id": 10 * n, "parent": n} for n in range(1, 5)])
    return api


def test_children_of_a_window_that_failed_are_not_read_and_those_of_the_others_are_exact(
    notes, warehouse, instance, materialize
):
    break_windows(notes, WINDOWS[1])
    [error] = materialize(*FAMILY).errors
    assert f"woocommerce/orders window {WINDOWS[1]}: GET" in error
    assert f"order_notes window {WINDOWS[1]}: not read, because its parent woocommerce/orders failed" in error
    assert warehouse.ids("woocommerce.order_notes") == [10, 30, 40]
    for name in FAMILY:
        assert set(recorded(instance, dg.AssetKey(name.split("/")))) == {WINDOWS[0], WINDOWS[2], WINDOWS[3]}


def test_a_childs_request_that_fails_affects_only_the_window_of_its_parent(notes, warehouse, materialize):
    materialize(*FAMILY)
    # Deleted at the API: a read that is complete removes them, one that failed must not.
    notes.set("woocommerce/order_notes", [{"id": 10, "parent": 1}])
    notes.answer("/orders/3/notes", 422)
    [error] = materialize(*FAMILY).errors
    assert f"woocommerce/order_notes window {WINDOWS[2]}: GET" in error and "/orders/3/notes" in error
    assert f"woocommerce/orders window {WINDOWS[0]} to {WINDOWS[3]}: loaded" in error
    assert warehouse.ids("woocommerce.order_notes") == [10, 30]
    assert warehouse.ids("woocommerce.orders") == [1, 2, 3, 4]


def test_a_retry_after_a_childs_failure_reads_the_window_of_the_family_again(notes, warehouse, materialize, waits):
    notes.answer("/orders/3/notes", 503, times=1 + 3)
    summary = materialize(*FAMILY)
    assert summary.errors == []
    assert [len(notes.asked(f"/orders/{n}/notes")) for n in range(1, 5)] == [1, 1, 5, 1]
    assert warehouse.ids("woocommerce.order_notes") == [10, 20, 30, 40]
    assert {name: (line.windows, line.rows) for name, line in summary.lines.items()} == dict.fromkeys(FAMILY, (4, 4))


# Rows that are set aside

YAML = """
type: connectors_dagster.RestConnector
attributes:
  name: feed
  description: What changed, and when
  resources:
    changes: {{on_bad_row: set_aside, cursor: {{}}}}
  config:
    client: {{base_url: "http://127.0.0.1:{port}"}}
    resources:
      - name: changes
        primary_key: id
        write_disposition: merge
        endpoint:
          path: /changes
          paginator: single_page
          incremental: {{cursor_path: at, start_param: after, end_param: before}}
"""
SCHEMA = "tables: {changes: {columns: {id: {data_type: bigint, nullable: false}, at: {data_type: timestamp}}}}"


@pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")  # Dagster's own use
def test_a_run_of_a_connector_in_yaml_sets_rows_aside_and_says_how_many(scaffolded, warehouse, instance, monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", "feed")
    monkeypatch.setattr(terminal, "out", printed := Console(file=StringIO(), width=200))
    with Feed().served() as feed:
        for number, day in enumerate(DAYS):
            feed.put(number, datetime.fromisoformat(f"{day}T12:00:00+00:00"), at=f"{day}T12:00:00Z")
        feed.rows[1] = (feed.rows[1][0], {"id": 1, "at": "soon"})
        feed.rows[2] = (feed.rows[2][0], {"at": "2024-03-15T12:00:00Z"})
        scaffolded.put("feed", YAML.format(port=feed.port), SCHEMA)
        summary = run.materialize(["feed"])
    assert summary.errors == []
    assert (
        "feed/changes: 2 rows cannot be placed and were set aside in feed.changes__rejected" in printed.file.getvalue()
    )
    assert warehouse.ids("feed.changes") == [0, 3]
    assert warehouse.query("SELECT count(*) FROM feed.changes__rejected") == [(2,)]
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(["feed", "changes"]), asset_partitions=[WINDOWS[1]])
    (record,) = instance.fetch_materializations(wanted, limit=9).records
    assert record.asset_materialization.metadata["rejected"].value == 1


def test_a_step_whose_retries_are_used_up_shows_the_cause(orders, run_assets, waits):
    break_windows(orders, WINDOWS[0], status=503)
    result = run_assets("storefront/orders")
    retried = [event for event in result.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert len(retried) == assets.RETRY.max_retries
    assert failed.step_failure_data.user_failure_data.description.startswith("storefront/orders window 2024-01-01: GET")
    assert "Exceeded max_retries" not in failed.step_failure_data.error_display_string


# A run with more than one load


@pytest.fixture
def two_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two windows per load, so that four are two loads."""
    monkeypatch.setattr(window_runs, "WINDOWS_PER_LOAD", 2)


def test_what_a_load_brings_is_recorded_before_the_one_after_the_next_is_read(
    orders, warehouse, instance, materialize, monkeypatch
):
    monkeypatch.setattr(window_runs, "WINDOWS_PER_LOAD", 1)
    seen: list[dict[str, int]] = []

    def look(request: Request) -> None:
        if request.url.path.endswith("/orders") and window_of(request) == WINDOWS[2]:
            seen.append(recorded(instance))

    orders.faults.append(look)
    summary = materialize("storefront/orders")
    assert seen[0] == dict.fromkeys(WINDOWS[:1], 1)
    assert summary.errors == [] and len(instance.get_runs()) == 1
    assert recorded(instance) == dict.fromkeys(WINDOWS, 1)
    assert summary.lines["storefront/orders"].rows == 4
    assert warehouse.ids("storefront.orders") == [1, 2, 3, 4]


def test_windows_that_fail_in_one_load_do_not_keep_the_next_one_out(
    orders, warehouse, instance, materialize, two_loads
):
    break_windows(orders, *WINDOWS[:2])
    [error] = materialize("storefront/orders").errors
    assert all(f"no {window}" in error for window in WINDOWS[:2])
    assert warehouse.ids("storefront.orders") == [3, 4]
    assert recorded(instance) == dict.fromkeys(WINDOWS[2:], 1)
    assert shown_as_failed(instance) == set(WINDOWS[:2])


def test_after_a_revoked_key_the_loads_that_are_left_are_not_tried_and_are_named(
    orders, warehouse, instance, materialize, two_loads
):
    break_windows(orders, WINDOWS[1], status=401)
    [error] = materialize("storefront/orders").errors
    assert f"{WINDOWS[2]}, {WINDOWS[3]}: not read" in error or f"{WINDOWS[2]} to {WINDOWS[3]}: not read" in error, error
    assert set(asked(orders)) == set(WINDOWS[:2])
    assert shown_as_failed(instance) == set(WINDOWS[1:])
    assert warehouse.ids("storefront.orders") == [1] and recorded(instance) == {WINDOWS[0]: 1}


@pytest.mark.journey
def test_a_retry_reads_only_the_loads_that_are_left(orders, warehouse, instance, materialize, two_loads, waits):
    break_windows(orders, WINDOWS[3], status=503, times=1 + 3)
    assert materialize("storefront/orders").errors == []
    assert [asked(orders).count(window) for window in WINDOWS[:3]] == [1, 1, 1]
    assert recorded(instance) == dict.fromkeys(WINDOWS, 1)
    assert warehouse.ids("storefront.orders") == [1, 2, 3, 4]
